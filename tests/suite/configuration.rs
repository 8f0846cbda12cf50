//! The configuration as a person meets it: the real binary writes a file, checks one, says which is read, and prints
//! the keys, completions and the manual page that follow from it.

use clap::CommandFactory;
use rstest::rstest;
use tokio::process::Command;

use crate::support::person::Person;
use crate::support::terminal::Terminal;

/// A person without a cluster.
fn person() -> Person {
    Person::new("", &["s3cr3t"])
}

#[tokio::test]
async fn init_writes_a_file_that_is_right_and_never_a_second_time() {
    let person = person();
    let path = person.home().join("new/place/config.toml");
    let path = path.to_str().unwrap();
    let written = person.run(&["--config", path, "config", "init"]).await.expect(0);
    assert!(written.stdout.contains(path), "{written:?}");
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(person.run(&["config", "init", "--stdout"]).await.expect(0).stdout, text);
    let checked = person.run(&["config", "check", path]).await.expect(0);
    assert!(checked.stdout.contains("0 settings, nothing wrong"), "{checked:?}");

    std::fs::write(path, "theme = \"mono\"\n").unwrap();
    let refused = person.run(&["--config", path, "config", "init"]).await.expect(2);
    assert!(refused.stderr.contains("is there already") && refused.stderr.contains("--stdout"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "theme = \"mono\"\n");
}

#[tokio::test]
async fn init_says_why_it_cannot_write() {
    let person = person();
    let path = person.config().join("config.toml");
    let refused = person.run(&["--config", path.to_str().unwrap(), "config", "init"]).await.expect(2);
    assert!(refused.stderr.contains("cannot write") && refused.stderr.contains("--stdout"), "{refused:?}");
}

#[tokio::test]
async fn check_tells_every_mistake_with_its_place_and_no_password() {
    let person = person();
    person.configure(
        "theme = \"neon\"\nmouse = \"off\"\n[keys]\nproblem = [\"f2\"]\nyaml = [\"o\"]\nbackup = [\"b\"]\nzoom = \
         [\"Z-\"]\n[deadlines]\ncut = \"soon\"\n[contexts.prod]\nprometheus = \"http://me:s3cr3t@prometheus\"\n\
         readonly = true\n",
    );
    let path = person.config();
    let neon = path.with_file_name("themes").join("neon.toml");
    let theme = format!(
        "1:9: theme: no theme is called \"neon\"; there are dark, light, high-contrast, blue-orange, ansi and mono; \
         your own would be {}",
        neon.display()
    );
    let expected = [
        theme.as_str(),
        "2:9: mouse: needs true or false; this is a text",
        "4:1: there is no action \"problem\"; did you mean problems?",
        "5:9: o is the key of operations too, on panes, one object, tree, CA rotation and problems; give one of them another key",
        "6:11: backup writes to the cluster and b is too easily pressed; hold ctrl with a letter other than d, h and j, \
         as in ctrl-b",
        "7:9: \"Z-\" is not a key; write one such as p, G, f2, ctrl-r, alt-x, shift-tab or enter",
        "9:7: deadlines.cut: \"soon\" is not a duration; write one such as 90s, 10m or 1h30m",
        "11:14: contexts.prod.prometheus: the Prometheus URL holds a user name or password, which is not supported; \
         name an address without one",
        "12:1: there is no setting \"readonly\" in [contexts.prod]; did you mean read_only?",
    ];
    let expected = expected.map(|line| format!("{}:{line}\n", path.display())).concat();
    let checked = person.run(&["config", "check"]).await.expect(2);
    assert_eq!(checked.stdout, "");
    assert_eq!(checked.stderr, format!("{expected}holdfast: 9 mistakes in {}\n", path.display()));
    // What only the console needs does not keep a command from running; the rest does.
    let refused = person.run(&["get", "volumes"]).await.expect(2);
    assert!(refused.stderr.contains(":2:9: ") && !refused.stderr.contains(":5:9: "), "{refused:?}");
}

#[tokio::test]
async fn check_says_what_it_looked_at_and_what_it_cannot_know() {
    let person = person();
    person.configure("theme = \"mono\"\n[keys]\nproblems = [\"f2\"]\n");
    let checked = person.run(&["config", "check"]).await.expect(0);
    assert!(checked.stdout.contains("2 settings, nothing wrong"), "{checked:?}");
    assert!(checked.stdout.contains("  checked: ") && checked.stdout.contains("  not checked: "), "{checked:?}");
    let missing = person.run(&["config", "check", "/nowhere/config.toml"]).await.expect(2);
    assert!(missing.stderr.contains("/nowhere/config.toml"), "{missing:?}");
}

#[tokio::test]
async fn path_says_which_places_count_and_why() {
    let person = person();
    let told = person.run(&["config", "path"]).await.expect(0).stdout;
    let config = person.config();
    assert!(told.contains(&format!("configuration  {}\n", config.display())), "{told}");
    for says in ["by $HOLDFAST_CONFIG; it is there", "by $HOLDFAST_STATE_DIR; it is not there yet"] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let given = person.run(&["--config", "/nowhere/c.toml", "config", "path"]).await.expect(0).stdout;
    assert!(given.contains("/nowhere/c.toml") && given.contains("by --config; it is not there yet"), "{given}");
    for variable in holdfast::config::VARIABLES {
        assert!(told.contains(variable.name) && told.contains(variable.doc), "{}: {told}", variable.name);
    }
}

/// A binary with nothing in its environment but a home.
async fn at_home(person: &Person, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.args(arguments).env_clear().env("HOME", person.home()).envs(variables.iter().copied());
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn without_flags_and_variables_the_places_of_the_platform_are_used_and_kept_apart() {
    let person = person();
    let (code, told, _) = at_home(&person, &["config", "path"], &[]).await;
    assert_eq!(code, Some(0));
    assert_eq!(told.matches("by default; it is not there yet").count(), 4, "{told}");
    let places: Vec<&str> = told.lines().filter(|line| line.contains(person.home().to_str().unwrap())).collect();
    assert_eq!(places.len(), 4, "{told}");
    assert!(!places.iter().any(|a| places.iter().filter(|b| a.split_at(15).1 == b.split_at(15).1).count() > 1));

    let (code, checked, _) = at_home(&person, &["config", "check"], &[]).await;
    assert!(code == Some(0) && checked.contains("is not there, so the defaults hold"), "{checked}");
    let (code, written, _) = at_home(&person, &["config", "init"], &[]).await;
    assert_eq!(code, Some(0), "{written}");
    let (code, checked, _) = at_home(&person, &["config", "check"], &[]).await;
    assert!(code == Some(0) && checked.contains("0 settings, nothing wrong"), "{checked}");

    let cache = [("HOLDFAST_CACHE_DIR", "/nowhere/cache")];
    let (_, told, _) = at_home(&person, &["config", "path"], &cache).await;
    assert!(told.contains("cache          /nowhere/cache\n               by $HOLDFAST_CACHE_DIR"), "{told}");
}

#[tokio::test]
async fn keys_prints_what_counts_and_what_was_changed() {
    let person = person();
    person.configure("[keys]\nproblems = [\"f2\", \"p\"]\nactions = [\"a\"]\nbackup = [\"ctrl-k\"]\n");
    let table = person.run(&["keys"]).await.expect(0).stdout;
    let line = |name: &str| table.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {table}"));
    assert!(line(":problems").starts_with("*f2 p ") && line(":problems").ends_with("(* instead of p)"), "{table}");
    assert!(line(":backup").contains("a b ") && line(":backup").ends_with("(* it had no key)"), "{table}");
    assert!(line(":down").starts_with("j down ") && !line(":down").contains('*'), "{table}");

    let keys = person.run(&["keys", "-o", "json"]).await.expect(0).json();
    let action = |name: &str| keys.as_array().unwrap().iter().find(|key| key["action"] == name).unwrap().clone();
    let problems = action("problems");
    assert_eq!(problems["keys"], serde_json::json!(["f2", "p"]));
    assert_eq!((&problems["defaultKeys"], &problems["changed"]), (&serde_json::json!(["p"]), &true.into()));
    assert_eq!((&action("backup")["writes"], &action("backup")["menu"]), (&true.into(), &"a b".into()));
    assert_eq!(action("down")["changed"], false);

    person.configure("[keys]\nproblems = [\"/\"]\n");
    let refused = person.run(&["keys"]).await.expect(2);
    assert!(refused.stderr.contains("config.toml:2:13: / is the key of filter too, on panes"), "{refused:?}");
}

/// The names of all commands, those of commands in commands included.
fn commands(command: &clap::Command, before: &str) -> Vec<String> {
    let inner = command.get_subcommands();
    inner
        .flat_map(|inner| {
            let name = format!("{before}{}", inner.get_name());
            let below = commands(inner, &format!("{name} "));
            std::iter::once(name).chain(below)
        })
        .collect()
}

#[rstest]
#[case("bash", "complete -F")]
#[case("zsh", "#compdef holdfast")]
#[case("fish", "complete -c holdfast")]
#[tokio::test]
async fn completions_know_every_command(#[case] shell: &str, #[case] sign: &str) {
    let script = person().run(&["completions", shell]).await.expect(0).stdout;
    assert!(script.contains(sign), "{script}");
    let commands = commands(&holdfast::cli::Args::command(), "");
    assert!(commands.iter().any(|command| command == "config check"), "{commands:?}");
    for word in commands.iter().filter_map(|command| command.split(' ').next_back()) {
        assert!(script.contains(word), "{shell} does not complete {word}");
    }
}

#[tokio::test]
async fn the_manual_page_has_a_section_for_every_command() {
    let page = person().run(&["man"]).await.expect(0).stdout;
    assert_eq!(page.matches(".TH ").count(), 1);
    for command in commands(&holdfast::cli::Args::command(), "") {
        let title = format!(".SH \"HOLDFAST {}\"", command.to_uppercase());
        assert!(page.contains(&title), "{title} is missing");
    }
    assert_eq!(page.matches("kubeconfig context").count(), 1, "what holds for all commands is said once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_obeys_keys_and_theme_and_does_not_start_with_mistakes() {
    let person = person();
    person.configure("theme = \"mono\"\n[keys]\nproblems = [\"f2\"]\nhelp = [\"alt-h\"]\n");
    let mut terminal = Terminal::holdfast(&person, &["demo"], 120, 36);
    terminal.shows("data-db-0").await;
    terminal.shows("f2 problems").await;
    terminal.press("\u{1b}OQ");
    terminal.shows("going, broken, soon, unknown, warnings").await;
    terminal.press("\u{1b}h");
    terminal.shows("Help: problems").await;
    terminal.press("qqq");
    assert_eq!(terminal.ended().await, 0);
    terminal.given_back().await;

    person.configure("[keys]\nproblems = [\"F2\"]\n");
    let mut terminal = Terminal::holdfast(&person, &["demo"], 120, 36);
    assert_eq!(terminal.ended().await, 2);
    terminal.shows("\"F2\" is not a key; did you mean f2?").await;
}

#[tokio::test]
async fn a_theme_of_the_environment_that_is_none_is_told_as_such() {
    let person = person();
    let mut terminal = Terminal::holdfast_with(&person, &["demo"], &[("HOLDFAST_THEME", "neon".into())], 120, 36);
    assert_eq!(terminal.ended().await, 2);
    terminal.shows("$HOLDFAST_THEME: no theme is called \"neon\"").await;
}
