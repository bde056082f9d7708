//! What the pattern functions of one Lua state share: the search that runs, its steps, and what it has captured.

use std::cell::RefCell;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::rc::Rc;

use crate::lua::buffer;
use crate::lua::charge::{Rate, SMALL};
use crate::lua::guard::{Budget, Guard, Look};
use crate::lua::pattern::error::PatternError;
use crate::lua::pattern::matcher::{Matcher, Meter, Outcome};
use crate::lua::pattern::plain;
use crate::lua::pattern::search::{Capture, FRAMES, Frame, Search};
use crate::lua::stack::Stack;

/// What the functions of one Lua state share.
pub(super) struct Patterns {
    guard: Rc<Guard>,
    /// The frames of the search that runs; empty between searches.
    frames: RefCell<Vec<Frame>>,
}

/// A search and its frames, put away while others have their turn.
#[derive(Clone, Copy)]
pub(super) struct Paused {
    search: Search,
    frames: [MaybeUninit<Frame>; FRAMES],
    count: usize,
}

impl Patterns {
    /// For a Lua state with this guard.
    pub(super) fn new(guard: &Rc<Guard>) -> Self {
        Patterns { guard: Rc::clone(guard), frames: RefCell::new(Vec::with_capacity(FRAMES)) }
    }

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
        frames.extend(paused.frames.iter().take(paused.count).map(buffer::written));
        paused.search
    }

    /// Looks for a text as it is.
    pub(super) fn find_plain(
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

    /// Charges `steps`.
    ///
    /// *Errors*: what the function returns when the hook is ended.
    pub(super) fn spend(&self, stack: Stack, steps: usize) -> Result<(), c_int> {
        let mut meter = Watch::new(&self.guard, stack, false);
        let spent = meter.spend(steps);
        self.guard.steps().set(meter.left);
        spent.map_err(|error| self.raise(stack, error))
    }

    /// Charges a copy of `text`, if it is long.
    ///
    /// *Errors*: as above.
    pub(super) fn copies(&self, stack: Stack, text: &[u8]) -> Result<(), c_int> {
        if text.len() < SMALL { Ok(()) } else { self.spend(stack, Rate::COPIED.steps(text.len())) }
    }

    /// Nothing, as long as a text of so many octets may be made.
    ///
    /// *Errors*: what the function returns when the hook is ended.
    pub(super) fn bears(&self, stack: Stack, octets: usize) -> Result<(), c_int> {
        let memory = self.guard.memory();
        let spent = if octets > memory.longest() { Budget::Text } else { self.guard.hunger() };
        match octets > memory.longest() || memory.is_over() {
            true => Err(stack.kill(&self.guard, spent)),
            false => Ok(()),
        }
    }

    /// Raises.
    pub(super) fn raise(&self, stack: Stack, error: PatternError) -> c_int {
        if error == PatternError::OverBudget {
            let spent = if self.guard.memory().is_over() { self.guard.hunger() } else { Budget::Cpu };
            return stack.kill(&self.guard, spent);
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
            Look::Stop(_) => return Err(PatternError::OverBudget),
            Look::Pause => self.is_over = true,
            Look::Hasten => self.stack.hasten(),
            Look::On => {}
        }
        self.left = self.guard.steps().get();
        Ok(())
    }
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
        Ok(Capture::Text(start, end)) => {
            let text = subject.get(start..end).unwrap_or_default();
            patterns.copies(stack, text)?;
            stack.push_text(text);
        }
        Ok(Capture::Open(_)) => return Err(patterns.raise(stack, PatternError::Unfinished)),
        Err(error) => return Err(patterns.raise(stack, error)),
    }
    Ok(())
}
