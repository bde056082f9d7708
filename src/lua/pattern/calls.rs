//! `string.gsub` with a function: what it has replaced so far stands on the stack, so that the function may wait, and
//! others have their turn while it computes.

use std::ffi::c_int;

use mlua::ffi::{lua_Integer, lua_KContext, lua_State};

use crate::lua::buffer::Kept;
use crate::lua::pattern::matcher::{Matcher, Outcome};
use crate::lua::pattern::search::Search;
use crate::lua::pattern::state::{Patterns, push_captures};
use crate::lua::stack::{Kind, Stack};

/// How far the work has come.
#[derive(Clone, Copy)]
struct Work {
    /// The result so far.
    text: Kept,
    /// How much of the subject is in it.
    copied: usize,
    /// Where the last match ended.
    last: Option<usize>,
    /// The match that the function is called for.
    found: (usize, usize),
    count: lua_Integer,
    most: lua_Integer,
    is_changed: bool,
}

/// The places of the arguments.
pub(super) const SUBJECT: c_int = 1;
pub(super) const PATTERN: c_int = 2;
pub(super) const REPLACEMENT: c_int = 3;
pub(super) const MOST: c_int = 4;
/// The places behind the arguments: the octets of the result, the work, and a search that is put away.
const WORK: c_int = MOST + 2;
const SEARCH: c_int = WORK + 1;

/// Begins, with the arguments on the stack.
pub(super) fn begin(stack: Stack, most: lua_Integer) -> c_int {
    let text = Kept::begin(stack);
    let work = Work { text, copied: 0, last: None, found: (0, 0), count: 0, most, is_changed: false };
    stack.push_value(work);
    replace(stack, work, Search::new(0))
}

/// Goes on after others had their turn during a search.
extern "C-unwind" fn go_on(state: *mut lua_State, _: c_int, height: lua_KContext) -> c_int {
    let stack = Stack::go_on(state, height);
    let search = stack.shared::<Patterns>().take_up(stack, SEARCH);
    stack.set_height(WORK);
    replace(stack, stack.value(WORK), search)
}

/// Goes on when the function has returned that was suspended.
extern "C-unwind" fn called(state: *mut lua_State, _: c_int, _: lua_KContext) -> c_int {
    let stack = Stack::of(state);
    let mut work: Work = stack.value(WORK);
    match take(stack, &mut work) {
        Ok(search) => replace(stack, work, search),
        Err(raised) => raised,
    }
}

fn replace(stack: Stack, mut work: Work, mut search: Search) -> c_int {
    let patterns: &Patterns = stack.shared();
    let (subject, pattern) = (stack.text(SUBJECT), stack.text(PATTERN));
    let matcher = Matcher::new(subject, pattern);
    let is_first = |work: &Work| !matcher.is_anchored || work.count == 0 && work.last.is_none();
    while work.count < work.most && is_first(&work) {
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
                work.found = (search.start, end);
                work.text.add(stack, subject.get(work.copied..search.start).unwrap_or_default());
                if let Err(raised) = patterns.bears(stack, work.text.length()) {
                    return raised;
                }
                stack.set_value(WORK, work);
                stack.push_copy(REPLACEMENT);
                match push_captures(stack, patterns, subject, &search, Some(end)) {
                    Ok(count) => stack.call(count, called),
                    Err(raised) => return raised,
                }
                match take(stack, &mut work) {
                    Ok(next) => search = next,
                    Err(raised) => return raised,
                }
            }
            Ok(Outcome::Missed) => break,
            Ok(Outcome::Paused) => {
                stack.set_value(WORK, work);
                patterns.put_away(stack, &search);
                return stack.pause(go_on);
            }
            Err(error) => return patterns.raise(stack, error),
        }
    }
    if work.is_changed {
        work.text.add(stack, subject.get(work.copied..).unwrap_or_default());
        work.text.push_result(stack);
    } else {
        stack.push_copy(SUBJECT);
    }
    stack.push_integer(work.count);
    2
}

/// Takes what the function has returned, which is on top; the search for what comes next.
fn take(stack: Stack, work: &mut Work) -> Result<Search, c_int> {
    let (start, end) = work.found;
    if !stack.is_true(-1) {
        work.text.add(stack, stack.text(SUBJECT).get(start..end).unwrap_or_default());
    } else if stack.kind(-1) == Kind::Text {
        // The text stays where it is, below a block that takes its place among the others.
        work.text.add(stack, stack.text(stack.height()));
        work.is_changed = true;
    } else {
        return Err(stack.raise_replacement());
    }
    stack.set_height(WORK);
    (work.copied, work.last) = (end, Some(end));
    Ok(Search::new(end))
}
