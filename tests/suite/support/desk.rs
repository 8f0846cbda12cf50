//! A session looked at without a terminal: what the console's panes would show.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use holdfast::cluster::Target;
use holdfast::config::Config;
use holdfast::model::Kind;
use holdfast::session::{Desk, Options, Session, Unnamed};
use holdfast::store::Store;
use holdfast::view::Pane;

use super::person::Person;

/// Opens a session on a person's machine that looks at one namespace.
pub fn session(person: &Person, namespace: &str) -> Session {
    configured(person, namespace, Config::default())
}

/// The same with these settings.
pub fn configured(person: &Person, namespace: &str, config: Config) -> Session {
    let target =
        Target { kubeconfig: Some(person.kubeconfig()), namespaces: vec![namespace.to_owned()], ..Target::default() };
    let store = Store::open(&person.state()).unwrap();
    Session::open(Options { target, config, store, unnamed: Unnamed::All, kinds: Kind::ALL.to_vec() })
}

/// Takes in what happens until the desk is as it should be, and says how long that took.
pub async fn until(session: &mut Session, what: &str, within: Duration, right: impl Fn(&Desk) -> bool) -> Duration {
    let began = Instant::now();
    while !right(session.desk()) {
        let left = within.checked_sub(began.elapsed());
        let left = left.unwrap_or_else(|| panic!("waited {within:?} for {what}; {}", summary(session.desk())));
        // Runs out at the latest when the deadline does; the loop says so.
        let _ = tokio::time::timeout(left, session.next()).await;
    }
    began.elapsed()
}

/// Names on a pane, each with its UID; what has no namespace belongs to the cluster, not to a test.
pub fn rows(desk: &Desk, pane: Pane) -> Vec<(String, String)> {
    let mut rows: Vec<_> = desk
        .boards
        .board(pane)
        .iter()
        .filter(|row| row.object.namespace.is_some())
        .map(|row| (row.object.name.to_string(), row.uid.to_string()))
        .collect();
    rows.sort();
    rows
}

/// Whether a pane has a row of this name.
pub fn has(desk: &Desk, pane: Pane, name: &str) -> bool {
    desk.boards.board(pane).iter().any(|row| &*row.object.name == name)
}

/// Panics when two rows of a pane stand for the same object.
pub fn none_doubled(desk: &Desk, pane: Pane) {
    let rows = rows(desk, pane);
    let unique: BTreeSet<_> = rows.iter().collect();
    assert_eq!(unique.len(), rows.len(), "{rows:?}");
}

fn summary(desk: &Desk) -> String {
    let panes = Pane::ALL.map(|pane| format!("{pane:?}: {:?}", rows(desk, pane)));
    format!("connection {:?}; {}", desk.world.connection, panes.join("; "))
}
