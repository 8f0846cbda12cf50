//! The real binary on a real terminal: it starts, draws, and gives the terminal back whatever ends it.

use std::path::{Path, PathBuf};

use crate::support::cluster::{StorageFault, TestCluster, User};
use crate::support::person::Person;
use crate::support::terminal::Terminal;

/// The console on the embedded cluster of its own.
async fn console(scenario: &str) -> (TestCluster, Person, Terminal) {
    let cluster = TestCluster::sim(scenario).await;
    let sre = cluster.person(User::Sre);
    let terminal = Terminal::holdfast(&sre, &[], 120, 36);
    terminal.shows("data-db-0").await;
    (cluster, sre, terminal)
}

#[tokio::test(flavor = "multi_thread")]
async fn q_leaves_the_console_and_gives_the_terminal_back() {
    let (_cluster, _sre, mut terminal) = console("q").await;
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quit_command_leaves_the_console() {
    let (_cluster, _sre, mut terminal) = console("quit").await;
    terminal.press(":quit\r");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn escape_never_leaves_the_console() {
    let (_cluster, _sre, mut terminal) = console("escape").await;
    terminal.press("\u{1b}");
    terminal.press("?");
    terminal.until("the help of this screen", |screen| screen.to_lowercase().contains("move down")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_console_in_good_order() {
    for signal in ["TERM", "HUP", "INT"] {
        let (_cluster, _sre, mut terminal) = console("signal").await;
        terminal.signal(signal);
        terminal.ended().await;
        terminal.given_back().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_follows_the_size_of_the_terminal() {
    let (_cluster, _sre, terminal) = console("resize").await;
    let wide = terminal.text();
    assert!(wide.contains("Restore points") && wide.contains("Certificates"), "{wide}");
    // Each size shows something that cutting the screen before it would not.
    terminal.resize(80, 24);
    terminal
        .until("one pane to the right edge", |screen| screen.contains("data-db-0") && screen.contains("connected"))
        .await;
    terminal.resize(10, 3);
    terminal.until("the operations, and no pane", |screen| screen.contains("No op")).await;
    terminal.resize(120, 36);
    terminal.until("four panes again", |screen| screen.contains("data-db-0") && screen.contains("Findings")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_needs_nothing_else() {
    let person = Person::new("", &[]);
    let mut terminal = Terminal::holdfast(&person, &["demo"], 120, 36);
    terminal.shows("data-db-0").await;
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_leaves_a_screen_that_says_so() {
    let cluster = TestCluster::sim("unreachable").await;
    cluster.proxy.kill().await;
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &[], 120, 36);
    terminal.until("that the server is down", |screen| screen.contains("down")).await;
    cluster.proxy.revive();
    terminal.shows("data-db-0").await;
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_not_accepted_are_said_on_the_screen() {
    let cluster = TestCluster::sim("stranger").await;
    let stranger = Person::new(&cluster.proxy.kubeconfig("test", "shop", "unknown-t0ken"), &[]);
    let mut terminal = Terminal::holdfast(&stranger, &[], 120, 36);
    let screen = terminal.until("what to do about it", |screen| screen.contains("log in")).await;
    assert!(!screen.contains("unknown-t0ken"), "{screen}");
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
}

#[tokio::test]
async fn a_broken_kubeconfig_ends_the_console_before_it_takes_the_terminal() {
    let person = Person::new("kind: [Config\ntoken: s3cr3t", &[]);
    let mut terminal = Terminal::holdfast(&person, &[], 120, 36);
    assert_eq!(terminal.ended().await, 2);
    terminal.given_back().await;
    let text = terminal.shows("line").await;
    assert!(text.contains("kubeconfig") && !text.contains("s3cr3t"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_while_an_operation_runs_is_asked_for() {
    let cluster = TestCluster::sim("leaving").await;
    cluster.claim("data").await;
    cluster.storage_fault("data", StorageFault::NeverReady);
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::holdfast(&sre, &["-n", &cluster.namespace], 120, 36);
    terminal.shows("LIVE").await;
    terminal.shows("data").await;
    terminal.press("xb");
    terminal.shows("Before the plan").await;
    terminal.press("\r");
    terminal.shows("Review").await;
    terminal.press("\r");
    terminal.shows("Confirm").await;
    terminal.press("data\r");
    terminal.shows("2/3").await;
    terminal.press("qq");
    terminal.shows("Leave now?").await;
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
    assert_eq!(sre.operation().await["state"], "interrupted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ground_is_that_of_the_theme_as_far_as_the_terminal_shows_it() {
    let cluster = TestCluster::sim("ground").await;
    let sre = cluster.person(User::Sre);
    sre.theme("sea", "inherits = 'dark'\n[palette]\nground = '#102030'\n");
    let sea = vt100::Color::Rgb(0x10, 0x20, 0x30);
    let table: &[(&[(&'static str, &str)], vt100::Color)] = &[
        (&[], vt100::Color::Idx(233)),
        (&[("COLORTERM", "truecolor")], vt100::Color::Rgb(0x0f, 0x14, 0x1b)),
        (&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")], vt100::Color::Default),
        (&[("COLORTERM", "truecolor"), ("HOLDFAST_THEME", "sea")], sea),
        (&[("COLORTERM", "truecolor"), ("HOLDFAST_THEME", "sea"), ("NO_COLOR", "1")], sea),
    ];
    for (variables, ground) in table {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, PathBuf::from(value))).collect();
        let mut terminal = Terminal::holdfast_with(&sre, &[], &variables, 120, 36);
        terminal.shows("data-db-0").await;
        assert_eq!(terminal.ground(), *ground, "{variables:?}");
        terminal.press("q");
        assert_eq!(terminal.ended().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_gives_the_terminal_back_and_its_message_is_readable() {
    let cluster = TestCluster::sim("panic").await;
    let sre = cluster.person(User::Sre);
    let me = std::env::current_exe().unwrap();
    let mut environment: Vec<(&'static str, PathBuf)> = sre.environment();
    environment.push((child::KUBECONFIG, sre.kubeconfig()));
    let arguments = ["pty::child::a_console_with_a_defect", "--exact", "--include-ignored", "--nocapture"];
    let mut terminal = Terminal::run(&me, &arguments, &environment, 120, 36);
    terminal.ended().await;
    terminal.given_back().await;
    let text = terminal.text();
    assert!(text.contains("a defect in the console"), "{text}");
}

/// A program that this test binary is when a test above runs it in a terminal.
mod child {
    use super::Path;
    use holdfast::cluster::Target;
    use holdfast::config::Config;
    use holdfast::model::{Freshness, Kind};
    use holdfast::session::{Options, Session};
    use holdfast::store::Store;
    use holdfast::tui::{self, ConsoleError, Keymap, Theme, Themes};

    /// Says to the program that it is run by a test, and where its cluster is.
    pub const KUBECONFIG: &str = "HOLDFAST_TEST_KUBECONFIG";

    /// Draws a console, then panics in a task beside it, as a defect would.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "run in a terminal by a_panic_gives_the_terminal_back_and_its_message_is_readable"]
    async fn a_console_with_a_defect() {
        let kubeconfig = std::env::var_os(KUBECONFIG).expect("this is run by another test");
        let kubeconfig = Path::new(&kubeconfig);
        let target = Target { kubeconfig: Some(kubeconfig.to_owned()), ..Target::default() };
        let store = Store::open(&kubeconfig.with_file_name("state")).unwrap();
        let kinds = vec![Kind::Pvc];
        let mut session =
            Session::open(Options { target, config: Config::default(), store, own_namespace: false, kinds });
        while *session.desk().world.freshness(Kind::Pvc) != Freshness::Live {
            session.next().await;
        }
        tokio::spawn(async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            panic!("a defect in the console");
        });
        let ended = tui::run(&mut session, Theme::named("dark").unwrap(), Themes::default(), Keymap::default()).await;
        assert!(matches!(ended, Err(ConsoleError::Panicked)), "{ended:?}");
    }
}
