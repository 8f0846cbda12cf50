//! Which rule a result means (SARIF 2.1.0 §3.27.5 to §3.27.7, §3.52, §3.54).

use std::sync::Arc;

use crate::model::Rule;

use super::rules::{Component, Described, OwnedUse};

/// How a rule was found, for diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// As the specification says.
    Plainly,
    /// The index names another rule than the id does; the id was followed.
    Conflict,
    /// The index is beyond the rules.
    OutOfRange,
}

/// Hierarchical ids have no more parts (§3.5.4).
const MAX_PARTS: usize = 16;

/// The rule that is meant, or one made up from what is said of it.
///
/// `components` are the driver and then the extensions. An index in range with an id that fits wins; an index
/// against an id loses when another rule has exactly that id. Then guid, exact id in the component, in all
/// components, in shorter and shorter roots of a hierarchical id, and old ids.
pub fn lookup(used: &OwnedUse, components: &[Component], family: &str) -> (Described, Found) {
    let component = component(used, components);
    let mut found = Found::Plainly;
    if let (Some(component), Some(index)) = (component, used.index) {
        match component.rules.get(index) {
            Some(rule) if fits(used.id.as_deref(), &rule.rule.id) => return (rule.clone(), found),
            Some(rule) => {
                let exact = used.id.as_deref().and_then(|id| component.with_id(id));
                // Nothing else has the id: duplicate and odd ids are legal, and the index is what the
                // specification goes by.
                let Some(exact) = exact else { return (rule.clone(), Found::Plainly) };
                return (exact.clone(), Found::Conflict);
            }
            None => found = Found::OutOfRange,
        }
    }
    let everywhere = || component.into_iter().chain(components);
    if let Some(guid) = &used.guid
        && let Some(rule) = everywhere().find_map(|component| component.with_guid(guid))
    {
        return (rule.clone(), found);
    }
    if let Some(id) = &used.id {
        let mut root = &**id;
        for _ in 0..MAX_PARTS {
            if let Some(rule) = everywhere().find_map(|component| component.with_id(root)) {
                return (rule.clone(), found);
            }
            let Some((shorter, _)) = root.rsplit_once('/') else { break };
            root = shorter;
        }
        if let Some(rule) = everywhere().find_map(|component| component.with_old_id(id)) {
            return (rule.clone(), found);
        }
    }
    (made_up(used, family), found)
}

/// §3.54: by index among the extensions, by guid; the driver when nothing is said. The name is a hint only.
fn component<'c>(used: &OwnedUse, components: &'c [Component]) -> Option<&'c Component> {
    if let Some(index) = used.component {
        return components.get(index + 1);
    }
    if let Some(guid) = &used.component_guid {
        let same =
            |component: &&Component| component.guid.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(guid));
        return components.iter().find(same);
    }
    let hinted = used
        .component_name
        .as_deref()
        .and_then(|name| components.iter().find(|component| !component.rules.is_empty() && &*component.name == name));
    hinted.or(components.first())
}

/// §3.27.5: the id of a result is that of its rule, or that with further components.
fn fits(id: Option<&str>, rule: &str) -> bool {
    let Some(id) = id else { return true };
    id == rule || id.strip_prefix(rule).is_some_and(|more| more.starts_with('/')) || rule.is_empty()
}

fn made_up(used: &OwnedUse, family: &str) -> Described {
    let id = match (&used.id, &used.guid) {
        (Some(id), _) => Arc::clone(id),
        (None, Some(guid)) => Arc::clone(guid),
        (None, None) => format!("?{family}/{:016x}", used.shape).into(),
    };
    let rule = Rule { id, ..Rule::default() };
    Described { rule: Arc::new(rule), ..Described::default() }
}

#[cfg(test)]
mod tests {
    use super::super::intern::Texts;
    use super::*;
    use rstest::rstest;

    fn component(name: &str, guid: &str, rules: &[&str]) -> Component {
        let mut texts = Texts::default();
        let mut component = Component::default();
        component.name = name.into();
        component.guid = Some(guid.into());
        for rule in rules {
            component.add(rule.as_bytes(), &mut texts);
        }
        component
    }

    fn components() -> Vec<Component> {
        vec![
            component(
                "driver",
                "d-1",
                &[
                    r#"{"id":"A","name":"A first","guid":"G-A"}"#,
                    r#"{"id":"B","name":"B first","deprecatedIds":["OLD"],"deprecatedGuids":["g-old"]}"#,
                    r#"{"id":"A","name":"A second"}"#,
                    r#"{"id":"C/x","name":"C x"}"#,
                ],
            ),
            component("queries", "e-1", &[r#"{"id":"q/one","name":"one"}"#, r#"{"id":"B","name":"B of queries"}"#]),
        ]
    }

    const NONE: Option<usize> = None;

    #[rstest]
    #[case::by_index(Some("A"), Some(2), NONE, "A second", Found::Plainly)]
    #[case::by_index_alone(None, Some(1), NONE, "B first", Found::Plainly)]
    #[case::by_id(Some("A"), None, NONE, "A first", Found::Plainly)]
    #[case::a_longer_id_fits_its_index(Some("B/more"), Some(1), NONE, "B first", Found::Plainly)]
    #[case::an_id_with_another_index(Some("A"), Some(1), NONE, "A first", Found::Conflict)]
    #[case::an_unknown_id_with_an_index(Some("Z"), Some(1), NONE, "B first", Found::Plainly)]
    #[case::not_by_component_of_the_name(Some("C/xyz"), None, NONE, "", Found::Plainly)]
    #[case::out_of_range_with_id(Some("B"), Some(9), NONE, "B first", Found::OutOfRange)]
    #[case::out_of_range_without_id(None, Some(9), NONE, "", Found::OutOfRange)]
    #[case::in_an_extension(None, Some(0), Some(0), "one", Found::Plainly)]
    #[case::the_extension_comes_first(Some("B"), None, Some(0), "B of queries", Found::Plainly)]
    #[case::an_extension_that_is_not_there(Some("A"), Some(0), Some(7), "A first", Found::Plainly)]
    #[case::in_any_extension(Some("q/one"), None, NONE, "one", Found::Plainly)]
    #[case::hierarchical(Some("A/1/2"), None, NONE, "A first", Found::Plainly)]
    #[case::an_old_id(Some("OLD"), None, NONE, "B first", Found::Plainly)]
    #[case::unknown(Some("Z"), None, NONE, "", Found::Plainly)]
    fn rules_are_found(
        #[case] id: Option<&str>,
        #[case] index: Option<usize>,
        #[case] component: Option<usize>,
        #[case] name: &str,
        #[case] how: Found,
    ) {
        let used = OwnedUse { id: id.map(Into::into), index, component, ..OwnedUse::default() };
        let (found, said) = lookup(&used, &components(), "tool");
        assert_eq!((found.rule.name.as_deref().unwrap_or_default(), said), (name, how));
        assert_eq!(found.rule.described, !name.is_empty());
        if name.is_empty() {
            assert!(id.map_or(found.rule.id.starts_with("?tool/"), |id| *id == *found.rule.id));
        }
    }

    #[rstest]
    #[case("g-a", None, "A first")]
    #[case("G-OLD", None, "B first")]
    fn guids_are_found_in_any_case(#[case] guid: &str, #[case] id: Option<&str>, #[case] name: &str) {
        let used = OwnedUse { id: id.map(Into::into), guid: Some(guid.into()), ..OwnedUse::default() };
        assert_eq!(lookup(&used, &components(), "tool").0.rule.name.as_deref(), Some(name));
    }

    #[test]
    fn a_component_is_found_by_guid_and_then_by_name() {
        let by_guid = OwnedUse { index: Some(0), component_guid: Some("E-1".into()), ..OwnedUse::default() };
        let by_name = OwnedUse { index: Some(0), component_name: Some("queries".into()), ..OwnedUse::default() };
        for used in [by_guid, by_name] {
            assert_eq!(lookup(&used, &components(), "tool").0.rule.name.as_deref(), Some("one"));
        }
    }
}
