//! What the console had to say: a bounded list, the newest last, in which what is said again is counted.

use jiff::{SignedDuration, Timestamp};

use super::Level;
use crate::text;

/// Notices kept.
const KEPT: usize = 100;

/// Something the console has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When it was said last.
    pub at: Timestamp,
    /// How bad it is.
    pub level: Level,
    /// What, on which object, why, what to do. Safe to draw.
    pub text: Box<str>,
    /// How often it was said.
    pub count: u32,
}

/// What the console had to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    kept: Vec<Notice>,
    said: u64,
}

impl Notices {
    /// Says something; the same again is counted and becomes the newest.
    pub fn say(&mut self, at: Timestamp, level: Level, text: &str) {
        let text = text::sanitize(text);
        self.said += 1;
        let before = self.kept.iter().position(|notice| notice.level == level && *notice.text == *text);
        let count = before.map_or(1, |place| self.kept.remove(place).count.saturating_add(1));
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push(Notice { at, level, text: text.into(), count });
    }

    /// All that are kept, the newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Notice> {
        self.kept.iter().rev()
    }

    /// Those that were said a short while ago, the newest first: bad news stays longer.
    pub fn recent(&self, now: Timestamp) -> impl Iterator<Item = &Notice> {
        let stays = |level: Level| SignedDuration::from_secs(if level.problem() { 20 } else { 8 });
        self.newest().filter(move |notice| now.duration_since(notice.at) < stays(notice.level))
    }

    /// How often anything was said: it grows with every notice.
    pub fn said(&self) -> u64 {
        self.said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_same_said_again_is_counted_and_becomes_the_newest() {
        let mut notices = Notices::default();
        notices.say(at(0), Level::Warn, "a");
        notices.say(at(1), Level::Warn, "b");
        notices.say(at(2), Level::Warn, "a");
        notices.say(at(3), Level::Ok, "a");
        let kept: Vec<_> = notices.newest().map(|notice| (&*notice.text, notice.level, notice.count)).collect();
        assert_eq!(kept, [("a", Level::Ok, 1), ("a", Level::Warn, 2), ("b", Level::Warn, 1)]);
        assert_eq!(notices.said(), 4);
    }

    #[test]
    fn good_news_goes_sooner_than_bad() {
        let mut notices = Notices::default();
        notices.say(at(0), Level::Ok, "done");
        notices.say(at(0), Level::Critical, "lost\u{1b}");
        let recent = |second| notices.recent(at(second)).map(|notice| notice.text.to_string()).collect::<Vec<_>>();
        assert_eq!(recent(7), ["lost␛", "done"]);
        assert_eq!(recent(19), ["lost␛"]);
        assert!(recent(20).is_empty());
    }

    #[test]
    fn old_ones_are_forgotten() {
        let mut notices = Notices::default();
        (0..150).for_each(|second| notices.say(at(second), Level::Info, &second.to_string()));
        assert_eq!(notices.newest().count(), KEPT);
        assert_eq!(notices.newest().last().map(|notice| &*notice.text), Some("50"));
    }
}
