//! The form before a renewal, and why some certificates have none.

use holdfast::model::Kind;
use holdfast::plan::Request;
use holdfast::plan::Restart;
use holdfast::tui::Effect;
use insta::assert_snapshot;

use super::driven::Driven;
use super::shop;

/// The shop with a certificate under the cursor.
pub fn on(name: &str, columns: u16, lines: u16) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    driven.press(&format!("3 / name:{name} enter"));
    driven.effects.clear();
    driven
}

#[test]
fn the_form_before_a_renewal() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = on("web-tls", columns, lines);
        driven.press("x n");
        assert_snapshot!(format!("renew-form-{columns}x{lines}"), driven.screen());
    }
}

#[test]
fn the_certificate_that_writes_the_selected_secret_is_renewed_as_chosen() {
    let mut driven = on("web-tls", 120, 36);
    driven.press("x n down down down tab tab d u e ctrl-s");
    let Some(Effect::Plan { request, .. }) = driven.effects.last() else { panic!("{:?}", driven.effects) };
    let Request::Renew { certificate, options } = &**request else { panic!("{request:?}") };
    let found = driven.desk.world.inventory.certificates.get(certificate).unwrap();
    assert_eq!(&*found.meta.name, "web-tls");
    assert_eq!(request.subject().0, Kind::Certificate);
    assert_eq!((options.restart, options.reason.as_deref()), (Restart::None, Some("due")));
}

#[test]
fn what_no_certificate_writes_says_so_in_the_menu_and_a_volume_is_not_renewed() {
    for (keys, said) in [
        ("3 / name:payments-tls enter x", "no Certificate writes Secret payments-tls"),
        ("1 x", "only certificates are renewed"),
    ] {
        let mut driven = Driven::new(shop::desk(), 120, 36);
        driven.press(keys);
        let menu = driven.screen();
        let line = menu.lines().find(|line| line.contains(" renew ")).unwrap_or_else(|| panic!("{menu}"));
        assert!(line.contains(said), "{menu}");
    }
}
