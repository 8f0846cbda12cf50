//! How many colours a terminal shows, as far as its environment tells, and the nearest it has to a colour.
//!
//! Pure: the environment is a parameter. Nothing is asked of the terminal itself, since an answer that never comes
//! would keep the first frame waiting.

use ratatui::style::Color;

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// None that can be counted on.
    Mono,
    /// Its own sixteen.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// Any.
    #[default]
    True,
}

/// Terminals of true colour that say so by their name alone; over ssh it is all that arrives of them.
const TRUE_COLOUR: &[&str] = &["xterm-kitty", "xterm-ghostty", "alacritty", "wezterm", "foot", "contour"];
/// Terminals without colour.
const COLOURLESS: &[&str] = &["dumb", "vt1", "vt2", "vt3"];
/// The six steps of each of red, green and blue in the cube of colours 16 to 231.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl Depth {
    /// What the environment says, given by name.
    ///
    /// `COLORTERM` is believed (inside tmux too, which turns colours into what the outer terminal has) but for two
    /// that garble such colours or have sixteen of their own: GNU screen, and the Linux console.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let is = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
        if is(COLOURLESS) || term.ends_with("-mono") {
            return Self::Mono;
        }
        let says_so = matches!(variable("COLORTERM").as_deref(), Some("truecolor" | "24bit"));
        let in_tmux = variable("TMUX").is_some_and(|value| !value.is_empty());
        let gnu_screen = is(&["screen"]) && !in_tmux;
        if is(TRUE_COLOUR) || term.ends_with("-direct") || says_so && term != "linux" && !gnu_screen {
            Self::True
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }

    /// A colour as this terminal shows it. Names and numbers are the terminal's own and stay; true colours become
    /// the nearest of the 256 where it does not say that it has them, as nearly every terminal has those.
    pub(super) fn fit(self, colour: Color) -> Color {
        match colour {
            Color::Rgb(r, g, b) if self != Self::True => Color::Indexed(nearest([r, g, b])),
            other => other,
        }
    }
}

/// The nearest of the colours 16 to 255: a cube of six steps a side, then 24 greys. The first sixteen are left out,
/// for people choose those themselves. Distance as tmux reckons it: straight, in red, green and blue.
fn nearest(rgb: [u8; 3]) -> u8 {
    let distance = |index: &u8| {
        let parts = indexed(*index).into_iter().zip(rgb);
        parts.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum::<u32>()
    };
    (16..=u8::MAX).min_by_key(distance).unwrap_or(u8::MAX)
}

/// Red, green and blue of a colour from 16 on, as xterm has them.
pub(in crate::tui) fn indexed(index: u8) -> [u8; 3] {
    match index.saturating_sub(16) {
        grey @ 216.. => [8 + 10 * (grey - 216); 3],
        cube => [cube / 36, cube / 6 % 6, cube % 6].map(|step| STEPS[usize::from(step)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::what_terminals_say("TERM=xterm-256color COLORTERM=truecolor", Depth::True)]
    #[case::the_other_word_for_it("TERM=xterm-256color COLORTERM=24bit", Depth::True)]
    #[case::over_ssh_only_the_name_arrives("TERM=xterm-256color", Depth::Indexed)]
    #[case::a_word_that_promises_nothing("TERM=xterm-256color COLORTERM=yes", Depth::Indexed)]
    #[case::a_name_that_says_it("TERM=xterm-kitty", Depth::True)]
    #[case::terminfo_of_true_colour("TERM=xterm-direct", Depth::True)]
    #[case::tmux("TERM=tmux-256color TMUX=/tmp/tmux-0/default,1,0", Depth::Indexed)]
    #[case::tmux_that_was_told("TERM=tmux-256color TMUX=/tmp/t COLORTERM=truecolor", Depth::True)]
    #[case::tmux_by_its_old_name("TERM=screen-256color TMUX=/tmp/t COLORTERM=truecolor", Depth::True)]
    #[case::screen_garbles_true_colour("TERM=screen-256color COLORTERM=truecolor", Depth::Indexed)]
    #[case::screen_of_sixteen("TERM=screen COLORTERM=truecolor", Depth::Sixteen)]
    #[case::the_linux_console("TERM=linux COLORTERM=truecolor", Depth::Sixteen)]
    #[case::an_old_xterm("TERM=xterm", Depth::Sixteen)]
    #[case::nothing_said("", Depth::Sixteen)]
    #[case::dumb("TERM=dumb", Depth::Mono)]
    #[case::a_serial_terminal("TERM=vt220", Depth::Mono)]
    fn the_environment_tells_how_many_colours_there_are(#[case] environment: &str, #[case] depth: Depth) {
        let variable = |name: &str| {
            let mut set = environment.split(' ').filter_map(|pair| pair.split_once('='));
            set.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
        };
        assert_eq!(Depth::of(variable), depth);
    }

    #[test]
    fn each_of_the_256_is_nearest_to_itself() {
        for index in 16..=u8::MAX {
            assert_eq!(indexed(nearest(indexed(index))), indexed(index), "{index}");
        }
    }

    #[rstest]
    #[case([255, 135, 0], 208)]
    #[case([15, 20, 27], 233)]
    #[case([251, 250, 247], 231)]
    #[case([152, 161, 173], 247)]
    fn a_colour_becomes_the_nearest(#[case] rgb: [u8; 3], #[case] index: u8) {
        assert_eq!(nearest(rgb), index);
    }

    #[test]
    fn only_true_colours_change_and_only_where_they_are_not_shown() {
        let [red, sky] = [Color::Red, Color::Rgb(0x87, 0xaf, 0xff)];
        assert_eq!([Depth::True.fit(sky), Depth::Indexed.fit(sky)], [sky, Color::Indexed(111)]);
        assert_eq!([Depth::Sixteen.fit(red), Depth::Indexed.fit(Color::Reset)], [red, Color::Reset]);
    }
}
