//! Durations and sizes as people write them: "5m", "1h30m", "25 MB", "256 KiB".

use std::time::Duration;

/// Why a text is no duration or no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It has no number where one is due.
    #[error("it doesn't begin with a number")]
    NoNumber,
    /// A number has no unit.
    #[error("a unit is missing")]
    NoUnit,
    /// The unit is none that we know.
    #[error("its unit is not known")]
    UnknownUnit,
    /// It is more than can be meant.
    #[error("it is too large")]
    TooLarge,
    /// It is nothing.
    #[error("it is zero")]
    Zero,
}

/// A duration of one or several numbers with units: ms, s, m, h, d.
///
/// *Errors*: as `ValueError` says; nothing at all, and more than ten years, are errors too.
pub fn duration(text: &str) -> Result<Duration, ValueError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(ValueError::NoNumber);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let unit = after.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" => return Err(ValueError::NoUnit),
            _ => return Err(ValueError::UnknownUnit),
        };
        let part = number.checked_mul(milliseconds).ok_or(ValueError::TooLarge)?;
        total = total.checked_add(Duration::from_millis(part)).ok_or(ValueError::TooLarge)?;
        rest = after.strip_prefix(unit).unwrap_or("").trim_start();
    }
    bounded(total)
}

/// A duration of that many seconds.
///
/// *Errors*: nothing at all, less than that, and more than ten years.
pub fn seconds(number: f64) -> Result<Duration, ValueError> {
    bounded(Duration::try_from_secs_f64(number).map_err(|_| ValueError::TooLarge)?)
}

/// A size in octets: a number with or without a unit, kB of 1000 octets or KiB of 1024.
///
/// *Errors*: as `ValueError` says; nothing at all is an error too.
pub fn size(text: &str) -> Result<u64, ValueError> {
    let (number, unit) = leading_number(text.trim())?;
    let octets: u64 = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(ValueError::UnknownUnit),
    };
    match number.checked_mul(octets).ok_or(ValueError::TooLarge)? {
        0 => Err(ValueError::Zero),
        octets if i64::try_from(octets).is_ok() => Ok(octets),
        _ => Err(ValueError::TooLarge),
    }
}

/// The whole number that a text begins with, and what follows it without its blanks.
fn leading_number(text: &str) -> Result<(u64, &str), ValueError> {
    let after = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.strip_suffix(after).unwrap_or("");
    if digits.is_empty() {
        return Err(ValueError::NoNumber);
    }
    let number = digits.parse().map_err(|_| ValueError::TooLarge)?;
    Ok((number, after.trim_start()))
}

fn bounded(duration: Duration) -> Result<Duration, ValueError> {
    match duration {
        Duration::ZERO => Err(ValueError::Zero),
        duration if duration > TEN_YEARS => Err(ValueError::TooLarge),
        duration => Ok(duration),
    }
}

const TEN_YEARS: Duration = Duration::from_secs(3653 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let ms = |n| Ok(Duration::from_millis(n));
        for (text, want) in [
            ("5m", ms(300_000)),
            ("1h30m", ms(5_400_000)),
            ("1h 30m", ms(5_400_000)),
            (" 50 ms ", ms(50)),
            ("2d", ms(172_800_000)),
            ("0s", Err(ValueError::Zero)), // never "no limit"
            ("5", Err(ValueError::NoUnit)),
            ("5 minutes", Err(ValueError::UnknownUnit)),
            ("m", Err(ValueError::NoNumber)),
            ("-5m", Err(ValueError::NoNumber)),
            ("", Err(ValueError::NoNumber)),
            ("99999d", Err(ValueError::TooLarge)),
            ("18446744073709551615h", Err(ValueError::TooLarge)), // the product doesn't fit
            ("99999999999999999999s", Err(ValueError::TooLarge)), // the number doesn't fit
        ] {
            assert_eq!(duration(text), want, "{text:?}");
        }
        assert_eq!(seconds(1.5), ms(1500));
        assert_eq!(seconds(0.0), Err(ValueError::Zero));
        assert_eq!(seconds(-1.0), Err(ValueError::TooLarge));
        assert_eq!(seconds(f64::NAN), Err(ValueError::TooLarge));
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, want) in [
            ("25 MB", Ok(25_000_000)),
            ("25 MiB", Ok(25 << 20)),
            ("256KiB", Ok(256 << 10)),
            ("10 GB", Ok(10_000_000_000)),
            ("1024", Ok(1024)),
            ("7 B", Ok(7)),
            ("25 mb", Err(ValueError::UnknownUnit)), // megabytes or megabits?
            ("25 M", Err(ValueError::UnknownUnit)),
            ("0", Err(ValueError::Zero)),
            ("0 MB", Err(ValueError::Zero)),
            ("MB", Err(ValueError::NoNumber)),
            ("99999999999 TB", Err(ValueError::TooLarge)),
        ] {
            assert_eq!(size(text), want, "{text:?}");
        }
    }
}
