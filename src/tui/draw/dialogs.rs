//! Dialogs: action menu, palette, the question before leaving, and the confirmation that takes the object's name.

use ratatui::layout::Rect;
use ratatui_textarea::TextArea;

use super::super::App;
use super::super::action::{Action, ActionId, Availability};
use super::super::layer::{Layer, Offer};
use super::super::layout::{Areas, bottom, dialog, inside};
use super::super::pages::wrap;
use super::super::spots::Spot;
use super::super::theme::Meaning;
use super::Pen;
use crate::plan::Plan;
use crate::session::Desk;
use crate::text;
use crate::view::Pane;

pub(super) fn draw(pen: &mut Pen, app: &App, desk: &Desk, layer: &Layer, areas: &Areas) {
    match layer {
        Layer::Menu(entries, place, _) => menu(pen, app, desk, entries, *place, areas.body),
        Layer::Columns(pane, place) => columns(pen, app, *pane, *place, areas.body),
        Layer::Palette(line, place) => palette(pen, app, desk, line, *place, areas.body),
        Layer::Confirm(offer, line) => confirm(pen, offer, line, areas.body),
        Layer::Form(form) => super::form::draw(pen, app, desk, form, areas.body),
        Layer::Waiting(_, what) => {
            let lines = [(format!("Asking the API server {what}."), Meaning::Text)];
            message(pen, "One moment", &lines, areas.body);
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
            message(pen, "Leave now?", &lines, areas.body);
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
    // Lines of air between the entries, where there is room for them.
    let apart = if count.saturating_mul(2).saturating_add(3) <= body.height { 2 } else { 1 };
    let area = dialog(body, 84, count.saturating_mul(apart).saturating_add(3));
    let about = app.target(desk).and_then(|key| match key {
        crate::model::Key::Object(kind, uid) => {
            Some(desk.world.inventory.meta(kind, &uid)?.reference(kind).to_string())
        }
        crate::model::Key::Operation(id) | crate::model::Key::Notice(id) => Some(id.to_string()),
    });
    let about = text::sanitize(about.as_deref().unwrap_or("nothing selected")).into_owned();
    pen.frame(area, &[("Actions ", Meaning::Accent), (&about, Meaning::Muted)], &[], true);
    let inner = inside(area);
    for (i, (y, (id, available))) in (inner.y + 1..inner.bottom()).step_by(apart.into()).zip(entries).enumerate() {
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

fn palette(pen: &mut Pen, app: &App, desk: &Desk, line: &TextArea, place: usize, body: Rect) {
    let listed = app.listed(desk, super::super::app::content(line));
    let rows = u16::try_from(listed.len()).unwrap_or(u16::MAX).min(12).min(body.height.saturating_sub(3));
    let (_, area) = bottom(body, rows + 3);
    pen.frame(area, &[("Command", Meaning::Accent)], &[("tab completes, enter runs", Meaning::Muted)], true);
    let inner = inside(area);
    let first = (place + 1).saturating_sub(rows.into());
    for (y, (i, (action, available))) in (inner.y..).zip(listed.iter().enumerate().skip(first)).take(rows.into()) {
        pen.note(Rect { y, height: 1, ..inner }, Spot::Choice(i));
        let ground = if i == place { Meaning::Selection } else { Meaning::Text };
        if i == place {
            pen.fill(Rect { y, height: 1, ..inner }, ground);
        }
        let mut pen = pen.on(ground);
        let enabled = *available == Availability::Enabled;
        pen.put(inner.x + 2, y, inner.right(), action.name, if enabled { Meaning::Key } else { Meaning::Muted });
        let (text, meaning) = match available {
            Availability::Enabled => (action.doc, Meaning::Muted),
            Availability::Disabled(why) => (&**why, Meaning::Warn),
        };
        pen.put(inner.x + 20, y, inner.right(), &text::sanitize(text), meaning);
    }
    let y = inner.bottom().saturating_sub(1);
    let x = pen.put(inner.x, y, inner.right(), " :", Meaning::Key);
    pen.line(line, Rect { x, y, width: inner.right().saturating_sub(x), height: 1 });
}

fn confirm(pen: &mut Pen, offer: &Offer, line: &TextArea, body: Rect) {
    let area = dialog(body, 78, 15);
    let plan = &offer.plan;
    pen.frame(area, &[("Confirm: ", Meaning::Muted), (&text::sanitize(&plan.title), Meaning::Accent)], &[], true);
    let inner = inside(area);
    let subject = &plan.subject;
    let said = [
        ("context", plan.context.as_str()),
        ("API host", plan.server.as_str()),
        ("namespace", subject.object.namespace.as_deref().unwrap_or("(cluster-scoped)")),
        ("object", &subject.object.name),
        ("UID", subject.uid.as_str()),
    ];
    let mut y = inner.y + 1;
    for (label, value) in said {
        pen.put(inner.x + 2, y, inner.right(), label, Meaning::Heading);
        pen.put(inner.x + 13, y, inner.right(), &text::sanitize(value), Meaning::Text);
        y += 1;
    }
    if let Some(why) = &offer.died {
        for (down, piece) in (1..4).zip(wrap(&text::sanitize(why), inner.width.saturating_sub(4).into())) {
            pen.put(inner.x + 2, y + down, inner.right(), &piece, Meaning::Danger);
        }
        return;
    }
    answer(pen, plan, line, inner, y);
}

/// Where the name is typed, from a line on, and what the keys do.
fn answer(pen: &mut Pen, plan: &Plan, line: &TextArea, inner: Rect, mut y: u16) {
    let typed = super::super::app::content(line);
    let matches = typed == plan.proof();
    // Lines of air between the parts, where there is room for them.
    let apart = if inner.height > 12 { 2 } else { 1 };
    y += apart - 1;
    let x = pen.put(inner.x + 2, y, inner.right(), "Type ", Meaning::Text);
    let x = pen.put(x, y, inner.right(), &text::sanitize(plan.proof()), Meaning::Warn);
    pen.put(x, y, inner.right(), " to run this plan:", Meaning::Text);
    y += apart;
    pen.put(inner.x + 2, y, inner.right(), "›", Meaning::Accent);
    pen.line(line, Rect { x: inner.x + 4, y, width: inner.width.saturating_sub(6), height: 1 });
    y += apart;
    let hint = if matches {
        vec![("enter runs it", Meaning::Key), ("esc gives it up", Meaning::Key)]
    } else {
        vec![("enter does nothing until the name matches", Meaning::Muted), ("esc gives it up", Meaning::Muted)]
    };
    let together: usize = hint.iter().map(|(what, _)| text::width(what) + 3).sum();
    let mut x = inner.x + 2;
    for (what, meaning) in hint {
        x = pen.put(x, y, inner.right(), what, meaning) + 3;
        if together > usize::from(inner.width) {
            (x, y) = (inner.x + 2, y + 1);
        }
    }
}
