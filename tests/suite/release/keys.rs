//! A run led in the console by keys alone: what somebody reads on the screen says which.

use super::shop::{RULE, Shop};
use crate::support::person::Person;
use crate::support::terminal::Terminal;

/// A console, and how often somebody had to say something in it.
pub struct Keys<'a> {
    sre: &'a Person,
    pub terminal: Terminal,
    pub said: usize,
}

impl<'a> Keys<'a> {
    fn open(shop: &'a Shop, said: usize) -> Self {
        let terminal = Terminal::holdfast(&shop.sre, &["-n", &shop.cluster.namespace], 120, 36);
        Self { sre: &shop.sre, terminal, said }
    }

    /// Begins the run from a finding, which tells its parameters.
    pub async fn begin(shop: &'a Shop) -> Self {
        let mut keys = Self::open(shop, 1);
        let terminal = &mut keys.terminal;
        terminal.shows(RULE).await;
        terminal.press(&format!("4/rule:{RULE}"));
        terminal.until("the findings of the rule", |screen| screen.contains("7 of ")).await;
        terminal.press("\r");
        // Opened, it says what runs it, which is what the parameters are told by.
        terminal.press("\r");
        terminal.shows("StatefulSet").await;
        terminal.press("xB");
        terminal.shows("Runbooks").await;
        terminal.press("vulnerable-release");
        terminal.shows("A vulnerable release ran").await;
        terminal.press("\r");
        terminal.shows("Before the run").await;
        terminal.shows(RULE).await;
        terminal.press("\r");
        keys
    }

    /// Goes on with it in a new console.
    pub async fn resume(shop: &'a Shop, said: usize) -> Self {
        let mut keys = Self::open(shop, said + 1);
        keys.terminal.shows("data-db-0").await;
        keys.terminal.press("R");
        keys.terminal.shows("vulnerable-release").await;
        keys.terminal.press("\r");
        keys.terminal.shows("does not lead it").await;
        keys.terminal.press("xr");
        keys
    }

    /// The id of the run.
    pub fn id(&self) -> String {
        self.sre.only_run()
    }

    /// Waits until somebody is asked what came of a step.
    pub async fn is_asked(&self, step: &str) {
        self.terminal.at_step(step, "says what came of it").await;
    }

    /// Says what came of a step.
    pub async fn say(&mut self, step: &str, what: &str) {
        self.is_asked(step).await;
        self.said += 1;
        self.terminal.press("xO");
        self.terminal.shows("Say to").await;
        self.terminal.press(&format!("{what}\r"));
    }

    /// Reads the plan of a step and confirms it with the word that it asks for.
    pub async fn confirm(&mut self, step: &str) {
        self.terminal.at_step(step, "makes its plan").await;
        self.said += 1;
        self.terminal.press("xO");
        self.terminal.shows("Review").await;
        self.terminal.press("\r");
        let screen = self.terminal.until("the confirmation", |screen| screen.contains("Type ")).await;
        let after = screen.split("Type ").nth(1).unwrap();
        let word = after.split_whitespace().next().unwrap();
        self.terminal.press(&format!("{word}\r"));
    }

    /// Chooses what is recommended.
    pub async fn choose(&mut self, step: &str) {
        self.terminal.at_step(step, "chooses one of these").await;
        self.said += 1;
        self.terminal.press("xO");
        self.terminal.shows("Which one").await;
        self.terminal.press("\u{1b}[B\r\r");
    }

    /// Waits until a second person is asked.
    pub async fn waits_for_another(&self, step: &str) {
        self.terminal.at_step(step, "A second person has to agree").await;
    }
}
