//! The words of retention: how many copies of a volume's data are kept, as restic counts them, and holds on single
//! copies.
//!
//! Only what was said; which copies that keeps is judged by `assess::retention`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::text::quantity::{parse_span, span};
use crate::text::sanitize;

/// How many copies a rule keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many; at least one.
    Of(u32),
    /// Every one.
    All,
}

impl Count {
    /// Reads a count: a whole number from 1, or `all`.
    ///
    /// # Errors
    /// When it is neither; says what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "all" => Ok(Self::All),
            other => match other.parse() {
                Ok(0) | Err(_) => Err("needs a whole number from 1, or all".to_owned()),
                Ok(count) => Ok(Self::Of(count)),
            },
        }
    }

    /// As it is written.
    pub fn word(self) -> String {
        match self {
            Self::Of(count) => count.to_string(),
            Self::All => "all".to_owned(),
        }
    }
}

/// What a rule counts: the newest copy of each such span of time is one of its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Every copy by itself.
    Last,
    /// An hour of a day.
    Hourly,
    /// A day.
    Daily,
    /// A week of ISO 8601, which begins on a Monday.
    Weekly,
    /// A month.
    Monthly,
    /// A year.
    Yearly,
}

impl Bucket {
    /// All of them, in the order in which they are said.
    pub const ALL: [Self; 6] = [Self::Last, Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly, Self::Yearly];

    /// Its name in files and, behind `--keep-`, in commands.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }
}

/// Which copies are kept: a copy stays when any of the rules keeps it. Without a rule all stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    counts: [Option<Count>; 6],
    within: Option<SignedDuration>,
    zone: TimeZone,
}

impl Default for Keep {
    /// No rule, in UTC.
    fn default() -> Self {
        Self { counts: [None; 6], within: None, zone: TimeZone::UTC }
    }
}

impl Keep {
    /// The same with a rule more.
    #[must_use]
    pub fn with(mut self, bucket: Bucket, count: Option<Count>) -> Self {
        self.counts[bucket as usize] = count;
        self
    }

    /// The same that also keeps all copies that were cut so shortly before the newest one.
    #[must_use]
    pub fn within(self, within: Option<SignedDuration>) -> Self {
        Self { within, ..self }
    }

    /// The same with days, weeks, months and years of this time zone.
    #[must_use]
    pub fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }

    /// How shortly before the newest one all copies are kept.
    pub fn span(&self) -> Option<SignedDuration> {
        self.within
    }

    /// The time zone that tells days, weeks, months and years apart.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// How many a rule keeps; `None` when there is no such rule.
    pub fn count(&self, bucket: Bucket) -> Option<Count> {
        self.counts[bucket as usize]
    }

    /// The rules that count, in the order in which they are said.
    pub fn counts(&self) -> impl Iterator<Item = (Bucket, Count)> {
        Bucket::ALL.into_iter().filter_map(|bucket| Some((bucket, self.count(bucket)?)))
    }

    /// Reads rules as they are said: `last 3, daily 7, within 2d`; in UTC.
    ///
    /// # Errors
    /// With the first that is none; says what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keep = Self::default();
        for part in text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
            let (word, value) = part.split_once(' ').unwrap_or((part, ""));
            let misread = |why: &str| format!("\"{}\": {why}", sanitize(part));
            if word == "within" {
                let span = parse_span(value.trim()).filter(SignedDuration::is_positive);
                let span = span.ok_or_else(|| misread("write a span of time, such as within 2d"))?;
                keep = keep.within(Some(span));
                continue;
            }
            let bucket = Bucket::ALL.into_iter().find(|bucket| bucket.word() == word);
            let bucket = bucket.ok_or_else(|| misread("write rules such as last 3, daily 7, within 2d"))?;
            keep = keep.with(bucket, Some(Count::parse(value).map_err(|why| misread(&why))?));
        }
        Ok(keep)
    }

    /// The rules as [`Keep::parse`] reads them.
    pub fn said(&self) -> String {
        let counts = self.counts().map(|(bucket, count)| format!("{} {}", bucket.word(), count.word()));
        let within = self.within.map(|within| format!("within {}", span(within)));
        counts.chain(within).collect::<Vec<_>>().join(", ")
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.within.is_none() && self.counts.iter().all(Option::is_none)
    }
}

/// What is known of a hold on one copy, from its annotation: a JSON object of this console, or the words of whoever
/// wrote it by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// Why. Untrusted text.
    pub reason: String,
    /// Who. Untrusted text.
    pub by: Option<String>,
    /// Until when; `None` is for good. What cannot be read is for good.
    pub until: Option<Timestamp>,
    /// The deletionPolicy that the copy had before.
    pub policy: Option<String>,
}

impl Hold {
    /// Reads the annotation. Whatever stands there is a hold: one that is not understood holds for good.
    pub fn parse(text: &str) -> Self {
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
            return Self { reason: text.trim().to_owned(), ..Self::default() };
        };
        let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            reason: text("reason").unwrap_or_default(),
            by: text("by"),
            until: text("until").and_then(|until| until.parse().ok()),
            policy: text("policy"),
        }
    }

    /// The annotation.
    pub fn annotation(&self) -> String {
        let mut fields = json!({ "reason": self.reason });
        let until = self.until.map(|until| until.to_string());
        for (key, value) in [("by", self.by.clone()), ("until", until), ("policy", self.policy.clone())] {
            if let Some(value) = value {
                fields[key] = json!(value);
            }
        }
        fields.to_string()
    }

    /// In words: `held until 2026-12-01 00:00 UTC by sre: audit`. Untrusted text.
    pub fn said(&self) -> String {
        let until = self.until.map(|until| format!(" until {}", until.strftime("%Y-%m-%d %H:%M UTC")));
        let by = self.by.as_ref().map(|by| format!(" by {by}"));
        let reason = Some(&self.reason).filter(|reason| !reason.is_empty()).map(|reason| format!(": {reason}"));
        ["held".to_owned()].into_iter().chain(until).chain(by).chain(reason).collect()
    }

    /// Whether it holds at a moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("7", Ok(Count::Of(7)))]
    #[case("all", Ok(Count::All))]
    #[case("0", Err(()))]
    #[case("-1", Err(()))]
    #[case("many", Err(()))]
    fn a_count_is_a_number_or_all(#[case] text: &str, #[case] read: Result<Count, ()>) {
        assert_eq!(Count::parse(text).map_err(drop), read);
    }

    #[rstest]
    #[case("last 3, daily 7,weekly all", Ok("last 3, daily 7, weekly all"))]
    #[case("within 2d12h", Ok("within 2d12h"))]
    #[case(" ", Ok(""))]
    #[case("last", Err("\"last\": needs a whole number from 1, or all"))]
    #[case("daily 0", Err("\"daily 0\": needs a whole number from 1, or all"))]
    #[case("often 3", Err("\"often 3\": write rules such as last 3, daily 7, within 2d"))]
    #[case("within soon", Err("\"within soon\": write a span of time, such as within 2d"))]
    fn rules_are_read_as_they_are_said(#[case] text: &str, #[case] read: Result<&str, &str>) {
        assert_eq!(Keep::parse(text).map(|keep| keep.said()), read.map(str::to_owned).map_err(str::to_owned));
    }

    #[rstest]
    #[case::words("audit of 2026", Hold { reason: "audit of 2026".into(), ..Hold::default() })]
    #[case::nothing("", Hold::default())]
    #[case::half("{\"reason\":", Hold { reason: "{\"reason\":".into(), ..Hold::default() })]
    #[case::no_time("{\"reason\":\"r\",\"until\":\"soon\"}", Hold { reason: "r".into(), ..Hold::default() })]
    fn whatever_stands_there_is_a_hold_for_good(#[case] text: &str, #[case] read: Hold) {
        assert_eq!(Hold::parse(text), read);
        assert!(read.holds(Timestamp::MAX));
    }

    #[test]
    fn a_hold_is_read_as_it_was_written_and_ends() {
        let until: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        let hold = Hold {
            reason: "a \"quoted\" one".into(),
            by: Some("sre".into()),
            until: Some(until),
            policy: Some("Delete".into()),
        };
        assert_eq!(Hold::parse(&hold.annotation()), hold);
        assert!(hold.holds(until - SignedDuration::from_secs(1)) && !hold.holds(until));
    }
}
