//! What a run says to whoever leads it on the command line: what it takes, what it waits for, what answers that, and what
//! becomes of an answer that is none.

use serde_json::Value;

use super::{AGREE, BACKUP, LOOK, POINT, THERE, Written, id};
use crate::support::cluster::{TestCluster, User};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    a_run_takes_no_flag_that_it_would_not_keep,
    a_run_that_is_over_takes_no_note_and_no_second_end,
    a_run_that_waits_says_what_answers_it,
    a_wrong_answer_leaves_a_run_waiting_and_says_so,
    a_plan_and_a_wait_are_skipped_and_what_else_is_said_to_them_is_refused,
    the_list_of_runs_tells_which_one_needs_somebody,
    a_run_of_a_namespace_that_is_not_there_does_not_begin,
);

async fn a_run_takes_no_flag_that_it_would_not_keep(cluster: TestCluster) {
    cluster.claim("data").await;
    let book = Written::new(&cluster, &format!("{LOOK}{BACKUP}"));
    for flags in [&["--dry-run"][..], &["--dry-run", "--script", "-"], &["--dry-run", "--answer", "look=fine"]] {
        let refused = book.run(flags).await.expect(2);
        assert!(refused.stderr.contains("--dry-run"), "{refused:?}");
    }
    assert_eq!(cluster.list("v1", "ConfigMap").await.iter().filter(|one| is_record(one)).count(), 0);
    let id = id(&book.run(&[]).await.expect(4));
    for flag in ["--dry-run", "--retry"] {
        book.person.run(&["runbook", "resume", &id, "--note", "fine", flag]).await.expect(2);
    }
    assert!(!book.person.run(&["runbook", "show", &id]).await.expect(0).stdout.contains("fine"));
    assert_eq!(cluster.snapshots().await.len(), 0);
}

/// Whether a ConfigMap is the record of a run.
fn is_record(object: &Value) -> bool {
    object["metadata"]["name"].as_str().unwrap().starts_with("holdfast-run-")
}

async fn a_run_that_is_over_takes_no_note_and_no_second_end(cluster: TestCluster) {
    cluster.claim("data").await;
    let book = Written::new(&cluster, LOOK);
    let done = id(&book.run(&["--answer", "look=fine"]).await.expect(0));
    let stopped = id(&book.run(&[]).await.expect(4));
    book.person.run(&["runbook", "stop", &stopped, "--reason", "a false alarm"]).await.expect(0);
    for (id, how) in [(done.as_str(), ": done on 2"), (stopped.as_str(), ": stopped on 2")] {
        let before = book.person.run(&["runbook", "export", id, "-o", "json"]).await.expect(0).stdout;
        for words in [&["runbook", "note", id, "too late"][..], &["runbook", "stop", id, "--reason", "too late"]] {
            let refused = book.person.run(words).await.expect(1);
            for part in [&*format!("run {id} is over{how}"), " by sre", "nothing was written"] {
                assert!(refused.stderr.contains(part), "{part}: {refused:?}");
            }
        }
        // On a machine that has no journal of it, by its record.
        cluster.person(User::Colleague).run(&["runbook", "note", id, "too late"]).await.expect(1);
        let after = book.person.run(&["runbook", "export", id, "-o", "json"]).await.expect(0).stdout;
        assert_eq!(before, after, "nothing was written");
        let record = cluster.get("v1", "ConfigMap", &format!("holdfast-run-{id}")).await.unwrap();
        assert!(!record.to_string().contains("too late"), "{record:#}");
    }
}

async fn a_run_that_waits_says_what_answers_it(cluster: TestCluster) {
    cluster.claim("data").await;
    cluster.snapshot("by-hand", "data").await;
    let book = Written::new(&cluster, &format!("{LOOK}{POINT}{BACKUP}{AGREE}"));
    let mut ended = book.run(&[]).await.expect(4);
    let id = id(&ended);
    let waits = |step: &str, flag: &str| {
        format!("run {id} waits at {step} for a person; `holdfast runbook resume {id} {flag}` goes on\n")
    };
    let answered = [("look", "--note TEXT", "fine"), ("point", "--choose ROW", "1"), ("copy", "--yes", "")];
    for (step, flag, answer) in answered {
        assert!(ended.stderr.ends_with(&waits(step, flag)), "{ended:?}");
        let flag = flag.split(' ').next().unwrap();
        let words = ["runbook", "resume", &id, flag, answer];
        ended = book.person.run(words.strip_suffix(&[""]).unwrap_or(&words)).await.expect(4);
    }
    let approves = format!("`holdfast runbook approve {id} agree`, then `holdfast runbook resume {id}` goes on\n");
    assert!(ended.stderr.ends_with(&approves), "{ended:?}");
}

async fn a_wrong_answer_leaves_a_run_waiting_and_says_so(cluster: TestCluster) {
    cluster.claim("data").await;
    cluster.snapshot("by-hand", "data").await;
    let book = Written::new(&cluster, &format!("{POINT}{BACKUP}{AGREE}"));
    let id = id(&book.run(&[]).await.expect(4));
    let resume = async |words: &[&str]| book.person.run(&[&["runbook", "resume", &id], words].concat()).await;
    let none = resume(&["--choose", "99"]).await.expect(2);
    let there = format!("point: \"99\" is not among what there is to choose (1: {}/by-hand)", cluster.namespace);
    for part in [&*there, "waits at point for a person", "--choose ROW` goes on"] {
        assert!(none.stderr.contains(part), "{part}: {none:?}");
    }
    // Its name alone is enough, as nothing else has it.
    resume(&["--choose", "by-hand"]).await.expect(4);

    let resumed = ["runbook", "resume", &id];
    let mut terminal = Terminal::holdfast(&book.person, &resumed, 160, 60);
    terminal.shows("to start on context").await;
    terminal.press("date\r");
    terminal.shows("waits at copy for a person").await;
    terminal.shows("--yes` goes on").await;
    assert_eq!(terminal.ended().await, 1);
    assert_eq!(cluster.snapshots().await.len(), 1, "nothing was made");

    resume(&["--yes"]).await.expect(4);
    let text = resume(&["--note", "I agree"]).await.expect(2);
    for part in ["is approved by a second person, not by a text", &*format!("`holdfast runbook approve {id} agree`")] {
        assert!(text.stderr.contains(part), "{part}: {text:?}");
    }
}

async fn a_plan_and_a_wait_are_skipped_and_what_else_is_said_to_them_is_refused(cluster: TestCluster) {
    cluster.claim("data").await;
    let held = "  - id: held
    title: Somebody holds a copy
    why: For tests.
    fails: Hold one.
    wait: {in: restore-points, filter: 'namespace=={{volume.namespace}} !heldUntil==-', expect: some, within: 1h}
";
    let book = Written::new(&cluster, &format!("{BACKUP}{held}{LOOK}"));
    let id = id(&book.run(&[]).await.expect(4));
    let resume = async |more: &[&str]| book.person.run(&[&["runbook", "resume", &id], more].concat()).await;
    for said in [&["--note", "fine"][..], &["--retry"], &["--break-glass", "alone"]] {
        let refused = resume(said).await.expect(2);
        assert!(refused.stderr.contains("copy is answered by its plan"), "{refused:?}");
        assert!(refused.stderr.contains("run ") && refused.stderr.contains(" --yes` goes on"), "{refused:?}");
    }
    // What is said is said to that step alone: the wait that comes next goes on.
    let mut waiting = book.person.start(&["runbook", "resume", &id, "--skip", "there is no time"]);
    wait::until("it to wait", LONG, async || {
        let told = book.person.run(&["runbook", "show", &id]).await.stdout;
        told.contains("held: begins").then_some(())
    })
    .await;
    waiting.kill().await.unwrap();
    resume(&["--skip", "nobody does"]).await.expect(4);
    assert_eq!(cluster.snapshots().await.len(), 0, "what was skipped was not done");
    let told = book.person.run(&["runbook", "show", &id]).await.expect(0).stdout;
    for part in ["copy: skipped by sre: there is no time", "held: skipped by sre: nobody does", "look: begins"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("look: skipped"), "{told}");
}

async fn the_list_of_runs_tells_which_one_needs_somebody(cluster: TestCluster) {
    cluster.claim("data").await;
    let fails = THERE.replace("expect: 1", "expect: 2");
    let stands = [
        (LOOK, "Waits       0/1 at look, for a person  ", 4),
        (AGREE, "Waits       0/1 at agree, for a second person  ", 4),
        (&*fails, "Step failed 0/1 at there  ", 1),
    ];
    let mut runs = Vec::new();
    for (steps, stands, code) in stands {
        runs.push((id(&Written::new(&cluster, steps).run(&[]).await.expect(code)), stands));
    }
    // Whoever looks leads none of them, and may have begun none.
    let colleague = cluster.person(User::Colleague);
    let listed = colleague.run(&["runbook", "runs", "-n", &cluster.namespace]).await.expect(0).stdout;
    for (id, stands) in &runs {
        let line = listed.lines().find(|line| line.starts_with(id.as_str())).unwrap();
        assert!(line.contains(stands), "{stands}: {line}");
    }
    let json = colleague.run(&["runbook", "runs", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
    let of = |id: &str| json.as_array().unwrap().iter().find(|run| run["id"] == id).unwrap();
    assert_eq!(of(&runs[1].0)["waitsFor"], "a second person", "{json:#}");
    assert_eq!(of(&runs[2].0)["state"], "Step failed", "{json:#}");

    let mut terminal = Terminal::holdfast(&colleague, &["-n", &cluster.namespace], 120, 60);
    terminal.until("the volume", |screen| screen.contains("data")).await;
    terminal.press(":runs\r");
    terminal.shows("Step failed").await;
}

async fn a_run_of_a_namespace_that_is_not_there_does_not_begin(cluster: TestCluster) {
    let book = Written::new(&cluster, LOOK);
    let typo = format!("{}x", cluster.namespace);
    let volume = format!("volume={typo}/data");
    let refused = book.person.run(&["runbook", "run", &book.path, "-p", &volume]).await.expect(2);
    let there = &cluster.namespace;
    for part in [format!("volume: there is no namespace {typo} on "), format!("; did you mean {there}?")] {
        assert!(refused.stderr.contains(&part), "{part}: {refused:?}");
    }
    assert!(!refused.stdout.contains("run\t"), "{refused:?}");
    let kept = std::fs::read_dir(book.person.state().join("runs")).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "nothing was begun");
}
