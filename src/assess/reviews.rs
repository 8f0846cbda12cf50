//! Whether somebody looked at each topic in time.
//!
//! A review is due when the reviewer said so, or when the time between two reviews of its topic is over, whichever
//! comes first. What cannot be seen is Unknown: another console may know of a review.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::copies::CLOCK_TOLERANCE;
use super::{Judgement, Reason, STALE_LIMIT, Severity};
use crate::model::{Freshness, Review, TOPICS, World};
use crate::text;

/// A review is said to be due from this long before it is overdue.
pub const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How a topic stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReviewState {
    /// Reviewed, and the next review is not near.
    Current,
    /// The next review is due within [`AHEAD`].
    Due,
    /// The next review should have been.
    Overdue,
    /// Nobody ever reviewed it.
    Never,
    /// Cannot be told.
    Unknown,
}

impl ReviewState {
    /// One word for a column.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::Due => "Due",
            Self::Overdue => "Overdue",
            Self::Never => "Never",
            Self::Unknown => "Unknown",
        }
    }

    /// How much it matters.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Current => Severity::Ok,
            Self::Due => Severity::Info,
            Self::Overdue | Self::Never => Severity::Warn,
            Self::Unknown => Severity::Unknown,
        }
    }
}

/// The verdict on one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The topic. Untrusted text.
    pub topic: Arc<str>,
    /// The verdict.
    pub state: ReviewState,
    /// The last review.
    pub last: Option<Review>,
    /// When the next one is due, or was.
    pub due: Option<Timestamp>,
}

/// Judges every topic that was reviewed or has to be, by name.
pub fn reviews(world: &World, now: Timestamp) -> Vec<Judgement<Reviewed>> {
    let known = &world.reviews;
    let topics: BTreeSet<&Arc<str>> = known.every.keys().chain(known.known.iter().map(|one| &one.topic)).collect();
    topics.into_iter().map(|topic| judge(world, topic, now)).collect()
}

fn judge(world: &World, topic: &Arc<str>, now: Timestamp) -> Judgement<Reviewed> {
    let known = &world.reviews;
    let last = known.last(topic).cloned();
    let due = last.as_ref().and_then(|last| due(last, known.every.get(topic).copied()));
    let judged = match unseen(&known.freshness, now) {
        Err(why) => Judgement::new(ReviewState::Unknown).because(why),
        Ok(until) => by_last(topic, last.as_ref(), due, now).until(until),
    };
    judged.map(|state| Reviewed { topic: topic.clone(), state, last, due })
}

/// When a topic is to be reviewed again after a review.
fn due(last: &Review, every: Option<SignedDuration>) -> Option<Timestamp> {
    let regular = every.map(|every| last.at.saturating_add(every).unwrap_or(Timestamp::MAX));
    last.next.into_iter().chain(regular).min()
}

fn by_last(topic: &str, last: Option<&Review>, due: Option<Timestamp>, now: Timestamp) -> Judgement<ReviewState> {
    let next = next(topic);
    let Some(last) = last else {
        let reason = Reason::new(format!("nobody has reviewed {topic}")).next(next);
        return Judgement::new(ReviewState::Never).because(reason);
    };
    if last.at.duration_since(now) > CLOCK_TOLERANCE {
        let text = format!("the last review of {topic} is of {}, which is in the future", last.at);
        return Judgement::new(ReviewState::Unknown)
            .because(Reason::new(text).next("compare the clocks of those who record reviews"))
            .until(last.at);
    }
    let ago = text::age(now.duration_since(last.at).max(SignedDuration::ZERO));
    let said = format!("{topic}: reviewed {ago} ago by {}", last.by);
    let Some(due) = due else { return Judgement::new(ReviewState::Current).because(said) };
    let near = due.saturating_sub(AHEAD).unwrap_or(Timestamp::MIN);
    if now >= due {
        let text = format!("{said}; the next review was due {} ago", text::age(now.duration_since(due)));
        Judgement::new(ReviewState::Overdue).because(Reason::new(text).next(next))
    } else if now >= near {
        let text = format!("{said}; the next review is due in {}", text::age(due.duration_since(now)));
        Judgement::new(ReviewState::Due).because(Reason::new(text).next(next)).until(due)
    } else {
        let text = format!("{said}; the next review is due {}", due.strftime("%Y-%m-%d"));
        Judgement::new(ReviewState::Current).because(text).until(near)
    }
}

/// What to do: a run of a runbook that says that it reviews the topic is the record.
fn next(topic: &str) -> String {
    if TOPICS.contains(&topic) {
        format!("review {topic}: holdfast runbook run quarterly-review")
    } else {
        format!("review {topic}: holdfast runbook run BOOK, with a runbook of yours whose reviews name it")
    }
}

/// Until when what is known counts; or why it does not.
fn unseen(freshness: &Freshness, now: Timestamp) -> Result<Option<Timestamp>, Reason> {
    match freshness {
        Freshness::Live => Ok(None),
        Freshness::Loading => Err(Reason::new("what was reviewed is not known")
            .next("let the console or the command look for the runs of runbooks")),
        Freshness::Absent => Err(Reason::new("nothing records reviews here")),
        Freshness::Denied { verb } => {
            let text = format!("what was reviewed is not seen: the right to {verb} it is missing");
            Err(Reason::new(text).next("ask for get, list and watch on the records of operations"))
        }
        Freshness::Stale { since, why } => {
            let until = since.saturating_add(STALE_LIMIT).unwrap_or(Timestamp::MAX);
            let ago = text::age(now.duration_since(*since));
            if now < until {
                Ok(Some(until))
            } else {
                Err(Reason::new(format!("what was reviewed was last seen {ago} ago: {why}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::assess::testing::{DAY, ago, now};

    fn world(reviewed: Option<(i64, Option<i64>)>, freshness: Freshness) -> World {
        let mut world = World::default();
        world.reviews.freshness = freshness;
        world.reviews.every = [("sast".into(), SignedDuration::from_hours(30 * 24))].into();
        world.reviews.known = reviewed
            .into_iter()
            .map(|(days, next)| Review {
                topic: "sast".into(),
                by: "ada".into(),
                at: ago(days * DAY),
                next: next.map(|days| ago(-days * DAY)),
                note: "".into(),
            })
            .collect();
        world
    }

    fn stale(minutes: i64) -> Freshness {
        Freshness::Stale { since: ago(minutes), why: "cut".into() }
    }

    #[rstest]
    #[case::current(Some((10, None)), Freshness::Live, ReviewState::Current, Some(-13))]
    #[case::due_soon(Some((25, None)), Freshness::Live, ReviewState::Due, Some(-5))]
    #[case::the_interval_is_over(Some((31, None)), Freshness::Live, ReviewState::Overdue, None)]
    #[case::the_reviewer_said_sooner(Some((10, Some(-1))), Freshness::Live, ReviewState::Overdue, None)]
    #[case::the_reviewer_cannot_say_later(Some((31, Some(90))), Freshness::Live, ReviewState::Overdue, None)]
    #[case::never(None, Freshness::Live, ReviewState::Never, None)]
    #[case::in_the_future(Some((-2, None)), Freshness::Live, ReviewState::Unknown, Some(-2))]
    #[case::loading(Some((10, None)), Freshness::Loading, ReviewState::Unknown, None)]
    #[case::denied(Some((31, None)), Freshness::Denied { verb: "list".into() }, ReviewState::Unknown, None)]
    #[case::absent(Some((10, None)), Freshness::Absent, ReviewState::Unknown, None)]
    #[case::stale_too_long(Some((10, None)), stale(6), ReviewState::Unknown, None)]
    fn a_topic_is_judged_by_its_last_review_and_by_how_well_that_is_known(
        #[case] reviewed: Option<(i64, Option<i64>)>,
        #[case] freshness: Freshness,
        #[case] state: ReviewState,
        #[case] until: Option<i64>,
    ) {
        let judged = reviews(&world(reviewed, freshness), now()).remove(0);
        assert_eq!((judged.value.state, judged.valid_until), (state, until.map(|days| ago(days * DAY))));
        assert!(!judged.reasons.is_empty());
    }

    #[rstest]
    #[case::shipped("backups", "holdfast runbook run quarterly-review")]
    #[case::own("keys", "holdfast runbook run BOOK, with a runbook of yours whose reviews name it")]
    fn what_was_never_reviewed_names_the_command_that_reviews_it(#[case] topic: &str, #[case] command: &str) {
        let mut world = world(None, Freshness::Live);
        world.reviews.every = [(topic.into(), SignedDuration::from_hours(30 * 24))].into();
        let judged = reviews(&world, now()).remove(0);
        assert_eq!(judged.reasons[0].next.as_deref(), Some(&*format!("review {topic}: {command}")));
    }

    #[test]
    fn what_is_stale_counts_for_a_while_and_not_longer() {
        let judged = reviews(&world(Some((10, None)), stale(3)), now()).remove(0);
        assert_eq!((judged.value.state, judged.valid_until), (ReviewState::Current, Some(ago(-2))));
    }

    #[test]
    fn the_last_review_counts_and_topics_without_a_rule_are_judged_by_what_their_reviewer_said() {
        let mut world = world(Some((40, None)), Freshness::Live);
        let again = |topic: &str, days, next| Review { topic: topic.into(), next, ..world_review(days) };
        world.reviews.known.extend([again("sast", 1, None), again("keys", 90, Some(ago(DAY)))]);
        let states: Vec<(Arc<str>, ReviewState)> =
            reviews(&world, now()).into_iter().map(|one| (one.value.topic, one.value.state)).collect();
        assert_eq!(states, [("keys".into(), ReviewState::Overdue), ("sast".into(), ReviewState::Current)]);
    }

    fn world_review(days: i64) -> Review {
        world(Some((days, None)), Freshness::Live).reviews.known.remove(0)
    }
}
