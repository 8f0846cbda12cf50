//! What a file may say, what is said of one that is wrong, and that the registry is what the settings end in.

use super::*;
use rstest::rstest;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("c.toml"))
}

#[track_caller]
fn said(text: &str) -> String {
    parse(text).expect_err("a mistake").to_string()
}

#[test]
fn everything_is_optional_and_durations_are_plain() {
    assert_eq!(parse("").unwrap(), Config::default());
    let config = parse("mouse = false\n[deadlines]\nready = '1h'\n[contexts.prod]\nread_only = true\n").unwrap();
    assert_eq!(config.deadlines.ready, SignedDuration::from_hours(1));
    assert_eq!(config.deadlines.cut, Deadlines::default().cut);
    assert!(config.context("prod").read_only && !config.context("dev").read_only && !config.mouse);
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let config = parse(
        "theme = 'light'\nkeys.problems = ['f2', 'p']\nkeys.backup = []\n\
         [policy]\ndefault_rpo = 'none'\nrules = [{ rpo = '1h', namespace = 'shop*', labels = { tier = 'gold' } }]\n\
         [contexts.'a b']\nprotected = true\nprometheus = 'http://p:9090'\nprometheus_ca = '/ca.pem'\n",
    );
    let config = config.unwrap();
    assert_eq!(config.theme.as_deref(), Some("light"));
    let keys: Vec<_> = config.keys.iter().map(|setting| (setting.action.text.as_str(), setting.keys.len())).collect();
    assert_eq!(keys, [("problems", 2), ("backup", 0)], "in the order of the file");
    assert_eq!(config.keys[0].keys[1].at.to_string(), "c.toml:2:24");
    assert_eq!(config.policy.rules[0].labels["tier"], "gold");
    assert!(config.context("a b").protected && config.context("a b").prometheus.is_some());
}

#[rstest]
#[case("theme = 1", "1:9: theme: needs a text in quotes; this is a number")]
#[case("mouse = \"yes\"", "1:9: mouse: needs true or false; this is a text")]
#[case("readonly = true", "1:1: there is no setting \"readonly\"; did you mean contexts.NAME.read_only?")]
#[case("themes = 'dark'", "1:1: there is no setting \"themes\"; did you mean theme?")]
#[case(
    "x = 1",
    "1:1: there is no setting \"x\"; there are theme, mouse, bell, policy_file, runbooks, findings, keys, policy, deadlines, journal and contexts"
)]
#[case("[deadline]\ncut = '1m'", "1:2: there is no setting \"deadline\"; did you mean deadlines?")]
#[case("[deadlines]\nredy = '1m'", "2:1: there is no setting \"redy\" in [deadlines]; did you mean ready?")]
#[case("deadlines = '1m'", "1:13: deadlines is a table, written [deadlines]; this is a text")]
#[case(
    "[deadlines]\ncut = \"soon\"",
    "2:7: deadlines.cut: \"soon\" is not a duration; write one such as 90s, 10m or 1h30m"
)]
#[case("[deadlines]\ncut = '-1m'", "2:7: deadlines.cut: needs a duration longer than nothing")]
#[case(
    "[deadlines]\ncut = 90",
    "2:7: deadlines.cut: needs a duration in quotes, such as \"90s\" or \"10m\"; this is a number"
)]
#[case(
    "[policy]\ndefault_rpo = 'daily'",
    "2:15: policy.default_rpo: \"daily\" is not an objective; write a duration such as 4h, or none to opt out"
)]
#[case("[policy.rules]\nrpo = '1h'", "1:1: policy.rules is a table, written [[policy.rules]]; this is a table")]
#[case("[[policy.rules]]\nnamespace = 'a'", "1:1: rpo is missing here; write rpo = \"1h\"")]
#[case(
    "[[policy.rules]]\nrpo = '1h'\nnamespace = '*-db'",
    "3:13: policy.rules.namespace: \"*-db\" has * before its end; only what follows the beginning can be left open"
)]
#[case(
    "[[policy.rules]]\nrpo = '1h'\nlabels = { tier = 1 }",
    "3:19: policy.rules.labels: needs a table of texts, such as { tier = \"gold\" }; this is a number"
)]
#[case("keys = ['p']", "1:8: keys is a table, written [keys]; this is a list")]
#[case(
    "[keys]\nproblems = 'p'",
    "2:12: keys.problems: needs a list of keys in quotes, such as [\"p\", \"f2\"]; this is a text"
)]
#[case(
    "[keys]\nproblems = ['p', 1]",
    "2:18: keys.problems: needs a list of keys in quotes, such as [\"p\", \"f2\"]; this is a number"
)]
#[case("contexts = true", "1:12: contexts is a table, written [contexts]; this is true")]
#[case("[contexts]\nprod = true", "2:8: contexts.prod is a table, written [contexts.prod]; this is true")]
#[case("[contexts.prod]\nread_only = 'no'", "2:13: contexts.prod.read_only: needs true or false; this is a text")]
#[case(
    "[contexts.prod]\nprometheus_ca = ''",
    "2:17: contexts.prod.prometheus_ca: needs the name of a file; this is empty"
)]
#[case(
    "[contexts.prod]\nprometheus = 9090",
    "2:14: contexts.prod.prometheus: needs a text in quotes; this is a number"
)]
#[case("[findings]\nshared = ''", "2:10: findings.shared: needs the name of a file; this is empty")]
#[case("[findings]\nshared = ['a']", "2:10: findings.shared: needs a text in quotes; this is a list")]
#[case("[[findings.registries]]\ntrusted = true", "1:1: host is missing here; write host = \"registry.example:5000\"")]
#[case(
    "[[findings.registries]]\nhost = 'https://r.example'",
    "2:8: findings.registries.host: write the host without http:// or https:// in front"
)]
#[case(
    "[[findings.registries]]\nhost = 'ada:pw@r.example'",
    "2:8: findings.registries.host: this is no host; write one as names of images begin with it, such as registry.example:5000"
)]
#[case(
    "[[findings.registries]]\nhost = 'r.example/team'",
    "2:8: findings.registries.host: this is no host; write one as names of images begin with it, such as registry.example:5000"
)]
#[case(
    "[[findings.registries]]\nhost = 'r.example:0'",
    "2:8: findings.registries.host: this is no host; write one as names of images begin with it, such as registry.example:5000"
)]
#[case(
    "[[findings.registries]]\nhost = 'r'\nauth = 'me'",
    "3:8: findings.registries.auth: \"me\" is no login; there is docker"
)]
#[case("[findings]\nshare = 'a'", "2:1: there is no setting \"share\" in [findings]; did you mean shared?")]
fn a_mistake_is_told_with_its_place_and_what_to_write(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(said(text), format!("c.toml:{expected}"));
}

#[test]
fn every_mistake_is_told_in_the_order_of_the_file() {
    let text = "mouse = 1\n[deadlines]\nready = 'later'\n[contexts.prod]\nreadonly = true\n[a]\n";
    let places: Vec<String> = said(text).lines().map(|line| line.chars().take(10).collect()).collect();
    assert_eq!(places, ["c.toml:1:9", "c.toml:3:9", "c.toml:5:1", "c.toml:6:2"]);
}

#[rstest]
#[case("theme = dark", "c.toml:1:9: ")]
#[case("a = 1\na = 2", "c.toml:2:1: ")]
#[case("[deadlines\ncut = '1m'", "c.toml:1:11: ")]
fn what_is_no_toml_is_told_with_its_place(#[case] text: &str, #[case] place: &str) {
    let said = said(text);
    assert!(said.starts_with(place), "{said}");
}

/// Reading goes on past a mistake, so that keys and theme can be judged as well.
#[test]
fn keys_and_theme_are_read_in_spite_of_mistakes() {
    let reading = Reading::of("mouse = 1\ntheme = 'neon'\n[keys]\nproblems = ['f2']", Path::new("c.toml"));
    assert_eq!((reading.mistakes.len(), reading.config.is_none(), reading.settings), (1, true, 3));
    assert_eq!(reading.theme.unwrap().at.to_string(), "c.toml:2:9");
    assert_eq!(reading.keys[0].action.at.to_string(), "c.toml:4:1");
}

#[rstest]
#[case("http://prometheus:9090", "http://prometheus:9090/")]
#[case("http://10.0.0.1/", "http://10.0.0.1/")]
#[case("https://[fd00::1]:9090/prefix/", "https://[fd00::1]:9090/prefix/")]
#[case("https://m.example/select/0/prometheus", "https://m.example/select/0/prometheus")]
fn a_prometheus_is_a_base_url(#[case] written: &str, #[case] read: &str) {
    let text = format!("[contexts.\"a b\"]\nprometheus = \"{written}\"\n");
    let context = parse(&text).unwrap().context("a b");
    assert_eq!(context.prometheus.unwrap().to_string(), read);
}

#[rstest]
#[case("prometheus:9090", "needs http:// or https://")]
#[case("ftp://prometheus", "needs http:// or https://")]
#[case("/prometheus", "needs http:// or https://")]
#[case("", "is empty")]
#[case("http://", "is not a URL")]
#[case("http://a b/", "is not a URL")]
#[case("http://prometheus:99999/", "port")]
#[case("http://prometheus:0/", "port")]
#[case("http://:9090/", "no host")]
#[case("http://u:secret@prometheus/", "user name or password")]
#[case("http://prometheus/?query=up", "must end before ?")]
#[case("http://prometheus/#x", "must end before #")]
#[case("http://prometheus/api/v1/query", "without /api/v1")]
fn a_url_that_cannot_be_asked_is_an_error_with_its_place(#[case] written: &str, #[case] why: &str) {
    let error = said(&format!("[contexts.prod]\nprometheus = \"{written}\"\n"));
    assert!(error.starts_with("c.toml:2:14: ") && error.contains(why), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

/// Wherever an address with a password stands, even where none belongs or without its quotes.
#[rstest]
#[case("[contexts.prod]\nprometheus = [\"http://u:secret@p\"]")]
#[case("[contexts.prod]\nprometheus = http://u:secret@p")]
#[case("[contexts.prod]\nprometheus = \"http://u:secret@p")]
#[case("[contexts.prod]\nprometheus_url = \"http://u:secret@p\"")]
#[case("mouse = \"http://u:secret@p\"")]
fn a_password_in_an_address_is_never_repeated(#[case] text: &str) {
    let said = said(text);
    assert!(!said.contains("secret"), "{said}");
}

/// Lines of the commented file that are settings, not words.
fn is_setting(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| !rest.starts_with(' '))
}

#[test]
fn the_commented_file_says_the_defaults() {
    assert_eq!(parse(&commented()).unwrap(), Config::default());
    let valued = |setting: &Setting| match setting.without {
        Without::Value(value) => Some(format!("{} = {value}", setting.path.rsplit('.').next().unwrap())),
        Without::Nothing(_) | Without::Required => None,
    };
    let defaults: Vec<String> = SETTINGS.iter().filter_map(valued).collect();
    let uncommented = |line: &str| match line.strip_prefix('#') {
        // The context is made up, so its defaults are compared below.
        Some(rest) if defaults.iter().any(|default| default == rest) && !rest.ends_with("= false") => rest.to_owned(),
        _ => line.to_owned(),
    };
    let text: String = commented().lines().map(|line| uncommented(line) + "\n").collect();
    assert_ne!(text, commented());
    assert_eq!(parse(&text).unwrap(), Config::default());
}

#[test]
fn the_commented_file_is_right_when_everything_in_it_counts() {
    let text: String =
        commented().lines().map(|line| if is_setting(line) { &line[1..] } else { line }.to_owned() + "\n").collect();
    let config = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(Reading::of(&text, Path::new("c")).settings, SETTINGS.len());
    assert_eq!(config.keys[0].action.text, "problems");
    let prod = config.context("prod");
    assert!(prod.prometheus.is_some() && prod.prometheus_ca.is_some());
    assert_eq!((prod.read_only, prod.protected), (false, false), "the defaults");
    assert!(commented().lines().all(|line| line.chars().count() <= 120), "{}", commented());
}

#[test]
fn what_a_file_names_is_beside_it_unless_it_begins_at_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = "policy_file = 'p.yaml'\nrunbooks = 'books'\n\
                [findings]\nlinks = '../links.toml'\nshared = 'triage'\n\
                [[findings.sources]]\npath = 'sarif'\n[[findings.sources]]\npath = '/srv/sarif'\n\
                [[findings.registries]]\nhost = 'r:5000'\nca = 'r.pem'\n\
                [contexts.prod]\nprometheus = 'https://p'\nprometheus_ca = 'm.pem'\n";
    std::fs::write(&file, text).unwrap();
    let config = Config::load(Some(&file)).unwrap();
    let beside = |name: &str| Some(folder.path().join(name));
    let findings = &config.findings;
    assert_eq!((&config.policy_file, &config.runbooks), (&beside("p.yaml"), &beside("books")));
    assert_eq!((&findings.links, &findings.shared), (&beside("../links.toml"), &beside("triage")));
    let sources: Vec<_> = findings.sources.iter().map(|one| one.path.clone()).collect();
    assert_eq!(sources, [beside("sarif").unwrap(), "/srv/sarif".into()]);
    assert_eq!(
        (&findings.registries[0].ca, &config.context("prod").prometheus_ca),
        (&beside("r.pem"), &beside("m.pem"))
    );
}

/// The names that a structure takes, as serde says them of one that it does not know.
fn fields<T: serde::de::DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
    let error = toml::from_str::<T>("unheard-of = 1").unwrap_err().message().to_owned();
    let (_, expected) = error.split_once("expected").unwrap_or_else(|| panic!("{error}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_registry_is_what_the_settings_end_in() {
    use crate::model::PolicyRule;
    let tables: [(&[&str], Vec<String>); 6] = [
        (&[], fields::<Config>()),
        (&["policy"], fields::<Policies>()),
        (&["policy", "rules[]"], fields::<PolicyRule>()),
        (&["deadlines"], fields::<Deadlines>()),
        (&["journal"], fields::<JournalConfig>()),
        (&["contexts", "NAME"], fields::<ContextConfig>()),
    ];
    for (path, mut fields) in tables {
        // Keys are taken with their places, before the rest.
        fields.extend(path.is_empty().then(|| "keys".to_owned()));
        fields.sort();
        let mut names = schema::names(path);
        names.sort_unstable();
        assert_eq!(names, fields, "{path:?}");
    }
}

#[test]
fn every_setting_is_documented_and_stands_with_its_table() {
    let mut tables = Vec::new();
    for setting in SETTINGS {
        assert!(setting.doc.ends_with('.') && setting.doc.len() > 20, "{}", setting.path);
        let table = setting.path.rsplit_once('.').map_or("", |(table, _)| table);
        if tables.last() != Some(&table) {
            assert!(!tables.contains(&table), "{table} is in two parts: the commented file would repeat its header");
            tables.push(table);
        }
    }
    assert_eq!(tables[0], "", "settings of no table come first");
}
