//! What proves that a plan, or many of them, was meant.

use super::*;
use crate::plan::testing;
use rstest::rstest;

fn plan(protected: bool) -> Plan {
    Plan { protected, ..testing::plan(OperationId::new(jiff::Timestamp::UNIX_EPOCH, [0; 4])) }
}

#[rstest]
#[case::the_object_is_enough(false, &["data"], true)]
#[case::nothing(false, &[], false)]
#[case::part_of_it(false, &["dat"], false)]
#[case::spaces_are_not_overlooked(false, &["data "], false)]
#[case::more_than_was_asked(false, &["data", "data"], false)]
#[case::both(true, &["lab", "data"], true)]
#[case::the_object_alone(true, &["data"], false)]
#[case::the_context_alone(true, &["lab"], false)]
#[case::the_wrong_way_round(true, &["data", "lab"], false)]
#[case::another_context(true, &["prod", "data"], false)]
#[case::both_in_one(true, &["lab/data"], false)]
fn a_typed_confirmation_takes_every_name(#[case] protected: bool, #[case] typed: &[&str], #[case] runs: bool) {
    assert_eq!(plan(protected).confirm_typed(typed, "ada").is_ok(), runs);
}

#[rstest]
#[case::not_protected(false, None, true)]
#[case::left_to_the_kubeconfig(true, None, false)]
#[case::another(true, Some("prod"), false)]
#[case::named(true, Some("lab"), true)]
fn a_flag_confirms_a_protected_context_only_by_its_name(
    #[case] protected: bool,
    #[case] named: Option<&str>,
    #[case] runs: bool,
) {
    assert_eq!(plan(protected).confirm_by_flag(named, None, "ada").is_ok(), runs);
    assert_eq!(plan(protected).confirm_by_policy(named, "gold", "ada").is_ok(), runs);
}

#[test]
fn many_deletions_take_their_number_from_everybody_and_no_policy_has_it() {
    let many = || Plan { count: Some("12".into()), ..plan(false) };
    assert!(many().confirm_typed(&["data"], "ada").is_err());
    assert!(many().confirm_typed(&["data", "11"], "ada").is_err());
    assert!(many().confirm_typed(&["data", "12"], "ada").is_ok());
    let said = many().confirm_by_flag(None, None, "ada").unwrap_err().to_string();
    assert!(said.contains("--count 12"), "{said}");
    assert!(many().confirm_by_flag(None, Some("12"), "ada").is_ok());
    assert!(many().confirm_by_policy(None, "gold", "ada").is_err());
}

fn mandate(protected: bool, objects: &[&str]) -> Mandate {
    let context = Context { name: "lab".into(), protected, ..Context::default() };
    Mandate::new("reissue", &context, objects.iter().map(|uid| Uid::from(*uid)))
}

#[rstest]
#[case::the_number(false, &["2"], true)]
#[case::nothing(false, &[], false)]
#[case::another_number(false, &["3"], false)]
#[case::the_number_alone(true, &["2"], false)]
#[case::both(true, &["lab", "2"], true)]
#[case::the_wrong_way_round(true, &["2", "lab"], false)]
#[case::more_than_was_asked(false, &["2", "2"], false)]
fn many_are_confirmed_by_their_number(#[case] protected: bool, #[case] typed: &[&str], #[case] runs: bool) {
    assert_eq!(mandate(protected, &["a", "b"]).confirm_typed(typed, "ada").is_ok(), runs);
}

#[rstest]
#[case::no_number(false, None, None, false)]
#[case::another_number(false, None, Some("1"), false)]
#[case::the_number(false, None, Some("2"), true)]
#[case::a_protected_context_is_named_too(true, None, Some("2"), false)]
#[case::both(true, Some("lab"), Some("2"), true)]
fn a_flag_for_many_needs_their_number(
    #[case] protected: bool,
    #[case] named: Option<&str>,
    #[case] count: Option<&str>,
    #[case] runs: bool,
) {
    assert_eq!(mandate(protected, &["a", "b"]).confirm_by_flag(named, count, "ada").is_ok(), runs);
}

#[test]
fn a_procedure_runs_what_was_shown_and_nothing_else() {
    let shown = plan(false);
    let uid = shown.subject.uid.as_str().to_owned();
    let agree = |objects: &[&str]| mandate(false, objects).confirm_typed(&[objects.len().to_string()], "ada").unwrap();
    let agreed = agree(&[&uid]);
    let here = Plan { context: "lab".into(), ..shown };
    let confirmed = here.clone().confirm_by_procedure(&agreed, "wave 1, 1 of 1").unwrap();
    assert_eq!(confirmed.authority().said(), "ada, in procedure reissue: wave 1, 1 of 1");
    let json = serde_json::to_value(confirmed.authority()).unwrap();
    assert_eq!(serde_json::from_value::<Authority>(json).unwrap(), *confirmed.authority());
    let elsewhere = Plan { context: "prod".into(), ..here.clone() };
    assert!(elsewhere.confirm_by_procedure(&agreed, "").is_err());
    let more = Plan { count: Some("12".into()), ..here.clone() };
    assert!(more.confirm_by_procedure(&agreed, "").is_err());
    let said = here.confirm_by_procedure(&agree(&["another"]), "").unwrap_err().to_string();
    assert!(said.contains("was not among what was confirmed"), "{said}");
}

#[test]
fn protection_is_part_of_what_is_confirmed_and_old_plans_keep_their_digest() {
    assert_ne!(plan(true).digest(), plan(false).digest());
    let json = serde_json::to_value(plan(false)).unwrap();
    assert!(json.get("protected").is_none(), "{json}");
    assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan(false));
}

#[rstest]
#[case("", None)]
#[case("data-d", None)]
#[case("data-db-0", None)]
#[case("Data", Some(0))]
#[case("data_db-0", Some(4))]
#[case("data-db-0 ", Some(9))]
#[case("größe", Some(0))]
fn the_first_wrong_letter_is_found(#[case] typed: &str, #[case] at: Option<usize>) {
    assert_eq!(departs("data-db-0", typed), at);
}
