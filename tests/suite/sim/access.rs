//! Who may do what, and what the audit log says about it.

use holdfast::sim::{Sim, User};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SelfSubjectRulesReview,
    SelfSubjectRulesReviewSpec,
};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, Config};

use super::{client, code, config_map, shop};

async fn may(sim: &Sim, user: User, verb: &str, group: &str, resource: &str) -> bool {
    let attributes = ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        namespace: Some("shop".to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews = Api::<SelfSubjectAccessReview>::all(client(sim, user).await);
    reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}

#[tokio::test]
async fn reviews_answer_what_each_user_may_do() {
    let sim = shop().await;
    let snapshots = "snapshot.storage.k8s.io";
    assert!(may(&sim, User::Admin, "delete", "", "nodes").await);
    assert!(may(&sim, User::Sre, "create", snapshots, "volumesnapshots").await);
    assert!(!may(&sim, User::Sre, "delete", "apps", "statefulsets").await);
    assert!(may(&sim, User::Auditor, "list", snapshots, "volumesnapshots").await);
    assert!(!may(&sim, User::Auditor, "create", snapshots, "volumesnapshots").await);
    assert!(!may(&sim, User::Auditor, "list", "", "secrets").await);
    assert!(may(&sim, User::Tenant, "list", snapshots, "volumesnapshots").await);
    let everywhere = Api::<ConfigMap>::all(client(&sim, User::Tenant).await).list(&ListParams::default()).await;
    assert_eq!(code(everywhere), 403, "a tenant sees one namespace at a time");
    let rules = Api::<SelfSubjectRulesReview>::all(client(&sim, User::Auditor).await);
    let spec = SelfSubjectRulesReviewSpec { namespace: Some("shop".to_owned()) };
    let review = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
    let status = rules.create(&PostParams::default(), &review).await.unwrap().status.unwrap();
    assert!(!status.incomplete && status.resource_rules.iter().any(|rule| rule.verbs.contains(&"watch".to_owned())));
    let me = Api::<SelfSubjectReview>::all(client(&sim, User::Sre).await);
    let me = me.create(&PostParams::default(), &SelfSubjectReview::default()).await.unwrap();
    assert_eq!(me.status.unwrap().user_info.unwrap().username.as_deref(), Some("sre"));
}

#[tokio::test]
async fn requests_are_held_to_the_same_rules_as_reviews() {
    let sim = shop().await;
    let secrets = Api::<Secret>::namespaced(client(&sim, User::Auditor).await, "shop");
    let refused = secrets.list(&ListParams::default()).await;
    let Err(kube::Error::Api(status)) = &refused else { panic!("{refused:?}") };
    assert_eq!(
        status.message,
        "secrets is forbidden: User \"auditor\" cannot list resource \"secrets\" in API group \"\" in the namespace \"shop\""
    );
    let maps = Api::<ConfigMap>::namespaced(client(&sim, User::Sre).await, "default");
    let map = serde_json::from_value(config_map("a")).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    assert_eq!(code(maps.delete("a", &DeleteParams::default()).await), 403);
}

#[tokio::test]
async fn an_unknown_or_missing_token_is_unauthorized() {
    let sim = shop().await;
    let mut config = Config::new(sim.url().parse().unwrap());
    config.default_retry = false;
    let nobody = Api::<ConfigMap>::all(Client::try_from(config.clone()).unwrap());
    assert_eq!(code(nobody.list(&ListParams::default()).await), 401);
    config.cluster_url = format!("{}/as/admin", sim.url()).parse().unwrap();
    config.auth_info.token = Some("expired".to_owned().into());
    let expired = Api::<ConfigMap>::all(Client::try_from(config).unwrap());
    assert_eq!(code(expired.list(&ListParams::default()).await), 401);
}

#[tokio::test]
async fn the_audit_log_names_verb_user_object_and_outcome() {
    let sim = shop().await;
    let maps = Api::<ConfigMap>::namespaced(client(&sim, User::Sre).await, "default");
    let _ = maps.delete("nothing", &DeleteParams::default()).await;
    let event = sim.audit().pop().unwrap();
    assert_eq!((event.verb.as_str(), event.user.as_str(), event.code), ("delete", "sre", 403));
    assert_eq!(
        (event.resource.as_str(), event.namespace.as_str(), event.name.as_str()),
        ("configmaps", "default", "nothing")
    );
    assert!(event.path.starts_with("/api/v1/namespaces/default/configmaps/nothing") && !event.id.is_empty());
}
