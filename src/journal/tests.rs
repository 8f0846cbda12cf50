use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::plan::testing::plan;

fn chain(steps: usize) -> Vec<Entry> {
    let plan = plan(OperationId::new(Timestamp::UNIX_EPOCH, [1, 2, 3, 4]));
    let digest = plan.digest();
    let authority = Authority::Flag { who: "sre".into() };
    let mut entries = vec![Entry::following(
        None,
        Timestamp::UNIX_EPOCH,
        Body::Opened { plan: Box::new(plan), digest, authority },
        Vec::new(),
    )];
    for i in 0..steps {
        let step = StepId(format!("s{i}"));
        for body in [Body::Intent { step: step.clone(), before: None }, Body::Done { step, outputs: Outputs::new() }] {
            entries.push(Entry::following(entries.last(), Timestamp::UNIX_EPOCH, body, Vec::new()));
        }
    }
    entries
}

#[test]
fn a_chain_survives_being_written_and_read() {
    let entries = chain(3);
    let text: Vec<String> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let read: Vec<Entry> = text.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, entries);
    assert_eq!(fold(&read).unwrap().length, 7);
}

#[test]
fn an_entry_taken_out_of_the_middle_shows() {
    let mut entries = chain(3);
    entries.remove(3);
    assert!(matches!(
        fold(&entries),
        Err(JournalError::Broken(Fault { seq: Some(4), wrong: Wrong::Missing { entries: 1 }, .. }))
    ));
}

#[test]
fn a_plan_changed_after_confirmation_shows() {
    let mut entries = chain(0);
    let Body::Opened { plan, .. } = &mut entries[0].body else { unreachable!() };
    plan.title = "delete everything".into();
    entries[0].hash = entries[0].digest();
    assert!(matches!(fold(&entries), Err(JournalError::Digest)));
}

proptest! {
    #[test]
    fn any_changed_byte_of_any_entry_shows(line in 0usize..7, at in 0usize..10_000, bit in 0u8..8) {
        let entries = chain(3);
        let mut bytes = serde_json::to_vec(&entries[line]).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let Ok(changed) = serde_json::from_slice::<Entry>(&bytes) else { return Ok(()) };
        prop_assume!(changed != entries[line]);
        let mut changed_chain = entries.clone();
        changed_chain[line] = changed;
        prop_assert!(fold(&changed_chain).is_err());
    }
}

#[test]
fn a_step_keeps_the_time_it_began_first_and_how_often_it_was_sent() {
    let mut entries = chain(0);
    let step = StepId("create".into());
    let who = || Authority::Flag { who: "sre".into() };
    let unknown = Body::OutcomeUnknown { step: step.clone(), why: "cut off".into() };
    let bodies = [
        Body::Intent { step: step.clone(), before: None },
        unknown,
        Body::Resumed { authority: who(), epoch: 2 },
        Body::Answered { step: step.clone(), audit_id: None },
        Body::Done { step: step.clone(), outputs: Outputs::new() },
    ];
    for (second, body) in (1..).zip(bodies) {
        entries.push(Entry::following(entries.last(), Timestamp::from_second(second).unwrap(), body, Vec::new()));
    }
    let run = fold(&entries).unwrap();
    let at = |second| Timestamp::from_second(second).unwrap();
    assert_eq!(run.timings[&step], Timing { began: at(1), ended: Some(at(5)), sent: 2 });
    assert_eq!(run.since[&step], at(3), "the deadline counts anew");
}
