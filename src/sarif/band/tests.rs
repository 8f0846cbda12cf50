use super::super::json::Cursor;
use super::super::properties::Properties;
use super::*;
use rstest::rstest;

const ERROR: Option<Level> = Some(Level::Error);
const NOTE: Option<Level> = Some(Level::Note);
const NONE: Option<Level> = None;

#[rstest]
#[case(ResultKind::Fail, ERROR, NOTE, NOTE, Level::Error)]
#[case(ResultKind::Fail, NONE, ERROR, NOTE, Level::Error)]
#[case(ResultKind::Fail, NONE, NONE, NOTE, Level::Note)]
#[case(ResultKind::Fail, NONE, NONE, NONE, Level::Warning)]
#[case(ResultKind::Pass, ERROR, NONE, NONE, Level::None)]
#[case(ResultKind::Open, ERROR, NONE, NONE, Level::None)]
#[case(ResultKind::Review, NONE, NONE, ERROR, Level::None)]
fn levels_follow_the_specification(
    #[case] kind: ResultKind,
    #[case] own: Option<Level>,
    #[case] overridden: Option<Level>,
    #[case] rule: Option<Level>,
    #[case] expected: Level,
) {
    assert_eq!(level(kind, own, overridden, rule), expected);
}

fn said(result: &str, rule: &str) -> Said {
    let rated = |bag: &str| Properties::read(&mut Cursor::new(bag.as_bytes())).rated;
    Said { level: Level::Error, result: rated(result), rule: rated(rule), ..Said::default() }
}

#[rstest]
#[case("{}", "{}", Band::High, BandSource::Level, None)]
#[case(r#"{"security-severity":"HIGH"}"#, "{}", Band::High, BandSource::Score, None)]
#[case(r#"{"security-severity":9.8}"#, "{}", Band::Critical, BandSource::Score, Some(98))]
#[case(r#"{"security-severity":"9.999999"}"#, "{}", Band::Critical, BandSource::Score, Some(99))]
#[case(r#"{"security-severity":"0.0"}"#, "{}", Band::High, BandSource::Level, None)]
#[case(r#"{"security-severity":"undefined"}"#, "{}", Band::High, BandSource::Level, None)]
#[case(r#"{"security-severity":null}"#, "{}", Band::High, BandSource::Level, None)]
#[case(r#"{"security-severity":"NaN"}"#, "{}", Band::High, BandSource::Level, None)]
#[case(r#"{"security-severity":11}"#, "{}", Band::High, BandSource::Level, None)]
#[case(
    r#"{"security-severity":"undefined"}"#,
    r#"{"security-severity":"5"}"#,
    Band::Medium,
    BandSource::Score,
    Some(50)
)]
#[case(r#"{"security-severity":"3.1"}"#, r#"{"security-severity":"9"}"#, Band::Low, BandSource::Score, Some(31))]
#[case("{}", r#"{"security-severity":"9.0","tags":["LOW"]}"#, Band::Critical, BandSource::Score, Some(90))]
#[case(r#"{"cvssv2_score":"4.1","cvssv3_baseScore":7.5}"#, "{}", Band::High, BandSource::Cvss, None)]
#[case(r#"{"cvssv3_baseSeverity":"MEDIUM"}"#, "{}", Band::Medium, BandSource::Cvss, None)]
#[case(r#"{"severity":"low"}"#, r#"{"cvssv2_score":9.1}"#, Band::Critical, BandSource::Cvss, None)]
#[case(r#"{"severity":"low"}"#, "{}", Band::Low, BandSource::Word, None)]
#[case("{}", r#"{"problem.severity":"recommendation"}"#, Band::Low, BandSource::Word, None)]
#[case("{}", r#"{"tags":["x","CRITICAL"]}"#, Band::Critical, BandSource::Word, None)]
#[case("{}", r#"{"tags":["critical"]}"#, Band::High, BandSource::Level, None)]
#[case(r#"{"severity":"whatever"}"#, "{}", Band::High, BandSource::Level, None)]
fn bands_come_from_the_most_telling_source(
    #[case] result: &str,
    #[case] rule: &str,
    #[case] band: Band,
    #[case] source: BandSource,
    #[case] score: Option<u8>,
) {
    assert_eq!(own(&said(result, rule)), (band, source, score));
}

#[rstest]
#[case(ResultKind::Pass, Band::Info, BandSource::Kind)]
#[case(ResultKind::Informational, Band::Info, BandSource::Kind)]
#[case(ResultKind::Review, Band::High, BandSource::Word)]
fn kinds_that_are_no_failures_have_no_other_band(
    #[case] kind: ResultKind,
    #[case] band: Band,
    #[case] source: BandSource,
) {
    let said = Said { kind, ..said(r#"{"severity":"high"}"#, "{}") };
    let (own_band, own_source, _) = own(&said);
    assert_eq!((own_band, own_source), (band, source));
}

#[rstest]
#[case::nothing_known("semgrep", (Band::High, BandSource::Level), (Band::High, BandSource::Level))]
#[case::preset("gitleaks", (Band::Medium, BandSource::Level), (Band::High, BandSource::Preset))]
#[case::capped("checkov", (Band::High, BandSource::Level), (Band::Medium, BandSource::Preset))]
#[case::a_score_is_not_capped("checkov", (Band::Critical, BandSource::Score), (Band::Critical, BandSource::Score))]
#[case::less_is_not_raised("checkov", (Band::Low, BandSource::Level), (Band::Low, BandSource::Level))]
#[case::not_passes("gitleaks", (Band::Info, BandSource::Kind), (Band::Info, BandSource::Kind))]
fn what_is_known_of_a_tool_is_followed(
    #[case] tool: &str,
    #[case] own: (Band, BandSource),
    #[case] expected: (Band, BandSource),
) {
    assert_eq!(settled(own, preset(tool)), expected);
}
