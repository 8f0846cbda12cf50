use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::runbook::book::Expect;
use crate::runbook::history::{Agreed, RunId};

/// Lists as a table says them; by filter.
#[derive(Default)]
struct Lists {
    rows: BTreeMap<String, Result<Vec<&'static str>, Looked>>,
    asked: RefCell<Vec<String>>,
}

impl Sight for Lists {
    fn look(&self, _: Among, filter: &str) -> Result<Seen, Looked> {
        self.asked.borrow_mut().push(filter.to_owned());
        let rows = self.rows.get(filter).cloned().unwrap_or(Ok(Vec::new()))?;
        let spotted =
            |path: &&str| Spotted { path: (*path).to_owned(), says: format!("row {path}"), told: String::new() };
        Ok(Seen { count: rows.len(), rows: rows.iter().map(spotted).collect() })
    }
}

impl Lists {
    fn with(mut self, filter: &str, rows: Result<Vec<&'static str>, Looked>) -> Self {
        self.rows.insert(filter.to_owned(), rows);
        self
    }
}

fn words(text: &str) -> Words {
    Words::parse(text).unwrap()
}

fn check(filter: &str, expect: Expect) -> Check {
    Check { among: Among::Volumes, filter: words(filter), expect }
}

fn step(id: &str, task: Task) -> Step {
    Step {
        id: id.into(),
        title: words(id),
        why: words("because"),
        fails: words("look at it"),
        link: None,
        when: None,
        task,
    }
}

fn book(steps: Vec<Step>) -> Book {
    Book {
        name: "test".into(),
        title: "A test".into(),
        about: String::new(),
        link: None,
        params: Vec::new(),
        steps,
        reviews: Vec::new(),
        text: "the text".into(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn begun() -> Run {
    let body = Body::Begun {
        run: RunId::parse("r").unwrap(),
        book: "the text".into(),
        digest: "d".into(),
        source: "test".into(),
        values: [("volume".to_owned(), "shop/data".to_owned())].into(),
        who: "ada".into(),
        machine: "m".into(),
        context: "c".into(),
        server: "s".into(),
        home: "shop".into(),
    };
    Run::of([(at(0), &body)]).unwrap()
}

fn next(book: &Book, run: &Run, lists: &Lists, now: i64) -> Turn {
    let facts = Facts { world: &World::default(), sight: lists, defaults: &Defaults::default(), now: at(now) };
    turn(book, run, &facts)
}

/// Writes down what the console sees until a person or time is asked; the turn that is left.
fn lead(book: &Book, run: &mut Run, lists: &Lists, now: i64) -> Turn {
    for _ in 0..50 {
        match next(book, run, lists, now) {
            Turn::Note(body) => run.take(at(now), &body),
            turn => return turn,
        }
    }
    panic!("it never ends")
}

fn stand(run: &Run, step: &str) -> Stand {
    run.stand(&StepAt::new(step)).clone()
}

#[test]
fn a_check_that_holds_is_done_with_what_was_seen_and_one_that_does_not_asks_a_person() {
    let book = book(vec![
        step("there", Task::Check(check("name:{{volume.name}}", Expect::Some))),
        step("none", Task::Check(check("state:breached", Expect::None))),
    ]);
    let lists =
        Lists::default().with("name:\"data\"", Ok(vec!["shop/data"])).with("state:breached", Ok(vec!["a/b", "a/c"]));
    let mut run = begun();
    let Turn::Ask(step, Ask::Failed(why, fails)) = lead(&book, &mut run, &lists, 1) else { panic!("{run:?}") };
    assert_eq!(
        stand(&run, "there"),
        Stand::Done("1 of the volumes match name:\"data\" (shop/data); expected at least one".into())
    );
    assert_eq!((step.step.as_str(), fails.as_str()), ("none", "look at it"));
    assert_eq!(why, "2 of the volumes match state:breached (a/b, a/c); expected none");
}

#[test]
fn what_cannot_be_judged_is_waited_for_and_never_taken_for_done() {
    let unseen = || Err(Looked::Unseen("pods are stale".into()));
    let book = book(vec![step("none", Task::Check(check("x", Expect::None)))]);
    let mut run = begun();
    let lists = Lists::default().with("x", unseen());
    let Turn::Wait { what, until, .. } = lead(&book, &mut run, &lists, 1) else { panic!("{run:?}") };
    assert_eq!((what.as_str(), until), ("pods are stale", None));
    let lists = Lists::default().with("x", Err(Looked::Wrong("no such column".into())));
    assert!(matches!(lead(&book, &mut run, &lists, 1), Turn::Ask(_, Ask::Failed(..))));
}

#[test]
fn a_wait_ends_when_it_holds_and_fails_at_its_deadline_which_starts_anew_with_each_attempt() {
    let book = book(vec![step("w", Task::Wait(check("x", Expect::Some), Duration::from_secs(60)))]);
    let (none, some) = (Lists::default(), Lists::default().with("x", Ok(vec!["a/b"])));
    let mut run = begun();
    let Turn::Wait { until, .. } = lead(&book, &mut run, &none, 10) else { panic!("{run:?}") };
    assert_eq!(until, Some(at(70)));
    assert!(matches!(next(&book, &run, &none, 69), Turn::Wait { .. }));
    assert!(matches!(lead(&book, &mut run, &none, 70), Turn::Ask(_, Ask::Failed(..))));
    run.take(at(100), &Body::Again { at: StepAt::new("w"), who: "ada".into() });
    assert!(matches!(next(&book, &run, &none, 159), Turn::Wait { .. }));
    assert_eq!(lead(&book, &mut run, &some, 159), Turn::Over(End::Done));
}

#[test]
fn a_step_that_is_not_for_now_says_why() {
    let mut only = step("only", Task::Manual(words("do it")));
    only.when = Some(check("x", Expect::Some));
    let book = book(vec![only, step("then", Task::Manual(words("of {{volume}}")))]);
    let mut run = begun();
    let turn = lead(&book, &mut run, &Lists::default(), 1);
    assert_eq!(turn, Turn::Ask(StepAt::new("then"), Ask::Do("of shop/data".into())));
    assert_eq!(stand(&run, "only"), Stand::NotForNow("0 of the volumes match x; expected at least one".into()));
}

#[test]
fn what_is_chosen_stands_for_the_step_and_the_preferred_come_first_but_nothing_chooses_itself() {
    let choose = Choose { among: Among::RestorePoints, filter: words("all"), prefer: Some(words("good")) };
    let book = book(vec![step("point", Task::Choose(choose)), step("use", Task::Manual(words("take {{point}}")))]);
    let lists = Lists::default().with("all", Ok(vec!["a/1", "a/2", "a/3"])).with("good", Ok(vec!["a/3"]));
    let mut run = begun();
    let Turn::Ask(here, Ask::Choose(offers)) = lead(&book, &mut run, &lists, 1) else { panic!("{run:?}") };
    assert_eq!(
        offers.iter().map(|offer| (offer.value.as_str(), offer.recommended)).collect::<Vec<_>>(),
        [("a/3", true), ("a/1", false), ("a/2", false)]
    );
    let values = [("point".to_owned(), "a/2".to_owned())].into();
    run.take(at(2), &Body::Done { at: here, seen: "chosen".into(), values, who: Some("ada".into()) });
    assert_eq!(lead(&book, &mut run, &lists, 3), Turn::Ask(StepAt::new("use"), Ask::Do("take a/2".into())));
    let nothing = Lists::default();
    assert!(matches!(lead(&book, &mut begun(), &nothing, 1), Turn::Ask(_, Ask::Failed(..))));
}

#[test]
fn a_loop_goes_over_the_rows_that_were_seen_when_it_was_reached() {
    let each = Each {
        among: Among::Certificates,
        filter: words("x"),
        named: "cert".into(),
        steps: vec![
            step("one", Task::Manual(words("renew {{cert}}"))),
            step("two", Task::Manual(words("see {{cert.name}}"))),
        ],
    };
    let book = book(vec![step("all", Task::Each(each)), step("end", Task::Manual(words("end")))]);
    let lists = Lists::default().with("x", Ok(vec!["a/1", "a/2"]));
    let mut run = begun();
    let mut said = Vec::new();
    // Later another row appears; the loop does not grow.
    let later = Lists::default().with("x", Ok(vec!["a/1", "a/2", "a/3"]));
    lead(&book, &mut run, &lists, 1);
    loop {
        match lead(&book, &mut run, &later, 2) {
            Turn::Ask(here, Ask::Do(what)) => {
                said.push(what);
                run.take(at(2), &Body::Done { at: here, seen: "ok".into(), values: Values::new(), who: None });
            }
            turn => {
                assert_eq!(turn, Turn::Over(End::Done));
                break;
            }
        }
    }
    assert_eq!(said, ["renew a/1", "see 1", "renew a/2", "see 2", "end"]);
}

#[test]
fn a_step_whose_operation_was_begun_follows_it_and_ends_as_it_does() {
    let plan = PlanStep { verb: Verb::Backup, of: words("{{volume}}"), with: BTreeMap::new() };
    let book = book(vec![step("copy", Task::Plan(plan)), step("use", Task::Manual(words("{{copy.made}}")))]);
    let mut run = begun();
    let operation = OperationId::new(at(1), [1, 2, 3, 4]);
    run.take(at(1), &Body::Reached { at: StepAt::new("copy") });
    let (title, digest, who) = ("back up".to_owned(), "d".to_owned(), "ada".to_owned());
    run.take(at(1), &Body::Planned { at: StepAt::new("copy"), operation: operation.clone(), title, digest, who });
    assert_eq!(next(&book, &run, &Lists::default(), 2), Turn::Follow(StepAt::new("copy"), operation.clone()));
    let mut failed = run.clone();
    failed.take(at(3), &Body::Failed { at: StepAt::new("copy"), why: "no space".into(), ran: None });
    assert!(matches!(next(&book, &failed, &Lists::default(), 3), Turn::Ask(_, Ask::Failed(..))));
    let values = [("copy.made".to_owned(), "shop/copy-1".to_owned())].into();
    let done = Body::Operated {
        at: StepAt::new("copy"),
        operation,
        ended: "done".into(),
        audit_ids: Vec::new(),
        head: String::new(),
        down: None,
        values,
        more: false,
    };
    run.take(at(4), &done);
    assert_eq!(
        lead(&book, &mut run, &Lists::default(), 5),
        Turn::Ask(StepAt::new("use"), Ask::Do("shop/copy-1".into()))
    );
}

#[test]
fn an_object_that_is_not_seen_is_waited_for_and_one_that_is_not_there_fails_the_step() {
    let plan = PlanStep { verb: Verb::Backup, of: words("{{volume}}"), with: BTreeMap::new() };
    let book = book(vec![step("copy", Task::Plan(plan))]);
    let mut run = begun();
    // Nothing was listed yet.
    let Turn::Wait { what, .. } = lead(&book, &mut run, &Lists::default(), 1) else { panic!("{run:?}") };
    assert_eq!(what, "whether there is a PersistentVolumeClaim shop/data is not seen");
    let mut world = World::default();
    world.apply(crate::model::Delta::ListDone(crate::model::Kind::Pvc, crate::model::Scope::All), at(1));
    let lists = Lists::default();
    let facts = Facts { world: &world, sight: &lists, defaults: &Defaults::default(), now: at(1) };
    let Turn::Note(body) = turn(&book, &run, &facts) else { panic!("{run:?}") };
    assert_eq!(
        *body,
        Body::Failed { at: StepAt::new("copy"), why: "there is no PersistentVolumeClaim shop/data".into(), ran: None }
    );
}

#[test]
fn an_approval_is_asked_for_until_somebody_agreed_and_break_glass_says_so() {
    let book = book(vec![step("agree", Task::Approve(words("swap {{volume}}")))]);
    let mut run = begun();
    let asked = Turn::Ask(StepAt::new("agree"), Ask::Approve("swap shop/data".into()));
    assert_eq!(lead(&book, &mut run, &Lists::default(), 1), asked);
    let agreed = Agreed::BreakGlass { reason: "nobody answers".into() };
    run.take(at(2), &Body::Approved { at: StepAt::new("agree"), who: "ada".into(), agreed });
    assert_eq!(stand(&run, "agree"), Stand::Done("ada went on alone: nobody answers".into()));
    assert_eq!(lead(&book, &mut run, &Lists::default(), 3), Turn::Over(End::Done));
}

#[test]
fn a_value_that_a_skipped_step_should_have_given_fails_what_needs_it() {
    let choose = Choose { among: Among::RestorePoints, filter: words("all"), prefer: None };
    let plan = PlanStep { verb: Verb::Hold, of: words("{{point}}"), with: BTreeMap::new() };
    let book = book(vec![step("point", Task::Choose(choose)), step("hold", Task::Plan(plan))]);
    let mut run = begun();
    let skipped = Body::Skipped { at: StepAt::new("point"), reason: "none".into(), who: "ada".into() };
    run.take(at(1), &skipped);
    let Turn::Ask(_, Ask::Failed(why, _)) = lead(&book, &mut run, &Lists::default(), 2) else { panic!("{run:?}") };
    assert!(why.starts_with("the value of {{point}} is not known"), "{why}");
}
