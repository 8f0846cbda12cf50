use rstest::rstest;

use super::*;

const EXIT: &str = r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 3",
    "reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#;
const KWOK: &str = r#"{"metadata":{},"status":"Failure","reason":"InternalError","code":500,
    "message":"Internal error occurred: error executing command in container: exit status 3"}"#;

#[rstest]
#[case::well(r#"{"metadata":{},"status":"Success"}"#, "some warning", Ok(()))]
#[case::an_exit_code(EXIT, "", Err("it ended with exit code 3"))]
#[case::with_its_words(EXIT, "psql: no\nroute\u{1b}[31m", Err("it ended with exit code 3: psql: no route␛[31m"))]
#[case::of_another_runtime(
    KWOK,
    "",
    Err("Internal error occurred: error executing command in container: exit status 3")
)]
#[case::no_status_at_all("", "", Err("its status cannot be understood"))]
#[case::neither(r#"{"metadata":{}}"#, "", Err("it failed"))]
fn only_a_status_of_success_is_one(#[case] status: &str, #[case] said: &str, #[case] ended: Result<(), &str>) {
    let mut kept = Kept::default();
    kept.take(said.as_bytes());
    assert_eq!(verdict(status.as_bytes(), &kept).as_ref().map_err(|why| &**why), ended.as_ref().map_err(|why| *why));
}

#[test]
fn of_long_output_the_beginning_and_the_last_words_are_kept() {
    let mut kept = Kept::default();
    for _ in 0..100 {
        kept.take(&[b'x'; 1024]);
    }
    kept.take(b" the end");
    assert_eq!(kept.text().len(), KEPT);
    assert!(kept.last_words().ends_with("x the end") && kept.last_words().chars().count() <= LAST_WORDS + 1);
}

#[test]
fn a_command_becomes_a_query_that_nothing_can_break_out_of() {
    let at = Container { namespace: "shop".into(), pod: "db-0".into(), name: "main".into() };
    let words = ["sh", "-c", "a && b; echo é&tty=true"].map(str::to_owned);
    assert_eq!(
        path(&at, &words, true).unwrap(),
        "/api/v1/namespaces/shop/pods/db-0/exec?container=main&stdout=true&stderr=true&stdin=true&command=sh\
         &command=-c&command=a%20%26%26%20b%3B%20echo%20%C3%A9%26tty%3Dtrue"
    );
    assert!(path(&Container { pod: "../x".into(), ..at }, &words, false).is_err());
}
