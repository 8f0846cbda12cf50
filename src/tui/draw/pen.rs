//! Puts text on the screen by meaning, cut at an edge, on a ground that lies beneath; and notes what stands where.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use ratatui_textarea::TextArea;

use super::super::spots::{Spot, Spots};
use super::super::theme::{Meaning, Theme};

/// Draws with a theme.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    spots: &'a mut Spots,
    theme: &'a Theme,
    ground: Style,
}

/// A piece of a title.
pub type Piece<'a> = (&'a str, Meaning);

impl<'a> Pen<'a> {
    /// A pen on the ordinary ground.
    pub fn new(buffer: &'a mut Buffer, spots: &'a mut Spots, theme: &'a Theme) -> Self {
        // What lies beneath must not shine through where a theme leaves something to the terminal.
        Self { buffer, spots, theme, ground: Style::reset().patch(theme.style(Meaning::Text)) }
    }

    /// Notes what the mouse is on in this area.
    pub fn note(&mut self, area: Rect, spot: Spot) {
        self.spots.note(area, spot);
    }

    /// The whole screen.
    pub fn screen(&self) -> Rect {
        self.buffer.area
    }

    /// A pen whose texts stand on this meaning's ground.
    pub fn on(&mut self, ground: Meaning) -> Pen<'_> {
        let ground = self.ground.patch(self.theme.style(ground));
        Pen { buffer: self.buffer, spots: self.spots, theme: self.theme, ground }
    }

    /// Empties an area.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
                self.buffer[(x, y)].set_style(self.ground);
            }
        }
    }

    /// Gives an area a ground.
    pub fn fill(&mut self, area: Rect, meaning: Meaning) {
        let style = self.ground.patch(self.theme.style(meaning));
        self.buffer.set_style(area, style);
    }

    /// Puts one line of text before column `end`; says where it ends. What a terminal would obey or not show is made
    /// visible here once more, so that no text of a cluster reaches it by a way that forgot to.
    pub fn put(&mut self, x: u16, y: u16, end: u16, text: &str, meaning: impl Into<Meaning>) -> u16 {
        let end = end.min(self.buffer.area.right());
        if x >= end || y >= self.buffer.area.bottom() {
            return x.min(end);
        }
        let room = usize::from(end - x);
        let text = crate::text::sanitize(text);
        let cut = crate::text::truncate(&text, room);
        let style = self.style(meaning.into());
        self.buffer.set_stringn(x, y, &cut, room, style).0
    }

    /// Puts text so that it ends at column `end`.
    pub fn put_right(&mut self, x: u16, y: u16, end: u16, text: &str, meaning: impl Into<Meaning>) {
        let width = u16::try_from(crate::text::width(text)).unwrap_or(u16::MAX);
        self.put(end.saturating_sub(width).max(x), y, end, text, meaning);
    }

    /// A frame with a title on the left and another on the right of its upper edge.
    pub fn frame(&mut self, area: Rect, left: &[Piece], right: &[Piece], focused: bool) {
        self.frame_in(area, left, right, if focused { Meaning::Focus } else { Meaning::Border });
    }

    /// The same with a frame that means something itself.
    pub fn frame_in(&mut self, area: Rect, left: &[Piece], right: &[Piece], meaning: Meaning) {
        self.clear(area);
        if area.width < 6 || area.height < 2 {
            return;
        }
        let line = "─".repeat(usize::from(area.width) - 2);
        let (last, edge) = (area.bottom() - 1, area.right());
        self.put(area.x, area.y, edge, &format!("╭{line}╮"), meaning);
        self.put(area.x, last, edge, &format!("╰{line}╯"), meaning);
        for y in area.y + 1..last {
            self.put(area.x, y, edge, "│", meaning);
            self.put(edge - 1, y, edge, "│", meaning);
        }
        let width: usize = right.iter().map(|(text, _)| crate::text::width(text)).sum();
        let width = u16::try_from(width).unwrap_or(u16::MAX);
        let right_at = edge.saturating_sub(width.saturating_add(4)).max(area.x + 2);
        self.title(area.x + 2, area.y, if width > 0 { right_at } else { edge - 2 }, left);
        self.title(right_at, area.y, edge - 2, right);
    }

    fn title(&mut self, x: u16, y: u16, end: u16, pieces: &[Piece]) {
        if pieces.is_empty() || x >= end {
            return;
        }
        let mut x = self.put(x, y, end, " ", Meaning::Text);
        for (text, meaning) in pieces {
            x = self.put(x, y, end, text, *meaning);
        }
        self.put(x, y, end, " ", Meaning::Text);
    }

    /// A line that is typed into.
    pub fn line(&mut self, line: &TextArea, area: Rect) {
        self.editor(line, area, true);
    }

    /// Text that can be edited, with its cursor where it has the keys.
    pub fn editor(&mut self, text: &TextArea, area: Rect, focused: bool) {
        let mut text = text.clone();
        let plain = self.style(Meaning::Text);
        let cursor = self.style(Meaning::Selection).add_modifier(ratatui::style::Modifier::REVERSED);
        text.set_style(plain);
        text.set_cursor_style(if focused { cursor } else { plain });
        text.render(area.intersection(self.buffer.area), self.buffer);
    }

    /// Ordinary text looks as its ground has it: its own ground, that of the screen, would show as a hole.
    fn style(&self, meaning: Meaning) -> Style {
        if meaning == Meaning::Text { self.ground } else { self.ground.patch(self.theme.style(meaning)) }
    }
}
