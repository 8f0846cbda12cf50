//! The tree: what it shows of a volume and a certificate, and where keys lead in it.

use holdfast::model::{Delta, Key, Kind, Object, Scope};
use holdfast::tui::{Input, LEAST, Layer, Place, TreeLayer};

use super::driven::Driven;
use super::screens::both;
use super::shop;

fn layer(driven: &Driven) -> &TreeLayer {
    match driven.app.layers.last() {
        Some(Layer::Tree(tree)) => tree,
        other => panic!("no tree: {other:?}"),
    }
}

fn line(driven: &Driven) -> String {
    layer(driven).line().map(|line| format!("{} {}", line.kind, line.name)).unwrap_or_default()
}

/// The tree of the set's first volume, with all that hangs on it.
fn volume(columns: u16, lines: u16) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    shop::grown(&mut driven.desk);
    driven.input(Input::Changed);
    driven.press("/ name:data-db-0 enter t");
    driven
}

#[test]
fn the_tree_of_a_volume() {
    both("tree", "/ name:data-db-0 enter t j", |driven| {
        shop::grown(&mut driven.desk);
        shop::stuck(&mut driven.desk);
    });
}

#[test]
fn the_tree_of_a_restore_point_is_that_of_its_volume() {
    both("tree-copy", "2 / name:data-db-0-0228-2200 enter t", |driven| shop::grown(&mut driven.desk));
}

#[test]
fn the_tree_of_a_certificate() {
    both("tree-certificate", "3 / name:web-tls enter t", |driven| shop::grown(&mut driven.desk));
}

#[test]
fn what_cannot_be_seen_has_a_line_that_says_so() {
    both("tree-blind", "/ name:data-db-0 enter t", |driven| {
        let then = shop::now() - jiff::SignedDuration::from_secs(42);
        let world = &mut driven.desk.world;
        world.apply(Delta::Denied(Kind::Pod, Scope::All, "list".into()), then);
        world.apply(Delta::Denied(Kind::Node, Scope::All, "list".into()), then);
        world.apply(Delta::Failed(Kind::Content, Scope::All, "connection refused".into()), then);
        for kind in [Kind::Pod, Kind::Node] {
            let objects: Vec<_> = match kind {
                Kind::Pod => world.inventory.pods.iter().cloned().map(Object::Pod).collect(),
                _ => world.inventory.nodes.iter().cloned().map(Object::Node).collect(),
            };
            for object in objects {
                world.apply(Delta::Gone(Box::new(object)), then);
            }
        }
        shop::refresh(&mut driven.desk);
    });
}

#[test]
fn branches_fold_and_the_cursor_stays_on_its_line() {
    let mut driven = volume(120, 36);
    assert_eq!(line(&driven), "Volume data-db-0");
    let all = layer(&driven).lines.len();
    driven.press("j");
    assert!(line(&driven).starts_with("PV pvc-"), "{}", line(&driven));
    driven.press("left");
    assert!(layer(&driven).lines.len() < all, "left folds an open branch");
    assert_eq!(layer(&driven).line().and_then(|line| line.folded), Some(true));
    driven.press("left");
    assert_eq!(line(&driven), "Volume data-db-0", "left on a folded branch goes to what it stands below");
    driven.press("j right");
    assert_eq!(layer(&driven).lines.len(), all, "right opens it again");
    driven.press("right");
    assert_eq!(line(&driven), "Class block", "right on an open branch goes on");
    driven.press("k space space");
    assert_eq!(layer(&driven).lines.len(), all);
}

#[test]
fn a_long_list_is_folded_and_opens_where_its_line_is_opened() {
    let mut driven = volume(120, 36);
    let more = |driven: &Driven| layer(driven).lines.iter().position(|line| line.name.ends_with(" older")).unwrap();
    let down = more(&driven);
    driven.press(&"j ".repeat(down));
    let folded = layer(&driven).lines.len();
    assert!(layer(&driven).line().unwrap().hidden.is_some_and(|(count, _)| count > 5), "{:?}", layer(&driven).line());
    driven.press("enter");
    assert!(layer(&driven).lines.len() > folded + 5);
    assert_eq!(more(&driven), down, "the cursor is where it was");
}

#[test]
fn enter_opens_the_object_of_a_line_and_escape_comes_back_to_it() {
    let mut driven = volume(120, 36);
    driven.press("j j j");
    assert_eq!(line(&driven), "Attachment csi-data-db-0");
    driven.press("enter");
    assert_eq!(driven.app.place(), Place::Detail);
    assert!(driven.screen().contains("VolumeAttachment csi-data-db-0"), "{}", driven.screen());
    driven.press("t");
    assert_eq!(line(&driven), "Attachment csi-data-db-0", "the same tree, with the cursor where it began");
    driven.press("esc esc");
    assert_eq!(line(&driven), "Attachment csi-data-db-0");
    driven.press("esc");
    assert_eq!(driven.app.place(), Place::Panes);
}

#[test]
fn the_tree_follows_the_cluster() {
    let mut driven = volume(120, 36);
    driven.press("j j j");
    let Some(Key::Object(kind, uid)) = layer(&driven).line().and_then(|line| line.object.clone()) else { panic!() };
    let Some(Object::VolumeAttachment(mut attachment)) = driven.desk.world.inventory.object(kind, &uid) else {
        panic!()
    };
    attachment.attached = false;
    attachment.error = Some("rpc error: code = Internal desc = no free slot on node-a".into());
    shop::put(&mut driven.desk, Object::VolumeAttachment(attachment.clone()));
    driven.input(Input::Changed);
    assert!(driven.screen().contains("✗ Not attached"), "{}", driven.screen());
    assert!(driven.screen().contains("no free slot on node-a"), "{}", driven.screen());
    let place = layer(&driven).cursor.place;
    driven.desk.world.apply(Delta::Gone(Box::new(Object::VolumeAttachment(attachment))), shop::now());
    driven.input(Input::Changed);
    assert_eq!(layer(&driven).cursor.place, place, "it stays near where its line was");
    assert!(!driven.screen().contains("csi-data-db-0"));
}

#[test]
fn what_has_no_tree_says_so() {
    let mut driven = volume(120, 36);
    driven.press("j j t");
    assert!(driven.screen().contains("a StorageClass has no tree of its own"), "{}", driven.screen());
    driven.press("4 t");
    assert!(driven.screen().contains("select a volume"), "{}", driven.screen());
}

#[test]
fn a_hostile_name_in_a_tree_is_made_visible() {
    let mut driven = volume(120, 36);
    let uid = layer(&driven).lines.iter().find_map(|line| match &line.object {
        Some(Key::Object(Kind::Node, uid)) => Some(uid.clone()),
        _ => None,
    });
    let Some(Object::Node(mut node)) = driven.desk.world.inventory.object(Kind::Node, &uid.unwrap()) else { panic!() };
    node.meta.name = "evil\u{1b}[2J\u{202e}".into();
    shop::put(&mut driven.desk, Object::Node(node));
    driven.input(Input::Changed);
    let screen = driven.screen();
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'), "{screen}");
}

#[test]
fn the_smallest_terminal_draws_a_tree() {
    for (columns, lines) in [(1, 1), (5, 3), (20, 6), LEAST, (79, 17)] {
        volume(120, 36).resize(columns, lines).press("j j enter t G").screen();
    }
}
