//! A map of patterns, as Postfix's `regexp_table`: `/PATTERN/FLAGS VALUE`; the first line that matches counts.
//!
//! The patterns are those of Rust's regex: no back references and no look-around, so that none takes more time than the
//! key is long. One that would take milliseconds all the same isn't searched for.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::lookup::effort::{self, CACHE, Effort};
use crate::lookup::error::LookupError;
use crate::lookup::map::error::LineError;
use crate::lookup::map::lines::LogicalLines;
use crate::lookup::map::substitution::Substitution;

/// Values by pattern, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct PatternTable {
    lines: Vec<Line>,
    values: usize,
}

#[derive(Clone, Debug)]
struct Line {
    pattern: Pattern,
    /// Whether it fits where the pattern doesn't.
    is_negated: bool,
    action: Action,
}

#[derive(Clone, Debug)]
struct Pattern {
    regex: Regex,
    effort: Arc<Effort>,
}

#[derive(Clone, Debug)]
enum Action {
    Value(Substitution),
    /// `if`: the line to go on with where it doesn't fit.
    Skip(usize),
}

impl PatternTable {
    /// The table in `text`: `/PATTERN/FLAGS VALUE`, `!/PATTERN/FLAGS VALUE`, and `if /PATTERN/FLAGS` … `endif` around lines
    /// that are looked at only then. Any character that is neither letter, digit nor blank may stand for the slash.
    ///
    /// Case doesn't count unless the flag `i` says so. `m`: `^` and `$` stand at each line too. `$1` in the value is what
    /// the first group has caught.
    ///
    /// *Errors*: the first line that is no such entry.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        let mut table = Self::default();
        let mut open: Vec<(usize, usize)> = Vec::new();
        for line in LogicalLines::new(text) {
            let line = line?;
            let wrong = |message: String| LineError::new(line.number, message);
            if table.lines.len() >= MOST {
                return Err(wrong(format!("more than {MOST} patterns")));
            }
            if line.text.eq_ignore_ascii_case("endif") {
                let (at, _) = open.pop().ok_or_else(|| wrong("endif without if".to_owned()))?;
                let end = table.lines.len();
                if let Some(Line { action: Action::Skip(to), .. }) = table.lines.get_mut(at) {
                    *to = end;
                }
                continue;
            }
            let inner = line.text.get(..2).filter(|word| word.eq_ignore_ascii_case("if"));
            match inner.and_then(|_| line.text.get(2..)?.strip_prefix([' ', '\t', '/', '!'])).is_some() {
                true => {
                    let condition = line.text.get(2..).unwrap_or_default().trim_start();
                    let (pattern, is_negated, rest) = read(condition).map_err(wrong)?;
                    if !rest.is_empty() {
                        return Err(wrong(format!("'{rest}' behind the pattern of an if")));
                    }
                    open.push((table.lines.len(), line.number));
                    table.lines.push(Line { pattern, is_negated, action: Action::Skip(0) });
                }
                false => {
                    let (pattern, is_negated, rest) = read(&line.text).map_err(wrong)?;
                    let value = Substitution::parse(rest, pattern.regex.captures_len()).map_err(wrong)?;
                    if rest.is_empty() {
                        return Err(wrong("the pattern has no value".to_owned()));
                    }
                    if is_negated && !value.is_plain() {
                        return Err(wrong(
                            "a pattern that must not match has nothing to put in for a $".to_owned(),
                        ));
                    }
                    table.values += 1;
                    table.lines.push(Line { pattern, is_negated, action: Action::Value(value) });
                }
            }
        }
        match open.pop() {
            Some((_, number)) => Err(LineError::new(number, "this if has no endif")),
            None => Ok(table),
        }
    }

    /// The value of the first line that fits `key`, if there is one; `spend` is told what each search costs before it
    /// begins, in steps of 5 ns.
    ///
    /// *Errors*: `TooLarge` if one would take milliseconds; or that of `spend`.
    pub fn get<E>(&self, key: &str, mut spend: impl FnMut(usize) -> Result<(), E>) -> Result<Found, E> {
        let mut at = 0;
        while let Some(line) = self.lines.get(at) {
            at += 1;
            let Pattern { regex, effort } = &line.pattern;
            spend(SEARCH + key.len() + effort.steps(key.len()))?;
            let search = || regex.find(key).map(|found| found.range());
            let Ok(found) = effort.find(key.as_bytes(), search) else {
                return Ok(Err(LookupError::TooLarge));
            };
            match &line.action {
                Action::Skip(to) => {
                    if found.is_some() == line.is_negated {
                        at = *to;
                    }
                }
                Action::Value(value) if line.is_negated || value.is_plain() => {
                    if found.is_some() != line.is_negated {
                        return Ok(Ok(Some(value.fill(None))));
                    }
                }
                Action::Value(value) => {
                    let Some(found) = found else { continue };
                    if !effort.bears_groups(found.len()) || !key.is_char_boundary(found.start) {
                        return Ok(Err(LookupError::TooLarge));
                    }
                    let caught = regex.captures_at(key, found.start);
                    return Ok(Ok(caught.map(|caught| value.fill(Some(&caught)))));
                }
            }
        }
        Ok(Ok(None))
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.values == 0
    }
}

/// A value, if there is one.
type Found = Result<Option<String>, LookupError>;

/// Steps that one search takes at least.
const SEARCH: usize = 20;

/// `!/PATTERN/FLAGS rest` apart: the pattern, whether it is negated, the rest.
fn read(text: &str) -> Result<(Pattern, bool, &str), String> {
    let (is_negated, text) = match text.strip_prefix('!') {
        Some(text) => (true, text.trim_start()),
        None => (false, text),
    };
    let mark = text.chars().next().filter(|mark| !mark.is_alphanumeric() && *mark != '\\');
    let mark = mark.ok_or("a line is /PATTERN/FLAGS VALUE")?;
    let body = text.get(mark.len_utf8()..).unwrap_or_default();
    let (source, after) = split(body, mark).ok_or_else(|| format!("the pattern has no closing {mark}"))?;
    let end = after.find([' ', '\t']).unwrap_or(after.len());
    let (flags, rest) = after.split_at_checked(end).unwrap_or((after, ""));
    let pattern = compile(&source, flags)?;
    Ok((pattern, is_negated, rest.trim()))
}

/// What stands before the `mark` that ends the pattern, and what follows; `\/` is a slash.
fn split(text: &str, mark: char) -> Option<(String, &str)> {
    let (mut source, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        if is_escaped {
            if c != mark {
                source.push('\\');
            }
            source.push(c);
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == mark {
            return Some((source, text.get(at + mark.len_utf8()..)?));
        } else {
            source.push(c);
        }
    }
    None
}

fn compile(source: &str, flags: &str) -> Result<Pattern, String> {
    let (mut ignores_case, mut is_multi_line) = (true, false);
    for flag in flags.chars() {
        match flag {
            'i' => ignores_case = !ignores_case,
            'm' => is_multi_line = !is_multi_line,
            // Extended syntax is the only one here.
            'x' => return Err("the flag x (basic expressions) is not known here".to_owned()),
            other => return Err(format!("there is no flag '{other}'; there are i and m")),
        }
    }
    let mut builder = RegexBuilder::new(source);
    builder
        .case_insensitive(ignores_case)
        .multi_line(is_multi_line)
        .size_limit(COMPILED)
        .dfa_size_limit(CACHE);
    let regex = builder.build().map_err(|error| format!("/{source}/: {}", effort::words(&error)))?;
    let case = if ignores_case { "(?i)" } else { "" };
    let lines = if is_multi_line { "(?m)" } else { "" };
    let effort = Effort::of(&format!("{case}{lines}{source}"));
    Ok(Pattern { regex, effort: Arc::new(effort) })
}

/// Lines of one table.
const MOST: usize = 10_000;

/// Octets of one compiled pattern.
const COMPILED: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn the_first_pattern_that_fits_counts() {
        let text = "# comment\n\
                    /^ann@/           friend\n\
                    /^(.*)@old\\.example$/  ${1}@new.example\n\
                    !/@/              no address\n\
                    if /@b\\.example$/\n\
                    /^x/i             small x\n\
                    if !/^y/\n\
                    /^z/              z at b\n\
                    endif\n\
                    /^zz/             never: the line above has it\n\
                    endif\n\
                    if/^q/\n\
                    #a/b#             a/b\n\
                    |^q\\|r|          bar\n\
                    endif\n\
                    /a\\/b/           slash\n\
                    /^two$/m          line two\n\
                    /^.*@c/           REJECT\n\
                    \x20  over two lines\n";
        let text = text.replace("#a/b#", "=a/b=");
        let table = PatternTable::parse(&text).expect("lines");
        for (key, want) in [
            ("ANN@a.example", Some("friend")), // case doesn't count
            ("bob@OLD.example", Some("bob@new.example")),
            ("nobody", Some("no address")),
            ("x@b.example", Some("small x")),
            ("X@b.example", None), // /i makes it count
            ("z@b.example", Some("z at b")),
            ("y@b.example", None),
            ("qa/b@x", Some("a/b")), // another mark than the slash
            ("q|r@x", Some("bar")),
            ("ra/b@x", Some("slash")),
            ("one@\ntwo", Some("line two")),
            ("x@c", Some("REJECT over two lines")),
            ("d@d", None),
        ] {
            let found = table.get(key, |_| Ok::<(), Infallible>(())).unwrap();
            assert_eq!(found, Ok(want.map(str::to_owned)), "{key:?}");
        }
        assert_eq!(table.len(), 11);
    }

    #[test]
    fn a_search_that_would_take_long_is_not_begun() {
        let table = PatternTable::parse("/^b/ b\n/((?:[a-z]{0,40}){0,40})x/ $1\n").expect("lines");
        let mut steps = 0;
        let mut get = |key: &str| {
            table.get(key, |more| {
                steps += more;
                if steps > 30_000 { Err("spent") } else { Ok(()) }
            })
        };
        assert_eq!(get("b"), Ok(Ok(Some("b".into()))));
        assert_eq!(get("aax"), Ok(Ok(Some("aa".into()))));
        assert_eq!(get(&"a".repeat(4096)), Ok(Err(LookupError::TooLarge)));
        assert_eq!((0..10).map(|_| get("aax")).find_map(Result::err), Some("spent"), "each search costs");
    }

    #[test]
    fn a_line_that_is_no_pattern_is_named() {
        for (text, line, message) in [
            ("/a/ x\nann@a.example x\n", 2, "a line is /PATTERN/FLAGS VALUE"),
            ("/a x\n", 1, "no closing /"),
            ("/a/\n", 1, "no value"),
            ("/a/q x\n", 1, "no flag 'q'"),
            ("/a/x x\n", 1, "flag x"),
            ("/(a/ x\n", 1, "unclosed group"),
            ("/(a)\\1/ x\n", 1, "backreferences are not supported"),
            ("/a(?=b)/ x\n", 1, "look-around"),
            ("/a/ $1\n", 1, "there is no $1"),
            ("!/(a)/ $1\n", 1, "must not match"),
            ("if /a/\n/b/ x\n", 1, "no endif"),
            ("/b/ x\nendif\n", 2, "endif without if"),
            ("if /a/ x\nendif\n", 1, "'x' behind the pattern"),
            ("/(a{1000}){1000}/ x\n", 1, "size limit"),
        ] {
            let error = PatternTable::parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.message.contains(message), "{text:?}: {}", error.message);
        }
    }
}
