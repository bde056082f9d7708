//! The name that was probably meant: "did you mean `hostname`?".

/// The name nearest to `found`, if one is so near that it was probably meant.
pub fn nearest<'n>(found: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let wanted = plain(found);
    if wanted.is_empty() || wanted.len() > LONGEST {
        return None;
    }
    let allowed = (wanted.chars().count() / 3).clamp(1, 3);
    names
        .into_iter()
        .map(|name| (distance(&wanted, &plain(name)), name))
        .filter(|(edits, name)| *edits <= allowed && *edits < name.chars().count())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// How many characters must be put in, left out, changed or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut last = None;
    for (line, letter) in from.chars().enumerate() {
        let mut next = vec![line + 1];
        for (column, wanted) in to.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut edits = at(&row, column) + usize::from(letter != *wanted);
            edits = edits.min(at(&row, column + 1) + 1).min(at(&next, column) + 1);
            let before = column.checked_sub(1).and_then(|before| to.get(before).map(|c| (before, *c)));
            if let (Some((before, swapped)), Some(previous)) = (before, last)
                && swapped == letter
                && previous == *wanted
            {
                edits = edits.min(at(&above, before) + 1);
            }
            next.push(edits);
        }
        above = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or(0)
}

/// Names longer than this are nobody's slip.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_none() {
        let names = ["hostname", "workers", "include", "message_size", "recipients", "rcpt"];
        for (found, want) in [
            ("hostnme", Some("hostname")),          // left out
            ("hsotname", Some("hostname")),         // swapped
            ("host-name", Some("hostname")),        // a dash too much
            ("recipient", Some("recipients")),      // the plural
            ("Message-Size", Some("message_size")), // case and dash
            ("rctp", Some("rcpt")),                 // swapped, in a short one
            ("colour", None),                       // nothing like it
            ("", None),
        ] {
            assert_eq!(nearest(found, names), want, "{found:?}");
        }
    }

    #[test]
    fn distance_counts_what_a_finger_does() {
        for (from, to, want) in [
            ("", "", 0),
            ("a", "", 1),
            ("mail", "mial", 1), // swapped
            ("ehlo", "helo", 1),
            ("abc", "cab", 2), // not swapped with a neighbour
            ("x", "x", 0),
        ] {
            assert_eq!(distance(from, to), want, "{from} {to}");
        }
    }
}
