//! Clerks: connections that write without pause, as pgbench does, and remember of each commit when it was sent and
//! when the server acknowledged it.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::support::postgres::Place;
use crate::support::wait::{self, LONG};

/// The tables, and whom the clerks are for the server. What the superuser does is logged.
pub fn schema(password: &str) -> String {
    format!(
        "CREATE ROLE clerk LOGIN PASSWORD '{password}';
         CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
         CREATE TABLE entries (clerk int, number int, account int, delta int, PRIMARY KEY (clerk, number));
         INSERT INTO accounts SELECT id, 0 FROM generate_series(1, 1000) AS id;
         GRANT SELECT, INSERT, UPDATE ON accounts, entries TO clerk;
         ALTER ROLE postgres SET log_statement = 'all';"
    )
}

/// A commit: which, and when. Not acknowledged, it may or may not have taken place.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    pub row: Row,
    pub sent: Timestamp,
    pub acknowledged: Option<Timestamp>,
}

/// The number of a clerk, and of its entry.
pub type Row = (u32, u32);

/// Some clerks at work. Dropped, they go.
pub struct Clerks {
    commits: Arc<Mutex<Vec<Commit>>>,
    working: JoinSet<()>,
}

impl Clerks {
    /// With these numbers.
    pub fn at_work(place: &Place, numbers: std::ops::Range<u32>) -> Self {
        let commits = Arc::new(Mutex::new(Vec::new()));
        let mut working = JoinSet::new();
        for number in numbers {
            let client = place.client("clerk").stdin(Stdio::piped()).spawn().unwrap();
            working.spawn(work(client, number, Arc::clone(&commits)));
        }
        Self { commits, working }
    }

    /// What was committed so far.
    pub fn commits(&self) -> Vec<Commit> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many more are acknowledged.
    pub async fn go_on(&self, count: usize) {
        let acknowledged = || self.commits().iter().filter(|commit| commit.acknowledged.is_some()).count();
        let wanted = acknowledged() + count;
        wait::until("more commits", LONG, async || (acknowledged() >= wanted).then_some(())).await;
    }

    /// What was committed when the server ended all connections.
    pub async fn sent_away(mut self) -> Vec<Commit> {
        let all_gone = async { while self.working.join_next().await.is_some() {} };
        tokio::time::timeout(LONG, all_gone).await.expect("the server ends the connections of the clerks");
        self.commits()
    }
}

/// Writes entries one after another, until the server does not answer any more.
async fn work(mut client: Child, clerk: u32, commits: Arc<Mutex<Vec<Commit>>>) {
    let mut input = client.stdin.take().unwrap();
    let mut output = BufReader::new(client.stdout.take().unwrap()).lines();
    let change = |change: &mut dyn FnMut(&mut Vec<Commit>)| {
        change(&mut commits.lock().unwrap_or_else(PoisonError::into_inner));
    };
    for number in 1.. {
        let (account, delta) = (number * 7 % 1000 + 1, number % 100);
        // The client says the number when the server has answered to the commit.
        let statements = format!(
            "BEGIN; UPDATE accounts SET balance = balance + {delta} WHERE id = {account}; \
             INSERT INTO entries VALUES ({clerk}, {number}, {account}, {delta}); COMMIT;\n\\echo {number}\n"
        );
        let row = (clerk, number);
        change(&mut |commits| commits.push(Commit { row, sent: Timestamp::now(), acknowledged: None }));
        if input.write_all(statements.as_bytes()).await.is_err() {
            return;
        }
        let Ok(Some(said)) = output.next_line().await else { return };
        let at = Timestamp::now();
        assert_eq!(said, number.to_string());
        change(&mut |commits| {
            let mine = commits.iter_mut().rev().find(|commit| commit.row == row);
            mine.unwrap().acknowledged = Some(at);
        });
    }
}

/// The entries that the server holds; what else it holds agrees with them.
pub async fn rows(place: &Place) -> BTreeSet<Row> {
    let sums = place.ask("SELECT (SELECT sum(balance) FROM accounts) = (SELECT sum(delta) FROM entries)").await;
    assert_eq!(sums, "t\n", "each commit is there as a whole");
    let listed = place.ask("SELECT clerk, number FROM entries").await;
    let row = |line: &str| {
        let (clerk, number) = line.split_once(' ').unwrap();
        (clerk.parse().unwrap(), number.parse().unwrap())
    };
    listed.lines().map(row).collect()
}
