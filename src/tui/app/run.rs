//! What each action does to the state of the console.

use super::super::action::{Action, ActionId, Argument, Availability};
use super::super::layer::{Cursor, DetailLayer, Layer, Naming, Offer};
use super::super::runs::run_key;
use super::{App, Effect, typing};
use crate::model::{Key, Kind, ObjRef};
use crate::runbook::history::RunId;
use crate::session::Desk;
use crate::view::{Filter, Level, OperationView, Pane, Remedy};

/// What an action leads to, where it leads outside.
type Effects = Vec<Effect>;

impl App {
    /// Goes to the pane that an action leads to.
    fn turn_to(&mut self, id: ActionId) {
        if let Some(pane) = Pane::ALL.into_iter().find(|pane| ActionId::to_pane(*pane) == id) {
            self.show(pane);
        }
    }

    /// Goes to what was looked at before, and from there back.
    fn last_view(&mut self) {
        std::mem::swap(&mut self.layers, &mut self.last);
        self.made_of = None;
    }

    /// Shows the log in another way.
    fn turn_log_by(&mut self, id: ActionId) {
        self.turn_log(|logs| match id {
            ActionId::Wrap => logs.wrap = !logs.wrap,
            ActionId::Stamps => logs.stamps = !logs.stamps,
            _ => logs.source.previous = !logs.source.previous,
        });
    }

    /// Does an action, or says why it cannot be done.
    pub(super) fn run(&mut self, desk: &Desk, id: ActionId, argument: Option<&str>) -> Effects {
        if let Availability::Disabled(why) = self.available(desk, id) {
            self.say(desk, Level::Warn, format!("{}: {why}", Action::of(id).short));
            return Effects::new();
        }
        match id {
            ActionId::Down => self.step(desk, |place, _| place.saturating_add(1)),
            ActionId::Up => self.step(desk, |place, _| place.saturating_sub(1)),
            ActionId::Top => self.step(desk, |_, _| 0),
            ActionId::Bottom => self.step(desk, |_, _| usize::MAX),
            ActionId::HalfDown => self.leaf(desk, |place, page| place.saturating_add(page.div_ceil(2))),
            ActionId::HalfUp => self.leaf(desk, |place, page| place.saturating_sub(page.div_ceil(2))),
            ActionId::PageDown => self.leaf(desk, usize::saturating_add),
            ActionId::PageUp => self.leaf(desk, usize::saturating_sub),
            ActionId::StepIn if self.step_in() => {}
            ActionId::Open | ActionId::StepIn => return self.open(desk),
            ActionId::StepOut if self.step_out() => {}
            ActionId::Back | ActionId::StepOut if self.clear_log_filter() => {}
            ActionId::Back | ActionId::StepOut => self.back(desk),
            ActionId::Leave => return self.leave(desk),
            ActionId::Suspend => return vec![Effect::Suspend],
            ActionId::Quit => return self.quit(desk),
            ActionId::LastView => self.last_view(),
            ActionId::NextPane => self.panes.turn(1),
            ActionId::PreviousPane => self.panes.turn(Pane::ALL.len() - 1),
            ActionId::Volumes | ActionId::RestorePoints | ActionId::Certificates | ActionId::Findings => {
                self.turn_to(id);
            }
            ActionId::Zoom => self.panes.zoom = !self.panes.zoom,
            ActionId::Filter if self.logs().is_some() => self.filter_log(argument),
            ActionId::Filter => self.ask_filter(argument),
            ActionId::Pin => self.pin(desk, argument),
            ActionId::OnlyProblems
            | ActionId::Sort
            | ActionId::SortTurn
            | ActionId::Group
            | ActionId::Mark
            | ActionId::MarkRange
            | ActionId::Unmark
            | ActionId::Columns
            | ActionId::ToggleColumn
            | ActionId::ResetColumns
            | ActionId::ColumnsLeft
            | ActionId::ColumnsRight => self.arrange(desk, id, argument),
            ActionId::Menu => return self.open_menu(desk),
            ActionId::Backup
            | ActionId::Restore
            | ActionId::Drill
            | ActionId::RestoreInPlace
            | ActionId::Import
            | ActionId::Sweep
            | ActionId::Renew
            | ActionId::Isolate
            | ActionId::Rejoin
            | ActionId::Rotate
            | ActionId::ImportCertificate
            | ActionId::RotateCa
            | ActionId::Undo
            | ActionId::Prune
            | ActionId::Hold
            | ActionId::Release => return self.begin(desk, id),
            ActionId::Probe | ActionId::Triage => return self.with_selection(desk, id),
            ActionId::Rotation => self.show_rotation(desk),
            ActionId::Runbook => return self.begin_runbook(desk, argument),
            ActionId::GoOn
            | ActionId::SkipStep
            | ActionId::TryAgain
            | ActionId::BreakGlass
            | ActionId::Approve
            | ActionId::Note => {
                return self.in_run(desk, id);
            }
            ActionId::Resume | ActionId::Stop => return self.take_up_or_stop(desk, id),
            ActionId::Proceed => self.proceed(desk),
            ActionId::Logs => self.show_logs(desk, argument),
            ActionId::Wrap | ActionId::Stamps | ActionId::Instance => self.turn_log_by(id),
            ActionId::NextField | ActionId::PreviousField | ActionId::Submit => return self.in_form(desk, id),
            ActionId::CopyCommand => return self.copy_command(desk),
            ActionId::Yaml => return self.fetch(desk),
            ActionId::Copy if self.logs().is_some() => return self.copy_log(desk),
            ActionId::Copy => return self.copy(desk),
            ActionId::Tree
            | ActionId::Fold
            | ActionId::Timeline
            | ActionId::Earlier
            | ActionId::Later
            | ActionId::PanBack
            | ActionId::PanOn
            | ActionId::ZoomIn
            | ActionId::ZoomOut
            | ActionId::Now => self.look_around(desk, id, argument),
            ActionId::Problems => self.visit(Layer::Problems(Box::default())),
            ActionId::Operations => self.visit(Layer::Operations(Cursor::default())),
            ActionId::Runs => self.visit(Layer::Runs(Cursor::default())),
            ActionId::Notices => self.visit(Layer::Notices(0)),
            ActionId::Theme => return self.choose_theme(desk, argument),
            ActionId::Namespaces | ActionId::Context => return self.go_elsewhere(desk, id, argument),
            ActionId::Palette => self.open_palette(),
            ActionId::Help => self.layers.push(Layer::Help(self.place(), 0)),
        }
        Effects::new()
    }

    /// Goes to other namespaces or another context, or asks to which.
    fn go_elsewhere(&mut self, desk: &Desk, id: ActionId, argument: Option<&str>) -> Effects {
        match (id, argument) {
            (ActionId::Namespaces, Some(names)) => self.look_at(desk, names),
            (ActionId::Namespaces, None) => self.open_picker(desk, Argument::Namespaces),
            (_, Some(name)) => self.go_to(desk, name),
            (_, None) => self.open_picker(desk, Argument::Context),
        }
    }

    /// Opens the menu, and asks which of its rights there are.
    fn open_menu(&mut self, desk: &Desk) -> Effects {
        let target = self.target(desk);
        self.layers.push(Layer::Menu(self.menu(desk), 0, target));
        let rights = self.rights_of_menu(desk);
        if rights.is_empty() { Effects::new() } else { vec![Effect::AskRights(rights)] }
    }

    /// Goes on from a plan that was read to the names that confirm it.
    fn proceed(&mut self, desk: &Desk) {
        if let Some(Layer::Review(offer, _)) = self.layers.last() {
            let offer = Offer { touched: desk.now, ..(**offer).clone() };
            let naming = Naming { done: Vec::new(), line: typing::line("") };
            self.layers.push(Layer::Confirm(Box::new(offer), Box::new(naming)));
        }
    }

    /// What an open menu offers may have changed: rights become known, objects go.
    pub(super) fn renew_menu(&mut self, desk: &Desk) {
        let Some(Layer::Menu(entries, place, key)) = self.layers.pop_if(|top| matches!(top, Layer::Menu(..))) else {
            return;
        };
        let entries = if self.target(desk) == key { self.menu(desk) } else { entries };
        self.layers.push(Layer::Menu(entries, place, key));
    }

    pub(super) fn run_from_menu(&mut self, desk: &Desk, id: ActionId) -> Effects {
        let opened_for = match self.layers.pop() {
            Some(Layer::Menu(_, _, key)) => key,
            _ => None,
        };
        if self.target(desk) != opened_for {
            self.say(desk, Level::Warn, "the selection went away while the menu was open; nothing was done");
            return Effects::new();
        }
        self.run(desk, id, None)
    }

    /// Moves the cursor or scrolls, by place and page size.
    pub(super) fn step(&mut self, desk: &Desk, go: impl Fn(usize, usize) -> usize) {
        let page = self.areas(desk).page();
        match self.layers.last_mut() {
            None => {
                let page = self.areas(desk).rows(self.panes.focus);
                let place = self.panes.state(self.panes.focus).cursor.place;
                self.panes.go(desk, go(place, page));
            }
            Some(Layer::Detail(detail)) => {
                let links = detail.sheet.as_ref().map_or(0, |sheet| sheet.links.len());
                detail.link = go(detail.link, page).min(links.saturating_sub(1));
            }
            Some(Layer::Tree(tree)) => tree.go(|place| go(place, page)),
            Some(Layer::Timeline(timeline)) => timeline.go(|place| go(place, page)),
            Some(Layer::Problems(list)) => {
                let place = go(list.cursor.place, page).min(list.lines.len().saturating_sub(1));
                list.cursor.key = list.lines.get(place).map(|problem| problem.key.clone());
                list.cursor.place = place;
            }
            Some(Layer::Operations(cursor)) => {
                let place = go(cursor.place, page).min(desk.operations.len().saturating_sub(1));
                cursor.key = desk.operations.get(place).map(|operation| Key::Operation(operation.id.clone()));
                cursor.place = place;
            }
            Some(Layer::Runs(cursor)) => {
                let place = go(cursor.place, page).min(desk.runs.len().saturating_sub(1));
                cursor.key = desk.runs.get(place).map(run_key);
                cursor.place = place;
            }
            Some(Layer::Run(_)) => self.step_of_run(desk, |place| go(place, page)),
            Some(Layer::Columns(pane, place)) => {
                *place = go(*place, page).min(pane.columns().len().saturating_sub(1));
            }
            Some(Layer::Menu(entries, place, _)) => {
                *place = go(*place, page).min(entries.len().saturating_sub(1));
            }
            Some(Layer::Sources(sources)) => {
                let len = sources.found.as_ref().map_or(0, |found| found.sources.len());
                sources.place = go(sources.place, page).min(len.saturating_sub(1));
            }
            Some(Layer::Logs(_)) => self.scroll_log(desk, go),
            Some(layer) => {
                if let Some(scroll) = layer.scroll() {
                    *scroll = go(*scroll, page);
                }
            }
        }
    }

    /// Moves by pages; on a sheet, whose cursor walks the links, these scroll the facts.
    pub(super) fn leaf(&mut self, desk: &Desk, go: impl Fn(usize, usize) -> usize) {
        let page = self.areas(desk).page();
        if let Some(Layer::Detail(detail)) = self.layers.last_mut() {
            let lines = super::super::draw::fact_lines(detail);
            detail.scroll = go(detail.scroll, page).min(lines.saturating_sub(1));
        } else if let Some(Layer::Run(_)) = self.layers.last() {
            self.leaf_of_run(desk, |scroll| go(scroll, page));
        } else {
            self.step(desk, go);
        }
    }

    /// Goes to another view; `-` comes back here.
    pub(super) fn visit(&mut self, layer: Layer) {
        self.last = self.layers.clone();
        if self.layers.last().is_none_or(|top| top.place() != layer.place()) {
            self.layers.push(layer);
        }
        self.made_of = None;
    }

    fn show(&mut self, pane: Pane) {
        self.last = std::mem::take(&mut self.layers);
        self.panes.focus = pane;
    }

    pub(super) fn open(&mut self, desk: &Desk) -> Effects {
        if let Some(Layer::Menu(entries, place, _)) = self.layers.last() {
            return match entries.get(*place).map(|(id, _)| *id) {
                Some(id) => self.run_from_menu(desk, id),
                None => Effects::new(),
            };
        }
        if let Some(Layer::Sources(_)) = self.layers.last() {
            self.open_source();
            return Effects::new();
        }
        let cells = super::super::timeline::cells(self.areas(desk).body);
        let mut remedy = None;
        let key = match self.layers.last_mut() {
            Some(Layer::Problems(list)) => {
                let problem = list.lines.get(list.cursor.place).cloned();
                if let Some(problem) = problem.as_ref().filter(|problem| problem.many()) {
                    if !list.open.remove(&problem.key) {
                        list.open.insert(problem.key.clone());
                    }
                    self.made_of = None;
                    return Effects::new();
                }
                remedy = problem.as_ref().and_then(|problem| problem.remedy);
                problem.map(|problem| problem.key)
            }
            Some(Layer::Detail(detail)) => {
                detail.sheet.as_ref().and_then(|sheet| sheet.links.get(detail.link)?.key.clone())
            }
            // What is folded is opened first: its line may stand for many objects.
            Some(Layer::Tree(tree))
                if tree.line().is_some_and(|line| line.object.is_none() && line.folded.is_some()) =>
            {
                tree.fold();
                return Effects::new();
            }
            Some(Layer::Timeline(timeline)) => timeline.under(desk.now, cells),
            None if self.panes.fold(desk) => return Effects::new(),
            Some(Layer::Run(_)) => self.operation_of_step(desk).map(|id| Key::Operation(id.as_str().into())),
            Some(Layer::Operation(..)) => {
                let operation = self.operation(desk).ok();
                operation.and_then(|operation| Some(operation.made.as_ref()?.key.clone()))
            }
            _ => self.target(desk),
        };
        match key {
            Some(Key::Object(Kind::TlsSecret, _) | Key::Place(Kind::TlsSecret, ..))
                if remedy == Some(Remedy::Rotation) =>
            {
                return self.run(desk, ActionId::Rotation, None);
            }
            Some(key @ Key::Finding(id)) => {
                self.push_view(Layer::Detail(Box::new(DetailLayer { key, sheet: None, link: 0, scroll: 0 })));
                return vec![Effect::ReadFinding(id)];
            }
            Some(key @ (Key::Object(..) | Key::Place(..))) => {
                self.push_view(Layer::Detail(Box::new(DetailLayer { key, sheet: None, link: 0, scroll: 0 })));
            }
            Some(Key::Operation(id)) => {
                self.push_view(Layer::Operation(id, 0));
            }
            Some(Key::Run(id)) => {
                if let Ok(id) = RunId::parse(&id) {
                    self.show_run(id);
                }
            }
            Some(Key::Notice(_)) => {
                self.say(desk, Level::Info, "this is about the console itself; what to do stands beside it");
            }
            None => self.say(desk, Level::Info, "there is nothing to open here"),
        }
        remedy.map_or_else(Effects::new, |remedy| self.suggest(desk, remedy))
    }

    /// Opens the menu upon what a problem led to, with the cursor on what can be done about it.
    fn suggest(&mut self, desk: &Desk, remedy: Remedy) -> Effects {
        let wanted = match remedy {
            Remedy::Backup => ActionId::Backup,
            Remedy::Resume => ActionId::Resume,
            Remedy::Rotation => ActionId::RotateCa,
        };
        let effects = self.run(desk, ActionId::Menu, None);
        if let Some(Layer::Menu(entries, place, _)) = self.layers.last_mut() {
            *place = entries.iter().position(|(id, _)| *id == wanted).unwrap_or(0);
        }
        effects
    }

    /// Does with the selection what needs no plan.
    fn with_selection(&mut self, desk: &Desk, id: ActionId) -> Effects {
        if id == ActionId::Probe {
            return self.probe(desk);
        }
        self.begin_triage(desk);
        Effects::new()
    }

    /// One step back: from the panes and the problems the filter goes first.
    fn back(&mut self, desk: &Desk) {
        match self.layers.last() {
            None => self.widen(desk),
            Some(Layer::Problems(_)) if !self.problem_filter.is_empty() => self.set_filter(Filter::default()),
            Some(_) => self.close(),
        }
    }

    fn close(&mut self) {
        if self.layers.last().is_some_and(Layer::view) {
            self.last = self.layers.clone();
        }
        self.layers.pop();
        self.made_of = None;
    }

    fn leave(&mut self, desk: &Desk) -> Effects {
        match self.layers.last() {
            None | Some(Layer::Quit) => self.quit(desk),
            Some(Layer::Switch(name)) => vec![Effect::Switch(name.clone())],
            Some(_) => {
                self.close();
                Effects::new()
            }
        }
    }

    fn quit(&mut self, desk: &Desk) -> Effects {
        let asked = matches!(self.layers.last(), Some(Layer::Quit));
        if asked || !desk.operations.iter().any(OperationView::runs_here) {
            return vec![Effect::Quit];
        }
        self.layers.push(Layer::Quit);
        Effects::new()
    }

    fn choose_theme(&mut self, desk: &Desk, argument: Option<&str>) -> Effects {
        // Who writes a theme looks at it again and again: its file is read anew each time.
        if self.themes.folder().is_some() {
            return vec![Effect::ReadThemes(argument.map(str::to_owned))];
        }
        self.recolour(desk, argument);
        Effects::new()
    }

    /// Takes the theme of this name, or the next.
    pub(super) fn recolour(&mut self, desk: &Desk, name: Option<&str>) {
        let found = match name {
            Some(name) => self.themes.load(name),
            None => Ok(self.themes.after(self.theme.name()).unwrap_or_else(|| self.theme.clone())),
        };
        match found {
            Ok(theme) => {
                self.say(desk, Level::Info, format!("theme {}", theme.name()));
                self.theme = theme;
            }
            Err(error) => self.say(desk, Level::Warn, error.to_string()),
        }
    }

    /// Takes up what is selected, an operation or a run, or stops it.
    fn take_up_or_stop(&mut self, desk: &Desk, id: ActionId) -> Effects {
        match id {
            _ if self.on_run(desk) => self.in_run(desk, id),
            ActionId::Resume => self.on_operation(desk, Effect::Resume),
            _ => self.on_operation(desk, Effect::Stop),
        }
    }

    fn on_operation(&mut self, desk: &Desk, effect: impl Fn(std::sync::Arc<str>) -> Effect) -> Effects {
        self.operation(desk).map(|operation| vec![effect(operation.id.clone())]).unwrap_or_default()
    }

    fn fetch(&mut self, desk: &Desk) -> Effects {
        match self.target(desk) {
            Some(Key::Object(kind, uid) | Key::Place(kind, uid, _)) => match desk.world.inventory.meta(kind, &uid) {
                Some(meta) => vec![Effect::FetchYaml(meta.reference(kind))],
                None => Effects::new(),
            },
            _ => Effects::new(),
        }
    }

    fn copy_command(&mut self, desk: &Desk) -> Effects {
        let Ok(command) = self.command_line(desk) else { return Effects::new() };
        self.say(desk, Level::Info, format!("copied {command}"));
        vec![Effect::Copy(command)]
    }

    fn copy(&mut self, desk: &Desk) -> Effects {
        let marks = &self.panes.state(self.panes.focus).marks;
        let keys: Vec<Key> = if self.layers.is_empty() && !marks.is_empty() {
            marks.iter().cloned().collect()
        } else {
            self.target(desk).into_iter().collect()
        };
        let name = |key: &Key| match key {
            Key::Object(kind, uid) | Key::Place(kind, uid, _) => {
                desk.world.inventory.meta(*kind, uid).map(|meta| meta.reference(*kind))
            }
            Key::Finding(_) | Key::Operation(_) | Key::Run(_) | Key::Notice(_) => None,
        };
        let text = |key: &Key| match key {
            Key::Finding(id) => Some(id.to_string()),
            Key::Operation(id) | Key::Run(id) | Key::Notice(id) => Some(id.to_string()),
            Key::Object(..) | Key::Place(..) => name(key).as_ref().map(ObjRef::path),
        };
        let lines: Vec<String> = keys.iter().filter_map(text).collect();
        let copied = lines.join("\n");
        if copied.is_empty() {
            return Effects::new();
        }
        let shown = if lines.len() == 1 { copied.clone() } else { format!("{} names", lines.len()) };
        let hidden = match self.panes.state(self.panes.focus).hidden_marks {
            hidden if hidden > 0 && self.layers.is_empty() => format!(", {hidden} of them hidden by the filter"),
            _ => String::new(),
        };
        self.say(desk, Level::Info, format!("sent to the clipboard: {shown}{hidden}"));
        vec![Effect::Copy(copied)]
    }
}
