//! `holdfast get`: the console's rows on stdout.

use super::args::{Format, Get, Global, What};
use super::{Exit, Failure, open, out};
use crate::model::Kind;
use crate::session::{Desk, Session, Unnamed, to_yaml};
use crate::text;
use crate::view::{Column, Filter, Listing, Pane, Query, Row, Sieve, output, problems};

/// Kinds without which no volume can be judged.
pub(super) const VOLUME_KINDS: &[Kind] = &[
    Kind::Pvc,
    Kind::VolumeSnapshot,
    Kind::Content,
    Kind::Pv,
    Kind::Pod,
    Kind::StorageClass,
    Kind::SnapshotClass,
    Kind::Namespace,
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::VeleroBackup,
    Kind::VeleroSchedule,
    Kind::BackupLocation,
    Kind::DataUpload,
    Kind::PodVolumeBackup,
];

/// Kinds without which no certificate can be judged.
pub(super) const CERTIFICATE_KINDS: &[Kind] = &[
    Kind::TlsSecret,
    Kind::Certificate,
    Kind::CertificateRequest,
    Kind::Issuer,
    Kind::ClusterIssuer,
    Kind::Service,
    Kind::MutatingWebhook,
    Kind::ValidatingWebhook,
    Kind::ApiService,
    Kind::Crd,
    Kind::SigningRequest,
    Kind::Order,
    Kind::Challenge,
    Kind::OtherSecret,
    Kind::ConfigMap,
    Kind::Ingress,
    Kind::Gateway,
    Kind::Pod,
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
];

fn kinds(what: What) -> Vec<Kind> {
    match what {
        What::Volumes | What::RestorePoints => VOLUME_KINDS.to_vec(),
        What::Certificates => CERTIFICATE_KINDS.to_vec(),
        What::Problems => Kind::ALL.iter().copied().filter(|kind| *kind != Kind::Event).collect(),
    }
}

pub(super) async fn run(global: &Global, get: &Get) -> Result<Exit, Failure> {
    if get.all_namespaces && !global.namespace.is_empty() {
        return Err(Failure::new(Exit::Usage, "--all-namespaces and --namespace exclude each other"));
    }
    let filter = filter(get.filter.as_deref(), get.what.pane().map_or(Sieve::columns(), Pane::columns))?;
    let kinds = kinds(get.what);
    let unnamed = if get.all_namespaces { Unnamed::All } else { Unnamed::Own };
    let mut session = open::session(global, &kinds, unnamed)?;
    open::settle(&mut session, &kinds).await?;
    if get.what.pane().is_none() {
        runs_seen(&mut session).await;
        session.judge_copies_now();
    }
    let whole = open::warn_of_blind_spots(&session, &kinds);
    print(session.desk(), get, &filter)?;
    Ok(if whole { Exit::Fine } else { Exit::Unknown })
}

/// Waits until it is known which runbooks ran, and so what was reviewed, or that it cannot be.
pub(super) async fn runs_seen(session: &mut Session) {
    session.watch_runs();
    while session.runs_seen().is_none() {
        session.next().await;
    }
}

impl What {
    /// The pane whose rows are printed; `None` for the list of problems.
    const fn pane(self) -> Option<Pane> {
        match self {
            Self::Volumes => Some(Pane::Volumes),
            Self::RestorePoints => Some(Pane::RestorePoints),
            Self::Certificates => Some(Pane::Certificates),
            Self::Problems => None,
        }
    }
}

/// The filter; unlike on a screen, one that is not wholly understood is refused: a script would not see the sign.
pub(super) fn filter(text: Option<&str>, columns: &[Column]) -> Result<Filter, Failure> {
    let filter = Filter::parse(text.unwrap_or_default());
    let bound = filter.bind(columns);
    let Some(fault) = bound.faults().first() else { return Ok(filter) };
    let written = filter.text();
    let before = text::width(&text::sanitize(&written[..fault.at.start]));
    let marked = "^".repeat(text::width(&text::sanitize(filter.term(fault))).max(1));
    let said = format!("--filter: {fault}\n  {written}\n  {}{marked}", " ".repeat(before));
    Err(Failure::new(Exit::Usage, said))
}

fn print(desk: &Desk, get: &Get, filter: &Filter) -> Result<(), Failure> {
    let Some(pane) = get.what.pane() else { return print_problems(desk, get.output, filter) };
    let columns = pane.columns();
    let (board, query) = (
        desk.boards.board(pane),
        Query { filter: filter.clone(), only_problems: get.only_problems, ..Query::default() },
    );
    let mut listing = Listing::new(query);
    listing.refresh(board, &desk.world, desk.now);
    let mut rows: Vec<&Row> = listing.rows(board, 0).collect();
    rows.sort_by(|a, b| (&a.object.namespace, &a.object.name).cmp(&(&b.object.namespace, &b.object.name)));
    if rows.is_empty() && get.output == Format::Table {
        let whereabouts = whereabouts(desk);
        match board.len() {
            0 => out::say(format_args!("holdfast: nothing found {whereabouts}")),
            hidden => out::say(format_args!("holdfast: none of {hidden} rows matches {whereabouts}")),
        }
        return Ok(());
    }
    match get.output {
        Format::Table => out::print(output::table(rows, columns, desk.now)),
        Format::Json => out::line(format_args!("{:#}", output::json_value(rows, columns))),
        Format::Yaml => out::print(yaml(&output::json_value(rows, columns))?),
    }
}

fn whereabouts(desk: &Desk) -> String {
    match desk.world.context.namespaces.as_slice() {
        [] => "in any namespace".to_owned(),
        namespaces => format!("in {}; -A looks at all namespaces", text::list(namespaces)),
    }
}

fn print_problems(desk: &Desk, output: Format, filter: &Filter) -> Result<(), Failure> {
    let mut found = problems(&desk.world, &desk.boards, &desk.operations, &desk.runs);
    let sieve = Sieve::new(filter, &Filter::default());
    found.retain(|problem| sieve.passes(problem, &desk.world, &desk.boards, desk.now));
    match output {
        Format::Table => out::print(output::problems_table(&found, desk.now)),
        Format::Json => out::line(format_args!("{:#}", output::problems_json(&found))),
        Format::Yaml => out::print(yaml(&output::problems_json(&found))?),
    }
}

fn yaml(value: &serde_json::Value) -> Result<String, Failure> {
    to_yaml(value).map_err(|error| Failure::new(Exit::Unknown, error))
}
