//! The form before a rotation, and why some certificates have none.

use holdfast::plan::Request;
use holdfast::plan::rotate::Signer;
use holdfast::tui::Effect;
use insta::assert_snapshot;

use super::driven::Driven;
use super::renew::on;
use super::shop;

#[test]
fn the_form_before_a_rotation() {
    for (columns, lines) in [(120, 36), (80, 24)] {
        let mut driven = on("payments-tls", columns, lines);
        driven.press("x f");
        assert_snapshot!(format!("rotate-form-{columns}x{lines}"), driven.screen());
    }
}

#[test]
fn the_selected_secret_is_rotated_as_chosen() {
    let mut driven = on("payments-tls", 120, 36);
    driven.press("x f tab tab tab tab y tab ctrl-s");
    let Some(Effect::Plan { request, .. }) = driven.effects.last() else { panic!("{:?}", driven.effects) };
    let Request::Rotate { secret, options } = &**request else { panic!("{request:?}") };
    let found = driven.desk.world.inventory.tls_secrets.get(secret).unwrap();
    assert_eq!(&*found.meta.name, "payments-tls");
    assert_eq!(options.signer, Signer::Former);
    assert!(options.compromised, "{options:?}");
}

#[test]
fn what_cert_manager_writes_says_so_in_the_menu_and_a_volume_is_not_rotated() {
    for (keys, said) in
        [("3 / name:web-tls enter x", "cert-manager writes this Secret: renew it"), ("1 x", "only certificates in TLS")]
    {
        let mut driven = Driven::new(shop::desk(), 120, 36);
        driven.press(keys);
        let menu = driven.screen();
        let line = menu.lines().find(|line| line.contains(" rotate ")).unwrap_or_else(|| panic!("{menu}"));
        assert!(line.contains(said), "{menu}");
    }
}
