//! The real binary on a real terminal: it starts, draws, and gives the terminal back whatever ends it.

use std::path::{Path, PathBuf};

use holdfast::tui::LEAST;

use crate::support::cluster::{StorageFault, TestCluster, User};
use crate::support::person::Person;
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

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
    terminal.resize(30, 5);
    let small = terminal.until("that this is too small", |screen| screen.contains("too small")).await;
    let small = small.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(small.starts_with(&format!("terminal too small: 30x5, needs at least {}x{}", LEAST.0, LEAST.1)), "{small}");
    for columns in 31..=119 {
        terminal.resize(columns, 36);
    }
    terminal.resize(120, 36);
    terminal.until("four panes again", |screen| screen.contains("data-db-0") && screen.contains("Findings")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again() {
    let cluster = TestCluster::sim("suspend").await;
    let sre = cluster.person(User::Sre);
    let environment =
        [sre.environment().as_slice(), &[("PS1", "ready> ".into()), ("ENV", "/dev/null".into())]].concat();
    let mut shell = Terminal::run(Path::new("/bin/sh"), &["-i"], &environment, 120, 36);
    shell.shows("ready>").await;
    shell.press(&format!("{}\r", env!("CARGO_BIN_EXE_holdfast")));
    shell.shows("data-db-0").await;
    shell.taken().await;
    for _ in 0..2 {
        shell.press("\x1a");
        shell.until("the shell", |screen| screen.contains("Stopped") || screen.contains("Suspended")).await;
        shell.screen_given_back().await;
        shell.press("echo the shell has $((40 + 2))\r");
        shell.shows("the shell has 42").await;
        shell.resize(80, 24);
        shell.press("fg\r");
        let screen = shell.shows("data-db-0").await;
        assert!(!screen.contains("Certificates ─"), "it was not drawn for 80x24: {screen}");
        shell.taken().await;
        shell.press("?");
        shell.shows("Move down").await;
        shell.press("q");
        shell.shows("data-db-0").await;
    }
    shell.press("q");
    shell.screen_given_back().await;
    shell.press("echo it ended with $?\r");
    shell.shows("it ended with 0").await;
    shell.press("exit\r");
    shell.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_without_a_shell_above_it_stays() {
    let (_cluster, _sre, mut terminal) = console("orphan").await;
    terminal.press("\x1a");
    terminal.shows("not suspended").await;
    terminal.taken().await;
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_was_stopped_from_outside_takes_the_terminal_again() {
    let (_cluster, _sre, mut terminal) = console("stopped").await;
    let before = terminal.written("\x1b[?1049h");
    terminal.signal("STOP");
    terminal.signal("CONT");
    let look = async || terminal.written("\x1b[?1049h");
    wait::seen("the screen to be taken again", LONG, look, |taken| *taken > before).await;
    terminal.taken().await;
    terminal.shows("data-db-0").await;
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_selects_a_row_and_the_wheel_scrolls_what_is_under_it() {
    let (_cluster, _sre, mut terminal) = console("mouse").await;
    terminal.click("data-db-0", 1).await;
    terminal.until("the row to be selected", |screen| selected(screen).contains("data-db-0")).await;
    terminal.click("? help", 1).await;
    terminal.shows("Move down").await;
    terminal.wheel_down("Move down").await;
    terminal.until("the help to be scrolled", |screen| !screen.contains("Move down")).await;
    terminal.press("q");
    terminal.shows("data-db-0").await;
    // Two clicks in a row, and then one on the object that they open.
    terminal.click("data-db-0", 2).await;
    terminal.shows("Linked").await;
    terminal.click("q quit", 1).await;
    terminal.shows("Restore points").await;
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
}

/// The line under the cursor.
fn selected(screen: &str) -> &str {
    screen.lines().find(|line| line.contains('▌')).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mouse_is_left_to_the_terminal_where_the_configuration_says_so() {
    let cluster = TestCluster::sim("no-mouse").await;
    let sre = cluster.person(User::Sre);
    sre.configure("mouse = false");
    let mut terminal = Terminal::holdfast(&sre, &[], 120, 36);
    terminal.shows("data-db-0").await;
    assert_eq!((terminal.written("\x1b[?1000h"), terminal.written("\x1b[?1006h")), (0, 0));
    terminal.press("q");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_frame_is_shown_as_a_whole() {
    let (_cluster, _sre, mut terminal) = console("frames").await;
    terminal.press("?");
    terminal.shows("Move down").await;
    terminal.press("qq");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;
    let (begun, ended) = (terminal.written("\x1b[?2026h"), terminal.written("\x1b[?2026l"));
    assert!(begun > 2 && begun == ended, "{begun} begun, {ended} ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn consoles_of_sixteen_colours_and_multiplexers_are_drawn_on() {
    let cluster = TestCluster::sim("terms").await;
    let sre = cluster.person(User::Sre);
    for term in ["linux", "screen", "tmux-256color"] {
        let mut terminal = Terminal::holdfast_with(&sre, &[], &[("TERM", term.into())], 80, 24);
        terminal.shows("data-db-0").await;
        terminal.press("q");
        assert_eq!(terminal.ended().await, 0, "{term}");
        terminal.given_back().await;
    }
}

#[tokio::test]
async fn a_terminal_that_cannot_be_drawn_on_is_told_what_to_use_instead() {
    let person = Person::new("", &[]);
    for term in ["dumb", ""] {
        let mut terminal = Terminal::holdfast_with(&person, &["demo"], &[("TERM", term.into())], 80, 24);
        let said = terminal.shows("holdfast get").await;
        assert!(said.contains("TERM"), "{said}");
        assert_eq!(terminal.ended().await, 2);
        assert_eq!(terminal.written("\x1b["), 0, "nothing but text was written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_goes_away_ends_the_console() {
    let cluster = TestCluster::sim("closed").await;
    let sre = cluster.person(User::Sre);
    let mut terminal = Terminal::foreign(&sre, 120, 36);
    terminal.shows("data-db-0").await;
    terminal.close();
    assert_eq!(terminal.ended().await, 141, "nothing but the failing line says that it went away");
    let mut terminal = Terminal::holdfast(&sre, &[], 120, 36);
    terminal.shows("data-db-0").await;
    terminal.close();
    let code = terminal.ended().await;
    assert!([0, 141].contains(&code), "{code}: hung up by a signal or by the line, whichever came first");
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
async fn the_demo_plays_the_vulnerable_release_and_the_console_finds_the_copy_to_trust() {
    let person = Person::new("", &[]);
    let mut terminal = Terminal::holdfast(&person, &["demo", "--story", "vulnerable-release"], 120, 36);
    for copy in ["orders-a", "orders-b", "orders-c"] {
        terminal.shows(copy).await;
    }
    terminal.shows("Gone").await;
    // Beside the first copy there is no other from before.
    terminal.press("1/name:data-orders\r\r");
    terminal.shows("shop/orders-a, cut").await;
    terminal
        .until("all three to be judged", |screen| {
            ["known-good", "exposed", "may be tainted"].iter().all(|word| screen.contains(word))
        })
        .await;
    terminal.press("qq");
    assert_eq!(terminal.ended().await, 0);
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
    terminal.back_up("data").await;
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
    use holdfast::session::{Options, Session, Unnamed};
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
            Session::open(Options { target, config: Config::default(), store, unnamed: Unnamed::All, kinds });
        while *session.desk().world.freshness(Kind::Pvc) != Freshness::Live {
            session.next().await;
        }
        tokio::spawn(async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            panic!("a defect in the console");
        });
        let ended =
            tui::run(&mut session, Theme::named("dark").unwrap(), Themes::default(), Keymap::default(), false).await;
        assert!(matches!(ended, Err(ConsoleError::Panicked)), "{ended:?}");
    }
}
