//! One case for each verb of the command line, under read-only with the token of an administrator.
//!
//! Verbs are read from the arguments themselves: one without a case fails a test. A new verb is a line in [`cases`].

use std::collections::BTreeSet;

use clap::CommandFactory;
use holdfast::cli::Args;
use holdfast::config::runbook::shipped_book;
use holdfast::runbook::book::ParamKind;
use holdfast::runbook::shipped::{SHIPPED, Shipped};

use crate::support::cluster::TestCluster;
use crate::support::person::{Ended, Person};

/// How a verb ends that may not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// With this code: it only reads, or needs no cluster.
    With(i32),
    /// With one of these codes: what it finds differs between clusters.
    Either(i32, i32),
    /// With 1, naming read-only: it got as far as a writing session would, and stopped there.
    Refused,
}

/// A verb, how it is called, and how that ends.
pub struct Case {
    pub verb: &'static str,
    pub more: Vec<String>,
    pub ends: Ends,
}

use Ends::{Either, Refused, With};

/// Every verb of the command line: `operations show`.
pub fn verbs() -> BTreeSet<String> {
    fn below(command: &clap::Command, path: &str, verbs: &mut BTreeSet<String>) {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let path = format!("{path} {}", inner.get_name()).trim().to_owned();
            below(inner, &path, verbs);
            if !inner.has_subcommands() || !inner.is_subcommand_required_set() {
                verbs.insert(path);
            }
        }
    }
    let mut verbs = BTreeSet::new();
    below(&Args::command(), "", &mut verbs);
    verbs
}

/// Each runbook that comes along, begun.
fn shipped(here: &str) -> Vec<Case> {
    let begun = |book: &Shipped| {
        let mut more = vec![book.name.to_owned(), "-n".to_owned(), here.to_owned(), "--yes".to_owned()];
        for param in shipped_book(book).unwrap().params.iter().filter(|param| param.default.is_none()) {
            let value = match param.kind {
                ParamKind::Volume => format!("{here}/data"),
                ParamKind::Workload => format!("{here}/deployment/client"),
                ParamKind::Secret => format!("{here}/edge-tls"),
                ParamKind::Namespace => here.to_owned(),
                ParamKind::Moment => "2026-01-01T00:00:00Z".to_owned(),
                _ => "sqli".to_owned(),
            };
            more.extend(["--param".to_owned(), format!("{}={value}", param.name)]);
        }
        Case { verb: "runbook run", more, ends: Refused }
    };
    SHIPPED.iter().map(begun).collect()
}

/// What cases are about: volume `data`; volume `other` with copies `old` and `new`; a CA with what hangs on it; an
/// interrupted operation; and the run of a runbook, which waits for somebody.
pub fn cases(cluster: &TestCluster, admin: &Person, id: &str, run: &str) -> Vec<Case> {
    let here = &cluster.namespace;
    let of = |name: &str| format!("{here}/{name}");
    let (claim, other, copy) = (&of("data"), &of("other"), &of("old"));
    let file = |name: &str, text: &str| {
        let path = admin.home().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let policy = &file("holdfast.yaml", "policies: [{ name: all, rpo: 1h }]\n");
    let sarif = r#"{ "version": "2.1.0", "runs": [{ "tool": { "driver": { "name": "t" } }, "results": [] }] }"#;
    let (log, links) = (&file("log.sarif", sarif), &file("links.toml", ""));
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/leaked-credential.yaml");
    let bundle = &admin.home().join("copy.yaml").to_str().unwrap().to_owned();
    let case = |verb: &'static str, more: &[&str], ends| Case {
        verb,
        more: more.iter().map(ToString::to_string).collect(),
        ends,
    };
    let cases = vec![
        // Looking.
        case("get", &["volumes", "-A"], With(0)),
        case("get", &["restore-points", "-A"], With(0)),
        case("get", &["certificates", "-A"], With(0)),
        case("get", &["problems", "-A"], With(0)),
        case("audit", &["-A"], With(0)),
        case("audit", &["-A", "-o", "json"], With(0)),
        case("audit", &["-A", "-o", "html"], With(0)),
        case("known-good", &[other], Either(0, 3)),
        case("isolate", &[&of("deployment/client"), "--reason", "audit", "--dry-run"], With(0)),
        case("export", &[copy, "--to", bundle, "--replace"], With(0)),
        case("probe", &[&of("edge-tls")], Either(1, 3)),
        case("rotate-ca", &[&of("shop-ca"), "-n", here, "--status"], Either(0, 4)),
        case("audit verify", &[bundle], With(2)),
        case("operations list", &["-A"], With(0)),
        case("operations show", &[id], With(0)),
        case("operations script", &[id], With(0)),
        case("journal list", &[], With(0)),
        case("journal show", &[id], With(0)),
        case("journal export", &[], With(0)),
        case("journal verify", &[], With(0)),
        // Plans that are read and not run.
        case("backup", &[claim, "--dry-run"], With(0)),
        case("hold", &[copy, "--reason", "audit", "--dry-run"], With(0)),
        case("reconcile", &["--dry-run", "-n", here, "--policy", policy], Either(0, 1)),
        case("sweep", &["-n", here], With(0)),
        // Plans that would be run.
        case("backup", &[claim, "--yes"], Refused),
        case("restore", &[copy, "--yes"], Refused),
        case("restore-in-place", &[other, "--from", "old", "--yes"], Refused),
        case("drill", &[copy, "--yes"], Refused),
        case("import", &[bundle, "-n", here, "--name", "again", "--yes"], Refused),
        case("prune", &[other, "--keep-last", "1", "--yes"], Refused),
        case("hold", &[copy, "--reason", "audit", "--yes"], Refused),
        case("release", &[&of("held"), "--yes"], Refused),
        case("isolate", &[&of("deployment/client"), "--reason", "audit", "--yes"], Refused),
        case("rejoin", &[&of("deployment/contained"), "--yes"], Refused),
        case("renew", &[&of("web"), "--yes"], Refused),
        case("rotate", &[&of("edge-tls"), "--yes"], Refused),
        case("rotate-ca", &[&of("shop-ca"), "-n", here, "--yes", "--once"], Refused),
        case("reissue", &["-n", here, "--filter", "name:-tls", "--yes", "--count", "1"], Refused),
        case("reconcile", &["--once", "-n", here, "--policy", policy], Refused),
        case("operations resume", &[id], Refused),
        case("operations stop", &[id], Refused),
        case("runbook resume", &[run, "--yes"], Refused),
        case("runbook note", &[run, "seen"], Refused),
        case("runbook approve", &[run, "--yes"], Refused),
        case("runbook stop", &[run, "--reason", "audit"], Refused),
        case("runbook show", &[run], With(0)),
        case("runbook export", &[run], With(0)),
        case("runbook runs", &["-A"], With(0)),
        case("runbook list", &[], With(0)),
        case("runbook approval-policy", &[], With(0)),
        // It has not ended, so that there is nothing to take back yet.
        case("operations undo", &[id, "--yes"], With(1)),
        case("triage", &["--state", "fixed", "--reason", "r", "0000000000000000"], Either(1, 2)),
        // What needs no cluster.
        case("demo", &[], With(2)),
        case("findings", &[log], Either(0, 3)),
        case("stamp", &[log, "--revision", "0123456", "--to", "-"], With(0)),
        case("links test", &[log], Either(0, 3)),
        case("links check", &[links], With(0)),
        case("procedure", &[], With(0)),
        case("runbook check", &[book], With(0)),
        case("runbook schema", &[], With(0)),
        case("runbook shipped", &[], With(0)),
        case("runbook print", &["leaked-credential"], With(0)),
        case("runbook explain", &["leaked-credential"], With(0)),
        case("policy check", &[policy], With(0)),
        case("policy schema", &[], With(0)),
        case("rbac", &[], With(0)),
        case("config init", &["--stdout"], With(0)),
        case("config check", &[], With(0)),
        case("config path", &[], With(0)),
        case("keys", &[], With(0)),
        case("completions", &["bash"], With(0)),
        case("man", &[], With(0)),
    ];
    cases.into_iter().chain(shipped(here)).collect()
}

impl Case {
    /// Runs it with these flags besides.
    pub async fn run(&self, admin: &Person, flags: &[&str]) -> Ended {
        let words: Vec<&str> = self.verb.split(' ').chain(self.more.iter().map(String::as_str)).collect();
        admin.run(&[&words, flags].concat()).await
    }

    /// Whether it ended as it should.
    pub fn check(&self, ended: &Ended) {
        let code = ended.code;
        let right = match self.ends {
            With(wanted) => code == Some(wanted),
            Either(one, other) => code == Some(one) || code == Some(other),
            Refused => code == Some(1) && ended.stderr.contains("read-only"),
        };
        assert!(right, "{} {:?} should end {:?}: {ended:?}", self.verb, self.more, self.ends);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_of_the_command_line_has_a_case() {
    let cluster = TestCluster::sim("cases").await;
    let admin = cluster.person(crate::support::cluster::User::Admin);
    let cases: BTreeSet<String> = cases(&cluster, &admin, "x", "x").iter().map(|case| case.verb.to_owned()).collect();
    assert_eq!(cases, verbs(), "a verb needs a case here, and a case a verb");
}
