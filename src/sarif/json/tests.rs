use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

#[rstest]
#[case(r#"{"a":1,"b":[true,null,"x"]}"#, json!({"a":1,"b":[true,null,"x"]}), false)]
#[case(r#"{"a":1,}"#, json!({"a":1}), true)]
#[case(r#"{"a":1 "b":2}"#, json!({"a":1,"b":2}), true)]
#[case("[1,,2,]", json!([1,2]), true)]
#[case(r#"{"a":1,"a":2}"#, json!({"a":2}), false)]
#[case(r#"{a:1,"b":2}"#, json!({"b":2}), true)]
#[case("\"tab\tend\"", json!("tab\tend"), false)]
#[case(r#""\ud800x""#, json!("\u{fffd}x"), false)]
#[case(r#""\ud83d\ude00\u00e9\n\/""#, json!("😀é\n/"), false)]
#[case(r#""\u12""#, json!("\u{fffd}12"), false)]
#[case("NaN", Value::Null, true)]
fn what_is_odd_is_read_all_the_same(#[case] text: &str, #[case] value: Value, #[case] odd: bool) {
    let mut cursor = Cursor::new(text.as_bytes());
    assert_eq!(branch(&mut cursor, 0), value);
    assert_eq!(cursor.odd, odd);
}

#[test]
fn bytes_that_are_not_utf8_become_a_mark() {
    assert_eq!(tree(b"\"caf\xe9\""), json!("caf\u{fffd}"));
    assert_eq!(tree(b"\"caf\xe9\\n\""), json!("caf\u{fffd}\n"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_read_as_it_was(value in any_json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let mut cursor = Cursor::new(text.as_bytes());
        prop_assert_eq!(branch(&mut cursor, 0), value);
        prop_assert!(!cursor.odd);
    }

    #[test]
    fn no_bytes_panic_or_go_on_for_ever(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        tree(&bytes);
    }

    #[test]
    fn no_punctuation_panics(text in "[\\[\\]{}\",:\\\\ua1 ]{0,60}") {
        tree(text.as_bytes());
    }
}
