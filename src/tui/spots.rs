//! What stands where on a frame. Drawing notes it and the mouse asks for it, so a click means what was seen there,
//! even when the rows have moved since.

use ratatui::layout::Rect;

use super::action::ActionId;
use crate::model::Key;
use crate::view::Pane;

/// What the mouse can be on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The ground of what lies on top: it hides what is beneath and means nothing itself.
    Ground,
    /// A pane.
    Pane(Pane),
    /// A row of a pane.
    Row(Pane, Key),
    /// The heading of a column of a pane, by its place in the pane's registry.
    Heading(Pane, usize),
    /// A view or a page that takes the whole body.
    Page,
    /// A row of a view that is a list.
    Listed(Key),
    /// The links of an object.
    Links,
    /// One of them.
    Link(Key),
    /// A line of a list to choose from: action menu, palette.
    Choice(usize),
    /// The name of an action, with its key: key bar, tabs.
    Hint(ActionId),
    /// The hint that typed text is accepted.
    Accept,
    /// The hint that typed text is given up.
    GiveUp,
}

/// What stands where on a frame; what was noted later lies on top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spots(Vec<(Rect, Spot)>);

impl Spots {
    /// Notes what stands in an area.
    pub fn note(&mut self, area: Rect, spot: Spot) {
        self.0.push((area, spot));
    }

    /// What stands at a column and line.
    pub fn at(&self, column: u16, line: u16) -> Option<&Spot> {
        let here = |area: &Rect| area.contains((column, line).into());
        self.0.iter().rev().find(|(area, _)| here(area)).map(|(_, spot)| spot)
    }

    /// Everything that was noted, what lies on top last.
    pub fn iter(&self) -> impl Iterator<Item = &(Rect, Spot)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_later_lies_on_top() {
        let mut spots = Spots::default();
        spots.note(Rect::new(0, 0, 10, 5), Spot::Page);
        spots.note(Rect::new(2, 1, 3, 1), Spot::Choice(4));
        assert_eq!(spots.at(2, 1), Some(&Spot::Choice(4)));
        assert_eq!([spots.at(5, 1), spots.at(2, 2)], [Some(&Spot::Page); 2]);
        assert_eq!([spots.at(10, 0), spots.at(0, 5)], [None; 2]);
    }
}
