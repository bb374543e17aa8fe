//! NumericDate (RFC 7519 §2): seconds since 1970, which may have a fraction.

use chrono::{DateTime, Utc};

use super::json::Malformed;

/// Reads a JSON number as a time; one beyond the calendar becomes its end.
///
/// Digits beyond the nanosecond are cut, so that a time never reads as later than it is written.
pub(crate) fn numeric_date(number: &str) -> Result<DateTime<Utc>, Malformed> {
    let nanoseconds = match number.split_once('.') {
        _ if number.contains(['e', 'E']) => scientific(number)?,
        None => whole(number).saturating_mul(SECOND),
        Some((seconds, fraction)) => {
            let part = fraction_nanoseconds(fraction);
            let seconds_part = whole(seconds).saturating_mul(SECOND);
            if number.starts_with('-') {
                seconds_part.saturating_sub(part)
            } else {
                seconds_part.saturating_add(part)
            }
        }
    };
    Ok(at(nanoseconds))
}

fn at(nanoseconds: i128) -> DateTime<Utc> {
    let seconds = i64::try_from(nanoseconds.div_euclid(SECOND)).ok();
    let rest = u32::try_from(nanoseconds.rem_euclid(SECOND)).ok();
    let time = seconds.zip(rest).and_then(|(seconds, rest)| DateTime::from_timestamp(seconds, rest));
    time.unwrap_or(if nanoseconds < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC })
}

/// Whole seconds; more digits than fit stand for the end of the calendar.
fn whole(digits: &str) -> i128 {
    let end = if digits.starts_with('-') { i64::MIN } else { i64::MAX };
    i128::from(digits.parse().unwrap_or(end))
}

fn fraction_nanoseconds(fraction: &str) -> i128 {
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    digits.fold(0, |value, digit| value * 10 + i128::from(digit - b'0'))
}

/// A number with an exponent, at the precision of a double.
fn scientific(number: &str) -> Result<i128, Malformed> {
    let seconds: f64 = number.parse().map_err(|_| Malformed)?;
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond the range becomes the range's end")]
    let nanoseconds = (seconds * 1e9) as i128;
    Ok(nanoseconds)
}

const SECOND: i128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn nanoseconds(number: &str) -> Option<i64> {
        numeric_date(number).unwrap().timestamp_nanos_opt()
    }

    #[test]
    fn whole_fractional_and_scientific_dates_are_read_exactly() {
        for (number, want) in [
            ("0", 0),
            ("-0", 0),
            ("1300819380", 1_300_819_380_000_000_000),
            ("1300819380.5", 1_300_819_380_500_000_000),
            ("1300819380.9999999999", 1_300_819_380_999_999_999),
            ("-1.25", -1_250_000_000),
            ("-0.5", -500_000_000),
            ("1.5e9", 1_500_000_000_000_000_000),
            ("15E8", 1_500_000_000_000_000_000),
            ("1e-3", 1_000_000),
        ] {
            assert_eq!(nanoseconds(number), Some(want), "{number}");
        }
    }

    #[test]
    fn dates_beyond_the_calendar_become_its_ends() {
        for number in
            ["99999999999999", "99999999999999999999999999", "1e300", "1e999", "9223372036854775807.5"]
        {
            assert_eq!(numeric_date(number), Ok(DateTime::<Utc>::MAX_UTC), "{number}");
        }
        for number in ["-99999999999999", "-99999999999999999999999999", "-1e300", "-1e999"] {
            assert_eq!(numeric_date(number), Ok(DateTime::<Utc>::MIN_UTC), "{number}");
        }
    }
}
