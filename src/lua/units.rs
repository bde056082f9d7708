//! Durations and sizes as people write them: "5m", "1h30m", "25 MB", "16 KiB".

use std::time::Duration;

/// The duration that `text` says: numbers each with its unit (ms, s, m, h, d, w).
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at_checked(end)?;
        total += number
            * match unit {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                "w" => 604_800.0,
                _ => return None,
            };
        rest = next.trim_start();
    }
    Duration::try_from_secs_f64(total).ok()
}

/// The octets that `text` says: kB, MB, GB are powers of 1000, KiB, MiB, GiB of 1024.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = leading_number(text.trim())?;
    let factor = match unit.trim() {
        "" | "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        _ => return None,
    };
    let octets = number * factor;
    // Past 2^53 a number with a fraction no longer says which octet it means.
    (octets <= 9_007_199_254_740_992.0).then_some(octets as u64)
}

/// The number at the beginning of `text`, not negative, and what follows it.
fn leading_number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, want) in [
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5 s", Some(1500)),
            ("250ms", Some(250)),
            ("2w", Some(1_209_600_000)),
            ("5", None),         // a bare number is said as a number
            ("", None),          // nothing
            ("5 parsecs", None), // no such unit
            ("-5s", None),       // time doesn't run backwards
        ] {
            assert_eq!(duration(text), want.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn sizes_know_both_kinds_of_thousands() {
        for (text, want) in [
            ("25 MB", Some(25_000_000)),
            ("16 KiB", Some(16_384)),
            ("1.5MiB", Some(1_572_864)),
            ("12", Some(12)),
            ("12 mb", None),        // millibits are nobody's wish
            ("99999999 GiB", None), // past what a double counts
        ] {
            assert_eq!(size(text), want, "{text:?}");
        }
    }
}
