//! What was read of a certificate that is handed over, below the fields of its form: the worst first.

use ratatui::layout::Rect;

use super::super::Pen;
use crate::session::Desk;
use crate::text;
use crate::tui::form::{Form, Purpose};
use crate::tui::pages::wrap;
use crate::tui::theme::Meaning;
use crate::view::{self, Level};
use crate::x509::{CertificateError, GivenError};

/// A piece of a line, with the glyph of its level where the line begins.
type Piece = (Level, Option<&'static str>, String);

/// What there is to say, in lines of so many columns.
pub(super) fn pieces(desk: &Desk, form: &Form, columns: u16) -> Vec<Piece> {
    let room = usize::from(columns.saturating_sub(6));
    let wrapped = |(level, text): (Level, String)| {
        let pieces = wrap(&text::sanitize(&text), room).into_iter().enumerate();
        pieces.map(move |(at, piece)| (level, (at == 0).then(|| level.glyph()), piece))
    };
    lines(desk, form).into_iter().flat_map(wrapped).collect()
}

pub(super) fn draw(pen: &mut Pen, pieces: &[Piece], area: Rect) {
    if area.height < 2 {
        return;
    }
    let line = "─".repeat(area.width.into());
    pen.put(area.x, area.y, area.right(), &line, Meaning::Border);
    let shown = usize::from(area.height - 1);
    for (y, (level, glyph, piece)) in (area.y + 1..area.bottom()).zip(pieces) {
        let x = area.x + 2;
        pen.put(x, y, area.right(), glyph.unwrap_or(" "), *level);
        let meaning = if level.problem() { Meaning::from(*level) } else { Meaning::Text };
        pen.put(x + 2, y, area.right(), piece, meaning);
    }
    if pieces.len() > shown {
        let more = format!(" ▼ {} ", text::plural(pieces.len() - shown, "line", "lines"));
        pen.put_right(area.x, area.bottom() - 1, area.right(), &more, Meaning::Muted);
    }
}

/// What is wrong with what was handed over, then what is to be said of it.
fn lines(desk: &Desk, form: &Form) -> Vec<(Level, String)> {
    let (Some(handing), Purpose::Plan(request)) = (form.handing(), &form.purpose) else { return Vec::new() };
    let (_, secret) = request.subject();
    let mut lines = match &handing.chain {
        Ok(chain) => view::handed(&desk.world, secret, chain, form.says_yes("other-names"), desk.now),
        Err(CertificateError::Empty) => {
            let text = "Nothing is read yet: paste the certificate with those that issued it, and its private key.";
            return vec![(Level::Info, text.to_owned())];
        }
        Err(_) => Vec::new(),
    };
    match &handing.given {
        Ok(given) => {
            let order = given.reordered.then_some("they are put in order, the leaf first");
            let root = given.root.is_some().then_some("the root among them goes into ca.crt, where there is one");
            let notes = [Some("private key: it belongs to this certificate"), order, root].into_iter().flatten();
            lines.extend(notes.map(|note| (Level::Ok, note.to_owned())));
        }
        Err(GivenError::NoKey) => lines.push((Level::Info, "private key: there is none yet".to_owned())),
        Err(error) => lines.insert(0, (Level::Critical, error.to_string())),
    }
    lines
}
