//! What the cluster remembers of the journals on this machine.

use super::Session;
use crate::engine;
use crate::journal::{Remembered, Run};

impl Session {
    /// What the cluster remembers of these operations, and of which that cannot be seen, and why. Reads only.
    pub async fn remembered(&self, runs: &[Run]) -> (Vec<Remembered>, Vec<String>) {
        match &self.cluster {
            Some(cluster) => engine::remembered(&cluster.eyes(), runs).await,
            None => (Vec::new(), vec!["there is no connection to the cluster".to_owned()]),
        }
    }
}
