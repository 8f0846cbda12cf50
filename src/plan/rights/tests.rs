//! The table says why of each rule, repeats nothing, and knows each verb.

use std::collections::BTreeSet;

use super::*;
use crate::plan::Verb;

/// What can be granted for a verb.
fn of(verb: Verb) -> Option<Feature> {
    match verb {
        Verb::Backup => Some(Backup),
        Verb::Restore => Some(Restore),
        Verb::Drill => Some(Drill),
        Verb::Prune => Some(Prune),
        Verb::Hold | Verb::Release => Some(Hold),
        Verb::RestoreInPlace => Some(RestoreInPlace),
        Verb::Import => Some(Import),
        Verb::Sweep => Some(Sweep),
        Verb::Renew => Some(Renew),
        Verb::Rotate => Some(Rotate),
        Verb::RotateCa => Some(RotateCa),
        Verb::Isolate | Verb::Rejoin => Some(Isolate),
        // What a verb needs covers taking it back.
        Verb::Undo => None,
    }
}

#[test]
fn each_verb_has_rights_of_its_own_and_each_rule_says_why() {
    for verb in Verb::ALL {
        let Some(feature) = of(*verb) else { continue };
        assert!(!needed(&[feature]).is_empty(), "{verb:?}");
    }
    for rule in reading(true).into_iter().chain(needed(Feature::ALL)) {
        assert!(rule.why.len() > 10 && !rule.verbs.is_empty() && !rule.resources.is_empty(), "{rule:?}");
        assert!(!rule.verbs.contains(&"*") && !rule.resources.contains(&"*"), "{rule:?}");
    }
}

#[test]
fn looking_covers_each_kind_that_is_watched_and_secrets_only_when_asked() {
    for secrets in [false, true] {
        let rules = reading(secrets);
        for kind in Kind::ALL {
            let spec = kind.spec();
            let reach = if spec.namespaced { Reach::Namespace } else { Reach::Cluster };
            let gives = |rule: &&Rule| {
                rule.group == spec.group
                    && rule.reach == reach
                    && rule.resources.contains(&spec.plural)
                    && LOOK.iter().all(|verb| rule.verbs.contains(verb))
            };
            let wanted = usize::from(secrets || spec.plural != SECRETS);
            assert_eq!(rules.iter().filter(gives).count(), wanted, "{kind:?}");
        }
        assert!(rules.iter().flat_map(|rule| &rule.verbs).all(|verb| LOOK.contains(verb)));
    }
}

#[test]
fn no_row_repeats_a_verb_of_another_for_the_same_feature() {
    for feature in Feature::ALL {
        let mut seen = BTreeSet::new();
        for row in ROWS.iter().filter(|row| row.features.contains(feature)) {
            // Reading what is about to be changed goes with each change.
            for verb in row.verbs.iter().filter(|verb| !LOOK.contains(verb)) {
                for resource in row.resources {
                    let new = seen.insert((row.group, *resource, *verb, row.reach));
                    assert!(new, "{}: {verb} {resource} is there twice", feature.name());
                }
            }
        }
    }
}

#[test]
fn what_others_give_is_left_out() {
    let looking = reading(false);
    let hold = without(&needed(&[Hold]), &looking);
    let said: Vec<(&str, Vec<&str>)> = hold.iter().map(|rule| (rule.resources[0], rule.verbs.clone())).collect();
    assert_eq!(
        said,
        [
            ("configmaps", vec!["create", "update"]),
            ("volumesnapshots", vec!["patch"]),
            ("volumesnapshotcontents", vec!["patch"])
        ]
    );
}

#[test]
fn what_includes_others_brings_their_rights() {
    assert_eq!(Feature::closure(&[RotateCa]), [Renew, Rotate, RotateCa]);
    assert_eq!(Feature::closure(&[Hooks, Hold]), [Backup, Hooks, Hold]);
}
