//! `string.find`, `match` and `gmatch` as Lua calls them: arguments from the stack, results onto it.

use std::ffi::c_int;

use mlua::ffi::{lua_Integer, lua_KContext, lua_State};

use crate::lua::pattern::class::Pattern;
use crate::lua::pattern::matcher::{Matcher, Outcome};
use crate::lua::pattern::plain;
use crate::lua::pattern::search::Search;
use crate::lua::pattern::state::{Patterns, push_captures};
use crate::lua::stack::Stack;

pub(super) extern "C-unwind" fn find(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let (subject, pattern, start) = arguments(stack);
    let Some(start) = start else { return nothing(stack) };
    if !stack.is_true(4) && !plain::is_plain(pattern) {
        stack.set_height(2);
        return seek(stack, subject, pattern, Search::new(start), true);
    }
    let patterns: &Patterns = stack.shared();
    match patterns.find_plain(stack, subject, pattern, start) {
        Ok(None) => nothing(stack),
        Ok(Some(at)) => {
            stack.push_count(at + 1);
            stack.push_count(at + pattern.len());
            2
        }
        Err(error) => patterns.raise(stack, error),
    }
}

pub(super) extern "C-unwind" fn match_(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let (subject, pattern, start) = arguments(stack);
    let Some(start) = start else { return nothing(stack) };
    stack.set_height(2);
    seek(stack, subject, pattern, Search::new(start), false)
}

/// Subject, pattern, and where to begin; nothing if that is behind the subject.
fn arguments<'a>(stack: Stack) -> (&'a [u8], &'a [u8], Option<usize>) {
    let (subject, pattern) = (stack.text(1), stack.text(2));
    (subject, pattern, start(stack.integer(3, 1), subject.len()))
}

/// The place of the `init` that counts from 1, or from -1 at the end.
fn start(init: lua_Integer, length: usize) -> Option<usize> {
    let from_end = usize::try_from(init.unsigned_abs()).unwrap_or(usize::MAX);
    let start = match init {
        1.. => from_end - 1,
        0 => 0,
        _ => length.saturating_sub(from_end),
    };
    Some(start).filter(|start| *start <= length)
}

fn nothing(stack: Stack) -> c_int {
    stack.push_nil();
    1
}

/// Goes on with a `find` or `match` of what lies at 1 and 2 on the stack.
fn seek(stack: Stack, subject: &[u8], pattern: &[u8], mut search: Search, is_find: bool) -> c_int {
    let patterns: &Patterns = stack.shared();
    let matcher = Matcher::new(subject, pattern);
    match patterns.find(stack, &matcher, &mut search) {
        Ok(Outcome::Found(end)) if is_find => {
            stack.push_count(search.start + 1);
            stack.push_count(end);
            push_captures(stack, patterns, subject, &search, None)
                .map_or_else(|raised| raised, |count| count + 2)
        }
        Ok(Outcome::Found(end)) => {
            push_captures(stack, patterns, subject, &search, Some(end)).unwrap_or_else(|raised| raised)
        }
        Ok(Outcome::Missed) => nothing(stack),
        Ok(Outcome::Paused) => {
            patterns.put_away(stack, &search);
            stack.pause(if is_find { go_on_finding } else { go_on_matching })
        }
        Err(error) => patterns.raise(stack, error),
    }
}

extern "C-unwind" fn go_on_finding(state: *mut lua_State, _: c_int, height: lua_KContext) -> c_int {
    go_on(Stack::go_on(state, height), true)
}

extern "C-unwind" fn go_on_matching(state: *mut lua_State, _: c_int, height: lua_KContext) -> c_int {
    go_on(Stack::go_on(state, height), false)
}

fn go_on(stack: Stack, is_find: bool) -> c_int {
    let search = stack.shared::<Patterns>().take_up(stack, 3);
    stack.set_height(2);
    seek(stack, stack.text(1), stack.text(2), search, is_find)
}

/// Upvalues of an iterator: what it walks over, where it is, and where the last match ended.
const SUBJECT: c_int = 1;
const PATTERN: c_int = 2;
const PLACE: c_int = 3;
const LAST: c_int = 4;

pub(super) extern "C-unwind" fn gmatch(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let (subject, _, start) = arguments(stack);
    stack.set_height(2);
    stack.push_count(start.unwrap_or(subject.len() + 1));
    stack.push_integer(-1);
    stack.push_function(step, 4);
    1
}

/// The iterator that `gmatch` gives.
extern "C-unwind" fn step(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    stack.set_height(0);
    let place = usize::try_from(stack.raw_integer(Stack::upvalue(PLACE))).unwrap_or(usize::MAX);
    walk(stack, Search::new(place))
}

extern "C-unwind" fn go_on_walking(state: *mut lua_State, _: c_int, height: lua_KContext) -> c_int {
    let stack = Stack::go_on(state, height);
    let search = stack.shared::<Patterns>().take_up(stack, 1);
    stack.set_height(0);
    walk(stack, search)
}

fn walk(stack: Stack, mut search: Search) -> c_int {
    let patterns: &Patterns = stack.shared();
    let [subject, pattern] = [SUBJECT, PATTERN].map(|upvalue| stack.text(Stack::upvalue(upvalue)));
    let last = usize::try_from(stack.raw_integer(Stack::upvalue(LAST))).ok();
    let matcher = Matcher { subject, pattern: Pattern(pattern), is_anchored: false };
    while search.start <= subject.len() {
        match patterns.find(stack, &matcher, &mut search) {
            // An empty match where the last one ended is none.
            Ok(Outcome::Found(end)) if Some(end) == last => search.begin(search.start + 1),
            Ok(Outcome::Found(end)) => {
                for upvalue in [PLACE, LAST] {
                    stack.push_count(end);
                    stack.replace(Stack::upvalue(upvalue));
                }
                return push_captures(stack, patterns, subject, &search, Some(end))
                    .unwrap_or_else(|raised| raised);
            }
            Ok(Outcome::Missed) => break,
            Ok(Outcome::Paused) => {
                patterns.put_away(stack, &search);
                return stack.pause(go_on_walking);
            }
            Err(error) => return patterns.raise(stack, error),
        }
    }
    0
}
