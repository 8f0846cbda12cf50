//! What is printed is YAML that says the same as the table, with names that cannot break out of it.

use super::*;
use serde_json::Value;

fn documents(text: &str) -> Vec<Value> {
    text.split("---\n").map(|one| serde_saphyr::from_str(one).unwrap()).collect()
}

#[test]
fn one_role_for_the_whole_cluster_and_a_binding_for_who_is_named() {
    let wanted = Wanted {
        subjects: vec![
            Subject::User("o'hara \"x\"\n- evil".into()),
            Subject::Group("auditors".into()),
            Subject::Account("ops".into(), "console".into()),
        ],
        ..Wanted::default()
    };
    let [role, binding] = documents(&manifests(&wanted)).try_into().unwrap();
    assert_eq!((&role["kind"], &role["metadata"]["name"]), (&"ClusterRole".into(), &"holdfast-read-only".into()));
    let rules = role["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| !rule["resources"].to_string().contains("secrets")));
    assert_eq!(binding["kind"], "ClusterRoleBinding");
    assert_eq!(binding["roleRef"]["name"], "holdfast-read-only");
    assert_eq!(binding["subjects"][0]["name"], "o'hara \"x\"\n- evil");
    assert_eq!(binding["subjects"].as_array().unwrap().len(), 3);
}

#[test]
fn with_namespaces_only_what_has_none_holds_everywhere() {
    let wanted = Wanted {
        namespaces: vec!["shop".into(), "crm".into()],
        name: Some("readers".into()),
        subjects: vec![Subject::Group("auditors".into())],
        secrets: true,
        ..Wanted::default()
    };
    let found = documents(&manifests(&wanted));
    let kinds: Vec<&str> = found.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ClusterRole", "Role", "Role", "ClusterRoleBinding", "RoleBinding", "RoleBinding"]);
    assert!(found.iter().all(|one| one["metadata"]["name"] == "readers"));
    let has = |role: &Value, resource: &str| {
        role["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|rule| rule["resources"].as_array().unwrap().iter().any(|one| one == resource))
    };
    assert!(has(&found[0], "persistentvolumes") && !has(&found[0], "secrets") && !has(&found[0], "pods"));
    assert!(has(&found[1], "secrets") && has(&found[1], "pods") && !has(&found[1], "nodes"));
    assert_eq!(found[1]["metadata"]["namespace"], "shop");
}

#[test]
fn a_drill_needs_its_rights_where_nobody_can_name_the_namespace() {
    let wanted = Wanted { namespaces: vec!["shop".into()], features: vec![Feature::Drill], ..Wanted::default() };
    let found = documents(&manifests(&wanted));
    let text = |role: &Value| role["rules"].to_string();
    assert!(text(&found[0]).contains("networkpolicies") && !text(&found[1]).contains("networkpolicies"));
}

#[test]
fn each_rule_has_its_reason_and_no_line_is_long() {
    let text = manifests(&Wanted { features: Feature::ALL.to_vec(), secrets: true, ..Wanted::default() });
    let lines: Vec<&str> = text.lines().collect();
    for (place, line) in lines.iter().enumerate() {
        assert!(line.len() <= 120, "{line}");
        assert!(!line.starts_with("- apiGroups") || lines[place - 1].starts_with("# "), "{line}");
    }
    assert!(text.contains("may read every key"));
}
