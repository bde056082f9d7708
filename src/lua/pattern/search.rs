//! How far a search has come: its place in subject and pattern, its captures, and what it may go back to.

use crate::lua::pattern::error::PatternError;

/// A search that is under way. All of it and its `Frame`s can be put away and taken up again.
#[derive(Clone, Copy)]
pub(super) struct Search {
    /// Where in the subject the present attempt began.
    pub(super) start: usize,
    /// The next place in the subject.
    pub(super) subject: usize,
    /// The next place in the pattern.
    pub(super) pattern: usize,
    /// Captures begun.
    pub(super) level: usize,
    captures: [Capture; CAPTURES],
}

/// Captures of one pattern. As in Lua.
const CAPTURES: usize = 32;

/// What `(` began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    /// From here on, to be ended.
    Open(usize),
    /// `()`: the place itself, counted from 0.
    Place(usize),
    /// From the first to before the second.
    Text(usize, usize),
}

/// A place that a failing search goes back to, or what it undoes on its way there.
#[derive(Clone, Copy)]
pub(super) enum Frame {
    /// Forget the last capture.
    Began,
    /// Take back the end of this capture.
    Ended(usize),
    /// `?`: go on without the item.
    Optional { subject: usize, next: usize },
    /// `*` and `+`: the item came `count` times from `subject` on; try with one less.
    Most { subject: usize, count: usize, least: usize, next: usize },
    /// `-`: try with one more.
    Least { subject: usize, item: usize, end: usize },
    /// How often the item comes is still being counted.
    Counting { subject: usize, count: usize, least: usize, item: usize, end: usize },
}

/// Frames at most: the matcher of Lua calls itself 200 times.
pub(super) const FRAMES: usize = 199;

impl Search {
    /// A search whose first attempt is at `start`.
    pub(super) fn new(start: usize) -> Search {
        Search { start, subject: start, pattern: 0, level: 0, captures: [Capture::Open(0); CAPTURES] }
    }

    /// Begins a new attempt at `start`.
    pub(super) fn begin(&mut self, start: usize) {
        (self.start, self.subject, self.pattern, self.level) = (start, start, 0, 0);
    }

    /// Goes on at these places.
    pub(super) fn go(&mut self, subject: usize, pattern: usize) {
        (self.subject, self.pattern) = (subject, pattern);
    }

    /// Begins a capture.
    ///
    /// Errors: there are too many.
    pub(super) fn begin_capture(&mut self, capture: Capture) -> Result<(), PatternError> {
        *self.captures.get_mut(self.level).ok_or(PatternError::TooManyCaptures)? = capture;
        self.level += 1;
        Ok(())
    }

    /// Ends at `end` the capture that was begun last and not ended; its number, from 0.
    ///
    /// Errors: there is none.
    pub(super) fn end_capture(&mut self, end: usize) -> Result<usize, PatternError> {
        let begun = self.captures.get_mut(..self.level).unwrap_or_default();
        let open = begun.iter_mut().enumerate().rev().find_map(|(number, capture)| match *capture {
            Capture::Open(start) => Some((number, start, capture)),
            _ => None,
        });
        let (number, start, capture) = open.ok_or(PatternError::NoCapture)?;
        *capture = Capture::Text(start, end);
        Ok(number)
    }

    /// Takes back the end of a capture.
    pub(super) fn reopen(&mut self, number: usize) {
        if let Some(capture) = self.captures.get_mut(number)
            && let Capture::Text(start, _) = *capture
        {
            *capture = Capture::Open(start);
        }
    }

    /// The capture of this number, from 0, if it was begun.
    pub(super) fn capture(&self, number: usize) -> Option<Capture> {
        self.captures.get(..self.level)?.get(number).copied()
    }

    /// The capture of this number, from 0; the whole match up to `end` if there are no captures.
    ///
    /// Errors: there is no such capture, or it has no end.
    pub(super) fn result(&self, number: usize, end: usize) -> Result<Capture, PatternError> {
        match self.capture(number) {
            Some(Capture::Open(_)) => Err(PatternError::Unfinished),
            Some(capture) => Ok(capture),
            None if number == 0 => Ok(Capture::Text(self.start, end)),
            None => Err(PatternError::no_such_capture(number)),
        }
    }
}

impl PatternError {
    /// There is no capture of this number, which counts from 0; people count from 1.
    fn no_such_capture(number: usize) -> PatternError {
        PatternError::NoSuchCapture(i32::try_from(number + 1).unwrap_or(i32::MAX))
    }
}
