//! The folder of runbooks that a configuration names: what is in it is begun by its name, what is broken is told and hides
//! nothing, and no file takes the place of a runbook that comes with the program.

use crate::runbook::id;
use crate::support::cluster::{TestCluster, User};
use crate::support::person::Person;
use crate::support::scenarios;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

scenarios!(
    a_book_of_the_folder_is_begun_by_its_name_and_gone_on_with,
    a_broken_one_is_listed_with_its_place_and_hides_no_other,
    a_file_with_the_name_of_a_shipped_one_does_not_take_its_place,
    the_console_offers_them_beside_those_that_come_along_and_says_what_is_broken,
);

const BOOK: &str = "holdfast: runbook/v1
name: evening
title: Look after the shop
about: For tests.
params:
  volume: {type: volume, about: Which}
steps:
- id: there
  title: It is there
  why: Nothing else makes sense.
  fails: Look for it.
  check: {in: volumes, filter: 'namespace=={{volume.namespace}} name=={{volume.name}}', expect: 1}
- id: look
  title: Look at the shop
  why: Nobody else does.
  fails: Ask somebody.
  manual: Open the shop and buy something.
";

/// An SRE with these files in the folder.
fn with(cluster: &TestCluster, files: &[(&str, &str)]) -> Person {
    let sre = cluster.person(User::Sre);
    let folder = sre.home().join("books");
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    sre.configure("runbooks = \"books\"\n");
    sre
}

async fn a_book_of_the_folder_is_begun_by_its_name_and_gone_on_with(cluster: TestCluster) {
    cluster.claim("data").await;
    let sre = with(&cluster, &[("shop.yaml", BOOK)]);
    let listed = sre.run(&["runbook", "list"]).await.expect(0).stdout;
    assert!(listed.starts_with("evening\n") && listed.contains("Look after the shop"), "{listed}");
    assert!(listed.contains("volume  Which (NAMESPACE/PVC)") && listed.contains("books/shop.yaml"), "{listed}");
    assert_eq!(sre.run(&["runbook", "print", "evening"]).await.expect(0).stdout, BOOK);
    assert!(sre.run(&["runbook", "explain", "evening"]).await.expect(0).stdout.contains("Open the shop"));
    let help = sre.run(&["runbook", "run", "--help"]).await.expect(0).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("one that comes with the program or is in your own folder, or a file"), "{help}");

    let volume = format!("volume={}/data", cluster.namespace);
    let ended = sre.run(&["runbook", "run", "evening", "-p", &volume]).await.expect(4);
    let id = id(&ended);
    // It is held to the file as any other book is.
    let edited = sre.home().join("books/shop.yaml");
    std::fs::write(&edited, BOOK.replace("buy something", "buy nothing")).unwrap();
    let refused = sre.run(&["runbook", "resume", &id, "--note", "bought a book"]).await.expect(1);
    assert!(refused.stderr.contains("was edited since the run began"), "{refused:?}");
    std::fs::write(&edited, BOOK).unwrap();
    sre.run(&["runbook", "resume", &id, "--note", "bought a book"]).await.expect(0);
    let typo = sre.run(&["runbook", "run", "evenin", "-p", &volume]).await.expect(2);
    assert!(typo.stderr.contains("did you mean evening?"), "{typo:?}");
}

async fn a_broken_one_is_listed_with_its_place_and_hides_no_other(cluster: TestCluster) {
    let wrong = BOOK.replace("manual:", "manul:").replace("evening", "morning");
    let sre = with(&cluster, &[("broken.yaml", &wrong), ("shop.yaml", BOOK)]);
    let listed = sre.run(&["runbook", "list"]).await.expect(0).stdout;
    assert!(listed.contains("broken\n  cannot be begun:\n") && listed.contains("broken.yaml:17:3: "), "{listed}");
    assert!(listed.contains("evening\n  Look after the shop"), "{listed}");
    let refused = sre.run(&["runbook", "run", "broken", "-p", "volume=a/b"]).await.expect(2);
    assert!(refused.stderr.contains("broken.yaml:17:3: "), "{refused:?}");
    sre.run(&["runbook", "explain", "evening"]).await.expect(0);
    // A folder that is named and is not there is no empty one.
    sre.configure("runbooks = \"nowhere\"\n");
    for words in [&["runbook", "list"][..], &["runbook", "explain", "evening"]] {
        let refused = sre.run(words).await.expect(2);
        assert!(refused.stderr.contains("nowhere cannot be read"), "{refused:?}");
    }
    sre.run(&["runbook", "explain", "volume-lost"]).await.expect(0);
}

async fn a_file_with_the_name_of_a_shipped_one_does_not_take_its_place(cluster: TestCluster) {
    let same = BOOK.replace("name: evening", "name: volume-lost");
    let sre = with(&cluster, &[("mine.yaml", &same), ("one.yaml", BOOK), ("two.yaml", BOOK)]);
    let listed = sre.run(&["runbook", "list"]).await.expect(0).stdout;
    assert!(listed.contains("not begun by its name: a runbook that comes with the program has this name"), "{listed}");
    assert!(listed.contains("two.yaml has this name too"), "{listed}");
    let explained = sre.run(&["runbook", "explain", "volume-lost"]).await.expect(0);
    assert!(explained.stdout.contains("A volume was deleted, or its data is corrupted"), "{explained:?}");
    assert!(explained.stderr.contains("volume-lost is the one that comes with the program"), "{explained:?}");
    assert!(explained.stderr.contains("mine.yaml is begun by its file"), "{explained:?}");
    let twice = sre.run(&["runbook", "explain", "evening"]).await.expect(2);
    assert!(twice.stderr.contains("are all called evening"), "{twice:?}");
    let file = sre.home().join("books/mine.yaml").display().to_string();
    assert!(sre.run(&["runbook", "explain", &file]).await.expect(0).stdout.contains("Look after the shop"));
}

async fn the_console_offers_them_beside_those_that_come_along_and_says_what_is_broken(cluster: TestCluster) {
    cluster.claim("data").await;
    let wrong = BOOK.replace("manual:", "manul:").replace("evening", "morning");
    let sre = with(&cluster, &[("broken.yaml", &wrong), ("shop.yaml", BOOK)]);
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.until("the volume", |screen| screen.contains("data")).await;
    terminal.press("xB");
    terminal.shows("Runbooks").await;
    terminal.press("broken");
    terminal.shows("broken.yaml:13:3").await;
    terminal.press("\u{15}evening");
    terminal.shows("Look after the shop").await;
    terminal.press("\r");
    terminal.shows("Before the run").await;
    terminal.shows(&format!("{}/data", cluster.namespace)).await;
    terminal.press("\r");
    let at = async || {
        let runs = sre.run(&["runbook", "runs", "-n", &cluster.namespace, "-o", "json"]).await.expect(0).json();
        (runs[0]["runbook"].clone(), runs[0]["at"].clone())
    };
    wait::seen("it to wait for a person", LONG, at, |at| *at == ("evening".into(), "look".into())).await;
}
