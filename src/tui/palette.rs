//! The command that is typed after `:`: what it means so far, and what it may become.
//!
//! Knows the registry and the text, and nothing of the cluster; values of arguments come from
//! [`App`](super::App).

use ratatui_textarea::TextArea;

use super::action::{ACTIONS, Action, ActionId, Availability};
use super::app::Value;
use super::fuzzy;
use super::theme::Theme;

/// A command being typed.
#[derive(Clone, Debug)]
pub struct Palette {
    /// What is typed.
    pub line: Box<TextArea<'static>>,
    /// Which of the lines has the cursor.
    pub place: usize,
    /// Whether somebody moved it there.
    pub moved: bool,
    /// Which command of the history stands in the line, while one walks there.
    pub walked: Option<usize>,
    /// The colours before one was tried on.
    pub before: Theme,
}

/// One line of the palette.
#[derive(Clone, Debug)]
pub enum Listed {
    /// A command, and whether it can be run now.
    Command(&'static Action, Availability),
    /// A value for the command that is typed.
    Value(Value),
}

/// A command as it is typed so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed<'a> {
    /// Its name, perhaps not whole yet.
    pub name: &'a str,
    /// What follows the name, once a space ended that.
    pub argument: Option<&'a str>,
}

impl<'a> Typed<'a> {
    /// Reads a line.
    pub fn read(line: &'a str) -> Self {
        let line = line.trim_start();
        match line.split_once(char::is_whitespace) {
            Some((name, argument)) => Self { name, argument: Some(argument.trim_start()) },
            None => Self { name: line, argument: None },
        }
    }

    /// The action that is named whole, by its name or another.
    pub fn action(&self) -> Option<&'static Action> {
        ACTIONS.iter().find(|action| action.name == self.name || action.aliases.contains(&self.name))
    }

    /// The action whose values are being typed.
    pub fn valued(&self) -> Option<(&'static Action, &'a str)> {
        let action = self.action().filter(|action| action.argument.is_some())?;
        Some((action, self.argument?))
    }

    /// The commands that fit the name.
    pub fn commands(&self) -> Vec<&'static Action> {
        let commands = ACTIONS.iter().filter(|action| !moves(action.id));
        fuzzy::rank(self.name, commands, |action, fits| {
            let names = std::iter::once(&action.name).chain(action.aliases);
            names.filter_map(|name| fits(name)).max()
        })
    }
}

/// The last of several values, which is the one being typed, and what stands before it.
pub fn last_piece(argument: &str) -> (&str, &str) {
    let start = argument.rfind([',', ' ']).map_or(0, |at| at + 1);
    argument.split_at(start)
}

/// What only makes sense as a key.
fn moves(id: ActionId) -> bool {
    use ActionId as Id;
    matches!(
        id,
        Id::Down
            | Id::Up
            | Id::Top
            | Id::Bottom
            | Id::HalfDown
            | Id::HalfUp
            | Id::PageDown
            | Id::PageUp
            | Id::Palette
            | Id::Back
            | Id::Leave
            | Id::StepIn
            | Id::StepOut
            | Id::Fold
            | Id::Earlier
            | Id::Later
            | Id::PanBack
            | Id::PanOn
            | Id::ZoomIn
            | Id::ZoomOut
            | Id::Now
            | Id::Proceed
            | Id::ToggleColumn
            | Id::ResetColumns
            | Id::NextField
            | Id::PreviousField
            | Id::Submit
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", "", None)]
    #[case("the", "the", None)]
    #[case("theme ", "theme", Some(""))]
    #[case(" theme  dark", "theme", Some("dark"))]
    #[case("ns a, b ", "ns", Some("a, b "))]
    fn a_line_is_a_name_and_perhaps_an_argument(
        #[case] line: &str,
        #[case] name: &str,
        #[case] argument: Option<&str>,
    ) {
        assert_eq!(Typed::read(line), Typed { name, argument });
    }

    #[rstest]
    #[case("pvc", "volumes")]
    #[case("snap", "restore-points")]
    #[case("cert", "certificates")]
    #[case("ns", "namespace")]
    #[case("ctx", "context")]
    #[case("q", "quit")]
    #[case("prob", "problems")]
    #[case("rp", "restore-points")]
    #[case("stu", "sort-turn")]
    fn the_first_command_is_the_one_that_hands_mean(#[case] typed: &str, #[case] first: &str) {
        assert_eq!(Typed::read(typed).commands()[0].name, first);
    }

    #[rstest]
    #[case("", "", "")]
    #[case("sh", "", "sh")]
    #[case("shop ba", "shop ", "ba")]
    #[case("shop,ba", "shop,", "ba")]
    #[case("shop, ", "shop, ", "")]
    fn of_several_values_the_last_is_being_typed(#[case] all: &str, #[case] before: &str, #[case] last: &str) {
        assert_eq!(last_piece(all), (before, last));
    }
}
