//! The top line: which cluster, which part of it, as whom; what must not be overlooked; and whether it answers.

use ratatui::layout::Rect;

use super::super::App;
use super::super::layout::FOUR_PANES;
use super::super::theme::Meaning;
use super::Pen;
use crate::session::Desk;
use crate::text;
use crate::view::{self, Level, Sight};

/// The most of a pinned filter that is said here; the frames have room for more.
const PINNED: usize = 24;

/// `holdfast  context  host  namespaces  user      PINNED /filter  PROTECTED  ▲ login 42m left  ✓ connected`
pub(super) fn draw(pen: &mut Pen, app: &App, desk: &Desk, area: Rect) {
    let context = &desk.world.context;
    let wide = area.width >= FOUR_PANES.0;
    pen.fill(area, Meaning::Header);
    let mut right = area.right();
    for (said, meaning) in notes(app, desk, wide) {
        let width = u16::try_from(text::width(&said)).unwrap_or(u16::MAX);
        let at = right.saturating_sub(width).max(area.x);
        if matches!(meaning, Meaning::Badge | Meaning::Filter) {
            pen.put(at, area.y, right, &said, meaning);
        } else {
            pen.on(Meaning::Header).put(at, area.y, right, &said, meaning);
        }
        right = at;
    }
    let user = context.user.as_deref().unwrap_or("user not known yet");
    let server = context.server.trim_start_matches("https://");
    let namespaces = namespaces(desk);
    let mut pen = pen.on(Meaning::Header);
    let place = (&*namespaces, if context.narrowed { Meaning::Warn } else { Meaning::Muted });
    let mut said = vec![(&*context.name, Meaning::Title), (server, Meaning::Muted), place, (user, Meaning::Muted)];
    // Where it is narrow, the end is cut off: what one looks at comes before how one looks at it.
    if !wide {
        said.swap(1, 2);
    }
    let mut x = if wide { pen.put(area.x, area.y, right, " holdfast ", Meaning::Accent) } else { area.x };
    for (said, meaning) in said {
        x = pen.put(x, area.y, right, " ", Meaning::Muted);
        x = pen.put(x, area.y, right, &text::sanitize(said), meaning);
        x = pen.put(x, area.y, right, " ", Meaning::Muted);
    }
}

fn namespaces(desk: &Desk) -> String {
    let context = &desk.world.context;
    match context.namespaces.as_slice() {
        [] => "all namespaces".to_owned(),
        names if context.narrowed => format!("allowed only {}", text::list(names)),
        names => text::list(names),
    }
}

/// What stands on the right, the rightmost first.
fn notes(app: &App, desk: &Desk, wide: bool) -> Vec<(String, Meaning)> {
    let context = &desk.world.context;
    let said = |sight: Sight| (format!(" {} {} ", sight.level.glyph(), sight.word), Meaning::from(sight.level));
    let mut notes = vec![said(view::connection(&desk.world, desk.now))];
    let login = view::login(context.login_ends, desk.now);
    if wide || login.level != Level::Ok {
        notes.push(said(login));
    }
    if context.read_only {
        notes.push((" READ-ONLY ".to_owned(), Meaning::Badge));
    }
    if context.protected {
        notes.push((" PROTECTED ".to_owned(), Meaning::Badge));
    }
    let pinned = app.panes.pinned.text();
    if !pinned.is_empty() {
        let pinned = text::sanitize(pinned);
        notes.push((format!(" PINNED /{} ", text::truncate(&pinned, PINNED)), Meaning::Filter));
    }
    notes
}
