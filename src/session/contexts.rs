//! From one context to another without a restart: what there is to choose from, and leaving one in good order.

use std::collections::BTreeMap;

use super::{Message, Options, Session};
use crate::cluster;
use crate::text;
use crate::view::Level;

/// A context one can go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownContext {
    /// Its name.
    pub name: Box<str>,
    /// URL of its API server; empty when the kubeconfig names no such cluster.
    pub server: Box<str>,
    /// Whether writing there is impossible.
    pub read_only: bool,
    /// Whether a confirmation there has to name the context as well.
    pub protected: bool,
}

/// What goes along from context to context.
#[derive(Debug, Default)]
pub(super) struct Journey {
    /// Where the session was before.
    from: Option<String>,
    /// Namespaces that were looked at in each context.
    namespaces: BTreeMap<String, Vec<String>>,
    /// Why there is no connection, as it was said last.
    said: Option<Box<str>>,
}

impl Session {
    /// Reads which contexts there are; the kubeconfig may have changed. The answer is [`Event::Contexts`].
    ///
    /// [`Event::Contexts`]: super::Event::Contexts
    pub fn list_contexts(&self) {
        let (post, kubeconfig) = (self.inbox.0.clone(), self.options.target.kubeconfig.clone());
        let (settings, read_only) = (self.options.config.contexts.clone(), self.options.target.read_only);
        tokio::spawn(async move {
            let listed = tokio::task::spawn_blocking(move || cluster::contexts(kubeconfig.as_deref())).await;
            let listed = match listed {
                Ok(Ok(listed)) => Ok(listed),
                Ok(Err(error)) => Err(text::chain(&error)),
                Err(_) => Err("reading the kubeconfig ended without a result".to_owned()),
            };
            let known = |entry: cluster::ContextEntry| {
                let settings = settings.get(&entry.name).cloned().unwrap_or_default();
                KnownContext {
                    server: entry.server.unwrap_or_default().into(),
                    read_only: read_only || settings.read_only,
                    protected: settings.protected,
                    name: entry.name.into(),
                }
            };
            let contexts = listed.map(|listed| listed.into_iter().map(known).collect());
            // The session may have been closed meanwhile.
            let _ = post.send(Message::Contexts(contexts)).await;
        });
    }

    /// Goes to another context: ends what runs here, as leaving does, and begins to connect there. Nothing of the old
    /// cluster is kept; the present one need not answer.
    pub async fn switch(&mut self, context: &str) {
        self.keep_what_ran();
        let mut journey = std::mem::take(&mut self.journey);
        let old = self.desk.world.context.name.to_string();
        journey.namespaces.insert(old.clone(), std::mem::take(&mut self.options.target.namespaces));
        let mut options: Options = self.options.clone();
        options.target.context = Some(context.to_owned());
        options.target.namespaces = journey.namespaces.get(context).cloned().unwrap_or_default();
        for tracked in std::mem::take(&mut self.tracked).into_values() {
            if let Some(running) = tracked.into_running() {
                running.abandon().await;
            }
        }
        let (colleagues, runs) = (self.colleagues.elsewhere(), self.runs.elsewhere());
        *self = Self::open(options);
        (self.colleagues, self.runs) = (colleagues, runs);
        self.journey = Journey { from: Some(old).filter(|old| !old.is_empty()), said: None, ..journey };
    }

    /// Says once why there is no connection, and where one came from.
    pub(super) fn say_no_way(&mut self, why: &str) {
        if self.journey.said.as_deref() == Some(why) {
            return;
        }
        self.journey.said = Some(why.into());
        let back = self.journey.from.as_ref().map(|from| format!("; :context {from} goes back")).unwrap_or_default();
        self.notice(Level::Critical, &format!("no connection: {why}{back}"));
    }

    /// Commands that were typed in earlier sessions, the oldest first.
    pub fn commands(&self) -> Vec<String> {
        self.options.store.commands()
    }

    /// Keeps commands for later sessions. A history that cannot be kept harms nobody.
    pub fn keep_commands(&self, commands: &[String]) {
        if let Err(error) = self.options.store.keep_commands(commands) {
            tracing::warn!(%error, "the history of commands could not be kept");
        }
    }
}
