//! Runs of runbooks on their pages: the list, a run at each kind of step, and what can be done with it.

use holdfast::config::runbook::shipped_book;
use holdfast::model::Key;
use holdfast::plan::{OperationId, Request, backup};
use holdfast::runbook::history::{Body, End, Run, RunId, StepAt};
use holdfast::runbook::shipped::shipped;
use holdfast::runbook::turn::{Ask, Offer, Turn, place};
use holdfast::runbook::words::Values;
use holdfast::session::Answer;
use holdfast::tui::{ActionId, Availability, Effect, Input, LEAST, Place, RunEffect, RunInput};
use holdfast::view::{Happened, Level, RunState, RunView, Whom, happened, problems, run_view};
use insta::assert_snapshot;
use jiff::Timestamp;
use rstest::rstest;

use super::driven::Driven;
use super::shop::{self, ago};

/// Which step a run has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// Something is done by hand.
    Manual,
    /// A plan is due.
    Plan,
    /// Its operation runs.
    Operation,
    /// A copy is chosen.
    Choice,
    /// Somebody else has to agree.
    Approval,
    /// A step failed.
    Failure,
    /// Nothing is left.
    End,
}

fn at(step: &str) -> StepAt {
    StepAt::new(step)
}

fn done(step: &str, seen: &str) -> Body {
    Body::Done { at: at(step), seen: seen.to_owned(), values: Values::new(), who: Some("ada".to_owned()) }
}

fn operation() -> OperationId {
    OperationId::parse(&shop::operation().id).unwrap()
}

/// What happened up to a step, a minute each.
fn happenings(book: &str, until: At) -> Vec<Body> {
    let values = [
        ("volume", "shop/data-db-0"),
        ("workload", "shop/StatefulSet/db"),
        ("rule", "java/sql-injection"),
        ("beside", "data-db-0-clean"),
    ];
    let mut bodies = vec![
        Body::Begun {
            run: RunId::parse("20260301-022400-5e0c7a1b").unwrap(),
            book: book.to_owned(),
            digest: "5e".repeat(32),
            source: "vulnerable-release".to_owned(),
            values: values.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            who: "ada@shop.example".to_owned(),
            machine: "bastion".to_owned(),
            context: "shop".to_owned(),
            server: "https://shop.example:6443".to_owned(),
            home: "shop".to_owned(),
        },
        Body::Done { at: at("confirm"), seen: "1 of the findings match".to_owned(), values: Values::new(), who: None },
        Body::Done { at: at("writes"), seen: "1 of the volumes match".to_owned(), values: Values::new(), who: None },
    ];
    if until == At::Manual {
        bodies.push(Body::Reached { at: at("link") });
        return bodies;
    }
    bodies.push(done("link", "an exact link by its digest; it ran from 23:10 to 01:55"));
    bodies.push(Body::Reached { at: at("contain") });
    if until == At::Plan {
        return bodies;
    }
    bodies.push(Body::Planned {
        at: at("contain"),
        operation: operation(),
        title: "contain StatefulSet shop/db".to_owned(),
        digest: "a0".repeat(32),
        who: "ada".to_owned(),
    });
    if until == At::Operation {
        return bodies;
    }
    bodies.push(Body::Operated {
        at: at("contain"),
        operation: operation(),
        ended: "done in 4s".to_owned(),
        audit_ids: Vec::new(),
        head: String::new(),
        down: None,
        values: Values::new(),
        more: false,
    });
    bodies.push(Body::Skipped { at: at("contained"), reason: "nobody can reach it anyway".into(), who: "ada".into() });
    if until == At::Failure {
        bodies.push(Body::Failed {
            at: at("evidence"),
            why: "pods/log of shop cannot be read: forbidden".into(),
            ran: None,
        });
        return bodies;
    }
    bodies.push(done("evidence", "14 files, 3.1 MiB"));
    for step in ["forensic", "hold-forensic", "hold-good"] {
        bodies.push(done(step, "done in 9s"));
    }
    if until == At::Choice {
        bodies.push(Body::Reached { at: at("point") });
        return bodies;
    }
    let values = [("point".to_owned(), "shop/data-db-0-0301-0200".to_owned())].into();
    bodies.push(Body::Done { at: at("point"), seen: "chose shop/data-db-0-0301-0200 of 2".into(), values, who: None });
    bodies.push(done("hold-point", "done in 2s"));
    bodies.push(Body::Reached { at: at("agree") });
    if until == At::End {
        bodies.push(Body::Closed { end: End::Stopped { who: "ada".into(), reason: "it was a false alarm".into() } });
    }
    bodies
}

fn turn(until: At, here: Option<StepAt>) -> Turn {
    let here = here.unwrap_or_else(|| at(""));
    match until {
        At::Manual => Turn::Ask(here, Ask::Do("Open the finding in the console and read its link.".to_owned())),
        At::Plan => {
            let claim = shop::meta(Some("shop"), "data-db-0").uid();
            Turn::Plan(here, Box::new(Request::Backup { claim, options: backup::Options::default() }))
        }
        At::Operation => Turn::Follow(here, operation()),
        At::Choice => {
            let offer = |name: &str, says: &str, recommended| Offer {
                value: format!("shop/{name}"),
                says: says.to_owned(),
                told: says.to_owned(),
                recommended,
            };
            Turn::Ask(
                here,
                Ask::Choose(vec![
                    offer("data-db-0-0301-0200", "Good · cut 1h ago · known-good", true),
                    offer("data-db-0-0228-2200", "Good · cut 5h ago · unknown", false),
                ]),
            )
        }
        At::Approval => Turn::Ask(here, Ask::Approve("shop/data-db-0 goes back.".to_owned())),
        At::Failure => {
            let why = "pods/log of shop cannot be read: forbidden".to_owned();
            Turn::Ask(here, Ask::Failed(why, "Keep by hand what can be had.".to_owned()))
        }
        At::End => Turn::Over(End::Stopped { who: "ada".into(), reason: "it was a false alarm".into() }),
    }
}

/// A run of *vulnerable release* that has come so far, led here.
pub fn view(until: At) -> RunView {
    shown(until, true)
}

/// A run that has come so far; what comes next is told where it is led here.
fn shown(until: At, led: bool) -> RunView {
    let book = shipped_book(shipped("vulnerable-release").unwrap()).unwrap();
    let bodies = happenings(&book.text, until);
    let begun = |place: usize| ago(43) + jiff::SignedDuration::from_secs(60 * i64::try_from(place).unwrap());
    let happened_then: Vec<(Timestamp, &Body)> =
        bodies.iter().enumerate().map(|(place, body)| (begun(place), body)).collect();
    let run = Run::of(happened_then.iter().copied()).unwrap();
    let here = place(&book, &run).map(|(_, at, _)| at);
    let told = |(at, body): &(Timestamp, &Body)| {
        let (level, says) = happened(body);
        Happened { at: *at, says, level }
    };
    let turn = turn(until, here);
    let mut view = run_view(&run.id, &book, &run, led.then_some(&turn));
    view.happened = happened_then.iter().map(told).collect();
    view.led = led;
    view
}

/// The run of somebody else, by its record.
fn of_a_colleague() -> RunView {
    let mut view = view(At::Choice);
    view.id = RunId::parse("20260228-190000-00c0ffee").unwrap();
    (view.led, view.turn, view.state) = (false, None, RunState::Idle);
    (view.who, view.elsewhere) = ("grace".to_owned(), Some("laptop-7".to_owned()));
    view.begun = ago(60 * 8);
    view
}

/// A run by its record, in which something happened last so many minutes ago.
fn elsewhere(until: At, minutes: i64) -> RunView {
    RunView { elsewhere: Some("laptop-7".to_owned()), last: ago(minutes), ..shown(until, false) }
}

/// A run that cannot be gone on with here.
fn unfit() -> RunView {
    RunView { trouble: Some("its record cannot be written".to_owned()), ..shown(At::Manual, false) }
}

/// A console on the page of a run.
pub fn page(until: At, columns: u16, lines: u16) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    driven.desk.operations = vec![shop::operation()];
    driven.desk.runs = vec![view(until), of_a_colleague()];
    driven.input(Input::Changed);
    driven.press("R enter");
    assert_eq!(driven.app.place(), Place::Run, "{}", driven.screen());
    driven
}

#[test]
fn every_run_is_listed_with_its_state_step_and_who() {
    let mut driven = page(At::Plan, 120, 36);
    driven.desk.runs.push(RunView { id: RunId::parse("20260227-1").unwrap(), ..view(At::End) });
    driven.desk.runs_unseen = Some("configmaps is forbidden".into());
    driven.press("esc");
    assert_snapshot!("the_list_of_runs", driven.screen());
    driven.resize(80, 24);
    assert_snapshot!("the_list_of_runs_on_a_small_screen", driven.screen());
    driven.desk.runs.clear();
    driven.input(Input::Changed);
    assert!(driven.screen().contains("No run yet. x B"), "{}", driven.screen());
}

#[rstest]
#[case::manual(At::Manual)]
#[case::plan(At::Plan)]
#[case::operation(At::Operation)]
#[case::choice(At::Choice)]
#[case::approval(At::Approval)]
#[case::failure(At::Failure)]
#[case::end(At::End)]
fn a_run_shows_its_steps_and_the_one_that_it_is_at_large(#[case] until: At) {
    let name = format!("run_at_{until:?}").to_lowercase();
    assert_snapshot!(name, page(until, 120, 36).screen());
}

#[test]
fn a_run_is_read_on_small_screens_too() {
    assert_snapshot!("run_at_80x24", page(At::Choice, 80, 24).screen());
    assert_snapshot!("run_on_the_least_screen", page(At::Manual, LEAST.0, LEAST.1).screen());
}

#[test]
fn steps_are_walked_and_what_is_told_of_one_is_scrolled() {
    let mut driven = page(At::Approval, 120, 36);
    driven.press("g");
    assert!(driven.screen().contains("Confirm that java/sql-injection is tied"), "{}", driven.screen());
    assert!(!driven.screen().contains("NOW"), "what is asked is asked by the step that the run is at");
    driven.press("j j j");
    assert!(driven.screen().contains("ITS OPERATION"), "{}", driven.screen());
    driven.press("enter");
    assert_eq!(driven.app.place(), Place::Operation);
    driven.press("esc pgdn pgdn");
    assert!(driven.screen().contains("volume = shop/data-db-0"), "{}", driven.screen());
}

#[test]
fn a_page_that_follows_its_run_begins_each_step_at_its_top() {
    let mut driven = page(At::Manual, 80, 24);
    driven.press("pgdn");
    let screen = driven.screen();
    assert!(screen.contains(" lines above, ") && !screen.contains("NOW"), "{screen}");
    driven.desk.runs[0] = view(At::Plan);
    driven.input(Input::Changed);
    let screen = driven.screen();
    assert!(screen.contains("4 of 30 contain") && screen.contains("NOW"), "{screen}");
    assert!(!screen.contains("above"), "{screen}");
    driven.press("pgdn pgdn pgdn pgdn pgdn pgdn pgdn pgdn");
    let screen = driven.screen();
    assert!(screen.contains(" lines above ─") && !screen.contains("below"), "{screen}");
    // What happens within a step moves nothing.
    driven.desk.runs[0] = view(At::Operation);
    driven.input(Input::Changed);
    assert!(driven.screen().contains("above"), "{}", driven.screen());
}

#[test]
fn what_is_said_of_a_run_that_another_console_leads() {
    let mut driven = page(At::Manual, 120, 36);
    driven.press("esc j enter");
    let screen = driven.screen();
    for part in ["This console does not lead it. It was led on laptop-7 last.", "x r goes on with it here"] {
        assert!(screen.contains(part), "{part}\n{screen}");
    }
    driven.press("x r");
    let id = RunId::parse("20260228-190000-00c0ffee").unwrap();
    assert_eq!(driven.effects, [Effect::from(RunEffect::Resume(id, false))]);
}

#[rstest]
#[case::asked(view(At::Manual), "Waits for you: step 3 of 30: Read how sure the link is -> open it")]
#[case::asked_for_a_second_person(
    view(At::Approval),
    "Waits for you: step 12 of 30: A second person agrees to the loss -> "
)]
#[case::failed(
    view(At::Failure),
    "Step failed: pods/log of shop cannot be read: forbidden (step 6 of 30: Keep logs, events, objects and image digests) -> Keep by hand"
)]
#[case::failed_elsewhere(
    shown(At::Failure, false),
    "Step failed: pods/log of shop cannot be read: forbidden (step 6 of 30: Keep logs, events, objects and image digests) -> Keep by hand"
)]
#[case::unfit(unfit(), "Not led here: its record cannot be written -> open it and go on")]
#[case::not_approved(
    elsewhere(At::Approval, 5),
    "Not approved: step 12 of 30: A second person agrees to the loss -> a second person, not ada@shop.example, agrees \
     to it: `holdfast runbook approve 20260301-022400-5e0c7a1b agree`"
)]
#[case::left(elsewhere(At::Manual, 61), "Left open: step 3 of 30: Read how sure the link is -> open it and go on")]
fn a_run_that_needs_a_person_is_a_problem(#[case] run: RunView, #[case] said: &str) {
    let mut driven = page(At::End, 120, 36);
    driven.desk.runs = vec![run];
    driven.input(Input::Changed);
    let all = problems(&driven.desk.world, &driven.desk.boards, &[], &driven.desk.runs);
    let runs: Vec<_> = all.iter().filter(|problem| matches!(problem.key, Key::Run(_))).collect();
    let [one] = runs.as_slice() else { panic!("{runs:#?}") };
    let found = format!("{}: {} -> {}", one.state, one.reason, one.next);
    assert!(found.starts_with(said), "{found}");
    assert_eq!(one.level == Level::Critical, one.state == "Step failed", "{one:?}");
    driven.press("p / r u n enter enter");
    assert_eq!(driven.app.place(), Place::Run, "{}", driven.screen());
}

#[rstest]
#[case::manual(At::Manual, RunState::Idle, Some(Whom::Person))]
#[case::plan(At::Plan, RunState::Idle, Some(Whom::Person))]
#[case::operation(At::Operation, RunState::Idle, None)]
#[case::choice(At::Choice, RunState::Idle, Some(Whom::Person))]
#[case::approval(At::Approval, RunState::Idle, Some(Whom::Second))]
#[case::failure(At::Failure, RunState::Failed, None)]
#[case::end(At::End, RunState::Stopped, None)]
fn the_record_of_a_run_tells_whether_it_failed_and_whom_it_waits_for(
    #[case] until: At,
    #[case] state: RunState,
    #[case] waits: Option<Whom>,
) {
    let recorded = shown(until, false);
    assert_eq!((recorded.state, recorded.waits), (state, waits));
}

#[test]
fn runs_stand_among_the_problems() {
    let mut driven = page(At::End, 120, 36);
    let other = RunView { id: RunId::parse("20260228-190000-00c0ffee").unwrap(), ..elsewhere(At::Approval, 5) };
    driven.desk.runs = vec![view(At::Failure), other];
    driven.input(Input::Changed);
    driven.press("p");
    assert_snapshot!("runs_among_the_problems", driven.screen());
}

#[rstest]
#[case::at_its_operation(view(At::Operation))]
#[case::over(view(At::End))]
#[case::led_elsewhere(elsewhere(At::Manual, 59))]
#[case::taken_over(RunView { trouble: Some("grace on laptop-7 goes on with it".to_owned()), ..elsewhere(At::Manual, 59) })]
fn a_run_that_goes_on_or_is_over_is_no_problem(#[case] run: RunView) {
    let driven = page(At::End, 120, 36);
    let all = problems(&driven.desk.world, &driven.desk.boards, &[], &[run]);
    assert!(all.iter().all(|problem| !matches!(problem.key, Key::Run(_))), "{all:#?}");
}

#[test]
fn a_person_answers_and_skips_only_with_a_reason() {
    let run = view(At::Manual).id;
    let mut driven = page(At::Manual, 120, 36);
    driven.press("x O");
    assert_snapshot!("what_came_of_a_step", driven.screen());
    driven.press("enter");
    assert!(driven.effects.is_empty() && driven.screen().contains("what came of it needs an answer"));
    driven.press("exact enter");
    assert_eq!(
        driven.effects,
        [Effect::from(RunEffect::Answer(run.clone(), at("link"), Answer::Text("exact".to_owned())))]
    );
    driven.effects.clear();
    driven.press("x S enter");
    assert!(driven.effects.is_empty() && driven.screen().contains("reason needs an answer"), "{}", driven.screen());
    driven.press("tested enter");
    assert_eq!(
        driven.effects,
        [Effect::from(RunEffect::Answer(run.clone(), at("link"), Answer::Skip("tested".to_owned())))]
    );
    driven.effects.clear();
    driven.press("x s over enter");
    assert_eq!(driven.effects, [Effect::from(RunEffect::Stop(run, "over".to_owned()))]);
}

#[test]
fn what_was_said_and_is_not_recorded_is_kept() {
    let run = view(At::Manual).id;
    let taken = "grace on laptop-7 took it over";
    let mut driven = page(At::Manual, 120, 36);
    driven.press("x O exact enter");
    driven.input(Input::Run(RunInput::Written(run.clone(), Some(taken.to_owned()))));
    let said = format!("not recorded, what you typed is kept: {taken}");
    assert!(driven.screen().contains(&said), "{}", driven.screen());
    driven.press("x O");
    assert!(driven.screen().contains("exact"), "{}", driven.screen());
    // Refused before it was written, it is kept as well.
    driven.press("ly enter");
    driven.input(Input::Run(RunInput::Refused(taken.to_owned())));
    assert!(driven.screen().contains(&said), "{}", driven.screen());
    driven.press("x O");
    assert!(driven.screen().contains("exactly"), "{}", driven.screen());
    driven.press("enter");
    driven.input(Input::Run(RunInput::Written(run, None)));
    driven.press("x O");
    assert!(!driven.screen().contains("exactly"), "what was recorded is not said twice: {}", driven.screen());
}

#[test]
fn what_cannot_be_seen_of_a_run_that_others_lead_is_said() {
    let mut driven = page(At::Manual, 120, 36);
    driven.desk.runs_unseen = Some("configmaps is forbidden".into());
    driven.desk.runs[0] = unfit();
    driven.input(Input::Changed);
    let said = "How it stands by now is not seen: configmaps is forbidden";
    assert!(driven.screen().contains(said), "{}", driven.screen());
    driven.desk.runs.clear();
    driven.input(Input::Changed);
    assert!(driven.screen().contains("No record of it is seen: configmaps is forbidden"), "{}", driven.screen());
}

#[test]
fn only_a_runbook_that_is_named_is_begun_by_its_name() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("/ name:data-db-0 enter");
    for (typed, asked) in [
        // The letters of it lie scattered in a name.
        ("nope", "nope"),
        ("vulner", "vulnerable-release"),
        ("vulnerable-release", "vulnerable-release"),
        ("./mine.yaml", "./mine.yaml"),
    ] {
        driven.effects.clear();
        driven.press(&format!(": runbook space {typed} enter"));
        assert_eq!(driven.effects, [Effect::from(RunEffect::ReadBook(asked.to_owned()))], "{typed}");
    }
    driven.effects.clear();
    driven.press(": runbook space vure down up enter");
    let chosen = driven.effects.first();
    assert_ne!(chosen, Some(&Effect::from(RunEffect::ReadBook("vure".to_owned()))), "the cursor chooses");
}

#[test]
fn a_second_person_approves_by_typing_the_id_of_the_run() {
    let mut driven = page(At::Approval, 120, 36);
    driven.desk.world.context.user = Some("grace@shop.example".into());
    driven.input(Input::Changed);
    driven.press("x P agree enter");
    assert!(driven.effects.is_empty() && driven.screen().contains("is not the id of the run"), "{}", driven.screen());
    let run = view(At::Approval).id;
    driven.press(&format!("ctrl-u {run} enter"));
    assert_eq!(driven.effects, [Effect::from(RunEffect::Approve(run, at("agree")))]);
}

#[test]
fn what_the_book_recommends_is_offered_first_and_chosen_by_hand() {
    let mut driven = page(At::Choice, 120, 36);
    driven.press("x O enter");
    let value = Answer::Text("shop/data-db-0-0301-0200".to_owned());
    assert_eq!(driven.effects, [Effect::from(RunEffect::Answer(view(At::Choice).id, at("point"), value))]);
}

#[test]
fn a_plan_that_is_refused_fails_its_step() {
    let mut driven = page(At::Plan, 120, 36);
    driven.press("x O");
    let Some(Effect::Plan { ask, request }) = driven.effects.pop() else { panic!("{:?}", driven.effects) };
    let refusal = holdfast::plan::Refusal {
        verb: request.verb(),
        object: "shop/db".to_owned(),
        why: "it has no pods".to_owned(),
        clear: "scale it up".to_owned(),
    };
    driven.input(Input::Planned { ask, result: Box::new(Err(refusal.clone())) });
    assert_eq!(
        driven.effects,
        [Effect::from(RunEffect::NotPlanned(view(At::Plan).id, at("contain"), Box::new(refusal)))]
    );
    assert_eq!(driven.app.place(), Place::Refusal);
}

#[rstest]
#[case(At::Manual, ActionId::TryAgain, "the step has not failed")]
#[case(At::Manual, ActionId::BreakGlass, "the step asks for no approval")]
#[case(At::Manual, ActionId::Resume, "it is led here already")]
#[case(At::Operation, ActionId::GoOn, "runs")]
#[case(At::Operation, ActionId::SkipStep, "wait for its end")]
#[case(At::Operation, ActionId::Stop, "wait for its end")]
#[case(At::Approval, ActionId::GoOn, "holdfast runbook approve 20260301-022400-5e0c7a1b agree")]
#[case(At::Failure, ActionId::GoOn, "x T tries it again")]
#[case(At::Manual, ActionId::Approve, "the run waits for no approval")]
#[case(At::Approval, ActionId::Approve, "you began it: somebody else has to agree")]
#[case(At::End, ActionId::Note, "the run is over: stopped")]
#[case(At::End, ActionId::Resume, "it is over: stopped")]
fn what_cannot_be_done_says_why(#[case] until: At, #[case] action: ActionId, #[case] why: &str) {
    let driven = page(until, 120, 36);
    match driven.app.available(&driven.desk, action) {
        Availability::Disabled(said) => assert!(said.contains(why), "{said}"),
        Availability::Enabled => panic!("{action:?} is enabled"),
    }
}

#[test]
fn a_session_that_only_reads_lists_every_action_with_the_reason() {
    let mut driven = page(At::Failure, 120, 36);
    driven.desk.world.context.read_only = true;
    driven.input(Input::Changed);
    driven.press("x");
    assert_snapshot!("a_run_in_a_session_that_only_reads", driven.screen());
    driven.press("T");
    assert!(driven.effects.is_empty(), "{:?}", driven.effects);
}

#[test]
fn the_parameters_of_a_runbook_begin_with_the_selection() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("/ name:data-db-0 enter x B");
    assert_snapshot!("which_runbook", driven.screen());
    driven.press("vulner enter");
    assert_eq!(driven.effects.pop(), Some(RunEffect::ReadBook("vulnerable-release".to_owned()).into()));
    let book = shipped_book(shipped("vulnerable-release").unwrap()).unwrap();
    driven.effects.clear();
    driven.input(Input::Run(RunInput::Book(Box::new(Ok((book.clone(), "vulnerable-release".to_owned()))))));
    assert_snapshot!("parameters_of_a_runbook", driven.screen());
    // What is wrong is said at its field, and nothing begins.
    driven.press("ctrl-s");
    assert!(driven.screen().contains("rule needs an answer"), "{}", driven.screen());
    assert!(driven.effects.is_empty());
    driven.press("sqli ctrl-s");
    let values = [
        ("volume", "shop/data-db-0"),
        ("workload", "shop/StatefulSet/db"),
        ("rule", "sqli"),
        ("beside", "data-db-0-clean"),
    ];
    let values: Values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(
        driven.effects,
        [Effect::from(RunEffect::Begin(Box::new(book), "vulnerable-release".to_owned(), values))]
    );
    let id = RunId::parse("20260301-022400-5e0c7a1b").unwrap();
    driven.input(Input::Run(RunInput::Begun(id)));
    assert!(driven.app.place() == Place::Run && driven.screen().contains("written down"), "{}", driven.screen());
}

#[test]
fn what_a_record_says_is_drawn_safely() {
    let mut driven = page(At::Manual, 120, 36);
    driven.input(Input::Run(RunInput::Refused("\u{1b}[2Jgone".to_owned())));
    assert!(driven.screen().contains("␛[2Jgone"), "{}", driven.screen());
    assert_eq!(
        happened(&Body::Noted { note: "\u{1b}[2J".into(), who: "x".into() }),
        (Level::Info, "note by x: ␛[2J".into())
    );
}
