//! A runbook is carried out in the console by keys: begun from what is selected, gone on with by what a person says and
//! confirms, and taken up again after a crash, or where somebody else began it.

use http::Method;

use crate::lease::{SHORT, run_out};
use crate::runbook::{AGREE, BACKUP, HOLD, LOOK, THERE, Written, id};
use crate::support::cluster::{TestCluster, User};
use crate::support::proxy::{Fault, Gate, Order};
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    a_run_is_begun_from_a_volume_and_led_to_its_end_by_keys,
    a_console_that_was_killed_amid_an_operation_leaves_its_run_to_the_next_one,
    a_run_that_was_begun_headless_is_gone_on_with_in_the_console,
    a_step_that_failed_is_tried_again_and_a_run_is_ended_with_a_reason,
    a_run_that_somebody_else_took_over_is_let_go_and_can_be_taken_back,
    a_console_that_lost_a_run_keeps_what_was_typed_and_shows_how_it_goes_on_elsewhere,
    a_book_with_mistakes_says_how_many_and_each_of_them,
    a_second_persons_approval_is_waited_for_or_done_without,
    a_session_that_only_reads_shows_runs_and_changes_none,
);

const POINT: &str = "  - id: point
    title: Choose a copy
    why: Only one is held.
    fails: Make one.
    choose: {in: restore-points, filter: 'volume:{{volume.name}} namespace:{{volume.namespace}}'}
";

const HELD: &str = "  - id: held
    title: It is held
    why: It has to stay.
    fails: Hold it again.
    wait: {in: restore-points, filter: 'name:{{point.name}} heldUntil:released', expect: 1, within: 2m}
";

/// A console of the author of a book that looks at the test's namespace.
async fn console(cluster: &TestCluster, book: &Written, flags: &[&str]) -> Terminal {
    let arguments = [&["-n", &cluster.namespace], flags].concat();
    let terminal = Terminal::holdfast(&book.person, &arguments, 120, 60);
    terminal.until("the volume", |screen| screen.contains("data")).await;
    terminal
}

/// Begins a run of the book by keys, on the selected volume, which its parameter begins with.
async fn begin(cluster: &TestCluster, terminal: &mut Terminal, book: &Written) {
    terminal.press("xB");
    terminal.shows("Runbooks").await;
    terminal.press(&book.path);
    terminal.shows("a file of yours").await;
    terminal.press("\r");
    terminal.shows("Before the run").await;
    terminal.shows(&format!("{}/data", cluster.namespace)).await;
    terminal.press("\r");
}

/// Makes the plan that a run is at, and confirms it.
async fn confirm(terminal: &mut Terminal, name: &str) {
    terminal.shows("makes its plan").await;
    terminal.press("xO");
    terminal.shows("Review").await;
    terminal.press("\r");
    terminal.shows("Confirm").await;
    terminal.press(&format!("{name}\r"));
}

/// Fills in the one field of a form that the letter of the menu opens.
async fn say(terminal: &mut Terminal, letter: char, what: &str) {
    terminal.press(&format!("x{letter}"));
    terminal.shows("Say to").await;
    terminal.press(&format!("{what}\r"));
}

async fn only_copy(cluster: &TestCluster) -> String {
    let copies = cluster.snapshots().await;
    assert_eq!(copies.len(), 1, "{copies:?}");
    copies[0]["metadata"]["name"].as_str().unwrap().to_owned()
}

async fn a_run_is_begun_from_a_volume_and_led_to_its_end_by_keys(cluster: TestCluster) {
    cluster.claim("data").await;
    let hold = HOLD.replace("{{copy.made}}", "{{point}}");
    let ask = LOOK.replace("id: look", "id: call").replace("Look at the application", "Call somebody");
    let book = Written::new(&cluster, &format!("{THERE}{BACKUP}{POINT}{hold}{LOOK}{ask}{HELD}"));
    let mut terminal = console(&cluster, &book, &[]).await;
    begin(&cluster, &mut terminal, &book).await;
    confirm(&mut terminal, "data").await;
    terminal.shows("chooses one of these").await;
    let copy = only_copy(&cluster).await;
    terminal.press("xO");
    terminal.shows("Which one").await;
    terminal.press("\u{1b}[B\r\r");
    confirm(&mut terminal, &copy).await;
    terminal.shows("says what came of it").await;
    say(&mut terminal, 'O', "bought a book").await;
    terminal.at_step("call", "says what came of it").await;
    terminal.shows("bought a book").await;
    // Without a reason nothing is skipped.
    terminal.press("xS\r");
    terminal.shows("needs an answer").await;
    terminal.press("nobody is there\r");
    terminal.until("the end", |screen| screen.contains("the run is done") && screen.contains("nobody is there")).await;
    terminal.press("q");

    let copies = cluster.snapshots().await;
    assert!(copies[0]["metadata"]["annotations"]["holdfast.dev/hold"].is_string(), "{copies:?}");
    let run = book.person.only_run();
    let record = cluster.get("v1", "ConfigMap", &format!("holdfast-run-{run}")).await.unwrap();
    assert_eq!(record["data"]["state"], "done", "{record:#}");
    let told = book.person.run(&["runbook", "show", &run]).await.expect(0).stdout;
    for part in ["bought a book (sre)", "skipped by sre: nobody is there", "chose "] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for journal in book.person.journals() {
        let text = std::fs::read_to_string(journal).unwrap();
        let opened: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(opened["body"]["authority"]["runbook"]["run"], run.as_str(), "{opened:#}");
        assert_eq!(opened["body"]["authority"]["runbook"]["by"]["typed"]["who"], "sre", "{opened:#}");
    }
    book.person.run(&["journal", "verify"]).await.expect(0);
}

async fn a_console_that_was_killed_amid_an_operation_leaves_its_run_to_the_next_one(cluster: TestCluster) {
    cluster.claim("data").await;
    let book = Written::new(&cluster, &format!("{THERE}{BACKUP}{LOOK}{HOLD}"));
    book.person.configure(SHORT);
    let mut terminal = console(&cluster, &book, &[]).await;
    begin(&cluster, &mut terminal, &book).await;
    let gate = Gate::shut();
    let order = Order::on(Method::POST, "/volumesnapshots", Fault::Hold(gate.clone())).without("dryRun=All");
    cluster.proxy.order(order);
    confirm(&mut terminal, "data").await;
    wait::until("the create to be sent", LONG, async || (gate.arrived() == 1).then_some(())).await;
    terminal.signal("KILL");
    terminal.ended().await;
    gate.break_off();
    cluster.proxy.clear();
    run_out(&cluster).await;

    let mut terminal = console(&cluster, &book, &[]).await;
    terminal.press("R");
    terminal.shows("copy-and-hold").await;
    terminal.press("\r");
    terminal.shows("does not lead it").await;
    terminal.press("xr");
    terminal.shows("says what came of it").await;
    let copy = only_copy(&cluster).await;
    say(&mut terminal, 'O', "it works").await;
    confirm(&mut terminal, &copy).await;
    terminal.shows("the run is done").await;
    assert_eq!(only_copy(&cluster).await, copy, "nothing was made twice");
    let told = book.person.run(&["runbook", "show", &book.person.only_run()]).await.expect(0).stdout;
    assert!(told.contains("sre goes on with it") && told.contains("it works"), "{told}");
}

async fn a_run_that_was_begun_headless_is_gone_on_with_in_the_console(cluster: TestCluster) {
    cluster.claim("data").await;
    let book = Written::new(&cluster, &format!("{LOOK}{BACKUP}"));
    let run = id(&book.run(&["--yes"]).await.expect(4));
    // Somebody else sees it by its record alone.
    let colleague = cluster.person(User::Colleague);
    let mut terminal = Terminal::holdfast(&colleague, &["-n", &cluster.namespace], 120, 60);
    terminal.until("the volume", |screen| screen.contains("data")).await;
    terminal.press(":runs\r");
    terminal.until("the run", |screen| screen.contains("copy-and-hold") && screen.contains("Not led here")).await;
    terminal.press("\r");
    terminal.shows("does not lead it").await;
    terminal.press("xO");
    terminal.shows("nobody leads it here").await;
    terminal.press("xr");
    terminal.shows("says what came of it").await;
    say(&mut terminal, 'N', "the phone rings").await;
    terminal
        .until("the note", |screen| {
            screen.contains("note by colleague: the phone rings") && screen.contains("says what came of it")
        })
        .await;
    say(&mut terminal, 'O', "seen from here").await;
    confirm(&mut terminal, "data").await;
    terminal.shows("the run is done").await;
    only_copy(&cluster).await;
    let told = colleague.run(&["runbook", "show", &run]).await.expect(0).stdout;
    for part in ["note by colleague: the phone rings", "seen from here (colleague)", "begun by sre"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

async fn a_step_that_failed_is_tried_again_and_a_run_is_ended_with_a_reason(cluster: TestCluster) {
    cluster.claim("data").await;
    let copied = "  - id: copied
    title: There is a copy
    why: Without one nothing can be restored.
    fails: Make one.
    check: {in: restore-points, filter: 'volume:{{volume.name}} namespace:{{volume.namespace}}', expect: some}
";
    let book = Written::new(&cluster, &format!("{copied}{LOOK}"));
    let mut terminal = console(&cluster, &book, &[]).await;
    begin(&cluster, &mut terminal, &book).await;
    terminal.until("it to fail", |screen| screen.contains("Step failed") && screen.contains("Make one.")).await;
    cluster.snapshot("by-hand", "data").await;
    wait::until("it to be tried again with success", LONG, async || {
        if terminal.text().contains("tries it again") {
            terminal.press("xT");
        }
        wait::brief().await;
        terminal.text().contains("says what came of it").then_some(())
    })
    .await;
    say(&mut terminal, 's', "the shop is closed").await;
    terminal.until("the end", |screen| screen.contains("Stopped") && screen.contains("the shop is closed")).await;
    let told = book.person.run(&["runbook", "show", &book.person.only_run()]).await.expect(0).stdout;
    assert!(told.contains("the run was ended by sre: the shop is closed"), "{told}");
}

async fn a_run_that_somebody_else_took_over_is_let_go_and_can_be_taken_back(cluster: TestCluster) {
    cluster.claim("data").await;
    let again = LOOK.replace("id: look", "id: again").replace("Look at", "Look again at");
    let book = Written::new(&cluster, &format!("{LOOK}{again}{BACKUP}"));
    let mut terminal = console(&cluster, &book, &[]).await;
    begin(&cluster, &mut terminal, &book).await;
    terminal.shows("says what came of it").await;
    let run = book.person.only_run();
    let colleague = cluster.person(User::Colleague);
    colleague.run(&["runbook", "resume", &run, "--note", "seen from there"]).await.expect(4);
    // It is told so by what it tries to write, or by the record before that.
    wait::until("the run to be let go", 2 * LONG, async || {
        if terminal.text().contains("Waits for you") {
            terminal.press("xN");
            wait::brief().await;
        }
        if terminal.text().contains("Say to") {
            terminal.press("unsaid\r");
        }
        wait::brief().await;
        terminal.text().contains("It cannot go on here").then_some(())
    })
    .await;
    terminal.press("xr");
    terminal
        .until("what happened there", |screen| {
            screen.contains("seen from there") && screen.contains("says what came of it")
        })
        .await;
    say(&mut terminal, 'O', "and seen here").await;
    confirm(&mut terminal, "data").await;
    terminal.shows("the run is done").await;
    only_copy(&cluster).await;
    let told = book.person.run(&["runbook", "show", &run]).await.expect(0).stdout;
    assert!(told.contains("seen from there (colleague)") && told.contains("and seen here (sre)"), "{told}");
    assert!(!told.contains("unsaid"), "what was said after it was taken over did not happen: {told}");
}

async fn a_console_that_lost_a_run_keeps_what_was_typed_and_shows_how_it_goes_on_elsewhere(cluster: TestCluster) {
    cluster.claim("data").await;
    let again = LOOK.replace("id: look", "id: again").replace("Look at", "Look again at");
    let book = Written::new(&cluster, &format!("{LOOK}{again}"));
    // What is looked at is another namespace than the one whose volume the run is about.
    let mut terminal = console(&cluster, &book, &[]).await;
    begin(&cluster, &mut terminal, &book).await;
    terminal.at_step("look", "says what came of it").await;
    terminal.press(":ns kube-public\r");
    terminal.shows("looking at kube-public").await;
    terminal.press("xO");
    terminal.shows("Say to").await;
    terminal.press("seen from here");
    let run = book.person.only_run();
    let colleague = cluster.person(User::Colleague);
    colleague.run(&["runbook", "resume", &run, "--note", "seen from there"]).await.expect(4);
    terminal.press("\r");
    let screen = terminal.shows("not recorded, what you typed is kept").await;
    assert!(screen.contains("colleague on"), "{screen}");
    terminal.at_step("again", "This console does not lead it.").await;
    let screen = terminal.text();
    assert!(screen.contains("colleague on") && screen.contains("It was led on"), "{screen}");
    terminal.shows("seen from there").await;
    colleague.run(&["runbook", "resume", &run, "--note", "and again"]).await.expect(0);
    terminal.until("the end", |screen| screen.contains("✓ Done") && screen.contains("the run is done")).await;
    for person in [&colleague, &book.person] {
        let told = person.run(&["runbook", "show", &run]).await.expect(0).stdout;
        assert!(told.contains("seen from there (colleague)") && !told.contains("seen from here"), "{told}");
    }
}

async fn a_book_with_mistakes_says_how_many_and_each_of_them(cluster: TestCluster) {
    cluster.claim("data").await;
    let again = LOOK.replace("id: look", "id: again").replace("why:", "wy:");
    let book = Written::new(&cluster, &format!("{}{again}", LOOK.replace("manual:", "manul:")));
    let mut terminal = console(&cluster, &book, &[]).await;
    terminal.press(&format!(":runbook {}\r", book.path));
    let screen = terminal.shows("4 mistakes; line 8: a step has one task").await;
    assert!(screen.contains("`holdfast runbook check") && !screen.contains('␊'), "{screen}");
    terminal.press("N");
    terminal
        .until("each of them", |screen| {
            let told = |what: &str| screen.lines().any(|line| line.contains("book.yaml:") && line.contains(what));
            told("manul") && told("wy")
        })
        .await;
    terminal.press("\u{1b}");
    wait::brief().await;
    // The letters of it lie scattered in names of books; it is none.
    terminal.press(":runbook nope\r");
    terminal.shows("there is no runbook nope; ").await;
}

async fn a_second_persons_approval_is_waited_for_or_done_without(cluster: TestCluster) {
    cluster.claim("data").await;
    let again = AGREE.replace("id: agree", "id: again").replace("Somebody else agrees", "And once more");
    let book = Written::new(&cluster, &format!("{AGREE}{BACKUP}{again}"));
    let mut terminal = console(&cluster, &book, &[]).await;
    begin(&cluster, &mut terminal, &book).await;
    terminal.shows("A second person has to agree").await;
    terminal.press("xO");
    terminal.shows("a second person approves it").await;
    terminal.press("xP");
    terminal.shows("you began it").await;
    let run = book.person.only_run();
    let colleague = cluster.person(User::Colleague);
    let asked = colleague.run(&["get", "problems", "-n", &cluster.namespace]).await.stdout;
    assert!(asked.contains("Not approved") && asked.contains(&format!("runbook approve {run} agree")), "{asked}");
    let mut second = Terminal::holdfast(&colleague, &["-n", &cluster.namespace], 120, 60);
    second.until("the volume", |screen| screen.contains("data")).await;
    second.press("R");
    second.shows("copy-and-hold").await;
    second.press("\r");
    second.shows("agrees to it under your own name").await;
    second.press("xP");
    second.shows("Id of the run").await;
    second.press("yes\r");
    second.shows("is not the id of the run").await;
    second.press(&format!("\u{15}{run}\r"));
    second.shows("is approved").await;
    confirm(&mut terminal, "data").await;
    terminal.shows("goes on without").await;
    terminal.press("g");
    let screen = terminal.shows("approved by colleague").await;
    // Whether the API server holds them to their name depends on the cluster; which of both it is is always said.
    let said = ["claimed", "CLAIMED", "as the API server"];
    assert!(said.iter().any(|said| screen.contains(said)), "{screen}");
    say(&mut terminal, 'X', "nobody answers the phone").await;
    terminal.until("the end", |screen| screen.contains("the run is done") && screen.contains("BREAK GLASS")).await;
    only_copy(&cluster).await;
    let told = book.person.run(&["runbook", "show", &run]).await.expect(0).stdout;
    assert!(told.contains("BREAK GLASS by sre: nobody answers the phone"), "{told}");
}

async fn a_session_that_only_reads_shows_runs_and_changes_none(cluster: TestCluster) {
    cluster.claim("data").await;
    let book = Written::new(&cluster, LOOK);
    let run = id(&book.run(&[]).await.expect(4));
    let name = format!("holdfast-run-{run}");
    let before = cluster.get("v1", "ConfigMap", &name).await.unwrap();
    let mut terminal = console(&cluster, &book, &["--read-only"]).await;
    terminal.press("xB");
    terminal.shows("read-only: needs a session that may write").await;
    terminal.press("R");
    terminal.shows("copy-and-hold").await;
    terminal.press("\r");
    terminal.shows("Open the shop and buy something").await;
    terminal.press("x");
    let menu = terminal.until("the menu", |screen| screen.contains("break glass")).await;
    for action in ["go on", "skip", "try again", "break glass", "approve", "note", "resume", "stop"] {
        let line = menu.lines().find(|line| line.contains(&format!("{action} ")) && line.contains("read-only"));
        assert!(line.is_some(), "{action} is not listed with its reason:\n{menu}");
    }
    terminal.press("\u{1b}");
    // A letter that follows at once would be one with alt.
    wait::brief().await;
    for letter in ["O", "S", "T", "X", "P", "N", "r", "s"] {
        terminal.press(&format!("x{letter}"));
        terminal.shows("needs a session that may write").await;
    }
    let after = cluster.get("v1", "ConfigMap", &name).await.unwrap();
    assert_eq!(before["metadata"]["resourceVersion"], after["metadata"]["resourceVersion"], "{after:#}");
}
