//! `string.gsub`: what it has replaced so far, and with what.

use std::ffi::c_int;

use mlua::ffi::{lua_Integer, lua_KContext, lua_State};

use crate::lua::buffer::Buffer;
use crate::lua::pattern::calls::{self, MOST, PATTERN, REPLACEMENT, SUBJECT};
use crate::lua::pattern::error::PatternError;
use crate::lua::pattern::matcher::{Matcher, Outcome};
use crate::lua::pattern::replacement::{self, Part};
use crate::lua::pattern::search::Search;
use crate::lua::pattern::state::{Patterns, push_capture};
use crate::lua::stack::{Kind, Stack};

/// How far the work has come.
#[derive(Clone, Copy)]
struct Work {
    /// How much of the subject is in the result.
    copied: usize,
    /// Where the last match ended.
    last: Option<usize>,
    count: lua_Integer,
    most: lua_Integer,
    is_changed: bool,
}

/// The places of what is put away.
const RESULT: c_int = 5;
const WORK: c_int = 6;
const SEARCH: c_int = 7;

pub(super) extern "C-unwind" fn gsub(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let subject = stack.text(SUBJECT);
    stack.text(PATTERN);
    let kind = stack.kind(REPLACEMENT);
    let all = lua_Integer::try_from(subject.len() + 1).unwrap_or(lua_Integer::MAX);
    let most = stack.integer(MOST, all);
    if !matches!(kind, Kind::Text | Kind::Table | Kind::Function) {
        return stack.raise_type(REPLACEMENT, c"string/function/table");
    }
    stack.set_height(MOST);
    if kind == Kind::Function {
        return calls::begin(stack, most);
    }
    let work = Work { copied: 0, last: None, count: 0, most, is_changed: false };
    replace(stack, work, Search::new(0), b"")
}

extern "C-unwind" fn go_on(state: *mut lua_State, _: c_int, height: lua_KContext) -> c_int {
    let stack = Stack::go_on(state, height);
    let search = stack.shared::<Patterns>().take_up(stack, SEARCH);
    let work = stack.value(WORK);
    stack.set_height(RESULT);
    replace(stack, work, search, stack.text(RESULT))
}

/// Goes on with the work; `done` is what the result begins with.
fn replace(stack: Stack, mut work: Work, mut search: Search, done: &[u8]) -> c_int {
    let patterns: &Patterns = stack.shared();
    let (subject, pattern) = (stack.text(SUBJECT), stack.text(PATTERN));
    let matcher = Matcher::new(subject, pattern);
    let mut buffer = Buffer::new();
    buffer.begin(stack);
    buffer.add(done);
    while work.count < work.most {
        match patterns.find(stack, &matcher, &mut search) {
            Ok(Outcome::Found(end)) if Some(end) == work.last => {
                // An empty match where the last one ended is none.
                if search.start >= subject.len() {
                    break;
                }
                search.begin(search.start + 1);
            }
            Ok(Outcome::Found(end)) => {
                work.count += 1;
                buffer.add(subject.get(work.copied..search.start).unwrap_or_default());
                match add(stack, patterns, &mut buffer, &search, end) {
                    Ok(is_changed) => work.is_changed |= is_changed,
                    Err(raised) => return raised,
                }
                if let Err(raised) = patterns.bears(stack, buffer.length()) {
                    return raised;
                }
                (work.copied, work.last) = (end, Some(end));
                search.begin(end);
            }
            Ok(Outcome::Missed) => break,
            Ok(Outcome::Paused) => {
                buffer.push_result();
                if stack.height() > RESULT {
                    stack.replace(RESULT); // of the last pause
                }
                stack.push_value(work);
                patterns.put_away(stack, &search);
                return stack.pause(go_on);
            }
            Err(error) => return patterns.raise(stack, error),
        }
        if matcher.is_anchored {
            break;
        }
    }
    if work.is_changed {
        buffer.add(subject.get(work.copied..).unwrap_or_default());
        buffer.push_result();
    } else {
        stack.push_copy(SUBJECT);
    }
    stack.push_integer(work.count);
    2
}

/// Adds what the match from the search's start to `end` is replaced with; whether that is something else.
fn add(
    stack: Stack,
    patterns: &Patterns,
    buffer: &mut Buffer,
    search: &Search,
    end: usize,
) -> Result<bool, c_int> {
    let subject = stack.text(SUBJECT);
    if stack.kind(REPLACEMENT) != Kind::Table {
        add_text(stack, patterns, buffer, search, end)?;
        return Ok(true);
    }
    push_capture(stack, patterns, subject, search.result(0, end))?;
    stack.look_up(REPLACEMENT);
    if !stack.is_true(-1) {
        stack.set_height(-2);
        buffer.add(subject.get(search.start..end).unwrap_or_default());
        return Ok(false);
    }
    if stack.kind(-1) != Kind::Text {
        return Err(stack.raise_replacement());
    }
    buffer.add_top();
    Ok(true)
}

/// Steps that a part of a replacement takes, which are charged for so many at once.
const PART: usize = 4;
const MANY: usize = 64;

/// Adds the replacement string, with captures in it.
fn add_text(
    stack: Stack,
    patterns: &Patterns,
    buffer: &mut Buffer,
    search: &Search,
    end: usize,
) -> Result<(), c_int> {
    let subject = stack.text(SUBJECT);
    let mut rest = stack.text(REPLACEMENT);
    let raise = |error: PatternError| patterns.raise(stack, error);
    let mut parts = 0;
    while let Some((part, behind)) = replacement::next(rest).map_err(raise)? {
        rest = behind;
        parts += 1;
        if parts % MANY == 0 {
            patterns.spend(stack, MANY * PART)?;
        }
        match part {
            Part::Text(text) => buffer.add(text),
            Part::Match => {
                let text = subject.get(search.start..end).unwrap_or_default();
                patterns.copies(stack, text)?;
                buffer.add(text);
            }
            Part::Capture(number) => {
                push_capture(stack, patterns, subject, search.result(number, end))?;
                buffer.add_top();
            }
        }
    }
    Ok(())
}
