//! The forms of a report: what is in each, that nothing in them acts, and how reports are checked and compared.

use serde_json::Value;

use super::world::Made;
use crate::assess::testing::{claim, now, put, volume};
use crate::model::{Object, Pvc, World};
use crate::report::*;
use crate::sarif::{Limits, Origin, read, strict};
use crate::text;

fn all() -> Vec<&'static Control> {
    registry().iter().collect()
}

fn of(made: &Made, world: &World) -> Report {
    let operations = [made.operation()];
    let inputs = Inputs { operations: &operations, unseen: None, journal: made.journal(), findings: true };
    report(world, &inputs, &all(), now())
}

fn made() -> Report {
    let made = Made { certificate_left: -60, ..Made::fine("") };
    of(&made, &made.world())
}

#[test]
fn reports_of_one_world_and_one_moment_are_equal_byte_for_byte() {
    // Tables hash with another seed each time, so the order of objects differs.
    let (a, b) = (made(), made());
    assert_eq!(a.json().unwrap(), b.json().unwrap());
    assert_eq!((html(&a), markdown(&a), table(&a)), (html(&b), markdown(&b), table(&b)));
    assert_eq!(sarif(&a).unwrap(), sarif(&b).unwrap());
}

#[test]
fn what_is_written_is_canonical_but_for_white_space() {
    let report = made();
    let value: Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    // Members of a Value are in the order of their names.
    assert_eq!(serde_json::to_string(&value).unwrap(), serde_json::to_string(&report).unwrap());
    let compared = made().against(&report);
    let value: Value = serde_json::to_value(&compared).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), serde_json::to_string(&compared).unwrap());
}

#[test]
fn a_report_is_read_as_it_was_written_and_a_changed_one_is_found() {
    let report = made();
    let written = report.json().unwrap();
    assert_eq!(Report::read(&written).unwrap(), report);
    let compact = serde_json::to_string(&report).unwrap();
    assert_eq!(Report::read(&compact).unwrap(), report, "white space does not matter");
    for (from, to) in [
        ("\"state\": \"fail\"", "\"state\": \"pass\""),
        ("\"id\": \"journal\"", "\"id\": \"journey\""),
        ("\"lines\": 2", "\"lines\": 3"),
        ("\"controls\": [", "\"more\": 1, \"controls\": ["),
    ] {
        let changed = written.replacen(from, to, 1);
        assert_ne!(changed, written, "{from}");
        assert!(matches!(Report::read(&changed), Err(Fault::Changed { .. })), "{from}");
    }
    assert!(matches!(Report::read("{}"), Err(Fault::Shape(_))));
    assert!(matches!(Report::read("[]"), Err(Fault::Shape(_))));
    assert!(matches!(Report::read(&written.replace("audit/v1", "audit/v9")), Err(Fault::Schema(_))));
}

#[test]
fn a_baseline_tells_what_is_new_fixed_and_unchanged() {
    let bad = Made { certificate_left: -60, keep: None, ..Made::fine("") };
    let good = Made::fine("");
    let (before, after) = (of(&bad, &bad.world()), of(&good, &good.world()));
    let fixed = after.clone().against(&before).baseline.unwrap();
    assert_eq!((fixed.new, fixed.fixed), (0, 2), "{fixed:#?}");
    assert_eq!(fixed.digest, before.digest);
    let worse = before.clone().against(&after);
    let baseline = worse.baseline.as_ref().unwrap();
    assert_eq!((baseline.new, baseline.fixed), (2, 0));
    let control = |id: &str| worse.controls.iter().find(|one| one.id == id).unwrap();
    assert!(baseline.has_new(control("retention"), State::Fail));
    assert!(!baseline.has_new(control("journal"), State::Unknown));
    assert_eq!(Report::read(&worse.json().unwrap()).unwrap(), worse, "what differs is under the digest, too");
    let same = before.clone().against(&before).baseline.unwrap();
    assert_eq!((same.new, same.fixed, same.differences.len()), (0, 0, 0));
    assert!(same.unchanged >= 2);
}

#[test]
fn what_is_not_seen_any_more_is_not_fixed() {
    let made = Made { certificate_left: -60, ..Made::fine("") };
    let before = of(&made, &made.world());
    let mut world = made.world();
    let secret = world.inventory.tls_secrets.iter().next().unwrap().clone();
    world.apply(crate::model::Delta::Gone(Box::new(Object::TlsSecret(secret))), now());
    let gone = of(&made, &world).against(&before).baseline.unwrap();
    assert!(gone.differences.iter().any(|one| one.change == Change::Fixed && one.control == "certificate-expiry"));
    let denied = crate::model::Delta::Denied(crate::model::Kind::TlsSecret, crate::model::Scope::All, "list".into());
    world.apply(denied, now());
    let hidden = of(&made, &world).against(&before).baseline.unwrap();
    assert!(hidden.differences.iter().all(|one| one.control != "certificate-expiry" || one.change == Change::New));
}

#[test]
fn reports_of_other_places_are_not_compared() {
    let report = made();
    assert!(Comparison::possible(&report, &made()));
    let mut other = made();
    other.context.namespaces = vec!["shop".into()];
    assert!(!Comparison::possible(&report, &other));
}

/// A name that no API server lets in, and that would do harm.
const HOSTILE: &str = "x<script>alert(1)</script>\"'onclick=a&lt;|`]( \u{1b}[31m\u{202e}";

#[test]
fn nothing_that_a_cluster_says_acts_on_whoever_reads() {
    let base = Made::fine("");
    let named = |name: &str| {
        let mut world = base.world();
        let one =
            Pvc { meta: crate::model::Meta { name: name.into(), ..claim("odd", None).meta }, ..claim("odd", None) };
        put(&mut world, [Object::Pv(volume(&one)), Object::Pvc(one)]);
        world.context.name = name.into();
        of(&base, &world)
    };
    let (plain, hostile) = (named("plain"), named(HOSTILE));
    let tags = |page: &str| page.matches('<').count();
    let page = html(&hostile);
    assert_eq!(tags(&page), tags(&html(&plain)), "no element comes from a name");
    assert_eq!(page.matches('"').count(), html(&plain).matches('"').count(), "and no attribute");
    assert!(page.contains("&lt;script&gt;"));
    for text in [page, markdown(&hostile), table(&hostile), sarif(&hostile).unwrap(), hostile.json().unwrap()] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains("\\u001b"));
    }
    assert!(!markdown(&hostile).contains("<script") && !markdown(&hostile).contains("`]("));
    let rows = |text: &str| {
        text.lines().filter(|line| line.starts_with("| ")).map(|line| line.matches(" | ").count()).collect::<Vec<_>>()
    };
    assert_eq!(rows(&markdown(&hostile)), rows(&markdown(&plain)));
}

#[test]
fn the_page_stands_alone() {
    let page = html(&made());
    for outside in ["http-equiv=\"refresh\"", "<script", "<link", "<img", "@import", "url(", "src=", "<iframe"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
    let opened = |tag: &str| page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
    for tag in ["section", "ul", "li", "table", "tr", "td", "details", "p", "code", "h2", "span", "b", "dl", "dd"] {
        assert_eq!(opened(tag), page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn people_are_told_the_worst_and_how_many_more_and_the_json_has_all() {
    let base = Made::fine("");
    let mut world = base.world();
    let many = (0..60).map(|at| claim(&format!("many-{at:02}"), Some("1h")));
    put(&mut world, many.flat_map(|one| [Object::Pv(volume(&one)), Object::Pvc(one)]));
    let report = of(&base, &world);
    let of_json: Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    let objective = &of_json["controls"][0];
    assert_eq!(
        (objective["id"].as_str(), objective["evidence"].as_array().unwrap().len()),
        (Some("backup-objective"), 61)
    );
    let count = |text: &str| text.matches("many-").count();
    assert!(table(&report).contains("and 55 more"));
    assert!(markdown(&report).contains("and 55 more"));
    assert!(html(&report).contains("and 35 more"));
    assert!(count(&table(&report)) < 60 && count(&html(&report)) < 200, "{}", count(&html(&report)));
}

#[test]
fn the_sarif_log_has_a_rule_for_each_control_and_strict_readers_take_it() {
    let report = made();
    let log = sarif(&report).unwrap();
    assert!(strict(log.as_bytes()).is_empty(), "{:?}", strict(log.as_bytes()));
    let origin = Origin { now: now(), ..Origin::default() };
    let taken = read(log.as_bytes(), &origin, &Limits::default());
    assert!(taken.diagnostics.iter().all(|one| !one.lost), "{:?}", taken.diagnostics);
    assert_eq!(taken.scans.len(), 1);
    let run = &serde_json::from_str::<Value>(&log).unwrap()["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: Vec<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids, registry().iter().map(|control| control.id).collect::<Vec<_>>());
    for result in run["results"].as_array().unwrap() {
        let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"].as_str(), Some(ids[at]));
        let fails = result["kind"] == "fail";
        assert_eq!(result["level"] == "error", fails, "{result}");
        assert!(fails || result["level"] == "none");
    }
    let known: Vec<&Value> =
        run["taxonomies"].as_array().unwrap().iter().flat_map(|one| one["taxa"].as_array().unwrap()).collect();
    for related in rules.iter().flat_map(|rule| rule["relationships"].as_array().unwrap()) {
        assert!(known.iter().any(|taxon| taxon["id"] == related["target"]["id"]), "{related}");
    }
}

#[test]
fn the_digest_is_of_what_anybody_can_work_out() {
    let report = made();
    let mut value = serde_json::to_value(&report).unwrap();
    value.as_object_mut().unwrap().remove("digest");
    assert_eq!(report.digest, text::sha256(&serde_json::to_vec(&value).unwrap()));
}
