//! Looking at what pods serve: a TLS handshake with each, through the API server.
//!
//! It changes nothing, and costs each pod a connection: so many at once, and no more often than every few seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;

use super::Engine;
use crate::cluster::PodPort;
use crate::model::NotServed;
use crate::plan::{Act, NotShaken, Progress, Seen, Shaken, Step, StepId, asked, judge_handshakes};

/// How long one handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How often the pods of a step are shaken hands with.
const EVERY: Duration = Duration::from_secs(2);
/// How many at once.
const AT_ONCE: usize = 8;

/// What was seen last, of one run.
#[derive(Clone, Debug, Default)]
pub(super) struct Looks(Arc<Mutex<Option<(StepId, Instant, Seen)>>>);

impl Looks {
    fn recent(&self, step: &StepId) -> Option<Seen> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(of, at, _)| of == step && at.elapsed() < EVERY).map(|(_, _, seen)| seen.clone())
    }

    fn note(&self, step: &StepId, seen: &Seen) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((step.clone(), Instant::now(), seen.clone()));
    }
}

impl Engine {
    /// What became of a step that looks at what pods serve.
    pub(super) async fn shake_hands(&self, step: &Step, progress: &Progress) -> Seen {
        if let Some(seen) = self.looks.recent(&step.id) {
            return seen;
        }
        let seen = self.shake(&step.act, progress).await;
        self.looks.note(&step.id, &seen);
        seen
    }

    async fn shake(&self, act: &Act, progress: &Progress) -> Seen {
        let Some(act) = act.filled(progress) else { return judge_handshakes(act, progress, &[]) };
        let Act::Handshake { pods, port, name, .. } = &act else { return Seen::Unknown("it asks no pod".into()) };
        let listed = match self.list(pods).await {
            Ok(listed) => listed,
            Err(why) => return Seen::Unknown(format!("the pods could not be listed: {why}")),
        };
        let namespace = pods.namespace.as_deref().unwrap_or_default();
        let each = asked(&act, &listed).into_iter().map(|pod| async move {
            let at = PodPort { namespace: namespace.to_owned(), pod, port: *port };
            let served = match self.hands.handshake(&at, name, HANDSHAKE).await {
                Ok(chain) => chain.first().map(|leaf| (leaf.fingerprint.to_string(), leaf.not_after)).ok_or_else(none),
                Err(not) => Err(NotShaken { denied: matches!(not, NotServed::Denied(_)), why: not.to_string() }),
            };
            Shaken { pod: at.pod, served }
        });
        let mut shaken: Vec<Shaken> = futures::stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
        shaken.sort_by(|a, b| a.pod.cmp(&b.pod));
        judge_handshakes(&act, progress, &shaken)
    }
}

fn none() -> NotShaken {
    NotShaken { why: "it presents no certificate".into(), denied: false }
}
