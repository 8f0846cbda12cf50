use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::Kind;
use crate::plan::{Act, ObjectAt, OperationId, Plan, testing};

/// The shape of a plan without its steps.
#[derive(Clone, Debug)]
enum Shape {
    Do,
    All(Vec<Shape>),
    Bracket(Vec<Shape>),
    Reversible(usize),
    Whole(Vec<Shape>),
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![Just(Shape::Do), (1usize..3).prop_map(Shape::Reversible)];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Shape::Whole),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Shape::All),
            prop::collection::vec(inner, 0..3).prop_map(Shape::Bracket),
        ]
    })
}

fn step(count: &mut usize, role: &str) -> Box<Step> {
    *count += 1;
    let id = StepId(format!("{role}{count}"));
    let at = ObjectAt::of(Kind::Pvc, Some("shop"), "data");
    let act = Act::Create { at, manifest: serde_json::Value::Null };
    Box::new(Step { id, title: String::new(), act, guards: vec![], deadline: Duration::from_secs(1) })
}

fn nodes(shapes: &[Shape], count: &mut usize) -> Vec<Node> {
    let mut node = |shape: &Shape| match shape {
        Shape::Do => Node::Do(step(count, "do")),
        Shape::All(inner) => Node::All(nodes(inner, count)),
        Shape::Bracket(inner) => {
            let open = step(count, "open");
            let body = nodes(inner, count);
            Node::Bracket { open, body, close: step(count, "close"), limit: Duration::from_secs(9) }
        }
        Shape::Reversible(undos) => {
            let done = step(count, "rev");
            let undo = (0..*undos).map(|place| Step { id: undo_of(&done.id, place), ..*done.clone() });
            Node::Reversible { undo: undo.collect(), step: done }
        }
        Shape::Whole(inner) => Node::Whole(nodes(inner, count)),
    };
    shapes.iter().map(&mut node).collect()
}

fn undo_of(step: &StepId, place: usize) -> StepId {
    StepId(format!("undo{place}-{step}"))
}

fn plan(shapes: &[Shape]) -> Plan {
    let id = OperationId::new(jiff::Timestamp::UNIX_EPOCH, [0; 4]);
    Plan { nodes: nodes(shapes, &mut 0), ..testing::plan(id) }
}

/// What disturbs a run.
#[derive(Clone, Copy, Debug, Default)]
struct Disturbed {
    /// The nth step to begin fails.
    fails: Option<usize>,
    /// A stop is asked for before the nth begins.
    stops: Option<usize>,
    /// After so many lines of its journal it is killed and resumed, which forgets that a stop was asked for.
    killed: Option<usize>,
}

/// Runs a plan as the engine does.
fn run(plan: &Plan, fail_at: Option<usize>, stop_at: Option<usize>) -> (Progress, Vec<StepId>, End) {
    disturbed(plan, Disturbed { fails: fail_at, stops: stop_at, killed: None })
}

fn disturbed(plan: &Plan, by: Disturbed) -> (Progress, Vec<StepId>, End) {
    let mut progress = Progress::default();
    let mut begun = Vec::new();
    let mut lines = 0;
    for _ in 0..10_000 {
        if by.stops == Some(begun.len()) {
            progress.stop_asked = true;
        }
        let next: Vec<StepId> = match progress.next(plan) {
            Next::Finish(end) => return (progress, begun, end),
            Next::Steps(steps) => steps.into_iter().map(|step| step.id.clone()).collect(),
        };
        assert!(!next.is_empty(), "neither a step nor an end: {progress:?}");
        for id in next {
            let state = match progress.state(&id) {
                StepState::Waiting => {
                    begun.push(id.clone());
                    StepState::Intended
                }
                StepState::Intended if by.fails == Some(begun.len()) => StepState::Failed("as ordered".into()),
                StepState::Intended => StepState::Done(Outputs::new()),
                settled => panic!("{id} was offered although it is {settled:?}"),
            };
            progress.steps.insert(id, state);
            lines += 1;
            if by.killed == Some(lines) {
                progress.stop_asked = false;
            }
        }
    }
    panic!("the plan never ends");
}

/// Reversible steps that are not settled at the end: neither in a whole that was done nor in a bracket whose body was
/// done (unless the plan was given up before its closing began).
fn unsettled(nodes: &[Node], progress: &Progress) -> Vec<StepId> {
    let done = |nodes: &[Node]| {
        super::super::node::steps(nodes).iter().all(|step| matches!(progress.state(&step.id), StepState::Done(_)))
    };
    let of = |node: &Node| match node {
        Node::Do(_) => Vec::new(),
        Node::Whole(inner) | Node::Bracket { body: inner, .. } if done(inner) => Vec::new(),
        Node::All(inner) | Node::Whole(inner) | Node::Bracket { body: inner, .. } => unsettled(inner, progress),
        Node::Reversible { step, .. } => vec![step.id.clone()],
    };
    nodes.iter().flat_map(of).collect()
}

fn taken_back(progress: &Progress, step: &StepId) -> bool {
    matches!(progress.state(&undo_of(step, 0)), StepState::Done(_))
}

proptest! {
    #[test]
    fn every_plan_ends_done_with_each_step_begun_once_when_nothing_fails(shapes in prop::collection::vec(shape(), 0..4)) {
        let plan = plan(&shapes);
        let (_, begun, end) = run(&plan, None, None);
        prop_assert_eq!(end, End::Done);
        prop_assert_eq!(begun.iter().collect::<BTreeSet<_>>().len(), begun.len());
        prop_assert_eq!(begun.len(), plan.steps().len());
    }

    #[test]
    fn what_was_opened_is_closed_whatever_fails(shapes in prop::collection::vec(shape(), 1..4), fail_at in 1usize..12) {
        let plan = plan(&shapes);
        let (progress, _, _) = run(&plan, Some(fail_at), None);
        prop_assert!(progress.owed(&plan).is_empty());
    }

    #[test]
    fn what_was_opened_is_closed_when_it_is_stopped(shapes in prop::collection::vec(shape(), 1..4), stop_at in 0usize..12) {
        let plan = plan(&shapes);
        let (progress, begun, end) = run(&plan, None, Some(stop_at));
        prop_assert!(progress.owed(&plan).is_empty());
        prop_assert!(end == End::Stopped || begun.len() == plan.steps().len());
    }

    #[test]
    fn after_a_failure_only_what_is_owed_begins(shapes in prop::collection::vec(shape(), 1..4), fail_at in 1usize..12) {
        let plan = plan(&shapes);
        let (progress, begun, end) = run(&plan, Some(fail_at), None);
        let End::Failed { at, .. } = &end else { return Ok(()) };
        prop_assert!(matches!(progress.state(at), StepState::Failed(_)));
        let failed = begun.iter().position(|id| id == at).unwrap();
        // Steps side by side with the failed one may have begun in the same breath; later ones are owed.
        let owed = |id: &&StepId| id.0.starts_with("close") || id.0.starts_with("undo");
        let later: Vec<_> = begun[failed + 1..].iter().filter(|id| !owed(id)).collect();
        let siblings = later.iter().all(|id| side_by_side(&plan.nodes, at, id));
        prop_assert!(siblings, "{later:?} began after {at} had failed");
    }

    #[test]
    fn all_is_done_or_all_that_was_begun_is_taken_back_in_reverse(
        shapes in prop::collection::vec(shape(), 1..5),
        at in 1usize..14,
        by_stop: bool,
        killed_at in prop::option::of(1usize..40),
    ) {
        let plan = plan(&shapes);
        let (fail_at, stop_at) = if by_stop { (None, Some(at)) } else { (Some(at), None) };
        let (progress, begun, end) = disturbed(&plan, Disturbed { fails: fail_at, stops: stop_at, killed: killed_at });
        prop_assert!(progress.owed(&plan).is_empty());
        let undone: Vec<&StepId> = begun.iter().filter(|id| id.0.starts_with("undo")).collect();
        prop_assert_eq!(undone.iter().collect::<BTreeSet<_>>().len(), undone.len(), "each is taken back once");
        if end == End::Done {
            prop_assert_eq!(undone, Vec::<&StepId>::new());
            return Ok(());
        }
        let unsettled = unsettled(&plan.nodes, &progress);
        for step in &unsettled {
            prop_assert_eq!(taken_back(&progress, step), begun.contains(step), "{} of {:?}", step, begun);
        }
        let begun_in_order = plan.steps().into_iter().filter(|step| begun.contains(&step.id) && (unsettled.contains(&step.id) || taken_back(&progress, &step.id)));
        let expected: Vec<String> = begun_in_order.map(|step| step.id.to_string()).collect();
        let first: Vec<String> = undone.iter().filter_map(|id| id.0.strip_prefix("undo0-").map(str::to_owned)).collect();
        prop_assert_eq!(first, expected.into_iter().rev().collect::<Vec<_>>());
        let in_lists = undone.windows(2).all(|pair| !pair[1].0.starts_with("undo1-") || pair[0].0 == pair[1].0.replace("undo1-", "undo0-"));
        prop_assert!(in_lists, "an undo of several steps runs from its first to its last: {:?}", undone);
    }
}

#[test]
fn what_failed_before_it_was_intended_is_not_taken_back() {
    let plan = plan(&[Shape::Reversible(1), Shape::Reversible(1)]);
    let ids: Vec<StepId> = plan.steps().iter().map(|step| step.id.clone()).collect();
    let mut progress = Progress::default();
    progress.steps.insert(ids[0].clone(), StepState::Done(Outputs::new()));
    progress.steps.insert(ids[1].clone(), StepState::Failed("its guard does not hold".into()));
    progress.never_began.insert(ids[1].clone());
    let owed: Vec<StepId> = progress.owed(&plan).iter().map(|step| step.id.clone()).collect();
    assert_eq!(owed, [undo_of(&ids[0], 0)]);
}

/// Whether two steps stand under one `All`, in different branches.
fn side_by_side(nodes: &[Node], a: &StepId, b: &StepId) -> bool {
    let holds =
        |node: &Node, id: &StepId| super::super::node::steps(std::slice::from_ref(node)).iter().any(|s| s.id == *id);
    nodes.iter().any(|node| match node {
        Node::Do(_) | Node::Reversible { .. } => false,
        Node::Whole(inner) => side_by_side(inner, a, b),
        Node::All(inner) => {
            let branch = |id| inner.iter().position(|node| holds(node, id));
            matches!((branch(a), branch(b)), (Some(x), Some(y)) if x != y) || side_by_side(inner, a, b)
        }
        Node::Bracket { body, .. } => side_by_side(body, a, b),
    })
}

/// What an interruption leaves after these steps are done and this one is in flight.
fn interrupted(holds: bool, done: &[&str], in_flight: Option<&str>) -> Vec<String> {
    let mut plan = plan(&[Shape::Bracket(vec![Shape::Do, Shape::Do])]);
    if let (true, Node::Bracket { open, .. }) = (holds, &mut plan.nodes[0]) {
        let pod = crate::plan::Target::Known { at: ObjectAt::of(Kind::Pod, Some("shop"), "db-0"), uid: "u".into() };
        let run = crate::plan::InPod { pod, container: "db".into(), command: vec!["hold".into()] };
        open.act = Act::Exec { run, repeat: false, within: Duration::from_secs(1), keep: false };
    }
    let mut progress = Progress::default();
    let states = done.iter().map(|id| (*id, StepState::Done(Outputs::new())));
    for (id, state) in states.chain(in_flight.map(|id| (id, StepState::Intended))) {
        progress.steps.insert(StepId(id.into()), state);
    }
    progress.broken_by_interruption(&plan).into_iter().map(|(_, step)| step.id.to_string()).collect()
}

#[rstest::rstest]
#[case::before_it(true, &[], None, &[])]
#[case::in_its_opening(true, &[], Some("open1"), &["open1"])]
#[case::between_steps(true, &["open1"], None, &["do2"])]
#[case::in_a_step(true, &["open1", "do2"], Some("do3"), &["do3"])]
#[case::after_its_body(true, &["open1", "do2", "do3"], None, &[])]
#[case::in_its_close(true, &["open1", "do2", "do3"], Some("close4"), &[])]
#[case::of_what_the_api_shows(false, &["open1"], Some("do2"), &[])]
fn an_interruption_breaks_what_was_held_and_not_complete(
    #[case] holds: bool,
    #[case] done: &[&str],
    #[case] in_flight: Option<&str>,
    #[case] broken: &[&str],
) {
    assert_eq!(interrupted(holds, done, in_flight), broken);
}
