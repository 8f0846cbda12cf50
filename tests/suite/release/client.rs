//! A client that asks the application again and again, and knows how long it was not served.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::data::Data;
use crate::support::cluster::TestCluster;

/// How often it asks.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until it is dropped.
pub struct Client {
    answers: Arc<Mutex<Vec<(Instant, bool)>>>,
    _asking: JoinSet<()>,
}

/// How long the application stood still: all together, at the longest, and how often.
#[derive(Clone, Copy, Debug, Default)]
pub struct Down {
    pub total: Duration,
    pub longest: Duration,
    pub times: usize,
}

impl Client {
    pub fn of(data: &Arc<Data>, cluster: &Arc<TestCluster>) -> Self {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let (data, cluster, heard) = (Arc::clone(data), Arc::clone(cluster), Arc::clone(&answers));
        let mut asking = JoinSet::new();
        asking.spawn(async move {
            loop {
                let asked = Instant::now();
                let served = data.serves(&cluster).await;
                heard.lock().unwrap_or_else(PoisonError::into_inner).push((asked, served));
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { answers, _asking: asking }
    }

    /// What it saw so far: from the first question that nobody answered to the next that somebody did.
    pub fn down(&self) -> Down {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut down = Down::default();
        let mut since = None;
        for (at, served) in answers.iter() {
            match (since, served) {
                (None, false) => since = Some(*at),
                (Some(begin), true) => {
                    let took = at.duration_since(begin);
                    down.total += took;
                    down.longest = down.longest.max(took);
                    down.times += 1;
                    since = None;
                }
                (None, true) | (Some(_), false) => {}
            }
        }
        assert!(since.is_none(), "it is not served to the end");
        down
    }
}
