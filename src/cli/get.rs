//! `holdfast get`: the console's rows on stdout.

use super::args::{Format, Get, Global, What};
use super::{Exit, Failure, open};
use crate::model::Kind;
use crate::session::{Desk, to_yaml};
use crate::view::{Pane, Row, output, problems};

/// Kinds without which no volume can be judged.
const VOLUME_KINDS: &[Kind] = &[
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
const CERTIFICATE_KINDS: &[Kind] = &[
    Kind::TlsSecret,
    Kind::Certificate,
    Kind::CertificateRequest,
    Kind::Issuer,
    Kind::ClusterIssuer,
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
    let kinds = kinds(get.what);
    let mut session = open::session(global, &kinds, !get.all_namespaces)?;
    open::settle(&mut session, &kinds).await?;
    let whole = open::warn_of_blind_spots(&session, &kinds);
    print(session.desk(), get)?;
    Ok(if whole { Exit::Fine } else { Exit::Unknown })
}

fn print(desk: &Desk, get: &Get) -> Result<(), Failure> {
    let pane = match get.what {
        What::Volumes => Pane::Volumes,
        What::RestorePoints => Pane::RestorePoints,
        What::Certificates => Pane::Certificates,
        What::Problems => return print_problems(desk, get.output),
    };
    let columns = pane.columns();
    let mut rows: Vec<&Row> = desk.boards.board(pane).iter().collect();
    rows.sort_by(|a, b| (&a.object.namespace, &a.object.name).cmp(&(&b.object.namespace, &b.object.name)));
    if rows.is_empty() && get.output == Format::Table {
        eprintln!("holdfast: nothing found {}", whereabouts(desk));
        return Ok(());
    }
    match get.output {
        Format::Table => print!("{}", output::table(rows, columns, desk.now)),
        Format::Json => println!("{:#}", output::json_value(rows, columns)),
        Format::Yaml => print!("{}", yaml(&output::json_value(rows, columns))?),
    }
    Ok(())
}

fn whereabouts(desk: &Desk) -> String {
    match desk.world.context.namespaces.as_slice() {
        [] => "in any namespace".to_owned(),
        namespaces => format!("in {}; -A looks at all namespaces", crate::text::list(namespaces)),
    }
}

fn print_problems(desk: &Desk, output: Format) -> Result<(), Failure> {
    let found = problems(&desk.world, &desk.boards, &desk.operations);
    match output {
        Format::Table => print!("{}", output::problems_table(&found, desk.now)),
        Format::Json => println!("{:#}", output::problems_json(&found)),
        Format::Yaml => print!("{}", yaml(&output::problems_json(&found))?),
    }
    Ok(())
}

fn yaml(value: &serde_json::Value) -> Result<String, Failure> {
    to_yaml(value).map_err(|error| Failure::new(Exit::Unknown, error))
}
