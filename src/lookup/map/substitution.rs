//! The value of a regex map's line, into which what the pattern has caught is put: `$1`, `${1}`, `$(1)`, `$$`.

use regex::Captures;

/// A value with places for what was caught.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Substitution {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(Box<str>),
    Caught(usize),
}

impl Substitution {
    /// The value that `text` describes; the pattern has `groups` groups, the whole match counted as one.
    ///
    /// *Errors*: in words, what is wrong with a `$`.
    pub(super) fn parse(text: &str, groups: usize) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            plain.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                plain.push('$');
                rest = after;
                continue;
            }
            let (number, after) =
                group(after).ok_or("a $ is followed by the number of a group, or written $$")?;
            if number == 0 || number >= groups {
                let most = groups.saturating_sub(1);
                return Err(format!("there is no ${number}: the pattern has {most} groups"));
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain).into()));
            }
            parts.push(Part::Caught(number));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain.into()));
        }
        Ok(Self { parts })
    }

    /// Whether nothing is put in.
    pub(super) fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The value, with what was `caught`; a group that took no part is empty.
    pub(super) fn fill(&self, caught: Option<&Captures<'_>>) -> String {
        let mut value = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => value.push_str(text),
                Part::Caught(number) => {
                    value.push_str(
                        caught.and_then(|caught| caught.get(*number)).map_or("", |group| group.as_str()),
                    );
                }
            }
        }
        value
    }
}

/// The number that `text`, behind a `$`, begins with, and what follows.
fn group(text: &str) -> Option<(usize, &str)> {
    let (inner, close) = match text.chars().next()? {
        '{' => (text.get(1..)?, Some('}')),
        '(' => (text.get(1..)?, Some(')')),
        _ => (text, None),
    };
    let end = inner.find(|c: char| !c.is_ascii_digit()).unwrap_or(inner.len());
    let (digits, rest) = inner.split_at_checked(end)?;
    let rest = match close {
        Some(close) => rest.strip_prefix(close)?,
        None => rest,
    };
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn what_was_caught_is_put_in() {
        let pattern = Regex::new("^(a+)(b)?@(.*)$").expect("pattern");
        let caught = pattern.captures("aa@x.example").expect("a match");
        for (text, want) in [
            ("plain", "plain"),
            ("<$1>", "<aa>"),
            ("${1}1 $(3)", "aa1 x.example"),
            ("[$2]", "[]"), // took no part
            ("5$$ $3", "5$ x.example"),
            ("", ""),
        ] {
            let value = Substitution::parse(text, pattern.captures_len()).expect(text);
            assert_eq!(value.fill(Some(&caught)), want, "{text}");
        }
        for text in ["$4", "$0", "$", "a $x", "${1", "$(1}", "${}", "$99999999999999999999"] {
            assert!(Substitution::parse(text, 4).is_err(), "{text}");
        }
    }
}
