//! Who may do what, and the `SelfSubject*` reviews that tell them.
//!
//! One list of rules per caller is the truth for both the check of every request and the reviews, so that they cannot
//! disagree. The four users have fixed ones; service accounts have what roles and bindings in the cluster give them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::Kind;
use super::object::{self, text};
use super::refusal::Refusal;
use super::store::{Key, Object, Store};
use super::users::{Caller, User};

const READ: &[&str] = &["get", "list", "watch"];
const EVERYTHING: &[&str] = &["*"];

/// A rule as RBAC has it: any verb on any group on any resource of the lists; `*` is all.
#[derive(Clone, Copy, Debug)]
struct Rule {
    verbs: &'static [&'static str],
    groups: &'static [&'static str],
    resources: &'static [&'static str],
}

impl Rule {
    const fn new(
        verbs: &'static [&'static str],
        groups: &'static [&'static str],
        resources: &'static [&'static str],
    ) -> Self {
        Self { verbs, groups, resources }
    }

    fn said(&self) -> Value {
        json!({ "verbs": self.verbs, "apiGroups": self.groups, "resources": self.resources })
    }
}

const ASK: &[Rule] = &[
    Rule::new(&["create"], &["authorization.k8s.io"], &["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
    Rule::new(&["create"], &["authentication.k8s.io"], &["selfsubjectreviews"]),
];

const ADMIN: &[Rule] = &[Rule::new(EVERYTHING, EVERYTHING, EVERYTHING)];

const SRE: &[Rule] = &[
    Rule::new(READ, EVERYTHING, EVERYTHING),
    Rule::new(
        &["create", "delete", "patch"],
        &["snapshot.storage.k8s.io"],
        &["volumesnapshots", "volumesnapshotcontents"],
    ),
    Rule::new(&["create", "delete"], &["groupsnapshot.storage.k8s.io"], &["volumegroupsnapshots"]),
    Rule::new(&["create", "delete"], &[""], &["namespaces", "pods"]),
    Rule::new(&["create"], &[""], &["resourcequotas"]),
    Rule::new(&["create", "delete"], &["networking.k8s.io"], &["networkpolicies"]),
    Rule::new(&["create", "delete", "patch"], &[""], &["persistentvolumeclaims", "secrets"]),
    Rule::new(&["patch"], &[""], &["persistentvolumes"]),
    Rule::new(
        &["patch"],
        &["apps"],
        &["statefulsets", "statefulsets/scale", "deployments", "deployments/scale", "daemonsets"],
    ),
    Rule::new(&["update"], &["cert-manager.io"], &["certificates/status"]),
    Rule::new(&["patch"], &["cert-manager.io"], &["issuers", "clusterissuers"]),
    Rule::new(
        &["patch"],
        &["admissionregistration.k8s.io"],
        &["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
    ),
    Rule::new(&["patch"], &["apiregistration.k8s.io"], &["apiservices"]),
    Rule::new(&["patch"], &["apiextensions.k8s.io"], &["customresourcedefinitions"]),
    Rule::new(&["patch"], &["batch"], &["cronjobs"]),
    Rule::new(&["create", "get", "update", "patch"], &[""], &["configmaps"]),
    Rule::new(&["create", "get", "update", "patch"], &["coordination.k8s.io"], &["leases"]),
    Rule::new(&["create", "get"], &[""], &["pods/exec", "pods/portforward"]),
];

const AUDITOR: &[Rule] = &[
    Rule::new(
        READ,
        &[""],
        &[
            "namespaces",
            "nodes",
            "pods",
            "services",
            "serviceaccounts",
            "configmaps",
            "events",
            "resourcequotas",
            "persistentvolumeclaims",
            "persistentvolumes",
        ],
    ),
    Rule::new(
        READ,
        &[
            "apps",
            "batch",
            "storage.k8s.io",
            "snapshot.storage.k8s.io",
            "groupsnapshot.storage.k8s.io",
            "cert-manager.io",
            "acme.cert-manager.io",
            "admissionregistration.k8s.io",
            "apiregistration.k8s.io",
            "apiextensions.k8s.io",
            "certificates.k8s.io",
            "coordination.k8s.io",
            "networking.k8s.io",
            "gateway.networking.k8s.io",
            "velero.io",
        ],
        EVERYTHING,
    ),
];

/// The rules of a caller in a namespace; in all of them, and for what has none, where that is empty.
fn rules(store: &Store, caller: &Caller, namespace: &str) -> Vec<Value> {
    let user = match caller {
        Caller::Person(user) => user,
        Caller::Account { .. } => {
            let asks = ASK.iter().map(Rule::said);
            return bound(store, caller, namespace).into_iter().chain(asks).collect();
        }
    };
    let own = match user {
        User::Admin => ADMIN,
        User::Sre | User::Colleague => SRE,
        User::Tenant if namespace.is_empty() => &[],
        User::Auditor | User::Tenant => AUDITOR,
    };
    own.iter().chain(ASK).map(Rule::said).collect()
}

/// The rules that bindings give a caller in a namespace.
fn bound(store: &Store, caller: &Caller, namespace: &str) -> Vec<Value> {
    let own = if namespace.is_empty() { Vec::new() } else { listed(store, "rolebindings", Some(namespace)) };
    let all = listed(store, "clusterrolebindings", None).into_iter().chain(own);
    let mine = all.filter(|binding| object::items(&binding.value, "/subjects").iter().any(|one| means(one, caller)));
    let roles = mine.filter_map(|binding| match text(&binding.value, "/roleRef/kind") {
        "Role" => store.get(&Key::new("roles", namespace, text(&binding.value, "/roleRef/name"))),
        _ => store.get(&Key::new("clusterroles", "", text(&binding.value, "/roleRef/name"))),
    });
    roles.flat_map(|role| object::items(&role.value, "/rules").to_vec()).collect()
}

fn listed(store: &Store, plural: &str, namespace: Option<&str>) -> Vec<Arc<Object>> {
    store.with(|state| state.list(plural, namespace))
}

fn means(subject: &Value, caller: &Caller) -> bool {
    let name = text(subject, "/name");
    match (text(subject, "/kind"), caller) {
        ("ServiceAccount", Caller::Account { namespace, name: own }) => {
            name == own && text(subject, "/namespace") == namespace
        }
        ("User", caller) => name == caller.to_string(),
        ("Group", caller) => caller.groups().iter().any(|group| group == name),
        _ => false,
    }
}

/// Whether a rule of RBAC allows this; `*` is all.
fn covers(rule: &Value, verb: &str, group: &str, resource: &str) -> bool {
    let has = |list: &str, one: &str| object::items(rule, list).iter().any(|it| it == "*" || it == one);
    has("/verbs", verb) && has("/apiGroups", group) && has("/resources", resource)
}

/// What someone wants to do, in the words of authorization.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub verb: &'a str,
    pub kind: &'a Kind,
    pub namespace: &'a str,
    pub name: &'a str,
    pub subresource: &'a str,
}

/// Refuses a request the caller has no right to make.
pub(crate) fn authorize(store: &Store, user: &Caller, wish: Wish<'_>) -> Result<(), Refusal> {
    let Wish { verb, kind, namespace, name, subresource } = wish;
    let resource =
        if subresource.is_empty() { kind.plural.to_owned() } else { format!("{}/{subresource}", kind.plural) };
    if rules(store, user, namespace).iter().any(|rule| covers(rule, verb, kind.group, &resource)) {
        return Ok(());
    }
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let why = format!("User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"{}\" {place}", kind.group);
    Err(Refusal::forbidden(kind, name, &why))
}

/// Answers a review: the posted object with its `status`.
pub(crate) fn answer(store: &Store, user: &Caller, kind: &Kind, mut review: Value) -> Value {
    object::set(&mut review, "/apiVersion", kind.api_version());
    object::set(&mut review, "/kind", kind.kind);
    object::default(&mut review, "/metadata/creationTimestamp", Value::Null);
    let status = match kind.kind {
        "SelfSubjectAccessReview" => access(store, user, &review),
        "SelfSubjectRulesReview" => rules_status(store, user, text(&review, "/spec/namespace")),
        _ => json!({"userInfo": {"username": user.to_string(), "groups": user.groups()}}),
    };
    object::set(&mut review, "/status", status);
    review
}

fn access(store: &Store, user: &Caller, review: &Value) -> Value {
    let at = "/spec/resourceAttributes";
    let Some(asked) = review.pointer(at) else {
        let allowed =
            *user == Caller::Person(User::Admin) || READ.contains(&text(review, "/spec/nonResourceAttributes/verb"));
        return json!({"allowed": allowed});
    };
    let resource = match text(asked, "/subresource") {
        "" => text(asked, "/resource").to_owned(),
        sub => format!("{}/{sub}", text(asked, "/resource")),
    };
    let rules = rules(store, user, text(asked, "/namespace"));
    let allowed = rules.iter().any(|rule| covers(rule, text(asked, "/verb"), text(asked, "/group"), &resource));
    if allowed {
        json!({"allowed": true, "reason": format!("RBAC: allowed to User \"{user}\"")})
    } else {
        json!({"allowed": false})
    }
}

fn rules_status(store: &Store, user: &Caller, namespace: &str) -> Value {
    let rules = rules(store, user, namespace);
    let paths = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/readyz", "/version"];
    json!({"resourceRules": rules, "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": paths}], "incomplete": false})
}
