//! Bytes and durations: read as Kubernetes writes them, said as kubectl users know them.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads a Kubernetes quantity of bytes (`1Gi`, `1.5G`, `100M`, `1e9`, `2E`, `500m`); fractions of a byte round up,
/// as the API does. `None` when it is not a quantity, is negative, or does not fit.
/// Source: apimachinery, `resource.Quantity`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let mantissa: u128 = format!("0{whole}{fraction}").parse().ok()?;
    let (factor, power) = scale(suffix)?;
    let scaled = mantissa.checked_mul(factor)?;
    let power = power.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let ten = 10u128.checked_pow(power.unsigned_abs());
    let bytes = match (power >= 0, ten) {
        (true, Some(ten)) => scaled.checked_mul(ten)?,
        (true, None) => return (scaled == 0).then_some(0),
        (false, Some(ten)) => scaled.div_ceil(ten),
        (false, None) => u128::from(scaled > 0),
    };
    u64::try_from(bytes).ok()
}

/// What a suffix stands for: a factor, and a power of ten.
fn scale(suffix: &str) -> Option<(u128, i32)> {
    Some(match suffix {
        "" => (1, 0),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        _ => (1, suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

/// Bytes in at most six columns, in powers of 1024: `512B`, `1.0Gi`, `100Gi`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut unit = 0;
    // Tenths of the unit, rounded half up.
    let tenths = |unit: usize| (u128::from(bytes) * 10 + (1 << (10 * unit + 9))) >> (10 * (unit + 1));
    while unit + 1 < UNITS.len() && tenths(unit) >= 10_240 {
        unit += 1;
    }
    let tenths = tenths(unit);
    if tenths < 1000 {
        format!("{}.{}{}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{}{}", (tenths + 5) / 10, UNITS[unit])
    }
}

/// Bytes as a Kubernetes quantity of exactly that many: in the largest power of 1024 that divides them.
pub fn exact(bytes: u64) -> String {
    let units = [(60, "Ei"), (50, "Pi"), (40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")];
    let fitting = units.into_iter().find(|(power, _)| bytes > 0 && bytes.trailing_zeros() >= *power);
    fitting.map_or_else(|| bytes.to_string(), |(power, unit)| format!("{}{unit}", bytes >> power))
}

/// A share in whole per cent, rounded down; over 100 when the part is more than the whole. Of nothing, as of one.
pub fn percent(part: u64, whole: u64) -> u64 {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    u64::try_from(percent).unwrap_or(u64::MAX)
}

/// A duration by its largest unit, cut, not rounded: `45s`, `12m`, `3h`, `5d`, `2y`. A minus when it is negative.
pub fn age(duration: SignedDuration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const YEAR: u64 = 365 * DAY;
    let seconds = duration.as_secs().unsigned_abs();
    let sign = if duration.as_secs() < 0 { "-" } else { "" };
    let (count, unit) = match seconds {
        0..MINUTE => (seconds, "s"),
        MINUTE..HOUR => (seconds / MINUTE, "m"),
        HOUR..DAY => (seconds / HOUR, "h"),
        DAY..YEAR => (seconds / DAY, "d"),
        _ => (seconds / YEAR, "y"),
    };
    format!("{sign}{count}{unit}")
}

/// A duration of which parts of a second matter: `0.8s`, `12.3s`; from a minute on as [`age`] says it.
pub fn moment(duration: SignedDuration) -> String {
    let tenths = duration.as_millis() / 100;
    if tenths.unsigned_abs() >= 600 {
        return age(duration);
    }
    format!("{}.{}s", tenths / 10, tenths.unsigned_abs() % 10)
}

/// A duration of which thousandths of a second matter: `34ms`; from a second on as [`moment`] says it.
pub fn instant(duration: SignedDuration) -> String {
    let thousandths = duration.as_millis();
    if thousandths.unsigned_abs() >= 1000 { moment(duration) } else { format!("{thousandths}ms") }
}

/// Reads a span of time in the units of [`age`], one or several parts: `45s`, `12m`, `3h`, `5d`, `2w`, `1y`,
/// `1d12h`, `-2d`. A year has 365 days, as there. `None` when it is not a span or does not fit.
pub fn parse_span(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut seconds = 0i64;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit = match tail.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            'w' => 7 * 24 * 60 * 60,
            'y' => 365 * 24 * 60 * 60,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        rest = &tail[1..];
        if rest.is_empty() {
            return Some(SignedDuration::from_secs(sign * seconds));
        }
    }
}

/// A span of time in full, as [`parse_span`] reads it: `1d12h`. Parts of a second are left out.
pub fn span(span: SignedDuration) -> String {
    let mut left = span.as_secs().unsigned_abs();
    let mut said = if span.is_negative() { "-".to_owned() } else { String::new() };
    for (unit, seconds) in [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)] {
        if left >= seconds {
            said = format!("{said}{}{unit}", left / seconds);
            left %= seconds;
        }
    }
    if said.is_empty() { "0s".to_owned() } else { said }
}

/// Reads a duration as people write it: a [span](parse_span), or finer units (`90s`, `10m`, `1h30m`, `1d`, `500ms`).
///
/// # Errors
/// When it is none, or not longer than nothing; says what to write.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let read = parse_span(text).map_or_else(|| text.parse::<SignedDuration>(), Ok);
    match read {
        Ok(duration) if duration.is_positive() => Ok(duration),
        Ok(_) => Err("needs a duration longer than nothing".to_owned()),
        Err(_) => {
            let text = super::sanitize(text);
            Err(format!("\"{text}\" is not a duration; write one such as 90s, 10m or 1h30m"))
        }
    }
}

/// A deadline in full, as [`duration`] says it; nothing when it is longer than anything that is read.
pub fn deadline(within: Duration) -> String {
    SignedDuration::try_from(within).map(duration).unwrap_or_default()
}

/// A duration in full, as [`parse_duration`] reads it: `1m30s`.
pub fn duration(duration: SignedDuration) -> String {
    format!("{duration:#}").replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("0", Some(0))]
    #[case("1024", Some(1024))]
    #[case("1Ki", Some(1024))]
    #[case("1Gi", Some(1 << 30))]
    #[case("1.5Gi", Some(3 << 29))]
    #[case("15Ei", Some(15 << 60))]
    #[case("16Ei", None)]
    #[case("1k", Some(1000))]
    #[case("2E", Some(2_000_000_000_000_000_000))]
    #[case("1e3", Some(1000))]
    #[case("1E3", Some(1000))]
    #[case("12e-1", Some(2))]
    #[case("1500m", Some(2))]
    #[case("1n", Some(1))]
    #[case(".5Ki", Some(512))]
    #[case("+5", Some(5))]
    #[case("61743560", Some(61_743_560))]
    #[case("0e999", Some(0))]
    #[case("1e999", None)]
    #[case("1e99999999999", None)]
    #[case("-1Gi", None)]
    #[case("1.2.3", None)]
    #[case("1GB", None)]
    #[case("Gi", None)]
    #[case("", None)]
    #[case(".", None)]
    #[case("1 Gi", None)]
    fn quantities_as_the_api_writes_them(#[case] text: &str, #[case] bytes: Option<u64>) {
        assert_eq!(parse_bytes(text), bytes);
    }

    #[rstest]
    #[case(0, "0B")]
    #[case(1023, "1023B")]
    #[case(1024, "1.0Ki")]
    #[case(1 << 30, "1.0Gi")]
    #[case(3 << 29, "1.5Gi")]
    #[case(100 << 30, "100Gi")]
    #[case((1 << 20) - 1, "1.0Mi")]
    #[case(1023 << 10, "1023Ki")]
    #[case(u64::MAX, "16.0Ei")]
    fn bytes_are_short(#[case] count: u64, #[case] said: &str) {
        assert_eq!(bytes(count), said);
    }

    #[rstest]
    #[case(0, "0")]
    #[case(64 << 20, "64Mi")]
    #[case(3 << 29, "1536Mi")]
    #[case(61_743_560, "61743560")]
    fn exact_quantities_are_short_where_they_can_be(#[case] count: u64, #[case] said: &str) {
        assert_eq!(exact(count), said);
    }

    #[rstest]
    #[case(0, "0s")]
    #[case(59, "59s")]
    #[case(60, "1m")]
    #[case(3_599, "59m")]
    #[case(3_600, "1h")]
    #[case(86_399, "23h")]
    #[case(86_400, "1d")]
    #[case(364 * 86_400, "364d")]
    #[case(730 * 86_400, "2y")]
    #[case(-90, "-1m")]
    fn ages_have_one_unit(#[case] seconds: i64, #[case] said: &str) {
        assert_eq!(age(SignedDuration::from_secs(seconds)), said);
    }

    #[rstest]
    #[case(0, "0.0s")]
    #[case(849, "0.8s")]
    #[case(59_999, "59.9s")]
    #[case(60_000, "1m")]
    fn moments_have_tenths_of_a_second(#[case] milliseconds: i64, #[case] said: &str) {
        assert_eq!(moment(SignedDuration::from_millis(milliseconds)), said);
    }

    #[rstest]
    #[case("0s", Some(0))]
    #[case("45s", Some(45))]
    #[case("12m", Some(720))]
    #[case("1d12h", Some(129_600))]
    #[case("2w", Some(1_209_600))]
    #[case("1y", Some(31_536_000))]
    #[case("-2d", Some(-172_800))]
    #[case("", None)]
    #[case("-", None)]
    #[case("3", None)]
    #[case("d", None)]
    #[case("3 d", None)]
    #[case("3D", None)]
    #[case("1.5h", None)]
    #[case("1d12", None)]
    #[case("99999999999999999999s", None)]
    #[case("9223372036854775807y", None)]
    #[case("３d", None)]
    fn spans_are_read_in_the_units_that_ages_are_said_in(#[case] text: &str, #[case] seconds: Option<i64>) {
        assert_eq!(parse_span(text), seconds.map(SignedDuration::from_secs));
    }

    #[rstest]
    #[case("90s", "1m30s")]
    #[case("1h 30m", "1h30m")]
    #[case("10 minutes", "10m")]
    #[case("1500ms", "1s500ms")]
    #[case("36h", "36h")]
    fn durations_are_said_as_they_are_read(#[case] text: &str, #[case] said: &str) {
        let read = parse_duration(text).unwrap();
        assert_eq!(duration(read), said);
        assert_eq!(parse_duration(said), Ok(read));
    }

    #[rstest]
    #[case("0s", "needs a duration longer than nothing")]
    #[case("-5m", "needs a duration longer than nothing")]
    #[case("5", "\"5\" is not a duration; write one such as 90s, 10m or 1h30m")]
    #[case("\u{1b}", "\"␛\" is not a duration; write one such as 90s, 10m or 1h30m")]
    fn what_is_no_duration_says_what_to_write(#[case] text: &str, #[case] said: &str) {
        assert_eq!(parse_duration(text), Err(said.to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}") {
            let _ = (parse_bytes(&text), parse_span(&text));
        }

        #[test]
        fn what_an_age_says_is_read_as_no_more_than_it(seconds in 0i64..i64::from(u32::MAX)) {
            let read = parse_span(&age(SignedDuration::from_secs(seconds))).unwrap().as_secs();
            prop_assert!(read <= seconds && (seconds == 0 || read > 0));
        }

        #[test]
        fn plain_numbers_read_as_themselves(count in any::<u64>()) {
            prop_assert_eq!(parse_bytes(&count.to_string()), Some(count));
            prop_assert!(bytes(count).len() <= 6);
            prop_assert_eq!(parse_bytes(&exact(count)), Some(count));
        }

        #[test]
        fn spans_read_as_themselves(seconds in -1_000_000_000i64..1_000_000_000) {
            let duration = SignedDuration::from_secs(seconds);
            prop_assert_eq!(parse_span(&span(duration)), Some(duration));
        }

        #[test]
        fn exact_quantities_read_as_themselves(factor in 0u64..1 << 24, power in 0u32..40) {
            let said = exact(factor << power);
            prop_assert_eq!(parse_bytes(&said), Some(factor << power));
            prop_assert!(said.len() <= 16, "{}", said);
        }
    }

    #[rstest]
    #[case(899, 1000, 89)]
    #[case(900, 1000, 90)]
    #[case(1021, 1000, 102)]
    #[case(0, 1, 0)]
    #[case(1, 0, 100)]
    #[case(u64::MAX, u64::MAX, 100)]
    #[case(u64::MAX, 1, u64::MAX)]
    fn per_cent_are_rounded_down_and_never_divide_by_nothing(#[case] part: u64, #[case] whole: u64, #[case] said: u64) {
        assert_eq!(percent(part, whole), said);
    }
}
