use super::*;
use crate::model::Uid;
use crate::plan::{Defaults, Verb};
use crate::tui::Chord;

fn request() -> Purpose {
    Purpose::Plan(Box::new(Request::new(Verb::Backup, &Uid::from("u"), &Defaults::default()).unwrap()))
}

/// A form with a field of every kind.
fn form() -> Form {
    let choices = ["block-fast", "block-kept", "shared"].map(|class| Choice::new(class, ""));
    let fields = vec![
        Field::new("class", "class", FieldKind::one_of("class", choices)).begins("block-fast"),
        Field::new("why", "why", FieldKind::Lines).optional(),
        Field::new("copies", "copies", FieldKind::Number(1..=9)).begins("1"),
        Field::new("within", "within", FieldKind::Duration).begins("2m"),
        Field::new("keep", "keep", FieldKind::YesNo).begins(false),
        Field::new("labels", "labels", FieldKind::Labels).optional(),
        Field::new("note", "note", FieldKind::Text).optional(),
    ];
    let spec = FormSpec { title: "try".into(), fields };
    Form::new(spec, request())
}

/// Presses keys as the console would hand them on.
fn press(form: &mut Form, keys: &str) {
    for key in keys.split(' ') {
        match (key, Chord::parse(key)) {
            ("tab", _) => form.next(),
            ("shift-tab", _) => form.previous(),
            (_, Ok(chord)) => form.edit(chord.event()),
            (word, Err(_)) => word.chars().for_each(|letter| form.edit(Chord::letter(letter).event())),
        }
    }
}

fn text(form: &Form, id: &str) -> String {
    form.fields().find(|(field, _)| field.id == id).unwrap().1.text()
}

fn values(form: &Form) -> Vec<String> {
    form.listed(form.focus).into_iter().map(|choice| choice.value).collect()
}

#[test]
fn typing_narrows_a_list_and_going_on_chooses_what_its_cursor_is_on() {
    let mut form = form();
    press(&mut form, "k");
    assert_eq!(values(&form), ["block-fast", "block-kept"], "what holds the letter, wherever it stands");
    press(&mut form, "e");
    assert_eq!(values(&form), ["block-kept"]);
    press(&mut form, "tab");
    assert_eq!((text(&form, "class"), form.focus), ("block-kept".to_owned(), 1));
}

#[test]
fn what_begins_with_the_typed_letters_is_meant_before_what_holds_them() {
    let mut form = form();
    press(&mut form, "s");
    assert_eq!(values(&form), ["shared", "block-fast"]);
}

#[test]
fn a_list_opens_on_the_present_answer_and_shows_all() {
    let mut form = form();
    press(&mut form, "down");
    assert_eq!(values(&form).len(), 3);
    press(&mut form, "down down down up");
    form.settle();
    assert_eq!(text(&form, "class"), "block-kept");
    press(&mut form, "up");
    assert_eq!(form.entries[0].open.as_ref().unwrap().place, 1);
}

#[test]
fn a_list_that_is_left_without_a_match_gives_the_answer_back() {
    let mut form = form();
    press(&mut form, "zz");
    assert!(values(&form).is_empty() && form.said_wrong(0).is_none(), "a search is no answer");
    form.settle();
    assert_eq!(text(&form, "class"), "block-fast");
    press(&mut form, "s");
    assert!(form.close_list() && !form.close_list());
    assert_eq!(text(&form, "class"), "block-fast");
    assert!(!form.touched());
}

#[test]
fn lines_are_walked_inside_and_left_at_their_edges() {
    let mut form = form();
    press(&mut form, "tab one enter two");
    assert_eq!(text(&form, "why"), "one\ntwo");
    press(&mut form, "up");
    assert_eq!(form.focus, 1);
    press(&mut form, "up");
    assert_eq!(form.focus, 0);
    press(&mut form, "tab down down");
    assert_eq!(form.focus, 2);
}

#[test]
fn the_first_wrong_answer_gets_the_keys_and_all_of_them_are_said() {
    let mut form = form();
    assert_eq!((0..7).filter_map(|place| form.said_wrong(place)).count(), 0);
    press(&mut form, "tab tab backspace tab backspace");
    assert_eq!(form.said_wrong(3).as_deref(), Some("\"2\" is not a duration; write one such as 90s, 10m or 1h30m"));
    assert!(form.submit().is_none());
    assert_eq!((form.focus, form.said_wrong(2).as_deref()), (2, Some("copies needs an answer")));
    press(&mut form, "3 tab m");
    let filled = form.submit().unwrap();
    assert_eq!((filled.get("copies"), filled.get("within"), filled.get("note")), (Some("3"), Some("2m"), None));
}

#[test]
fn yes_and_no_are_chosen_like_anything_else() {
    let mut form = form();
    form.focus = 4;
    press(&mut form, "y tab");
    assert_eq!(text(&form, "keep"), "yes");
}

#[test]
fn what_does_not_show_is_made_visible_when_it_is_pasted() {
    let mut form = form();
    form.focus = 6;
    form.paste(&"a\u{202e}b\u{1b}[2J\nsecond line".into()).unwrap();
    assert_eq!(text(&form, "note"), "a<U+202E>b␛[2J");
    form.focus = 1;
    form.paste(&"one\r\ntwo\tthree".into()).unwrap();
    assert_eq!(text(&form, "why"), "one\ntwo three");
    form.focus = 0;
    form.paste(&"shared\n".into()).unwrap();
    assert_eq!(values(&form), ["shared"]);
}

#[test]
fn a_chosen_name_stays_what_it_is_while_what_it_hides_shows() {
    let hidden = "fast\u{202e}";
    let class = Field::new("class", "class", FieldKind::one_of("class", [Choice::new(hidden, "")]));
    let spec = FormSpec { title: "try".into(), fields: vec![class] };
    let mut form = Form::new(spec, request());
    press(&mut form, "down");
    assert_eq!(form.submit().unwrap().get("class"), Some(hidden));
    assert_eq!(form.entries[0].area.lines(), ["fast<U+202E>"]);
}

#[test]
fn a_form_of_the_same_object_takes_up_what_was_typed() {
    let mut earlier = form();
    press(&mut earlier, "k e tab because");
    let mut later = form();
    later.spec.fields[3].default = "5m".into();
    later = Form::new(later.spec, request());
    later.take_up(&earlier);
    assert_eq!([text(&later, "class"), text(&later, "why"), text(&later, "within")], ["block-kept", "because", "5m"]);
}
