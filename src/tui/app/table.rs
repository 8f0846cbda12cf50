//! What actions do to the table of a pane: its order, its columns, its marks.

use super::super::action::ActionId;
use super::super::layer::Layer;
use super::App;
use super::values::NONE;
use crate::session::Desk;
use crate::view::{GroupBy, Level, Sort};

impl App {
    /// Does one of the actions that arrange a table.
    pub(super) fn arrange(&mut self, desk: &Desk, id: ActionId, argument: Option<&str>) {
        match id {
            ActionId::OnlyProblems => self.panes.ask(|query| query.only_problems = !query.only_problems),
            ActionId::Sort => self.sort(desk, argument),
            ActionId::Group => self.group(desk, argument),
            ActionId::SortTurn => self.panes.sort_turn(),
            ActionId::Mark => {
                self.panes.mark(desk);
                self.step(desk, |place, _| place.saturating_add(1));
            }
            ActionId::MarkRange => self.panes.mark_range(desk),
            ActionId::Unmark => self.panes.unmark(),
            ActionId::Columns => self.layers.push(Layer::Columns(self.panes.focus, 0)),
            ActionId::ToggleColumn | ActionId::ResetColumns => {
                if let Some(Layer::Columns(pane, place)) = self.layers.last() {
                    let (pane, place) = (*pane, *place);
                    if id == ActionId::ToggleColumn {
                        self.panes.toggle_column(pane, place);
                    } else {
                        self.panes.reset_columns(pane);
                    }
                }
            }
            ActionId::ColumnsLeft => {
                let state = self.panes.focused();
                state.skip = state.skip.saturating_sub(1);
            }
            ActionId::ColumnsRight => self.panes.focused().skip += 1,
            _ => {}
        }
    }

    fn group(&mut self, desk: &Desk, argument: Option<&str>) {
        let Some(word) = argument else { return self.panes.group_next() };
        let by = GroupBy::parse(word);
        if by.is_some() || word == NONE {
            self.panes.group_by(by);
        } else {
            let words = GroupBy::ALL.map(GroupBy::word).join(", ");
            let why = format!("findings are not put together by {word}; by {words}, or {NONE}");
            self.say(desk, Level::Warn, why);
        }
    }

    fn sort(&mut self, desk: &Desk, argument: Option<&str>) {
        let Some(name) = argument else {
            self.panes.sort_next();
            return;
        };
        match self.panes.focus.column(name) {
            Ok(column) => self.panes.ask(|query| query.sort = Sort::By { column, descending: false }),
            Err(why) => self.say(desk, Level::Warn, why),
        }
    }
}
