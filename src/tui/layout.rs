//! Where the parts of the screen are. Used for drawing and for knowing how many rows a page has.
//!
//! ```text
//! large                              small
//! header                             header
//! ╭ 1 Volumes ─╮╭ 2 Restore points ╮ tabs
//! │            ││                  │ ╭ 1 Volumes ──╮
//! ╰────────────╯╰──────────────────╯ │             │
//! ╭ 3 Certific ╮╭ 4 Findings ──────╮ ╰─────────────╯
//! ╰────────────╯╰──────────────────╯ operations, one line
//! ╭ Operations ────────────────────╮ keys
//! keys
//! ```

use ratatui::layout::Rect;

use crate::view::Pane;

/// The least size on which four panes show at once.
pub const FOUR_PANES: (u16, u16) = (110, 30);

/// The least size on which every screen shows all that it is for: a confirmation its whole target, the line to type
/// into and what `enter` does. On less nothing is shown, and nothing can be done but leave.
pub const LEAST: (u16, u16) = (60, 16);

/// Where the parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// Context, identity, connection.
    pub header: Rect,
    /// Names of the panes, where only one is shown.
    pub tabs: Option<Rect>,
    /// Each pane that is shown.
    pub panes: [Option<Rect>; Pane::ALL.len()],
    /// Everything between header and operations: where views are drawn.
    pub body: Rect,
    /// The operations strip.
    pub strip: Rect,
    /// The key bar.
    pub bar: Rect,
}

impl Areas {
    /// Divides the screen.
    pub fn of(screen: Rect, focus: Pane, zoom: bool, operations: usize) -> Self {
        let large = screen.width >= FOUR_PANES.0 && screen.height >= FOUR_PANES.1;
        let shown = u16::try_from(operations.clamp(1, 3)).unwrap_or(1);
        let strip_height = if large { shown + 2 } else { 1 };
        let (header, rest) = top(screen, 1);
        let (rest, bar) = bottom(rest, 1);
        let (body, strip) = bottom(rest, strip_height);
        let mut panes = [None; Pane::ALL.len()];
        let four = large && !zoom;
        let tabs = (!four).then(|| top(body, 1).0);
        if four {
            let (upper, lower) = top(body, body.height.div_ceil(2));
            for (row, area) in [upper, lower].into_iter().enumerate() {
                let (left, right) = split(area);
                panes[row * 2] = Some(left);
                panes[row * 2 + 1] = Some(right);
            }
        } else {
            panes[focus.index()] = Some(top(body, 1).1);
        }
        Self { header, tabs, panes, body, strip, bar }
    }

    /// How many rows a pane shows below its frame and heading.
    pub fn rows(&self, pane: Pane) -> usize {
        self.panes[pane.index()].map_or(1, |area| area.height.saturating_sub(3).max(1).into())
    }

    /// How many cells the columns of a pane have, beside its frame, its gutter and the blank before the right edge;
    /// `None` when it is not shown.
    pub fn columns(&self, pane: Pane) -> Option<u16> {
        self.panes[pane.index()].map(|area| area.width.saturating_sub(4))
    }

    /// How many lines at the foot of the list of problems tell about the selected one.
    pub fn about(body: Rect) -> u16 {
        4.min(body.height.saturating_sub(2) / 3)
    }

    /// How many problems are listed above that, below the heading.
    pub fn problems(&self) -> usize {
        self.page().saturating_sub(1 + usize::from(Self::about(self.body))).max(1)
    }

    /// How many operations the list of operations shows.
    pub fn operations(&self) -> usize {
        self.page().saturating_sub(1).max(1)
    }

    /// How many lines a framed view shows.
    pub fn page(&self) -> usize {
        self.body.height.saturating_sub(2).max(1).into()
    }
}

/// A dialog of at most this size in the middle of an area.
pub fn dialog(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 3, width, height }
}

/// The first lines of an area, and the rest.
pub fn top(area: Rect, lines: u16) -> (Rect, Rect) {
    let lines = lines.min(area.height);
    (Rect { height: lines, ..area }, Rect { y: area.y + lines, height: area.height - lines, ..area })
}

/// The area without its last lines, and these.
pub fn bottom(area: Rect, lines: u16) -> (Rect, Rect) {
    top(area, area.height.saturating_sub(lines))
}

/// The left and the right half.
pub fn split(area: Rect) -> (Rect, Rect) {
    let left = area.width.div_ceil(2);
    (Rect { width: left, ..area }, Rect { x: area.x + left, width: area.width - left, ..area })
}

/// An area without its frame.
pub fn inside(area: Rect) -> Rect {
    area.inner(ratatui::layout::Margin { horizontal: 1, vertical: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_screen_and_never_overlap() {
        for (width, height, zoom) in
            [(120, 36, false), (120, 36, true), (80, 24, false), (200, 60, false), (10, 4, false)]
        {
            let screen = Rect::new(0, 0, width, height);
            let areas = Areas::of(screen, Pane::Certificates, zoom, 1);
            let panes: u32 = areas.panes.iter().flatten().map(|area| area.area()).sum();
            let rest = [Some(areas.header), areas.tabs, Some(areas.strip), Some(areas.bar)];
            let rest: u32 = rest.iter().flatten().map(|area| area.area()).sum();
            assert_eq!(panes + rest, screen.area(), "{width}x{height}");
            assert_eq!(areas.panes.iter().flatten().count(), if areas.tabs.is_none() { 4 } else { 1 });
        }
    }
}
