use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn scope(namespace: &str) -> Scope {
    Scope::Namespace(namespace.into())
}

fn claim(namespace: &str, name: &str) -> Box<Object> {
    let meta = Meta {
        namespace: Some(namespace.into()),
        name: name.into(),
        uid: Some(Uid::from(format!("{namespace}-{name}"))),
        ..Meta::default()
    };
    Box::new(Object::Pvc(Pvc { meta, ..Pvc::default() }))
}

/// A world that has listed these claims, in this scope.
fn listed(world: &mut World, scope: &Scope, claims: &[(&str, &str)]) {
    world.apply(Delta::ListStarted(Kind::Pvc, scope.clone()), NOW);
    for (namespace, name) in claims {
        world.apply(Delta::Upsert(claim(namespace, name), scope.clone()), NOW);
    }
    world.apply(Delta::ListDone(Kind::Pvc, scope.clone()), NOW);
}

fn names(world: &World) -> Vec<String> {
    let mut names: Vec<_> = world.inventory.pvcs.iter().map(|claim| claim.meta.reference(Kind::Pvc).path()).collect();
    names.sort();
    names
}

#[test]
fn what_lies_outside_goes_at_once_and_the_rest_stays_and_is_not_called_live() {
    let mut world = World::default();
    listed(&mut world, &Scope::All, &[("shop", "db"), ("shop", "web"), ("batch", "ledger")]);
    let touched = world.look_at(&[scope("shop")]);
    assert_eq!(names(&world), ["shop/db", "shop/web"]);
    assert!(touched.all && touched.volumes.contains(&Uid::from("batch-ledger")), "{touched:?}");
    assert_eq!(*world.freshness(Kind::Pvc), Freshness::Loading);
    assert!(!world.everywhere(Kind::Pvc));
}

#[test]
fn what_went_while_nobody_watched_goes_with_the_first_list_of_the_new_scope() {
    let mut world = World::default();
    listed(&mut world, &Scope::All, &[("shop", "db"), ("shop", "web")]);
    world.look_at(&[scope("shop")]);
    listed(&mut world, &scope("shop"), &[("shop", "db")]);
    assert_eq!(names(&world), ["shop/db"]);
    assert!(world.freshness(Kind::Pvc).live());
}

#[test]
fn each_namespace_has_a_freshness_of_its_own() {
    let mut world = World::default();
    world.look_at(&[scope("shop"), scope("batch")]);
    listed(&mut world, &scope("shop"), &[("shop", "db")]);
    world.apply(Delta::Denied(Kind::Pvc, scope("batch"), "list".into()), NOW);
    assert!(world.freshness_in(Kind::Pvc, &"shop".into()).live());
    assert!(matches!(world.freshness_in(Kind::Pvc, &"batch".into()), Freshness::Denied { .. }));
    assert!(matches!(world.freshness(Kind::Pvc), Freshness::Denied { .. }), "the worst speaks for the kind");
    assert_eq!(names(&world), ["shop/db"]);
}

#[test]
fn kinds_without_a_namespace_are_left_as_they_are() {
    let mut world = World::default();
    world.apply(Delta::ListStarted(Kind::Node, Scope::All), NOW);
    world.apply(Delta::ListDone(Kind::Node, Scope::All), NOW);
    world.look_at(&[scope("shop")]);
    assert!(world.freshness(Kind::Node).live());
}
