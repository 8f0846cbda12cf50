//! Reviews that a run is the proof of: who looked at what, and when somebody has to look again.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::book::Book;
use super::history::{Body, End, Run};
use crate::model::Review;

/// The reviews that these events prove, which are those of a run of this book: none before it is done, because a review
/// that was not finished is none.
pub fn reviewed<'a>(book: &Book, happened: impl IntoIterator<Item = (Timestamp, &'a Body)>) -> Vec<Review> {
    let happened: Vec<(Timestamp, &Body)> = happened.into_iter().collect();
    let Some(run) = Run::of(happened.iter().copied()).filter(|run| run.end == Some(End::Done)) else {
        return Vec::new();
    };
    let by = happened.iter().rev().find_map(|(_, body)| person(body)).unwrap_or(&run.who);
    let note = happened.iter().rev().find_map(|(_, body)| said(body)).unwrap_or_default();
    let review = |reviews: &super::book::Reviews| Review {
        topic: Arc::from(reviews.topic.as_str()),
        by: Arc::from(by),
        at: run.last,
        next: SignedDuration::try_from(reviews.every).ok().and_then(|every| run.last.checked_add(every).ok()),
        note: note.into(),
    };
    book.reviews.iter().map(review).collect()
}

/// Who did a step themselves.
fn person(body: &Body) -> Option<&str> {
    match body {
        Body::Done { who: Some(who), .. } | Body::Approved { who, .. } | Body::Noted { who, .. } => Some(who),
        _ => None,
    }
}

/// What a person said of a step.
fn said(body: &Body) -> Option<&str> {
    match body {
        Body::Done { seen, who: Some(_), .. } => Some(seen),
        Body::Noted { note, .. } => Some(note),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::book::Reviews;
    use crate::runbook::history::{RunId, StepAt};
    use crate::runbook::words::Values;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_run_proves_a_review_once_it_is_done_and_by_whom() {
        let reviews = vec![Reviews { topic: "sast".into(), every: std::time::Duration::from_secs(1_000) }];
        let book = Book {
            name: "quarter".into(),
            title: "A review".into(),
            about: String::new(),
            link: None,
            params: Vec::new(),
            steps: Vec::new(),
            reviews,
            text: String::new(),
        };
        let begun = Body::Begun {
            run: RunId::parse("r").unwrap(),
            book: String::new(),
            digest: String::new(),
            source: String::new(),
            values: Values::new(),
            who: "ada".into(),
            machine: String::new(),
            context: String::new(),
            server: String::new(),
            home: String::new(),
        };
        let seen = "two findings triaged".to_owned();
        let looked = Body::Done { at: StepAt::new("look"), seen, values: Values::new(), who: Some("grace".into()) };
        let closed = Body::Closed { end: End::Done };
        let open = [(at(1), &begun), (at(2), &looked)];
        assert_eq!(reviewed(&book, open), []);
        let done = [open[0], open[1], (at(3), &closed)];
        let found = reviewed(&book, done);
        let [review] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&*review.topic, &*review.by, review.at), ("sast", "grace", at(3)));
        assert_eq!((review.next, &*review.note), (Some(at(1_003)), "two findings triaged"));
        let stopped = Body::Closed { end: End::Stopped { who: "ada".into(), reason: "no time".into() } };
        assert_eq!(reviewed(&book, [open[0], open[1], (at(3), &stopped)]), []);
    }
}
