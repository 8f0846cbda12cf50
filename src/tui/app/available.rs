//! Whether an action can be done now, and in what words it is said when not.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::action::{Action, ActionId, Availability};
use super::super::layer::Layer;
use super::App;
use crate::assess::restore_point::{self, Belongs, RestorePointState, good};
use crate::assess::retention::hold;
use crate::model::{Key, Kind, Uid};
use crate::plan::{AccessQuestion, Request, Verb, isolate, renew, succession, swap};
use crate::runbook::Next;
use crate::runbook::ca::{self, Standing};
use crate::session::Desk;
use crate::view::{self, OperationState, OperationView, Pane, procedure};

impl App {
    /// Whether an action can be done now.
    pub fn available(&self, desk: &Desk, id: ActionId) -> Availability {
        match self.hindrance(desk, id) {
            None => Availability::Enabled,
            Some(why) => Availability::Disabled(why.into()),
        }
    }

    /// The actions of the menu for the selection, each with its availability.
    pub fn menu(&self, desk: &Desk) -> Vec<(ActionId, Availability)> {
        let place = self.place();
        let offered = super::super::action::ACTIONS.iter().filter(|action| action.menu.is_some());
        let here = offered.filter(|action| action.applies(place));
        here.map(|action: &Action| (action.id, self.available(desk, action.id))).collect()
    }

    fn hindrance(&self, desk: &Desk, id: ActionId) -> Option<String> {
        if let Some(why) = self.only_reads(desk, id) {
            return Some(why);
        }
        if id == ActionId::RotateCa {
            return self.ca_hindrance(desk);
        }
        if let Some(verb) = id.verb() {
            return self.verb_hindrance(desk, verb);
        }
        match id {
            ActionId::ImportCertificate => self.verb_hindrance(desk, Verb::Rotate),
            ActionId::Probe => self.not_probed(desk),
            ActionId::Triage => self.to_triage(desk).err(),
            ActionId::Rotation => self.rotation_of_ca(desk).err(),
            ActionId::Resume | ActionId::Stop if self.on_run(desk) => self.run_hindrance(desk, id),
            ActionId::GoOn
            | ActionId::SkipStep
            | ActionId::TryAgain
            | ActionId::BreakGlass
            | ActionId::Approve
            | ActionId::Note => self.run_hindrance(desk, id),
            ActionId::Resume => self.operation(desk).map_or_else(Some, not_resumable),
            ActionId::Stop => self.operation(desk).map_or_else(Some, not_stoppable),
            ActionId::Proceed => self.not_confirmable(desk),
            ActionId::Logs => self.no_logs(desk),
            ActionId::Instance => self.no_instance(desk),
            ActionId::Open => self.nothing_made(desk),
            ActionId::CopyCommand => self.command_line(desk).err(),
            ActionId::Yaml => match self.target(desk) {
                Some(
                    Key::Object(Kind::TlsSecret | Kind::OtherSecret, _)
                    | Key::Place(Kind::TlsSecret | Kind::OtherSecret, ..),
                ) => Some("Secrets are not printed: their bytes never reach the screen".to_owned()),
                Some(Key::Object(..) | Key::Place(..)) => None,
                _ => Some("select an object first".to_owned()),
            },
            ActionId::Tree => match self.target(desk) {
                Some(Key::Object(kind, _)) if view::grows(kind) => None,
                Some(Key::Object(kind, _) | Key::Place(kind, ..)) => {
                    Some(format!("a {} has no tree of its own", kind.spec().kind))
                }
                _ => Some("select a volume, a restore point or a certificate first".to_owned()),
            },
            ActionId::Suspend if desk.operations.iter().any(OperationView::runs_here) => {
                Some("an operation runs here and would stand still; wait for its end, or stop it".to_owned())
            }
            ActionId::Copy if self.target(desk).is_none() => Some("nothing is selected".to_owned()),
            ActionId::Group if self.panes.focus != Pane::Findings => {
                let way = self.keymap.way(ActionId::Findings);
                Some(format!("only findings are put together; {way} goes to them"))
            }
            _ => None,
        }
    }

    fn verb_hindrance(&self, desk: &Desk, verb: Verb) -> Option<String> {
        self.request(desk, verb).map_or_else(Some, |request| missing_rights(desk, &request))
    }

    /// Why the rotation of the selected CA cannot be gone on with. What planning needs is found out once, not whenever a
    /// menu or help is drawn.
    fn ca_hindrance(&self, desk: &Desk) -> Option<String> {
        match self.rotation_of_ca(desk) {
            Err(why) => Some(why),
            Ok(standing) => self.standings.hindrance(&standing, || self.verb_hindrance(desk, Verb::RotateCa)),
        }
    }

    /// What a verb on the selection asks for, or why it cannot be done with it.
    pub(super) fn request(&self, desk: &Desk, verb: Verb) -> Result<Request, String> {
        let about = |subject| {
            Request::new(verb, &subject, &desk.defaults).ok_or_else(|| format!("a {verb} is about no object"))
        };
        match verb {
            Verb::Backup => about(self.volume(desk, "backed up")?),
            Verb::Prune => about(self.volume(desk, "pruned")?),
            Verb::Hold => about(self.restore_point(desk, false)?),
            Verb::Release => about(self.restore_point(desk, true)?),
            Verb::Restore | Verb::Drill => about(self.restore_subject(desk)?),
            Verb::Import | Verb::Sweep => about(self.namespace(desk)?),
            Verb::Renew => about(self.certificate(desk)?),
            Verb::Rotate => about(self.tls_secret(desk)?),
            Verb::RotateCa => self.next_of_ca(desk),
            Verb::Isolate => {
                let (kind, workload) = self.workload(desk, "contained")?;
                Ok(Request::Isolate { kind, workload, options: isolate::Options::default() })
            }
            Verb::Rejoin => {
                let (kind, workload) = self.workload(desk, "contained")?;
                Ok(Request::Rejoin { kind, workload })
            }
            Verb::Undo => taking_back(self.operation(desk)?),
            Verb::RestoreInPlace => {
                let (claim, from) = self.swap_subject(desk)?;
                let begun = desk.defaults.swap.clone();
                Ok(Request::RestoreInPlace {
                    claim,
                    options: swap::Options { from: from.or(begun.from.clone()), ..begun },
                })
            }
        }
    }

    /// The claim that would be restored in place, and the restore point when that is what is selected.
    fn swap_subject(&self, desk: &Desk) -> Result<(Uid, Option<swap::From>), String> {
        let world = &desk.world;
        match self.target(desk) {
            Some(Key::Object(Kind::Pvc, uid)) if world.inventory.pvcs.get(&uid).is_some() => Ok((uid, None)),
            Some(Key::Object(Kind::VolumeSnapshot, uid)) => {
                let uid = self.restore_subject(desk).map(|_| uid)?;
                let snapshot = world.inventory.snapshots.get(&uid).ok_or("this restore point is gone")?;
                match restore_point::belongs(world, snapshot) {
                    Belongs::Claim(claim) => Ok((claim, Some(swap::From::Snapshot(snapshot.meta.name.to_string())))),
                    Belongs::Gone => Err("its volume is gone: there is no place to restore in".to_owned()),
                    Belongs::ByNameOnly(_) | Belongs::Unknown { .. } => {
                        Err("nothing proves which volume it was cut from".to_owned())
                    }
                }
            }
            Some(_) => Err("only volumes are restored in place: select one, or a restore point of it".to_owned()),
            None => Err("no volume is selected".to_owned()),
        }
    }

    /// Rights that the verbs which can be done with the selection need.
    pub(super) fn rights_of_menu(&self, desk: &Desk) -> Vec<AccessQuestion> {
        let requests = Verb::ALL.iter().filter_map(|verb| self.request(desk, *verb).ok());
        let needed: BTreeSet<AccessQuestion> = requests.flat_map(|request| desk.needed_rights(&request)).collect();
        needed.into_iter().collect()
    }

    /// The claim that something would be done with, or why there is none.
    fn volume(&self, desk: &Desk, done: &str) -> Result<Uid, String> {
        self.one_of(Pane::Volumes, "volumes", done)?;
        match self.target(desk) {
            Some(Key::Object(Kind::Pvc, uid)) if desk.world.inventory.pvcs.get(&uid).is_some() => Ok(uid),
            Some(Key::Object(Kind::Pvc, _)) => Err("this volume is gone".to_owned()),
            Some(_) => Err(format!("only volumes are {done}: select one")),
            None => Err("no volume is selected".to_owned()),
        }
    }

    /// The restore point that a new volume would be made from, or why there is none.
    fn restore_subject(&self, desk: &Desk) -> Result<Uid, String> {
        let points = self.panes.state(Pane::RestorePoints);
        if self.layers.is_empty() && self.panes.focus == Pane::RestorePoints && points.marks.len() > 1 {
            let unmark = self.keymap.way(ActionId::Unmark);
            return Err(format!("{}; it takes one at a time, {unmark} unmarks all", points.marks_said()));
        }
        match self.target(desk) {
            Some(Key::Object(Kind::VolumeSnapshot, uid)) => {
                let Some(snapshot) = desk.world.inventory.snapshots.get(&uid) else {
                    return Err("this restore point is gone".to_owned());
                };
                match good(&desk.world, snapshot, desk.now).value {
                    RestorePointState::Good | RestorePointState::Unverified => Ok(uid),
                    state => Err(format!("this restore point is {}: select a good one", state.word())),
                }
            }
            Some(Key::Object(Kind::DataUpload | Kind::PodVolumeBackup, _)) => {
                Err("Velero restores its own copies: velero restore create --from-backup".to_owned())
            }
            Some(_) => Err("only for restore points: select one".to_owned()),
            None => Err("no restore point is selected".to_owned()),
        }
    }

    /// The Certificate that would be renewed: the selected one, or the one that writes the selected Secret; or why there
    /// is none.
    fn certificate(&self, desk: &Desk) -> Result<Uid, String> {
        self.one_of(Pane::Certificates, "certificates", "renewed")?;
        let world = &desk.world;
        match self.target(desk) {
            Some(Key::Object(Kind::Certificate, uid)) if world.inventory.certificates.get(&uid).is_some() => Ok(uid),
            Some(Key::Object(Kind::TlsSecret, uid)) => {
                let secret = world.inventory.tls_secrets.get(&uid).ok_or("this Secret is gone")?;
                renew::writer(world, secret)
            }
            Some(Key::Object(Kind::Certificate, _)) => Err("this Certificate is gone".to_owned()),
            Some(_) => Err("only certificates are renewed: select one".to_owned()),
            None => Err("no certificate is selected".to_owned()),
        }
    }

    /// The TLS Secret that would be given another certificate, or why there is none.
    fn tls_secret(&self, desk: &Desk) -> Result<Uid, String> {
        self.one_of(Pane::Certificates, "certificates", "rotated")?;
        let world = &desk.world;
        match self.target(desk) {
            Some(Key::Object(Kind::TlsSecret, uid)) => {
                let secret = world.inventory.tls_secrets.get(&uid).ok_or("this Secret is gone")?;
                match renew::writer(world, secret) {
                    Ok(_) => Err("cert-manager writes this Secret: renew it".to_owned()),
                    Err(_) => Ok(uid),
                }
            }
            Some(Key::Object(Kind::Certificate, _)) => Err("cert-manager issues it: renew it".to_owned()),
            Some(_) => Err("only certificates in TLS Secrets are rotated: select one".to_owned()),
            None => Err("no certificate is selected".to_owned()),
        }
    }

    /// What comes next in the rotation of the selected CA, be it a plan or an answer; or why nothing does now.
    pub(super) fn next_of_ca(&self, desk: &Desk) -> Result<Request, String> {
        let standing = self.rotation_of_ca(desk)?;
        // How it is known is for the form to ask.
        let asked = ca::attest(&desk.world, &standing, "", &succession::Options::default());
        match (&standing.next, asked) {
            (_, Some(request)) => Ok(request),
            (Next::Plan(request), None) => Ok((**request).clone()),
            (Next::Done(_), None) => self.again(desk).ok_or_else(|| procedure::next(&standing.next, "").join("; ")),
            (next, None) => Err(procedure::next(next, "").join("; ")),
        }
    }

    /// The first plan for a CA that took the place of another one, whose rotation is over.
    fn again(&self, desk: &Desk) -> Option<Request> {
        let Some(Key::Object(Kind::TlsSecret, uid)) = self.target(desk) else { return None };
        let meta = &desk.world.inventory.tls_secrets.get(&uid)?.meta;
        let chosen = succession::Options { again: true, ..succession::Options::default() };
        let key = (meta.namespace.clone()?, meta.name.clone());
        match ca::standing(&desk.world, &key, &chosen, desk.now).next {
            Next::Plan(request) => Some(*request),
            _ => None,
        }
    }

    /// How far the rotation of the selected CA has come.
    pub(super) fn rotation_of_ca(&self, desk: &Desk) -> Result<Arc<Standing>, String> {
        self.one_of(Pane::Certificates, "certificates", "rotated")?;
        self.standings.of_selected(desk, self.target(desk))
    }

    /// The namespace of the selection, else the only one that is looked at; or why there is none.
    fn namespace(&self, desk: &Desk) -> Result<Uid, String> {
        let world = &desk.world;
        let selected = match self.target(desk) {
            Some(Key::Object(kind, uid) | Key::Place(kind, uid, _)) => {
                world.inventory.meta(kind, &uid).and_then(|meta| meta.namespace.clone())
            }
            _ => None,
        };
        let only = || match world.context.namespaces.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        let name = selected.or_else(only).ok_or("select something of the namespace, or look at one alone")?;
        let found = world.inventory.namespaces.named(None, &name);
        found.map(|found| found.meta.uid()).ok_or_else(|| format!("namespace {name} cannot be seen"))
    }

    /// The snapshot that would be held, or that is and would be released, or why there is none.
    fn restore_point(&self, desk: &Desk, held: bool) -> Result<Uid, String> {
        let done = if held { "released" } else { "held" };
        self.one_of(Pane::RestorePoints, "restore points", done)?;
        let (snapshots, now) = (&desk.world.inventory.snapshots, desk.now);
        match self.target(desk) {
            Some(Key::Object(Kind::VolumeSnapshot, uid)) => {
                let snapshot = snapshots.get(&uid).ok_or_else(|| "this restore point is gone".to_owned())?;
                match hold(snapshot) {
                    None if held => Err("it is not held".to_owned()),
                    Some(hold) if !held && hold.holds(now) => Err("it is held already; release it first".to_owned()),
                    Some(_) | None => Ok(uid),
                }
            }
            Some(Key::Object(Kind::DataUpload | Kind::PodVolumeBackup, _)) => {
                Err("Velero deletes it when its backup expires, and knows no holds; extend the backup's ttl".to_owned())
            }
            Some(_) => Err(format!("only restore points are {done}: select one")),
            None => Err("no restore point is selected".to_owned()),
        }
    }

    /// Refuses several marked rows of a pane where one is worked on at a time.
    pub(super) fn one_of(&self, pane: Pane, rows: &str, done: &str) -> Result<(), String> {
        let marked = self.panes.state(pane);
        if self.layers.is_empty() && self.panes.focus == pane && marked.marks.len() > 1 {
            let unmark = self.keymap.way(ActionId::Unmark);
            return Err(format!("{}; {rows} are {done} one at a time, {unmark} unmarks all", marked.marks_said()));
        }
        Ok(())
    }

    /// The selected operation, or why there is none.
    pub(super) fn operation<'a>(&self, desk: &'a Desk) -> Result<&'a OperationView, String> {
        let Some(Key::Operation(id)) = self.target(desk) else { return Err("no operation is selected".to_owned()) };
        let found = desk.operations.iter().find(|operation| operation.id == id);
        found.ok_or_else(|| format!("operation {id} is not known here"))
    }

    /// Why what an operation on the screen made cannot be opened.
    fn nothing_made(&self, desk: &Desk) -> Option<String> {
        if let Some(Layer::Run(_)) = self.layers.last() {
            return self.no_operation_of_step(desk);
        }
        let Some(Layer::Operation(..)) = self.layers.last() else { return None };
        let operation = match self.operation(desk) {
            Ok(operation) => operation,
            Err(why) => return Some(why),
        };
        match operation.made.as_ref().map(|made| (&made.key, &made.what)) {
            Some((Key::Object(kind, uid), _)) if desk.world.inventory.meta(*kind, uid).is_some() => None,
            Some((_, what)) => Some(format!("{what} is not seen here")),
            None => Some("this operation made nothing that can be opened".to_owned()),
        }
    }

    fn not_confirmable(&self, desk: &Desk) -> Option<String> {
        let Some(Layer::Review(offer, _)) = self.layers.last() else { return Some("there is no plan".to_owned()) };
        if desk.world.context.read_only {
            return Some("this session is read-only: the plan can be read, not run".to_owned());
        }
        offer.died.as_deref().map(str::to_owned)
    }
}

pub(super) fn missing_rights(desk: &Desk, request: &Request) -> Option<String> {
    let missing = desk.missing_rights(request);
    (!missing.is_empty()).then(|| format!("needs the right to {}", crate::text::list(&missing)))
}

/// What asks for an operation to be taken back, or why it cannot be.
fn taking_back(operation: &OperationView) -> Result<Request, String> {
    match (&operation.takes_back, &operation.elsewhere) {
        (Some(request), _) => Ok((**request).clone()),
        (None, Some(elsewhere)) => Err(format!("it is taken back where it ran: {elsewhere}")),
        (None, None) => Err("it has not ended: resume it to its end, or stop it first".to_owned()),
    }
}

fn not_stoppable(operation: &OperationView) -> Option<String> {
    match &operation.elsewhere {
        Some(elsewhere) => Some(format!("it is stopped where it runs: {elsewhere}")),
        None if operation.state.active() || operation.can_resume => None,
        None => Some(format!("it is {}, not running here", operation.state.word().to_lowercase())),
    }
}

fn not_resumable(operation: &OperationView) -> Option<String> {
    let open = matches!(operation.state, OperationState::Interrupted | OperationState::OutcomeUnknown);
    if !open {
        return Some(format!("it is {}; only an interrupted operation can be resumed", operation.state.word()));
    }
    (!operation.can_resume).then(|| match &operation.elsewhere {
        Some(elsewhere) => format!("it is resumed where it ran: {elsewhere}"),
        None => "there is no connection to the cluster yet".to_owned(),
    })
}
