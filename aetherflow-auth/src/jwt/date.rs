//! NumericDate (RFC 7519 §2): seconds since 1970, which may have a fraction.

use chrono::{DateTime, Utc};

use super::json::Malformed;

/// Reads a JSON number as a time; one beyond the calendar becomes its end.
///
/// Digits beyond the nanosecond are cut, so that no time reads as later than it is written.
pub(crate) fn numeric_date(number: &str) -> Result<DateTime<Utc>, Malformed> {
    if let Ok(seconds) = number.parse() {
        return Ok(at(seconds, 0));
    }
    if number.contains(['e', 'E']) {
        return scientific(number);
    }
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, ""));
    let end = if number.starts_with('-') { i64::MIN } else { i64::MAX };
    let (seconds, nanoseconds) = (seconds.parse().unwrap_or(end), nanoseconds(fraction));
    if number.starts_with('-') && nanoseconds > 0 {
        return Ok(at(seconds.saturating_sub(1), SECOND - nanoseconds));
    }
    Ok(at(seconds, nanoseconds))
}

fn at(seconds: i64, nanoseconds: u32) -> DateTime<Utc> {
    let end = if seconds < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp(seconds, nanoseconds).unwrap_or(end)
}

fn nanoseconds(fraction: &str) -> u32 {
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    digits.fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
}

/// A number with an exponent, at the precision of a double.
fn scientific(number: &str) -> Result<DateTime<Utc>, Malformed> {
    let value: f64 = number.parse().map_err(|_| Malformed)?;
    let floor = value.floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "beyond the range is the range's end"
    )]
    let (seconds, nanoseconds) = (floor as i64, ((value - floor) * f64::from(SECOND)) as u32);
    Ok(at(seconds, nanoseconds.min(SECOND - 1)))
}

const SECOND: u32 = 1_000_000_000;

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
