use rstest::rstest;

use super::*;
use crate::model::{Band, Compromised, Pinned, RevisionFrom, Rung};

fn read(text: &str) -> Result<Linking, Vec<String>> {
    parse(text, Path::new("dir/links.toml")).map_err(|all| all.iter().map(ToString::to_string).collect())
}

const WHOLE: &str = r#"
[[link]]
when = { tool = "Semgrep*", repo = "git.example/acme/pay*", category = "*", path = "services/{svc}/**" }
to = { namespace = "pay", kind = "StatefulSet", name = "{svc}", container = "app" }
revision = "vcp"
max = "probable"

[[link]]
when = { tool = "trivy" }
to = { namespace = "shop" }

[[severity]]
when = { tool = "gitleaks", rule = "generic-*" }
set = "high"
author = "ada"
until = "2027-01-01"

[[pin]]
finding = "0000000000000000000000000000002a"
to = { namespace = "shop", name = "db" }
who = "ada"
at = "2026-03-01T12:00:00Z"
why = "built by hand"

[[compromise]]
workload = "shop/StatefulSet/db"
since = "2026-02-01T04:00:00Z"
who = "ada"
why = "IOC-7"

[[compromise]]
volume = "shop/data-db-0"
since = "2026-02-01"
who = "ada"
why = "IOC-8"

[[image]]
digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
revision = "4F2A9C1D4F2A9C1D4F2A9C1D4F2A9C1D4F2A9C1D"

[[platform]]
index = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
platform = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
"#;

#[test]
fn a_file_is_read_as_it_is_written_and_in_its_order() {
    let linking = read(WHOLE).unwrap();
    let [first, second] = linking.rules.as_slice() else { panic!("{linking:?}") };
    assert_eq!((&*first.at, first.max, &first.revision), ("links.toml:2", Rung::Probable, &RevisionFrom::Scan));
    assert_eq!(first.when.captures(), ["svc"]);
    assert_eq!(first.to.name.as_deref(), Some("{svc}"));
    assert_eq!((second.max, second.to.namespace.as_deref()), (Rung::Exact, Some("shop")));
    let severity = &linking.severities[0];
    assert_eq!((severity.set, severity.until), (Band::High, Some("2027-01-01T00:00:00Z".parse().unwrap())));
    assert_eq!(linking.pins[0].what, Pinned::Finding(crate::model::FindingId(42)));
    assert!(
        matches!(&linking.compromised[0].what, Compromised::Workload { kind: Some(kind), .. } if &**kind == "StatefulSet")
    );
    assert!(matches!(&linking.compromised[1].what, Compromised::Volume { name, .. } if &**name == "data-db-0"));
    assert_eq!(&*linking.built[0].revision, "4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d4f2a9c1d");
    assert_eq!(linking.platforms.len(), 1);
    assert_eq!(read("").unwrap(), Linking::default());
}

#[rstest]
#[case::no_toml("[[link]\n", "dir/links.toml:1:")]
#[case::unknown_kind("[[lonk]]\n", "dir/links.toml:1:3: there is no \"lonk\" in the links file; did you mean link?")]
#[case::no_list("link = 1\n", "dir/links.toml:1:8: link is written [[link]]; this is a number")]
#[case::unknown_key(
    "[[link]]\nwhen = {}\nto = {}\nmaxx = \"weak\"\n",
    "dir/links.toml:4:1: there is no \"maxx\" in link; did you mean max?"
)]
#[case::no_target("[[link]]\nwhen = {}\n", "dir/links.toml:1:1: link needs when = { … } and to = { … }")]
#[case::no_capture(
    "[[link]]\nwhen = { path = \"{a}/**\" }\nto = { name = \"{b}\" }\n",
    "dir/links.toml:3:15: name: when remembers no b"
)]
#[case::no_glob("[[link]]\nwhen = { path = \"{\" }\nto = {}\n", "dir/links.toml:2:17: path: write {name}")]
#[case::rung("[[link]]\nwhen = {}\nto = {}\nmax = \"manual\"\n", "dir/links.toml:4:7: max: \"manual\" is no rung")]
#[case::revision(
    "[[link]]\nwhen = {}\nto = {}\nrevision = \"main\"\n",
    "dir/links.toml:4:12: revision: \"main\" is none"
)]
#[case::number(
    "[[severity]]\nwhen = {}\nset = 3\nauthor = \"a\"\n",
    "dir/links.toml:3:7: set: needs a text in quotes; this is a number"
)]
#[case::no_author("[[severity]]\nwhen = {}\nset = \"low\"\n", "dir/links.toml:1:1: author is missing in this severity")]
#[case::time(
    "[[severity]]\nwhen = {}\nset = \"low\"\nauthor = \"a\"\nuntil = \"soon\"\n",
    "dir/links.toml:5:9: until: \"soon\" is no time"
)]
#[case::two_things(
    "[[compromise]]\nvolume = \"a/b\"\nworkload = \"a/b\"\nsince = \"2026-01-01\"\nwho = \"a\"\nwhy = \"b\"\n",
    "dir/links.toml:1:1: compromise needs one of volume and workload"
)]
#[case::pin_of_many(
    "[[pin]]\nfinding = \"00\"\nto = {}\nwho = \"a\"\nat = \"2026-01-01\"\nwhy = \"b\"\n",
    "dir/links.toml:2:11: finding: needs 32 hex digits"
)]
#[case::short_digest(
    "[[image]]\ndigest = \"sha256:aa\"\nrevision = \"aa\"\n",
    "dir/links.toml:2:10: digest: needs sha256: and 64 hex digits"
)]
fn every_mistake_has_its_place(#[case] text: &str, #[case] said: &str) {
    let mistakes = read(text).unwrap_err();
    assert!(mistakes[0].starts_with(said), "{mistakes:#?}");
}

#[test]
fn all_mistakes_are_told_in_the_order_of_the_file() {
    let text = "[[link]]\nwhen = {}\nto = {}\nmax = \"x\"\n\n[[image]]\ndigest = \"y\"\nrevision = \"z\"\n";
    let mistakes = read(text).unwrap_err();
    let lines: Vec<&str> = mistakes.iter().filter_map(|mistake| mistake.split(':').nth(1)).collect();
    assert_eq!(lines, ["4", "7", "8"]);
}
