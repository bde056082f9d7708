//! The four functions as Lua calls them: arguments from the stack, results onto it.

use std::cell::RefCell;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::rc::Rc;

use mlua::ffi::{lua_CFunction, lua_Integer, lua_KContext, lua_State};
use mlua::{Lua, Table};

use crate::lua::guard::{Guard, Look};
use crate::lua::pattern::class::Pattern;
use crate::lua::pattern::error::PatternError;
use crate::lua::pattern::gsub;
use crate::lua::pattern::matcher::{Matcher, Meter, Outcome};
use crate::lua::pattern::plain;
use crate::lua::pattern::search::{Capture, FRAMES, Frame, Search};
use crate::lua::stack::{self, Stack};

/// What the functions of one Lua state share.
pub(super) struct Patterns {
    pub(super) guard: Rc<Guard>,
    /// The frames of the search that runs; empty between searches.
    frames: RefCell<Vec<Frame>>,
}

/// Puts the four functions into Lua's own `string`, in the place of its own.
pub(in crate::lua) fn open(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<()> {
    stack::keep_paused(lua)?;
    let string: Table = lua.globals().get("string")?;
    let frames = RefCell::new(Vec::with_capacity(FRAMES));
    let patterns = Rc::new(Patterns { guard: Rc::clone(guard), frames });
    let functions: [(&str, lua_CFunction); 4] =
        [("find", find), ("match", match_), ("gmatch", gmatch), ("gsub", gsub::gsub)];
    for (name, function) in functions {
        string.raw_set(name, stack::function(lua, &patterns, function, ())?)?;
    }
    Ok(())
}

/// A search and its frames, put away while others have their turn.
#[derive(Clone, Copy)]
pub(super) struct Paused {
    search: Search,
    frames: [MaybeUninit<Frame>; FRAMES],
    count: usize,
}

impl Patterns {
    /// Goes on with `search`.
    pub(super) fn find(
        &self,
        stack: Stack,
        matcher: &Matcher<'_>,
        search: &mut Search,
    ) -> Result<Outcome, PatternError> {
        let mut frames = self.frames.borrow_mut();
        let mut meter = Watch::new(&self.guard, stack, true);
        let outcome = matcher.find(search, &mut frames, &mut meter);
        self.guard.steps().set(meter.left);
        if !matches!(outcome, Ok(Outcome::Paused)) {
            frames.clear();
        }
        outcome
    }

    /// Puts the search away: on top of the stack.
    pub(super) fn put_away(&self, stack: Stack, search: &Search) {
        let mut paused =
            Paused { search: *search, frames: [const { MaybeUninit::uninit() }; FRAMES], count: 0 };
        for (place, frame) in paused.frames.iter_mut().zip(self.frames.borrow_mut().drain(..)) {
            place.write(frame);
            paused.count += 1;
        }
        stack.push_value(paused);
        self.guard.pause();
    }

    /// Takes it up again, from `index`.
    pub(super) fn take_up(&self, stack: Stack, index: c_int) -> Search {
        let paused: Paused = stack.value(index);
        let mut frames = self.frames.borrow_mut();
        frames.clear();
        frames.extend(paused.frames.iter().take(paused.count).map(stack::written));
        paused.search
    }

    /// Looks for a text as it is.
    fn find_plain(
        &self,
        stack: Stack,
        subject: &[u8],
        text: &[u8],
        start: usize,
    ) -> Result<Option<usize>, PatternError> {
        let mut meter = Watch::new(&self.guard, stack, false);
        let found = plain::find(subject, text, start, &mut meter);
        self.guard.steps().set(meter.left);
        found
    }

    /// Raises.
    pub(super) fn raise(&self, stack: Stack, error: PatternError) -> c_int {
        if error == PatternError::OverBudget {
            return stack.kill(&self.guard);
        }
        let (words, number) = error.words();
        stack.raise(words, number)
    }
}

/// Counts steps on behalf of the guard.
struct Watch<'a> {
    guard: &'a Guard,
    stack: Stack,
    /// Whether the search can be put away.
    can_pause: bool,
    left: usize,
    is_over: bool,
}

impl<'a> Watch<'a> {
    fn new(guard: &'a Guard, stack: Stack, can_pause: bool) -> Self {
        Watch { guard, stack, can_pause, left: guard.steps().get(), is_over: false }
    }
}

impl Meter for Watch<'_> {
    #[inline]
    fn spend(&mut self, steps: usize) -> Result<(), PatternError> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => self.look(steps),
        }
    }

    #[inline]
    fn is_over(&self) -> bool {
        self.is_over
    }
}

impl Watch<'_> {
    #[cold]
    fn look(&mut self, steps: usize) -> Result<(), PatternError> {
        self.guard.steps().set(self.left);
        match self.guard.spend(steps, || self.can_pause && self.stack.can_yield()) {
            Look::Stop => return Err(PatternError::OverBudget),
            Look::Pause => self.is_over = true,
            Look::Hasten => self.stack.hasten(),
            Look::On => {}
        }
        self.left = self.guard.steps().get();
        Ok(())
    }
}

extern "C-unwind" fn find(state: *mut lua_State) -> c_int {
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

extern "C-unwind" fn match_(state: *mut lua_State) -> c_int {
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
    let anchored = pattern.strip_prefix(b"^");
    let matcher =
        Matcher { subject, pattern: Pattern(anchored.unwrap_or(pattern)), is_anchored: anchored.is_some() };
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

/// Pushes all captures; if there are none the match up to `end`, if it is given. How many they are.
///
/// An `Err` is what the function returns when Lua has been told to raise.
pub(super) fn push_captures(
    stack: Stack,
    patterns: &Patterns,
    subject: &[u8],
    search: &Search,
    end: Option<usize>,
) -> Result<c_int, c_int> {
    let count = if search.level == 0 && end.is_some() { 1 } else { search.level };
    stack.reserve(count, c"too many captures");
    for number in 0..count {
        push_capture(stack, patterns, subject, search.result(number, end.unwrap_or_default()))?;
    }
    Ok(c_int::try_from(count).unwrap_or_default())
}

/// Pushes one capture.
pub(super) fn push_capture(
    stack: Stack,
    patterns: &Patterns,
    subject: &[u8],
    capture: Result<Capture, PatternError>,
) -> Result<(), c_int> {
    match capture {
        Ok(Capture::Place(place)) => stack.push_count(place + 1),
        Ok(Capture::Text(start, end)) => stack.push_text(subject.get(start..end).unwrap_or_default()),
        Ok(Capture::Open(_)) => return Err(patterns.raise(stack, PatternError::Unfinished)),
        Err(error) => return Err(patterns.raise(stack, error)),
    }
    Ok(())
}

/// Upvalues of an iterator: what it walks over, where it is, and where the last match ended.
const SUBJECT: c_int = 1;
const PATTERN: c_int = 2;
const PLACE: c_int = 3;
const LAST: c_int = 4;

extern "C-unwind" fn gmatch(state: *mut lua_State) -> c_int {
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
