//! From what a terminal reports of its mouse to what a person means by it: which spot, clicked once or twice, or the
//! wheel turned on it. Movements, other buttons and releases mean nothing.

use std::time::{Duration, Instant};

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::app::Input;
use super::spots::{Spot, Spots};

/// A second press within this time, at the same place, makes a double click.
const DOUBLE: Duration = Duration::from_millis(400);

/// What is done with the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    /// The first button was pressed.
    Click,
    /// It was pressed twice.
    DoubleClick,
    /// The wheel was turned, to see what is above.
    WheelUp,
    /// The wheel was turned, to see what is below.
    WheelDown,
}

/// Remembers the last press, to know a double click.
#[derive(Debug, Default)]
pub struct Mouse {
    last: Option<(Instant, (u16, u16), Spot)>,
}

impl Mouse {
    /// What an event means on a frame; `None` for what means nothing.
    pub fn input(&mut self, event: MouseEvent, spots: &Spots, now: Instant) -> Option<Input> {
        let spot = spots.at(event.column, event.row)?.clone();
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.press(now, (event.column, event.row), spot),
            MouseEventKind::ScrollUp => Some(Input::Mouse(Gesture::WheelUp, spot)),
            MouseEventKind::ScrollDown => Some(Input::Mouse(Gesture::WheelDown, spot)),
            _ => None,
        }
    }

    fn press(&mut self, now: Instant, at: (u16, u16), spot: Spot) -> Option<Input> {
        let before = self.last.take();
        let before = before.filter(|(when, place, _)| now.duration_since(*when) < DOUBLE && *place == at);
        match before {
            None => {
                self.last = Some((now, at, spot.clone()));
                Some(Input::Mouse(Gesture::Click, spot))
            }
            Some((_, _, first)) if first == spot => Some(Input::Mouse(Gesture::DoubleClick, spot)),
            // The first press brought something else under the pointer, which nobody meant.
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Pane;
    use crossterm::event::KeyModifiers;
    use ratatui::layout::Rect;

    fn event(kind: MouseEventKind, column: u16) -> MouseEvent {
        MouseEvent { kind, column, row: 0, modifiers: KeyModifiers::NONE }
    }

    fn spots(first: Spot) -> Spots {
        let mut spots = Spots::default();
        spots.note(Rect::new(0, 0, 5, 1), first);
        spots.note(Rect::new(5, 0, 5, 1), Spot::Page);
        spots
    }

    /// What presses mean, each at a time and a column on a frame that begins with this.
    fn pressed(presses: &[(u64, u16, Spot)]) -> Vec<Option<Gesture>> {
        let (mut mouse, start) = (Mouse::default(), Instant::now());
        let gesture = |input| match input {
            Some(Input::Mouse(gesture, _)) => Some(gesture),
            _ => None,
        };
        let press = |(after, column, first): &(u64, u16, Spot)| {
            let down = event(MouseEventKind::Down(MouseButton::Left), *column);
            gesture(mouse.input(down, &spots(first.clone()), start + Duration::from_millis(*after)))
        };
        presses.iter().map(press).collect()
    }

    #[test]
    fn two_presses_at_one_place_are_a_double_click() {
        use Gesture::{Click, DoubleClick};
        let on = |after, column| (after, column, Spot::Pane(Pane::Volumes));
        assert_eq!(pressed(&[on(0, 1), on(300, 1)]), [Some(Click), Some(DoubleClick)]);
        assert_eq!(pressed(&[on(0, 1), on(400, 1)]), [Some(Click), Some(Click)], "too late");
        assert_eq!(pressed(&[on(0, 1), on(100, 2)]), [Some(Click), Some(Click)], "elsewhere");
        assert_eq!(pressed(&[on(0, 1), on(100, 1), on(200, 1)]), [Some(Click), Some(DoubleClick), Some(Click)]);
        assert_eq!(pressed(&[on(0, 11)]), [None], "nothing stands there");
    }

    #[test]
    fn a_second_press_on_what_came_up_meanwhile_means_nothing() {
        let presses = [(0, 1, Spot::Choice(0)), (200, 1, Spot::Choice(1))];
        assert_eq!(pressed(&presses), [Some(Gesture::Click), None]);
    }

    #[test]
    fn the_wheel_is_turned_on_what_is_under_it_and_the_rest_means_nothing() {
        let mut mouse = Mouse::default();
        let mut input = |kind, column| mouse.input(event(kind, column), &spots(Spot::Links), Instant::now());
        assert!(matches!(input(MouseEventKind::ScrollUp, 1), Some(Input::Mouse(Gesture::WheelUp, Spot::Links))));
        assert!(matches!(input(MouseEventKind::ScrollDown, 6), Some(Input::Mouse(Gesture::WheelDown, Spot::Page))));
        for kind in [
            MouseEventKind::Moved,
            MouseEventKind::Up(MouseButton::Left),
            MouseEventKind::Drag(MouseButton::Left),
            MouseEventKind::Down(MouseButton::Right),
            MouseEventKind::Down(MouseButton::Middle),
            MouseEventKind::ScrollLeft,
        ] {
            assert!(input(kind, 1).is_none(), "{kind:?}");
        }
    }
}
