//! A shipped book is played as an operator plays it: begun, answered where it waits, approved by a second person, and
//! told to its end.

use holdfast::runbook::shipped::shipped;
use serde_json::Value;

use crate::runbook::id;
use crate::support::cluster::{TestCluster, User};
use crate::support::person::{Ended, Person};

/// A run of a shipped book, and whoever leads it.
pub struct Play<'a> {
    pub person: &'a Person,
    pub id: String,
    book: &'static str,
    /// What is looked at: `-n NAMESPACE`, or all.
    within: Vec<String>,
    pub last: Ended,
}

impl<'a> Play<'a> {
    /// Begins a book with what is known, and with answers to its steps: `STEP=TEXT`.
    pub async fn begin(person: &'a Person, book: &'static str, params: &[&str], answers: &[&str]) -> Self {
        Self::begin_within(person, book, None, params, answers).await
    }

    /// The same over one namespace alone.
    pub async fn begin_within(
        person: &'a Person,
        book: &'static str,
        namespace: Option<&str>,
        params: &[&str],
        answers: &[&str],
    ) -> Self {
        let within: Vec<String> = namespace.into_iter().flat_map(|name| ["-n".to_owned(), name.to_owned()]).collect();
        let mut words = vec!["runbook", "run", book, "--yes"];
        words.extend(within.iter().map(String::as_str));
        words.extend(params.iter().flat_map(|param| ["-p", param]));
        words.extend(answers.iter().flat_map(|answer| ["--answer", answer]));
        let last = person.run(&words).await;
        Self { person, id: id(&last), book, within, last }
    }

    /// Panics unless it waits for a person at this step.
    pub fn waits_at(&self, step: &str) {
        let said = &self.last.stderr;
        let waits = said.contains(&format!("waits at {step} for a person"))
            || said.contains(&format!("holdfast runbook approve {} {step}`", self.id));
        assert!(self.last.code == Some(4) && waits, "it does not wait at {step}: {}", self.said());
    }

    /// Panics unless it failed at this step, saying so.
    pub fn failed_at(&self, step: &str, said: &str) {
        let failed = self.last.stderr.contains(&format!("{step} failed: "));
        assert!(self.last.code == Some(1) && failed, "it did not fail at {step}: {}", self.said());
        assert!(self.last.stderr.contains(said), "{said}: {}", self.said());
    }

    /// The end of what the last command said.
    fn said(&self) -> String {
        let end = |text: &str| {
            text.lines().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        format!("code {:?}\n{}\n---\n{}", self.last.code, end(&self.last.stdout), end(&self.last.stderr))
    }

    /// Goes on with this.
    pub async fn resume(&mut self, more: &[&str]) {
        let within: Vec<&str> = self.within.iter().map(String::as_str).collect();
        let words = [&["runbook", "resume", &*self.id, "--yes"], &*within, more].concat();
        self.last = self.person.run(&words).await;
    }

    /// A second person approves the step that it waits at, and it goes on.
    pub async fn approved_by_a_colleague(&mut self, cluster: &TestCluster, more: &[&str]) {
        let colleague = cluster.person(User::Colleague);
        colleague.run(&["runbook", "approve", &self.id, "--yes"]).await.expect(0);
        self.resume(more).await;
    }

    /// What is exported of it once it is done: every step of the book that was reached is told, and every operation of it
    /// with the digest of its plan.
    pub async fn done(&self, cluster: &TestCluster) -> Value {
        assert_eq!(self.last.code, Some(0), "{}", self.said());
        let record = cluster.get("v1", "ConfigMap", &format!("holdfast-run-{}", self.id)).await.unwrap();
        assert_eq!(record["data"]["state"], "done", "{record:#}");
        let told = self.told().await;
        let told_md = self.person.run(&["runbook", "export", &self.id, "-o", "md"]).await.expect(0).stdout;
        let book = shipped(self.book).unwrap();
        for step in book.text.lines().filter_map(|line| line.strip_prefix("- id: ")) {
            assert!(told_md.contains(step), "{step} is not told: {told_md}");
        }
        for journal in self.person.journals() {
            let opened = std::fs::read_to_string(journal).unwrap();
            let opened: Value = serde_json::from_str(opened.lines().next().unwrap()).unwrap();
            if opened["body"]["authority"]["runbook"]["run"] == self.id.as_str() {
                let digest = opened["body"]["digest"].as_str().unwrap();
                assert!(told.to_string().contains(digest), "the plan {digest} is not told: {told:#}");
            }
        }
        told
    }

    /// The timeline as JSON.
    pub async fn told(&self) -> Value {
        self.person.run(&["runbook", "export", &self.id, "-o", "json"]).await.expect(0).json()
    }

    /// Files of a step that collects evidence; each is as its list of hashes says.
    pub fn evidence(&self, step: &str) -> Vec<String> {
        let folder = self.person.state().join("evidence").join(&self.id).join(step);
        let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
        let files = sums.lines().map(|line| {
            let (hash, name) = line.split_once("  ").unwrap();
            let bytes = std::fs::read(folder.join(name)).unwrap();
            assert_eq!(holdfast::text::sha256(&bytes), hash, "{name}");
            name.to_owned()
        });
        files.collect()
    }
}

/// Panics if this person changed anything of the scenario's namespace but records of runs since the audit log was so long.
pub fn nothing_but_records(cluster: &TestCluster, user: User, from: usize) {
    let writes = cluster.audit().into_iter().skip(from).filter(|event| {
        let asked = event.resource.starts_with("selfsubject") || event.path.contains("dryRun=All");
        let looked = ["get", "list", "watch"].contains(&event.verb.as_str());
        let here = event.path.contains(&format!("/namespaces/{}/", cluster.namespace));
        event.user == user.name() && here && !asked && !looked && event.resource != "configmaps"
    });
    let writes: Vec<String> = writes.map(|event| format!("{} {}", event.verb, event.path)).collect();
    assert!(writes.is_empty(), "{writes:?}");
}
