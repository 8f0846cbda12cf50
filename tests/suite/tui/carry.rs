//! What is carried away, left behind and tried in vain, on screens.

use holdfast::model::{Delta, Object, Pv, ReclaimPolicy, Scope, annotation};
use holdfast::plan::Request;
use holdfast::tui::{Effect, Input};
use insta::assert_snapshot;

use super::driven::Driven;
use super::shop;

fn put(driven: &mut Driven, object: Object) {
    let touched = driven.desk.world.apply(Delta::Upsert(Box::new(object), Scope::All), shop::now());
    driven.desk.refresh(&touched, shop::now());
    driven.input(Input::Changed);
}

#[test]
fn an_import_asks_for_the_file_and_comes_to_the_namespace_of_the_selection() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = Driven::new(shop::desk(), columns, lines);
        driven.press("2 x m");
        assert_snapshot!(format!("import-form-{columns}x{lines}"), driven.screen());
        driven.press("ctrl-s");
        assert!(driven.screen().contains("file needs an answer"), "{}", driven.screen());
        driven.press("c . y a m l ctrl-s");
        let Some(Effect::Plan { request, .. }) = driven.effects.last() else { panic!("{:?}", driven.effects) };
        assert_eq!(request.file(), Some(std::path::Path::new("c.yaml")));
        let Request::Import { namespace, .. } = &**request else { panic!("{request:?}") };
        assert_eq!(&*driven.desk.world.inventory.namespaces.get(namespace).unwrap().meta.name, "shop");
    }
}

#[test]
fn a_sweep_asks_whether_former_volumes_go_too() {
    let mut driven = Driven::new(shop::desk(), 80, 24);
    driven.press("x w");
    assert_snapshot!("sweep-form-80x24", driven.screen());
}

#[test]
fn a_drill_that_failed_and_a_volume_that_overstayed_are_problems() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = Driven::new(shop::desk(), columns, lines);
        let ready = driven.desk.world.inventory.snapshots.iter().filter(|one| one.ready == Some(true));
        let mut tried = ready.min_by_key(|one| one.meta.name.clone()).unwrap().clone();
        let noted = "begun at 2026-03-01T03:00:00Z, failed at read: the volume holds no file\u{1b}[2J: it is empty";
        let annotations = tried.meta.annotations.iter().cloned();
        tried.meta.annotations = annotations.chain([(annotation::LAST_FAILED, noted.into())]).collect();
        put(&mut driven, Object::VolumeSnapshot(tried));
        let bound = driven.desk.world.inventory.pvs.iter().filter(|volume| volume.claim.is_some());
        let mut former: Pv = bound.min_by_key(|volume| volume.meta.name.clone()).unwrap().clone();
        former.meta.name = "pvc-former".into();
        former.meta.uid = Some("uid-former".into());
        former.meta.annotations = [(annotation::KEEP_UNTIL, "2026-02-01T00:00:00Z".into())].into();
        (former.phase, former.reclaim) = ("Released".into(), ReclaimPolicy::Retain);
        put(&mut driven, Object::Pv(former));
        driven.press("2 z");
        assert_snapshot!(format!("drill-failed-{columns}x{lines}"), driven.screen());
        driven.press("z p G");
        assert_snapshot!(format!("overstayed-{columns}x{lines}"), driven.screen());
    }
}
