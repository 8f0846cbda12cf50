//! Pictures for the documentation, made of real screens; `HOLDFAST_BLESS=1` writes them anew.

use std::path::PathBuf;

use holdfast::tui::{Theme, svg};

use super::driven::Driven;
use super::{findings, handing, rotation, runs, screens, shop, timeline, vulnerable};

fn check(name: &str, driven: &Driven) {
    let drawn = svg::svg(&driven.buffer(), &format!("holdfast: {name}"));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("screenshots").join(format!("{name}.svg"));
    if std::env::var_os("HOLDFAST_BLESS").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == drawn, "{} is not what is drawn now; HOLDFAST_BLESS=1 writes it anew", path.display());
}

#[test]
fn pictures_are_current() {
    let mut panes = Driven::new(shop::desk(), 120, 36);
    panes.desk.operations = vec![shop::operation()];
    panes.input(holdfast::tui::Input::Changed);
    panes.press("j");
    check("panes", &panes);
    panes.press("space");
    for name in Theme::names() {
        panes.app.theme = Theme::named(name).unwrap();
        check(&format!("theme-{name}"), &panes);
    }
    check("problems", Driven::new(shop::desk(), 120, 36).press("p"));
    check("findings", findings::scanned(120, 36).press("4 z b b enter j"));
    check("detail", Driven::new(shop::desk(), 120, 36).press("/ name:data-db-1 enter enter"));
    check("review", &screens::reviewed(120, 36));
    check("ca-rotation", &rotation::page(rotation::At::Pods, 120, 36));
    check("import-certificate", &handing::filled(120, 36));
    let mut tree = Driven::new(shop::desk(), 120, 36);
    shop::grown(&mut tree.desk);
    shop::stuck(&mut tree.desk);
    tree.input(holdfast::tui::Input::Changed);
    check("tree", tree.press("/ name:data-db-0 enter t j j j"));
    let mut volume = Driven::new(shop::desk(), 120, 36);
    timeline::prepared(&mut volume);
    volume.input(holdfast::tui::Input::Changed);
    check("timeline", volume.press("/ name:data-db-0 enter T left left left left left j"));
    let mut exposed = Driven::new(shop::desk(), 120, 36);
    vulnerable::whole(&mut exposed);
    exposed.input(holdfast::tui::Input::Changed);
    check("exposed", exposed.press("/ name:data-db-0 enter enter"));
    check("run", &runs::page(runs::At::Plan, 120, 36));
    check("small", &Driven::new(shop::desk(), 80, 24));
}
