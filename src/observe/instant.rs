//! The time of a line, as RFC 3339 has it in UTC with milliseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `now` as `2026-11-21T19:25:46.123Z`. What lies before 1970 is 1970.
///
/// Source: RFC 3339 §5.6; the calendar by Hinnant's `civil_from_days`.
pub(super) fn append(to: &mut Vec<u8>, now: SystemTime) {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    digits(to, year, 4);
    to.push(b'-');
    digits(to, month, 2);
    to.push(b'-');
    digits(to, day, 2);
    to.push(b'T');
    digits(to, second / 3600, 2);
    to.push(b':');
    digits(to, second / 60 % 60, 2);
    to.push(b':');
    digits(to, second % 60, 2);
    to.push(b'.');
    digits(to, u64::from(since.subsec_millis()), 3);
    to.push(b'Z');
}

/// Year, month, day of the day that is `days` after 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days.saturating_add(719_468);
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The last `width` digits of `number`.
fn digits(to: &mut Vec<u8>, number: u64, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_u64.pow(place) % 10;
        to.push(u8::try_from(digit).unwrap_or(0) + b'0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_has_them() {
        for (milliseconds, want) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), // a leap day of a century
            (1_795_289_146_123, "2026-11-21T19:25:46.123Z"),
            (4_102_444_800_001, "2100-01-01T00:00:00.001Z"),
        ] {
            let mut line = Vec::new();
            append(&mut line, UNIX_EPOCH + Duration::from_millis(milliseconds));
            assert_eq!(String::from_utf8(line).unwrap(), want);
        }
    }
}
