//! Cron expressions as Velero reads them (robfig/cron, `ParseStandard`): five fields, names of months and weekdays,
//! `@daily` and the like, `@every DURATION`. The time zone is told from outside; an expression with one of its own is
//! not read, so that no run is promised at a wrong hour.
//!
//! Where clocks go forward, a run in the hour that is left out comes as much later. Where they go back, a run of every
//! hour comes in both of the hours, any other in the first.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How far ahead a run is looked for: the rarest one, a 29th of February, comes within eight years.
const DAYS: u32 = 8 * 366;

/// When something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cron {
    /// Again and again after this long.
    Every(SignedDuration),
    /// At these minutes.
    At(Box<Fields>),
}

/// One bit for each value of a field that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether day of month or weekday was left open: then both must hold, else one of them.
    both: bool,
}

impl Cron {
    /// Reads an expression; `None` when it is not one, or has a time zone.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(every) = text.strip_prefix("@every ") {
            let every: SignedDuration = every.trim().parse().ok()?;
            return (every >= SignedDuration::from_secs(1)).then_some(Self::Every(every));
        }
        let fields = match text {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let mut fields = fields.split_ascii_whitespace();
        let (minutes, _) = field(fields.next()?, 0, 59, &[])?;
        let (hours, _) = field(fields.next()?, 0, 23, &[])?;
        let (days, any_day) = field(fields.next()?, 1, 31, &[])?;
        let (months, _) = field(fields.next()?, 1, 12, &MONTHS)?;
        let (weekdays, any_weekday) = field(fields.next()?, 0, 6, &WEEKDAYS)?;
        let both = any_day || any_weekday;
        let fields = fields.next().is_none().then_some(Fields { minutes, hours, days, months, weekdays, both })?;
        Some(Self::At(Box::new(fields)))
    }

    /// The first run after a moment, by the clocks of a time zone. `@every` counts from `last`, the run before.
    pub fn after(&self, moment: Timestamp, last: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(every) => {
                let since = moment.duration_since(last).as_secs().max(0);
                let runs = since.checked_div(every.as_secs())? + 1;
                last.checked_add(SignedDuration::from_secs(runs.checked_mul(every.as_secs())?)).ok()
            }
            Self::At(fields) => fields.after(moment, zone),
        }
    }
}

/// How many minutes ahead a run of every hour is looked for minute by minute.
const SOON: i64 = 3 * 60;
/// Every hour of a day.
const EACH_HOUR: u64 = (1 << 24) - 1;

impl Fields {
    fn after(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let minute = moment.as_second().div_euclid(60) + 1;
        let first = Timestamp::from_second(minute * 60).ok()?;
        if self.hours == EACH_HOUR
            && let Some(run) = self.soon(first, zone)
        {
            return Some(run);
        }
        let first = first.to_zoned(zone.clone()).datetime();
        let mut date = first.date();
        for _ in 0..DAYS {
            let mut from = (date == first.date()).then_some((first.hour(), first.minute())).or(Some((0, 0)));
            while let Some(time) = from.filter(|_| self.day(date)).and_then(|from| self.time(from)) {
                if let Some(run) = run(date, time, zone, moment) {
                    return Some(run);
                }
                from = match time {
                    (23, 59) => None,
                    (hour, 59) => Some((hour + 1, 0)),
                    (hour, minute) => Some((hour, minute + 1)),
                };
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// A run of every hour that comes within the next hours, whatever the clocks do meanwhile.
    fn soon(&self, first: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut minutes = (0..SOON).filter_map(|minutes| first.checked_add(SignedDuration::from_mins(minutes)).ok());
        minutes.find(|at| {
            let at = at.to_zoned(zone.clone());
            self.day(at.date()) && holds(self.minutes, at.minute())
        })
    }

    fn day(&self, date: Date) -> bool {
        let day = holds(self.days, date.day());
        let weekday = holds(self.weekdays, date.weekday().to_sunday_zero_offset());
        holds(self.months, date.month()) && if self.both { day && weekday } else { day || weekday }
    }

    /// The first time of a day, from hour and minute on.
    fn time(&self, (hour, minute): (i8, i8)) -> Option<(i8, i8)> {
        (hour..24).filter(|h| holds(self.hours, *h)).find_map(|h| {
            let from = if h == hour { minute } else { 0 };
            (from..60).find(|m| holds(self.minutes, *m)).map(|m| (h, m))
        })
    }
}

/// A run at a time of a day, if that is after a moment: a time that comes twice may be over the first time only.
fn run(date: Date, (hour, minute): (i8, i8), zone: &TimeZone, moment: Timestamp) -> Option<Timestamp> {
    let run = date.at(hour, minute, 0, 0).to_zoned(zone.clone()).ok()?.timestamp();
    (run > moment).then_some(run)
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

fn holds(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits & (1 << value) != 0)
}

/// The values of a field, and whether it was left open. Names count from `least`.
fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<(u64, bool)> {
    let (mut bits, mut open) = (0, false);
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step = step.map_or(Some(1), |step| step.parse().ok())?;
        let star = matches!(range, "*" | "?");
        let (from, to) = match range.split_once('-') {
            _ if star => (least, most),
            Some((from, to)) => (value(from, least, names)?, value(to, least, names)?),
            None => {
                let one = value(range, least, names)?;
                // `5/15` goes on to the end, as in cron.
                (one, if part.contains('/') { most } else { one })
            }
        };
        if step == 0 || from < least || to > most || from > to {
            return None;
        }
        bits |= (from..=to).step_by(usize::try_from(step).ok()?).fold(0u64, |bits, value| bits | 1 << value);
        open |= star && step == 1;
    }
    Some((bits, open))
}

fn value(text: &str, least: u32, names: &[&str]) -> Option<u32> {
    let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
    match named {
        Some(place) => Some(least + u32::try_from(place).ok()?),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    // 2026-03-01 is a Sunday.
    #[rstest]
    #[case("0 3 * * *", "2026-03-02T03:00:00Z")]
    #[case("7 12 * * *", "2026-03-01T12:07:00Z")]
    #[case("*/15 * * * *", "2026-03-01T12:15:00Z")]
    #[case("5/20 * * * *", "2026-03-01T12:05:00Z")]
    #[case("0 0-6/3,20 * * *", "2026-03-01T20:00:00Z")]
    #[case("0 4 * * 1-5", "2026-03-02T04:00:00Z")]
    #[case("0 4 * * MON,fri", "2026-03-02T04:00:00Z")]
    #[case("0 4 29 2 *", "2028-02-29T04:00:00Z")]
    #[case("0 4 13 * 5", "2026-03-06T04:00:00Z")]
    #[case("0 4 13 * ?", "2026-03-13T04:00:00Z")]
    #[case("0 0 1 jan *", "2027-01-01T00:00:00Z")]
    #[case("@hourly", "2026-03-01T13:00:00Z")]
    #[case("@weekly", "2026-03-08T00:00:00Z")]
    #[case("@every 6h", "2026-03-01T16:30:00Z")]
    fn the_first_run_after_noon(#[case] text: &str, #[case] next: &str) {
        let cron = Cron::parse(text).unwrap_or_else(|| panic!("{text} was not read"));
        let found = cron.after(at("2026-03-01T12:00:00Z"), at("2026-03-01T10:30:00Z"), &TimeZone::UTC);
        assert_eq!(found, Some(at(next)));
    }

    // Berlin went forward at 01:00Z on the 29th of March, and back at 01:00Z on the 25th of October.
    #[rstest]
    #[case::winter("0 3 * * *", "2026-03-01T12:00:00Z", "2026-03-02T02:00:00Z")]
    #[case::summer("0 3 * * *", "2026-07-01T12:00:00Z", "2026-07-02T01:00:00Z")]
    #[case::left_out("30 2 * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z")]
    #[case::twice_first("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z")]
    #[case::twice_not_again("30 2 * * *", "2026-10-25T00:45:00Z", "2026-10-26T01:30:00Z")]
    #[case::every_hour("30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]
    #[case::every_hour_on("30 * * * *", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z")]
    #[case::the_day_is_theirs("0 0 1 * *", "2026-03-01T12:00:00Z", "2026-03-31T22:00:00Z")]
    fn the_clocks_of_a_time_zone_count(#[case] text: &str, #[case] from: &str, #[case] next: &str) {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(Cron::parse(text).unwrap().after(at(from), at(from), &zone), Some(at(next)));
    }

    #[rstest]
    #[case("")]
    #[case("0 3 * *")]
    #[case("0 3 * * * *")]
    #[case("60 3 * * *")]
    #[case("0 3 * * 7")]
    #[case("0 3 5-1 * *")]
    #[case("*/0 * * * *")]
    #[case("CRON_TZ=Asia/Tokyo 0 3 * * *")]
    #[case("@every soon")]
    #[case("@every 0s")]
    #[case("@reboot")]
    fn what_is_not_an_expression_promises_no_run(#[case] text: &str) {
        assert_eq!(Cron::parse(text), None);
    }

    #[test]
    fn a_day_that_never_comes_is_given_up() {
        let never = Cron::parse("0 0 31 2 *").unwrap();
        assert_eq!(never.after(at("2026-03-01T12:00:00Z"), at("2026-03-01T12:00:00Z"), &TimeZone::UTC), None);
    }
}
