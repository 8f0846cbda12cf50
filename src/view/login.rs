//! How long the console's own credentials last: an operation must not outlive them unseen.

use jiff::{SignedDuration, Timestamp};

use super::{Level, Sight};
use crate::text;

/// Less than this needs attention soon: some operations take as long.
const SOON: SignedDuration = SignedDuration::from_hours(1);
/// Less than this needs attention now: no operation should be begun any more.
const NOW: SignedDuration = SignedDuration::from_mins(10);

/// How the credentials stand that end at this moment; `None` when nothing is known of their end, which is not good.
pub fn login(ends: Option<Timestamp>, now: Timestamp) -> Sight {
    let Some(ends) = ends else {
        let why = "nothing says when the credentials end: a token that is no JWT, or a password".to_owned();
        return Sight { level: Level::Unknown, word: "login".into(), why };
    };
    let left = ends.duration_since(now);
    let (level, word) = if left <= SignedDuration::ZERO {
        (Level::Critical, format!("login ended {} ago", text::age(-left)))
    } else {
        let level = if left < NOW {
            Level::Critical
        } else if left < SOON {
            Level::Warn
        } else {
            Level::Ok
        };
        (level, format!("login {} left", text::age(left)))
    };
    let why = if level == Level::Ok { String::new() } else { "log in again, as kubectl would need it".to_owned() };
    Sight { level, word, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::days(3 * 86_400, Level::Ok, "login 3d left")]
    #[case::an_hour(3_600, Level::Ok, "login 1h left")]
    #[case::less_than_an_hour(3_599, Level::Warn, "login 59m left")]
    #[case::ten_minutes(600, Level::Warn, "login 10m left")]
    #[case::less_than_ten_minutes(599, Level::Critical, "login 9m left")]
    #[case::seconds(1, Level::Critical, "login 1s left")]
    #[case::over(0, Level::Critical, "login ended 0s ago")]
    #[case::long_over(-7_200, Level::Critical, "login ended 2h ago")]
    fn the_end_comes_nearer(#[case] left: i64, #[case] level: Level, #[case] word: &str) {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let sight = login(Some(now + SignedDuration::from_secs(left)), now);
        assert_eq!((sight.level, sight.word.as_str()), (level, word));
    }

    #[test]
    fn an_end_that_is_not_known_is_not_good() {
        assert_eq!(login(None, Timestamp::UNIX_EPOCH).level, Level::Unknown);
    }
}
