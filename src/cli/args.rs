//! Arguments. Their doc comments are the help texts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::plan::{backup, drill, restore, swap};

mod audit;
mod carry;
mod findings;
mod isolate;
mod journal;
mod probe;
mod rbac;
mod reissue;
mod renew;
mod retention;
mod rotate;
mod rotate_ca;
mod runbook;
mod runs;
mod triage;

pub use audit::{Audit, AuditFormat, AuditWhat};
pub use carry::{Export, Import};
pub use findings::{Findings, FindingsFormat, KnownGood, Links, LinksTest, Stamp};
pub use isolate::{Isolate, Rejoin};
pub use journal::{Journal, JournalFormat, ListFormat};
pub use probe::Probe;
pub use rbac::Rbac;
pub use reissue::Reissue;
pub use renew::Renew;
pub use retention::{Hold, Policy, Prune, Reconcile, Release, Sweep};
pub use rotate::Rotate;
pub use rotate_ca::RotateCa;
pub use runbook::Runbook;
pub use runs::{Approve, ExportRun, NoteRun, Resume, Run, Runs, StopRun, TimelineFormat};
pub use triage::{Triage, TriageFormat};

/// Watch volumes, restore points and certificates of a Kubernetes cluster live, and act on them safely.
///
/// Without a command the console opens. Exit codes: 0 fine, 1 refused, failed or findings over the limit,
/// 2 usage or configuration, 3 could not reach or judge, 4 waiting for a person, 141 nobody reads stdout any more.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Global {
    /// The kubeconfig file; left out, $KUBECONFIG and then ~/.kube/config.
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig context; left out, the current one.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Look at one namespace only; may be given several times.
    #[arg(short, long, global = true, value_name = "NAME")]
    pub namespace: Vec<String>,
    /// Never write to the cluster: the HTTP client itself refuses.
    #[arg(long, global = true, env = "HOLDFAST_READ_ONLY", value_parser = clap::builder::FalseyValueParser::new())]
    pub read_only: bool,
    /// The configuration file; left out, $HOLDFAST_CONFIG and then the user's own.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The policy file; left out, the one that the configuration names.
    #[arg(long, global = true, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Write a log to this file; $HOLDFAST_LOG filters it.
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the console on an embedded cluster with a small shop in it; needs nothing else.
    Demo(Demo),
    /// Print rows with their verdicts, as the console shows them.
    Get(Get),
    /// Judge what an auditor asks for, control by control, with evidence: a report that can be checked. Never writes to
    /// the cluster.
    Audit(Box<Audit>),
    /// Print what static analysis found (SARIF), from files or from the configured sources; needs no cluster.
    Findings(Findings),
    /// Decide on findings: false positive, accepted until some time, and why; or list what was decided.
    Triage(Triage),
    /// Say which copy of a volume's data can be trusted: cut before code with a finding ran, with proof.
    KnownGood(KnownGood),
    /// How findings are tied to what runs: try a log, check the links file.
    #[command(subcommand)]
    Links(Links),
    /// Write into a SARIF log which image and revision was scanned, so that its findings are tied to what runs.
    Stamp(Stamp),
    /// Back up a volume, or all volumes of a workload together: plan, review, confirm, run.
    Backup(Box<Backup>),
    /// Make a new volume from a restore point: plan, review, confirm, run.
    Restore(Restore),
    /// Prove that a restore point can be restored: in a namespace of its own, which goes again.
    Drill(Drill),
    /// Write where the copy of a restore point is, and how a volume is made of it, to a file; changes nothing.
    Export(Export),
    /// Make a restore point of a bundle that `export` wrote: plan, review, confirm, run.
    Import(Import),
    /// Delete the copies of a volume that no rule keeps: each with its reason, confirm, run.
    Prune(Box<Prune>),
    /// Keep a copy from being deleted: plan, review, confirm, run.
    Hold(Hold),
    /// Take the hold from a copy.
    Release(Release),
    /// Contain a workload: a NetworkPolicy denies its pods all traffic that is not named.
    Isolate(Isolate),
    /// Let a contained workload rejoin: its NetworkPolicy is deleted.
    Rejoin(Rejoin),
    /// Delete what operations of a namespace left behind: each with its reason, confirm, run.
    Sweep(Sweep),
    /// See whether the certificate of a Secret is the one that its pods serve: a TLS handshake with each.
    Probe(Probe),
    /// Have cert-manager issue a certificate anew, and restart what would go on with the former one.
    Renew(Renew),
    /// Give a TLS Secret that nobody else renews a new certificate, signed by a CA in the cluster or by itself.
    Rotate(Rotate),
    /// Put another CA in the place of one, phase by phase and for as long as it takes, with both trusted meanwhile.
    RotateCa(Box<RotateCa>),
    /// Issue all certificates anew that a filter matches: one proves it, then one more, then batches; the first failure
    /// stops it.
    Reissue(Box<Reissue>),
    /// Print a procedure as Markdown, for the team's wiki.
    Procedure {
        /// Which: renew, rotate, rotate-ca or reissue; left out, those that there are.
        name: Option<String>,
    },
    /// Procedures that people write down, carried out step by step: begin one, go on with it, tell what happened.
    #[command(subcommand)]
    Runbook(Runbook),
    /// Do what policies ask for and is due: back up, then prune, then drill; for a CronJob.
    Reconcile(Reconcile),
    /// The policy file: check one, print its schema.
    #[command(subcommand)]
    Policy(Policy),
    /// Give a volume the data of a restore point under its own name: stage, verify, swap.
    RestoreInPlace(Box<RestoreInPlace>),
    /// Operations: list, show, resume, stop, take back.
    #[command(subcommand)]
    Operations(Operations),
    /// The journal of this console and those of its operations: list, show, export, verify.
    #[command(subcommand)]
    Journal(Journal),
    /// Print the rights that looking takes, or those of an operator, as roles of RBAC; asks no cluster.
    Rbac(Rbac),
    /// The configuration file: write one, check one, say which is read.
    #[command(subcommand)]
    Config(Config),
    /// Print which key does what in the console, with the configuration applied.
    Keys(Keys),
    /// Print completions for a shell.
    Completions {
        /// For which shell.
        shell: Shell,
    },
    /// Print the manual page.
    Man,
}

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Only serve the embedded cluster, without the console, until interrupted.
    #[arg(long)]
    pub serve: bool,
    /// Write a kubeconfig for it to this file.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig_out: Option<PathBuf>,
    /// Play a story on it while you watch; it takes a minute and a half.
    #[arg(long, value_name = "NAME", conflicts_with = "serve")]
    pub story: Option<Tale>,
}

/// The stories of `demo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tale {
    /// A release with an SQL injection writes data between a clean one and a fixed one, each scanned and copied.
    VulnerableRelease,
}

/// What `get` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Volumes: can I get my data back?
    Volumes,
    /// Restore points: copies one can restore from.
    RestorePoints,
    /// Certificates: will TLS break?
    Certificates,
    /// Everything that is wrong, the worst first.
    Problems,
}

/// How `get` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns.
    #[default]
    Table,
    /// An array, one object per row.
    Json,
    /// The same as YAML.
    Yaml,
}

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
pub struct Get {
    /// What to print.
    pub what: What,
    /// All namespaces; left out, --namespace or the context's own.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Print only rows that match, as in the console: 'shop state:breached', 'capacity>100Gi', 'expires<14d',
    /// 'label:tier=gold', '!name:test'.
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Leave out rows that are fine.
    #[arg(long)]
    pub only_problems: bool,
    /// How to print it.
    #[arg(short, long, default_value = "table")]
    pub output: Format,
}

/// How a plan is confirmed.
#[derive(Clone, Debug, clap::Args)]
pub struct Consent {
    /// Confirm beforehand; recorded as such. On a protected context --context has to name it as well.
    #[arg(long)]
    pub yes: bool,
    /// Print the plan and what the server says of it, and stop.
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Also write the plan as a shell script of kubectl commands to this file; - is stdout.
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub script: Option<PathBuf>,
}

/// Labels that select volumes.
pub type Labels = std::collections::BTreeMap<String, String>;

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The volume: NAMESPACE/PVC.
    #[arg(value_name = "NAMESPACE/PVC", required_unless_present_any = ["workload", "selector"])]
    pub volume: Option<String>,
    /// All volumes of this workload of --namespace together, such as statefulset/db: all or none.
    #[arg(long, value_name = "KIND/NAME", value_parser = backup::Owner::parse, conflicts_with_all = ["volume", "selector"], requires = "namespace")]
    pub workload: Option<backup::Owner>,
    /// All volumes of --namespace with these labels together, such as app=db: all or none.
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = super::backup::labels, conflicts_with = "volume", requires = "namespace")]
    pub selector: Option<Labels>,
    /// How several volumes are cut: at one moment (a VolumeGroupSnapshot), side by side, or auto: at one moment where
    /// the storage can.
    #[arg(long, value_name = "auto|group|parallel", value_parser = backup::Together::parse, default_value = "auto")]
    pub together: backup::Together,
    #[command(flatten)]
    pub consent: Consent,
    /// The VolumeSnapshotClass; left out, the default of the volume's driver.
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Why, for the journal and an annotation of the snapshot.
    #[arg(long, value_name = "TEXT", value_parser = backup::reason)]
    pub reason: Option<String>,
    /// How long to wait until the snapshot is cut; left out, as configured.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub cut_within: Option<Duration>,
    /// How long to wait until the snapshot can be restored from; left out, as configured.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub ready_within: Option<Duration>,
    /// How much the copy promises; left out, application where hooks are named, else crash.
    #[arg(long, value_name = "crash|application")]
    pub consistency: Option<String>,
    #[command(flatten)]
    pub hooks: HookArgs,
}

/// How the application is held over the cut.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Holding the application")]
pub struct HookArgs {
    /// What holds it: none, auto (Velero's annotations of the pod, else what its image is known for), velero,
    /// postgresql, postgresql-checkpoint, mysql, redis, mongodb or fsfreeze.
    #[arg(long, value_name = "HOOKS")]
    pub hooks: Option<String>,
    /// A command of your own that holds it: one word, or a JSON array of words. It stands in the journal.
    #[arg(long, value_name = "COMMAND")]
    pub pre: Option<String>,
    /// The command that releases it; it runs whenever the other has begun, and again until it succeeds.
    #[arg(long, value_name = "COMMAND")]
    pub post: Option<String>,
    /// The container that hooks run in; left out, the one that mounts the volume.
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
    /// How long one hook may run; left out, 30s.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub hook_timeout: Option<Duration>,
    /// How long the application is held at most; left out, 60s. Then it is released, cut or not.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub quiesce_at_most: Option<Duration>,
}

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The restore point: NAMESPACE/SNAPSHOT; with --latest or --before the volume: NAMESPACE/PVC; with --set the set:
    /// NAMESPACE/SET.
    #[arg(value_name = "NAMESPACE/NAME")]
    pub point: String,
    #[command(flatten)]
    pub consent: Consent,
    /// From the newest good restore point of the volume.
    #[arg(long, conflicts_with = "before")]
    pub latest: bool,
    /// From the newest good restore point of the volume that was cut before this moment.
    #[arg(long, value_name = "TIME", value_parser = super::restore::moment)]
    pub before: Option<Timestamp>,
    /// All restore points of a set together, each into a new volume; a set is called after the operation that cut it.
    #[arg(long, conflicts_with_all = ["latest", "before"])]
    pub set: bool,
    /// Name of the new volume's claim; left out, the old name, -restore- and the end of the operation's id. With --set
    /// the name of the StatefulSet that the new volumes are for: data-db-0 becomes data-NAME-0.
    #[arg(long, value_name = "NAME", value_parser = super::restore::name)]
    pub to: Option<String>,
    /// The StorageClass; left out, that of the volume that was cut.
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// How large, such as 20Gi; left out, as large as what was cut.
    #[arg(long, value_name = "SIZE", value_parser = restore::size)]
    pub size: Option<u64>,
    /// How long to wait until the new volume is bound; left out, 10m.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub bound_within: Option<Duration>,
}

/// Arguments of `drill`.
#[derive(Debug, clap::Args)]
pub struct Drill {
    /// The restore point: NAMESPACE/SNAPSHOT.
    #[arg(value_name = "NAMESPACE/SNAPSHOT")]
    pub point: String,
    #[command(flatten)]
    pub consent: Consent,
    /// The StorageClass; left out, that of the volume that was cut.
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// The image of the pod that reads the volume; it needs sh, find, cat and wc.
    #[arg(long, value_name = "IMAGE", value_parser = drill::image, default_value = drill::IMAGE)]
    pub image: String,
    /// Fail when fewer bytes than this are read, such as 500Mi; left out, when there are none.
    #[arg(long, value_name = "SIZE", value_parser = restore::size)]
    pub at_least: Option<u64>,
    /// How long to wait until the volume is made and mounted; left out, 10m.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub mounted_within: Option<Duration>,
    /// How long reading all of it may take; left out, 1h.
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub read_within: Option<Duration>,
}

/// Arguments of `restore-in-place`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["from", "from_volume", "set"]))]
pub struct RestoreInPlace {
    /// The volume: NAMESPACE/PVC.
    #[arg(value_name = "NAMESPACE/PVC")]
    pub volume: String,
    #[command(flatten)]
    pub consent: Consent,
    /// The restore point: a VolumeSnapshot of the same namespace.
    #[arg(long, value_name = "SNAPSHOT")]
    pub from: Option<String>,
    /// A volume that an earlier in-place restore kept: takes that back.
    #[arg(long, value_name = "PV")]
    pub from_volume: Option<String>,
    /// A set that holds a restore point of the volume: all volumes that were cut with it are restored together.
    #[arg(long, value_name = "SET")]
    pub set: Option<String>,
    /// The VolumeSnapshotClass of the safety snapshot; left out, the default of the volume's driver.
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Why, for the journal and an annotation of the safety snapshot.
    #[arg(long, value_name = "TEXT", value_parser = backup::reason)]
    pub reason: Option<String>,
    /// The members of this StatefulSet do not replicate: no peer will write over what is restored.
    #[arg(long)]
    pub not_replicated: bool,
    /// A program of another major version than at the cut may open the files.
    #[arg(long)]
    pub accept_image_change: bool,
    /// What keeps the workload as it is written down elsewhere (Argo CD, Flux) is paused, where that cannot be seen.
    #[arg(long)]
    pub gitops_paused: bool,
    /// What runs in the pod that tries the restored volume.
    #[arg(long, value_name = "IMAGE", default_value = swap::TRIAL_IMAGE, value_parser = swap::image)]
    pub trial_image: String,
    /// How long making and mounting the restored volume may take (10m).
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub stage_within: Option<Duration>,
    /// How long pods may take to end (5m).
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub stop_within: Option<Duration>,
    /// How long a volume may take to be detached (7m).
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub detach_within: Option<Duration>,
    /// How long the safety snapshot may take to be cut (2m).
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub cut_within: Option<Duration>,
    /// How long the application may take to be ready on the restored data (10m).
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub ready_within: Option<Duration>,
    /// How long the former volume and the safety snapshot are marked as kept (7d).
    #[arg(long, value_name = "DURATION", value_parser = backup::deadline)]
    pub keep: Option<Duration>,
}

/// What `operations` does.
#[derive(Debug, Subcommand)]
pub enum Operations {
    /// Print operations: those with a journal here, and what colleagues' consoles do on the cluster.
    List {
        /// Only those with a journal on this machine; asks no cluster.
        #[arg(long)]
        here: bool,
        /// All namespaces; left out, --namespace or the context's own.
        #[arg(short = 'A', long, conflicts_with = "here")]
        all_namespaces: bool,
        /// How to print it.
        #[arg(short, long, default_value = "table")]
        output: Format,
    },
    /// Print one operation: plan, steps, outcomes.
    Show {
        /// The operation's id.
        id: String,
    },
    /// Go on with an interrupted operation.
    Resume {
        /// The operation's id.
        id: String,
    },
    /// End an interrupted operation: what it still owes is done, and no more.
    Stop {
        /// The operation's id.
        id: String,
    },
    /// Take back what an operation did: plan, review, confirm, run.
    Undo {
        /// The operation's id.
        id: String,
        #[command(flatten)]
        consent: Consent,
    },
    /// Print what is left to do of an operation as a shell script of kubectl commands.
    Script {
        /// The operation's id.
        id: String,
    },
}

/// What `config` does.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Write a file in which every setting is explained and commented out; a file that is there stays as it is.
    Init {
        /// Print it instead.
        #[arg(long)]
        stdout: bool,
    },
    /// Check a file: unknown names, wrong values, keys and their conflicts, each with line and column.
    Check {
        /// The file; left out, the one that is read.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print which files, directories and environment variables are used, and why.
    Path,
}

/// Arguments of `keys`.
#[derive(Debug, clap::Args)]
pub struct Keys {
    /// How to print it.
    #[arg(short, long, default_value = "table")]
    pub output: Format,
}

/// Shells that completions can be printed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}
