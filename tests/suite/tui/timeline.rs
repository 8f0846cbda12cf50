//! The timeline: what it shows of a volume, a certificate and the worst, and where keys lead in it.

use holdfast::tui::{Input, LEAST, Layer, Place, TimelineLayer};
use holdfast::view::{OperationState, Whose};

use super::driven::Driven;
use super::screens::both;
use super::shop;

fn layer(driven: &Driven) -> &TimelineLayer {
    match driven.app.layers.last() {
        Some(Layer::Timeline(timeline)) => timeline,
        other => panic!("no timeline: {other:?}"),
    }
}

/// The shop with a history: more copies, a schedule, and an operation that is done.
pub fn prepared(driven: &mut Driven) {
    shop::grown(&mut driven.desk);
    let mut operation = shop::operation();
    operation.state = OperationState::Done;
    operation.started = Some(shop::now() - jiff::SignedDuration::from_mins(68));
    operation.waits = None;
    operation.steps.truncate(2);
    driven.desk.operations = vec![operation];
}

fn volume(columns: u16, lines: u16) -> Driven {
    let mut driven = Driven::new(shop::desk(), columns, lines);
    prepared(&mut driven);
    driven.input(Input::Changed);
    driven.press("/ name:data-db-0 enter T");
    driven
}

#[test]
fn the_timeline_of_a_volume() {
    both("timeline", "/ name:data-db-0 enter T", prepared);
}

#[test]
fn a_moment_in_the_past_says_what_lies_there() {
    both("timeline-past", "/ name:data-db-0 enter T left left left", prepared);
}

#[test]
fn the_timeline_of_the_worst() {
    both("timeline-worst", "p T", prepared);
}

#[test]
fn the_timeline_of_a_certificate() {
    both("timeline-certificate", "3 / name:payments enter T", |_| {});
}

/// Of all certificates, by way of their lane among the worst.
#[test]
fn the_timeline_of_the_certificates_that_end_or_are_renewed_soon() {
    both("timeline-certificates", "p T G k k T", prepared);
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("1 : timeline space shop enter");
    while !layer(&driven).lane().is_some_and(holdfast::view::is_of_certificates) {
        driven.press("j");
    }
    driven.press("T");
    assert_eq!(layer(&driven).whose, Whose::Certificates(Some("shop".into())));
    assert!(layer(&driven).chart.lanes.iter().skip(1).all(|lane| lane.name.starts_with("shop/")));
    driven.press("j T");
    assert!(matches!(layer(&driven).whose, Whose::Object(_)), "a lane of one leads to its own");
    driven.press("esc esc");
    assert_eq!(layer(&driven).whose, Whose::Worst(Some("shop".into())));
}

#[test]
fn the_cursor_goes_through_time_and_the_window_follows() {
    let mut driven = volume(120, 36);
    let at = |driven: &Driven| layer(driven).at(shop::now());
    driven.press("left");
    let cell = shop::now().duration_since(at(&driven));
    driven.press("right");
    assert_eq!(at(&driven), shop::now());
    driven.press(&"left ".repeat(200));
    assert_eq!(shop::now().duration_since(at(&driven)), cell * 200);
    let window = layer(&driven).window(shop::now(), 80);
    assert_eq!(window.find(at(&driven)), Some(0), "it is the first cell that is shown");
    driven.press("0");
    assert_eq!(at(&driven), shop::now());
}

#[test]
fn pan_and_zoom_keep_the_cursor_in_its_cell() {
    let mut driven = volume(120, 36);
    let place = |driven: &Driven| {
        let layer = layer(driven);
        layer.window(shop::now(), 80).find(layer.at(shop::now()))
    };
    driven.press("h");
    let (before, was) = (place(&driven), layer(&driven).at(shop::now()));
    assert!(was < shop::now());
    driven.press("-");
    assert_eq!((place(&driven), layer(&driven).at(shop::now())), (before, was));
    driven.press("+ +");
    assert_eq!((place(&driven), layer(&driven).at(shop::now())), (before, was));
    driven.press("l");
    assert!(layer(&driven).at(shop::now()) > was);
    driven.press(&"+ ".repeat(30)).press(&"- ".repeat(30)).screen();
}

#[test]
fn enter_opens_what_lies_under_the_cursor_and_escape_comes_back() {
    let mut driven = volume(120, 36);
    let marks = &layer(&driven).chart.lanes[0].marks;
    let newest = marks.last().unwrap().what.clone();
    let cells = shop::now().duration_since(marks.last().unwrap().at).as_secs()
        / layer(&driven).window(shop::now(), 80).cell().as_secs();
    driven.press(&"left ".repeat(usize::try_from(cells).unwrap()));
    if !driven.screen().contains(&*newest) {
        driven.press("left");
    }
    assert!(driven.screen().contains(&*newest), "{}", driven.screen());
    driven.press("enter");
    assert_eq!(driven.app.place(), Place::Detail);
    assert!(driven.screen().contains("VolumeSnapshot shop/data-db-0-0301-0200"), "{}", driven.screen());
    driven.press("esc t");
    assert_eq!(driven.app.place(), Place::Tree, "the lane's volume as a tree");
    driven.press("esc esc");
    assert_eq!(driven.app.place(), Place::Panes);
}

#[test]
fn problems_and_what_has_no_lanes_show_the_worst_and_a_lane_its_own() {
    let mut driven = Driven::new(shop::desk(), 120, 36);
    driven.press("p T");
    assert_eq!(layer(&driven).whose, Whose::Worst(None));
    driven.press("j T");
    assert!(matches!(layer(&driven).whose, Whose::Object(_)), "{:?}", layer(&driven).whose);
    driven.press("esc");
    assert_eq!(layer(&driven).whose, Whose::Worst(None));
    driven.press("esc 4 T");
    assert_eq!(layer(&driven).whose, Whose::Worst(None), "findings have none");
    driven.press("1 : timeline space batch enter");
    assert_eq!(layer(&driven).whose, Whose::Worst(Some("batch".into())));
    assert!(layer(&driven).chart.lanes.iter().all(|lane| !lane.name.starts_with("shop/")));
}

#[test]
fn the_smallest_terminal_draws_a_timeline() {
    for (columns, lines) in [(1, 1), (5, 3), (20, 6), LEAST, (79, 17)] {
        volume(120, 36).resize(columns, lines).press("left h + - 0 j").screen();
    }
}
