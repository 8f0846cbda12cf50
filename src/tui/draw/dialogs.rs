//! Dialogs: action menu, the questions before leaving, and the confirmation that takes the names of the target.

use ratatui::layout::Rect;

use super::super::App;
use super::super::action::{Action, ActionId, Availability};
use super::super::layer::{Layer, Naming, Offer};
use super::super::layout::{dialog, inside};
use super::super::pages::wrap;
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::Pen;
use crate::plan::{NUMBER, Plan, departs};
use crate::session::Desk;
use crate::text;
use crate::view::Pane;

pub(super) fn draw(pen: &mut Pen, app: &App, desk: &Desk, layer: &Layer, body: Rect) {
    match layer {
        Layer::Columns(pane, place) => columns(pen, app, *pane, *place, body),
        Layer::Menu(entries, place, _) => menu(pen, app, desk, entries, *place, body),
        Layer::Confirm(offer, naming) => confirm(pen, offer, naming, body),
        Layer::Form(form) => super::form::draw(pen, app, desk, form, body),
        Layer::Waiting(_, what) => {
            let lines = [(format!("Asking the API server {what}."), Meaning::Text)];
            message(pen, "One moment", &lines, body);
        }
        Layer::Quit => {
            let leaves = app.keymap.key(&[ActionId::Leave, ActionId::Quit]);
            let leaves = leaves.map(|key| format!("{key} leaves   ")).unwrap_or_default();
            let interrupted = "An operation is running here. If you leave, it is interrupted after what its journal \
                               holds, and the next start offers to resume it.";
            let lines = [
                (interrupted.to_owned(), Meaning::Text),
                (String::new(), Meaning::Text),
                (format!("{leaves}{} stays", app.keymap.way(ActionId::Back)), Meaning::Key),
            ];
            message(pen, "Leave now?", &lines, body);
        }
        Layer::Switch(name) => {
            let (from, to) = (text::sanitize(&desk.world.context.name), text::sanitize(name));
            let (go, stay) = (app.keymap.way(ActionId::Leave), app.keymap.way(ActionId::Back));
            let interrupted = format!(
                "An operation is running on {from}. If you go to {to}, it is interrupted after what its journal holds; \
                 back on {from} it can be resumed."
            );
            let lines = [
                (interrupted, Meaning::Text),
                (String::new(), Meaning::Text),
                (format!("{go} goes there   {stay} stays"), Meaning::Key),
            ];
            message(pen, "Leave this context now?", &lines, body);
        }
        // The filter is typed in the bottom line; all others cover the body.
        _ => {}
    }
}

/// A dialog of a few sentences.
fn message(pen: &mut Pen, title: &str, lines: &[(String, Meaning)], body: Rect) {
    let widest = lines.iter().map(|(line, _)| text::width(line)).max().unwrap_or(0);
    let width = u16::try_from(widest).unwrap_or(u16::MAX).saturating_add(6).clamp(40, 76).min(body.width);
    let columns = usize::from(width.saturating_sub(6));
    let wrapped = |(line, meaning): &(String, Meaning)| {
        let meaning = *meaning;
        wrap(line, columns).into_iter().map(move |piece| (piece, meaning))
    };
    let lines: Vec<_> = lines.iter().flat_map(wrapped).collect();
    let area = dialog(body, width, u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4));
    pen.frame(area, &[(title, Meaning::Accent)], &[], true);
    let inner = inside(area);
    for (y, (line, meaning)) in (inner.y + 1..inner.bottom()).zip(&lines) {
        pen.put(inner.x + 2, y, inner.right(), line, *meaning);
    }
}

fn menu(pen: &mut Pen, app: &App, desk: &Desk, entries: &[(ActionId, Availability)], place: usize, body: Rect) {
    let count = u16::try_from(entries.len()).unwrap_or(u16::MAX);
    // Lines of air between the entries, where half of the screen has room for them: what the menu is about stays seen.
    let apart = if count.saturating_mul(2).saturating_add(3) <= body.height / 2 { 2 } else { 1 };
    let area = dialog(body, 84, count.saturating_mul(apart).saturating_add(3));
    let about = app.target(desk).and_then(|key| match key {
        crate::model::Key::Object(kind, uid) | crate::model::Key::Place(kind, uid, _) => {
            Some(desk.world.inventory.meta(kind, &uid)?.reference(kind).to_string())
        }
        crate::model::Key::Finding(id) => Some(format!("finding {id}")),
        crate::model::Key::Run(id) => Some(format!("run {id}")),
        crate::model::Key::Operation(id) | crate::model::Key::Notice(id) => Some(id.to_string()),
    });
    let about = text::sanitize(about.as_deref().unwrap_or("nothing selected")).into_owned();
    let shown = usize::from(area.height.saturating_sub(3).div_ceil(apart));
    let first = (place + 1).saturating_sub(shown);
    let below = entries.len().saturating_sub(first + shown);
    let more = format!("▼ {below} below");
    let more: &[_] = if below > 0 { &[(&*more, Meaning::Muted)] } else { &[] };
    pen.frame(area, &[("Actions ", Meaning::Accent), (&about, Meaning::Muted)], more, true);
    let inner = inside(area);
    let entries = entries.iter().enumerate().skip(first);
    for (y, (i, (id, available))) in (inner.y + 1..inner.bottom()).step_by(apart.into()).zip(entries) {
        pen.note(Rect { y, height: 1, ..inner }, Spot::Choice(i));
        let action = Action::of(*id);
        let ground = if i == place { Meaning::Selection } else { Meaning::Text };
        if i == place {
            pen.fill(Rect { y, height: 1, ..inner }, ground);
        }
        let mut pen = pen.on(ground);
        let enabled = *available == Availability::Enabled;
        let letter = action.menu.map(String::from).unwrap_or_default();
        pen.put(inner.x + 2, y, inner.right(), &letter, if enabled { Meaning::Key } else { Meaning::Muted });
        let x = pen.put(inner.x + 5, y, inner.right(), action.short, if enabled { ground } else { Meaning::Muted });
        let (text, meaning) = match available {
            Availability::Enabled => (action.doc, Meaning::Muted),
            Availability::Disabled(why) => (&**why, Meaning::Warn),
        };
        pen.put(x.max(inner.x + 14) + 1, y, inner.right(), &text::sanitize(text), meaning);
    }
}

/// The columns of a pane, each with a box that says whether it is on.
fn columns(pen: &mut Pen, app: &App, pane: Pane, place: usize, body: Rect) {
    let all = pane.columns();
    let height = u16::try_from(all.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = dialog(body, 76, height);
    let title = [("Columns of ", Meaning::Muted), (pane.title(), Meaning::Accent)];
    let (toggle, reset) = (app.keymap.way(ActionId::ToggleColumn), app.keymap.way(ActionId::ResetColumns));
    let keys = format!("{toggle} shows or takes off, {reset} shows all");
    pen.frame(area, &title, &[(&keys, Meaning::Muted)], true);
    let inner = inside(area);
    let first = (place + 1).saturating_sub(inner.height.into());
    for (y, (i, column)) in (inner.y..inner.bottom()).zip(all.iter().enumerate().skip(first)) {
        pen.note(Rect { y, height: 1, ..inner }, Spot::Choice(i));
        let ground = if i == place { Meaning::Selection } else { Meaning::Text };
        if i == place {
            pen.fill(Rect { y, height: 1, ..inner }, ground);
        }
        let mut pen = pen.on(ground);
        let on = !app.panes.state(pane).off.contains(&i);
        let (mark, meaning) = match (column.sticky(), on) {
            (true, _) => ("[always]", Meaning::Muted),
            (false, true) => ("[x]", Meaning::Ok),
            (false, false) => ("[ ]", Meaning::Muted),
        };
        pen.put(inner.x + 1, y, inner.right(), mark, meaning);
        pen.put(inner.x + 10, y, inner.x + 22, column.title, ground);
        pen.put(inner.x + 22, y, inner.right(), column.doc, Meaning::Muted);
    }
}

fn confirm(pen: &mut Pen, offer: &Offer, naming: &Naming, body: Rect) {
    let area = dialog(body, 78, 15);
    let plan = &offer.plan;
    let badge: &[_] = if plan.protected { &[("PROTECTED", Meaning::Badge)] } else { &[] };
    pen.frame(area, &[("Confirm: ", Meaning::Muted), (&text::sanitize(&plan.title), Meaning::Accent)], badge, true);
    let inner = inside(area);
    let subject = &plan.subject;
    let said = [
        ("context", plan.context.as_str()),
        ("API host", plan.server.as_str()),
        ("namespace", subject.object.namespace.as_deref().unwrap_or("(cluster-scoped)")),
        ("object", &subject.object.name),
        ("UID", subject.uid.as_str()),
    ];
    let proven: Vec<&str> = plan.proofs().iter().take(naming.done.len()).map(|proof| proof.of).collect();
    let mut y = inner.y + 1;
    for (label, value) in said {
        pen.put(inner.x + 2, y, inner.right(), label, Meaning::Heading);
        let x = pen.put(inner.x + 13, y, inner.right(), &text::sanitize(value), Meaning::Text);
        if proven.contains(&label) {
            pen.put(x + 2, y, inner.right(), "✓ typed", Meaning::Ok);
        }
        y += 1;
    }
    if let Some(why) = &offer.died {
        for (down, piece) in (1..4).zip(wrap(&text::sanitize(why), inner.width.saturating_sub(4).into())) {
            pen.put(inner.x + 2, y + down, inner.right(), &piece, Meaning::Danger);
        }
        return;
    }
    answer(pen, plan, naming, inner, y);
}

/// Where the next name is typed, from a line on, and what the keys do. On a protected context there are two names.
fn answer(pen: &mut Pen, plan: &Plan, naming: &Naming, inner: Rect, mut y: u16) {
    let proofs = plan.proofs();
    let Some(proof) = proofs.get(naming.done.len()) else { return };
    let last = naming.done.len() + 1 == proofs.len();
    // Lines of air between the parts, where there is room for them.
    let apart = if inner.height > 12 { 2 } else { 1 };
    y += apart - 1;
    let x = pen.put(inner.x + 2, y, inner.right(), "Type ", Meaning::Text);
    let x = pen.put(x, y, inner.right(), &text::sanitize(proof.name), Meaning::Warn);
    let why = match (proofs.len(), last) {
        (1, _) => " to run this plan:".to_owned(),
        (_, false) if proof.of == "context" => ", the protected context:".to_owned(),
        (_, false) => format!(", the {}, and then a number:", proof.of),
        (_, true) => format!(", the {}, to run this plan:", proof.of),
    };
    pen.put(x, y, inner.right(), &why, Meaning::Text);
    y += apart;
    pen.put(inner.x + 2, y, inner.right(), "›", Meaning::Accent);
    let typed = super::super::app::content(&naming.line);
    let typed_at = Rect { x: inner.x + 4, y, width: inner.width.saturating_sub(6), height: 1 };
    pen.line(&naming.line, typed_at);
    let wrong = first_wrong(pen, proof.name, typed, typed_at);
    y += apart;
    // Where there is no air, what is wrong stands in place of what enter does.
    if wrong && apart == 1 {
        pen.put(inner.x + 2, y + 1, inner.right(), "esc gives it up", Meaning::Muted);
        return;
    }
    let (enter, meaning) = match (typed == proof.name, last) {
        (true, true) => ("enter runs it", Meaning::Key),
        (true, false) if proof.of == "context" => ("enter goes on to the object's name", Meaning::Key),
        (true, false) => ("enter goes on to the number", Meaning::Key),
        (false, _) if proof.of == NUMBER => ("enter does nothing until the number matches", Meaning::Muted),
        (false, _) => ("enter does nothing until the name matches", Meaning::Muted),
    };
    let hint = [(enter, meaning), ("esc gives it up", meaning)];
    let together: usize = hint.iter().map(|(what, _)| text::width(what) + 3).sum();
    let mut x = inner.x + 2;
    for (what, meaning) in hint {
        x = pen.put(x, y, inner.right(), what, meaning) + 3;
        if together > usize::from(inner.width) {
            (x, y) = (inner.x + 2, y + 1);
        }
    }
    if apart > 1 {
        let patience = format!("after {} without a key it has to be planned again", text::age(Offer::PATIENCE));
        pen.put(inner.x + 2, y + 1, inner.right(), &patience, Meaning::Muted);
    }
}

/// Marks the first letter that makes what is typed another name, in the line below. Whether there is one.
fn first_wrong(pen: &mut Pen, name: &str, typed: &str, line: Rect) -> bool {
    let Some(at) = departs(name, typed) else { return false };
    let wrong = match name.chars().nth(at) {
        Some(expected) => format!("\"{}\" is expected here", text::sanitize(expected.encode_utf8(&mut [0; 4]))),
        None => "the name ends before this".to_owned(),
    };
    let before: String = typed.chars().take(at).collect();
    let caret = line.x.saturating_add(u16::try_from(text::width(&before)).unwrap_or(u16::MAX));
    let long = u16::try_from(text::width(&wrong)).unwrap_or(u16::MAX);
    let (y, end) = (line.y + 1, line.right());
    let x = if caret < end { pen.put(caret, y, end, "^ ", Meaning::Danger) } else { end };
    // What does not fit behind the mark stands before it.
    let x = if x + long <= end { x } else { caret.min(end).saturating_sub(long + 1).max(line.x) };
    pen.put(x, y, end, &wrong, Meaning::Danger);
    true
}
