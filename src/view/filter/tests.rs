//! What each term lets through, and what is said of those that cannot be understood.

use jiff::SignedDuration;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::view::columns::PROBLEMS;
use crate::view::{Filter, Pane};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

fn place(pane: Pane, id: &str) -> usize {
    pane.columns().iter().position(|column| column.id == id).unwrap()
}

/// A volume `shop/data-DB 0`, breached, whose used space and encryption are not known.
fn volume() -> Vec<Cell> {
    let mut cells = vec![Cell::Unknown; Pane::Volumes.columns().len()];
    for (id, cell) in [
        ("state", Cell::State(Level::Critical, "Breached")),
        ("namespace", Cell::Text("shop".into())),
        ("name", Cell::Text("data-DB 0".into())),
        ("lastGood", Cell::Since(ago(30))),
        ("rpo", Cell::Span(SignedDuration::from_hours(4))),
        ("copies", Cell::Counts(2, 1)),
        ("capacity", Cell::Bytes(100 << 30)),
        ("class", Cell::Nothing),
        ("usedBy", Cell::Text("sts größe-🦀 \u{202e}".into())),
    ] {
        cells[place(Pane::Volumes, id)] = cell;
    }
    cells
}

fn meta() -> Meta {
    let labels = [("tier", "gold"), ("app.kubernetes.io/name", "db"), ("empty", "")];
    Meta {
        created: Some(ago(24 * 4)),
        labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        ..Meta::default()
    }
}

fn passes(text: &str) -> bool {
    let bound = Filter::parse(text).bind(Pane::Volumes.columns());
    assert!(bound.faults().is_empty(), "{text}: {:?}", bound.faults());
    let (cells, meta) = (volume(), meta());
    bound.passes(&Subject { level: Level::Critical, cells: &cells, meta: Some(&meta) }, now())
}

#[rstest]
// Words.
#[case("", true)]
#[case("shop", true)]
#[case("DB", true)]
#[case("shop breached", true)]
#[case("shop batch", false)]
#[case("!batch", true)]
#[case("!shop", false)]
#[case("\"db 0\"", true)]
#[case("\"db  0\"", false)]
#[case("!\"db 0\"", false)]
#[case("30", false)]
#[case("GRÖSSE", false)]
#[case("GRÖßE", true)]
#[case("🦀", true)]
#[case("\u{202e}", true)]
#[case(":shop", false)]
#[case(">", false)]
#[case("\"a:b\"", false)]
// Columns, by id, heading and beginning.
#[case("state:breach", true)]
#[case("STATE:Breach", true)]
#[case("st:breach", true)]
#[case("name:shop", false)]
#[case("name:\"db 0\"", true)]
#[case("name:\"data-\\\"db\"", false)]
// Just that, and no neighbour.
#[case("namespace==shop", true)]
#[case("namespace==sho", false)]
#[case("NAME==\"data-db 0\"", true)]
#[case("name==data-DB", false)]
#[case("!name==data-DB", true)]
#[case("usedBy==\"STS GRÖßE-🦀 \u{202e}\"", true)]
#[case("lastGood==1d", true)]
#[case("==shop", false)]
#[case("usedBy=GRÖßE-🦀", true)]
#[case("lastGood<2026-02-28T07:00:00Z", true)]
#[case("lastGood<2026-02-28T05:00:00Z", false)]
#[case("lastGood>\"2026-02-28T05:00:00Z\"", true)]
#[case("usedBy=GRÖßE", false)]
#[case("name=data-db", true)]
#[case("name=data", false)]
#[case("size:100", true)]
#[case("capacity:100", true)]
#[case("\"last good\":1d", true)]
#[case("last-good:1d", true)]
#[case("lastgood:2d", false)]
#[case("usedby:sts", true)]
#[case("encrypted:?", true)]
#[case("class:-", true)]
#[case("!state:ok", true)]
#[case("level:crit", true)]
#[case("level:warn", false)]
// Bytes, numbers, spans, moments.
#[case("capacity>99Gi", true)]
#[case("capacity>100Gi", false)]
#[case("capacity>=100Gi", true)]
#[case("size<1Ti", true)]
#[case("cap<=100Gi", true)]
#[case("!capacity>100Gi", true)]
#[case("copies<2", false)]
#[case("copies<3", true)]
#[case("copies>=2", true)]
#[case("rpo>3h", true)]
#[case("rpo<4h", false)]
#[case("lastGood>1d", true)]
#[case("lastGood>1d7h", false)]
#[case("lastGood<2d", true)]
#[case("age>3d", true)]
#[case("age<2h", false)]
#[case("age:4d", true)]
// What is not known, and what is not there.
#[case("used>1Gi", false)]
#[case("used<1Gi", false)]
#[case("used>80%", false)]
#[case("!used>1Gi", false)]
#[case("!used<80%", false)]
// Labels.
#[case("label:tier", true)]
#[case("label:tier=gold", true)]
#[case("label:tier=GOLD", false)]
#[case("label:tier=go", false)]
#[case("label:Tier", false)]
#[case("!label:tier=silver", true)]
#[case("label:app.kubernetes.io/name=db", true)]
#[case("label:empty=", true)]
#[case("label:none", false)]
#[case("!label:none", true)]
fn a_term_lets_through_what_it_says(#[case] text: &str, #[case] passing: bool) {
    assert_eq!(passes(text), passing, "{text}");
}

#[test]
fn a_measured_volume_is_compared_by_share_and_by_bytes() {
    let mut cells = volume();
    cells[place(Pane::Volumes, "used")] = Cell::Used { bytes: 85 << 30, capacity: 100 << 30, level: Level::Warn };
    let subject = Subject { level: Level::Warn, cells: &cells, meta: None };
    for (text, passing) in [("used>80%", true), ("used>85%", false), ("used<90Gi", true), ("used:85%", true)] {
        assert_eq!(Filter::parse(text).bind(Pane::Volumes.columns()).passes(&subject, now()), passing, "{text}");
    }
}

#[test]
fn a_certificate_is_compared_by_the_time_it_has_left() {
    let mut cells = vec![Cell::Unknown; Pane::Certificates.columns().len()];
    for (hours, text, passing) in [
        (24 * 5, "expires<14d", true),
        (24 * 5, "expires<5d", false),
        (24 * 5, "expires>4d", true),
        (-48, "expires<0d", true),
        (-48, "expires<-1d", true),
        (-48, "expires<-3d", false),
    ] {
        cells[place(Pane::Certificates, "expires")] = Cell::Until(ago(-hours), Level::Warn);
        let subject = Subject { level: Level::Warn, cells: &cells, meta: None };
        let bound = Filter::parse(text).bind(Pane::Certificates.columns());
        assert_eq!(bound.passes(&subject, now()), passing, "{hours}h {text}");
    }
}

#[test]
fn a_value_that_is_not_there_is_no_less_and_no_more() {
    let mut cells = volume();
    cells[place(Pane::Volumes, "rpo")] = Cell::Nothing;
    cells[place(Pane::Volumes, "lastGood")] = Cell::Word("none");
    let subject = Subject { level: Level::Warn, cells: &cells, meta: None };
    for (text, passing) in [("rpo>1h", false), ("rpo<1h", false), ("!rpo>1h", true), ("lastGood>1d", false)] {
        assert_eq!(Filter::parse(text).bind(Pane::Volumes.columns()).passes(&subject, now()), passing, "{text}");
    }
}

#[rstest]
#[case("siz>1Gi", "siz>1Gi", "there is no column \"siz\"; did you mean size?")]
#[case("shop nmae:db", "nmae:db", "there is no column \"nmae\"; did you mean name?")]
#[case(
    "colour:red",
    "colour:red",
    "there is no column \"colour\"; there are state, namespace, name, lastGood, rpo, nextRun, fate, copies, encrypted, \
     capacity, used, class, usedBy, level, label and age"
)]
#[case("na:x", "na:x", "\"na\" could be namespace or name")]
#[case("!capacity>lots", "!capacity>lots", "\"lots\" is not an amount of bytes such as 100Gi")]
#[case("age>3", "age>3", "\"3\" is not a span of time such as 36h or 14d")]
#[case("copies<few", "copies<few", "\"few\" is not a number such as 2")]
#[case("used>5x", "used>5x", "\"5x\" is not a share such as 80%, or an amount of bytes such as 100Gi")]
#[case("state>ok", "state>ok", "state holds words, which are not compared; write state:word")]
#[case("label>x", "label>x", "label holds words, which are not compared; write label:word")]
#[case(
    "level:bad",
    "level:bad",
    "no level is called \"bad\"; there are critical, unknown, warning, stale, info and ok"
)]
#[case("state:", "state:", "state needs a value")]
#[case("a ! b", "!", "there is no word to look for")]
#[case("\"\"", "\"\"", "there is no word to look for")]
#[case("name:\"a b", "name:\"a b", "the quote is not closed")]
#[case("ключ:да 🦀", "ключ:да", "there is no column \"ключ\"; there are")]
#[case("a:b:c", "a:b:c", "there is no column \"a\"")]
#[case("lab:x", "lab:x", "there is no column \"lab\"")]
fn what_is_not_understood_is_said_and_restricts_nothing(#[case] text: &str, #[case] term: &str, #[case] why: &str) {
    let filter = Filter::parse(text);
    let bound = filter.bind(Pane::Volumes.columns());
    let [fault] = bound.faults() else { panic!("{text}: {:?}", bound.faults()) };
    assert_eq!(filter.term(fault), term);
    assert!(fault.to_string().starts_with(why), "{fault}");
    assert_eq!(bound.tests.len(), filter.terms.len() - 1, "the other terms still hold");
}

#[test]
fn a_term_is_a_fault_everywhere_only_when_no_pane_knows_it() {
    let panes: Vec<_> = Pane::ALL.map(Pane::columns).into_iter().filter(|columns| !columns.is_empty()).collect();
    assert_eq!(Filter::parse("expires<14d lastGood>1d shop").fault_on_all(&panes), None);
    let fault = Filter::parse("expires<14d nosuch:x").fault_on_all(&panes).unwrap();
    assert!(fault.to_string().contains("nosuch"), "{fault}");
}

#[test]
fn the_list_of_problems_knows_its_own_columns() {
    for text in ["why:quota", "kind:secret", "since>1h", "next:back name:db state:failed namespace:shop label:a"] {
        assert_eq!(Filter::parse(text).bind(PROBLEMS).faults(), [], "{text}");
    }
}

/// What passes at each hour, and when it was said to change next.
#[rstest]
#[case("lastGood>31h", 31)]
#[case("age>97h", 97)]
#[case("lastGood>=31h", 31)]
fn time_alone_makes_a_row_pass_and_it_is_known_when(#[case] text: &str, #[case] at: i64) {
    let bound = Filter::parse(text).bind(Pane::Volumes.columns());
    let (cells, meta) = (volume(), meta());
    let subject = Subject { level: Level::Ok, cells: &cells, meta: Some(&meta) };
    let due = bound.tests[0].next_change(&subject, now()).unwrap();
    let begun = if at > 90 { ago(96) } else { ago(30) };
    assert_eq!(due, begun + SignedDuration::from_hours(at));
    assert!(bound.moves() && !bound.passes(&subject, due - SignedDuration::from_secs(1)));
    assert!(bound.passes(&subject, due + SignedDuration::from_secs(1)));
    assert_eq!(bound.tests[0].next_change(&subject, due + SignedDuration::from_secs(1)), None);
}

proptest! {
    #[test]
    fn any_text_is_a_filter_and_its_terms_lie_in_it(text in "\\PC{0,40}") {
        let filter = Filter::parse(&text);
        for pane in Pane::ALL {
            let bound = filter.bind(pane.columns());
            prop_assert_eq!(bound.tests.len() + bound.faults().len(), filter.terms.len());
            for fault in bound.faults() {
                prop_assert!(!filter.term(fault).is_empty() && !fault.why.is_empty());
            }
        }
    }

    /// Looking through text with letters beyond ASCII finds what folding the whole of it would find.
    #[test]
    fn case_is_folded_alike_in_every_script(text in "[a-cA-CäÄßİσΣ🦀]{0,12}", word in "[a-cäßiσ]{1,3}") {
        let folded: String = text.chars().flat_map(char::to_lowercase).collect();
        let cells = [Cell::Text(text.as_str().into())];
        let subject = Subject { level: Level::Ok, cells: &cells, meta: None };
        prop_assert_eq!(Filter::parse(&word).bind(&[]).passes(&subject, now()), folded.contains(&word));
    }
}
