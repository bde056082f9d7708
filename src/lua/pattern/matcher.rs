//! Matches a pattern, step by step. Each step is counted, and after any of them the search can be put away.

use crate::lua::pattern::class::Pattern;
use crate::lua::pattern::error::PatternError;
use crate::lua::pattern::search::{Capture, FRAMES, Frame, Search};

/// A pattern and what it is held against.
#[derive(Clone, Copy)]
pub(super) struct Matcher<'a> {
    pub(super) subject: &'a [u8],
    pub(super) pattern: Pattern<'a>,
    /// Whether it may match only where the search begins.
    pub(super) is_anchored: bool,
}

impl<'a> Matcher<'a> {
    /// `pattern`, which `^` anchors, and `subject`.
    pub(super) fn new(subject: &'a [u8], pattern: &'a [u8]) -> Self {
        let anchored = pattern.strip_prefix(b"^");
        Matcher { subject, pattern: Pattern(anchored.unwrap_or(pattern)), is_anchored: anchored.is_some() }
    }
}

/// What became of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It matches from the search's start to here.
    Found(usize),
    /// It doesn't.
    Missed,
    /// Others are to have their turn first.
    Paused,
}

/// Counts the steps and says when they are too many.
pub(super) trait Meter {
    /// Counts this many steps.
    ///
    /// Errors: the budget is spent.
    fn spend(&mut self, steps: usize) -> Result<(), PatternError>;

    /// Whether others are to have their turn.
    fn is_over(&self) -> bool;
}

/// What follows upon a step.
enum Next {
    On,
    Matched,
    Failed,
}

/// Octets of a set or a repeated text that are looked at in the time of one step.
const OCTETS_A_STEP: usize = 16;

impl Matcher<'_> {
    /// Goes on with `search` until it is decided, trying at each place of the subject from its start on.
    ///
    /// Errors: the pattern is malformed, or the budget is spent.
    pub(super) fn find(
        &self,
        search: &mut Search,
        frames: &mut Vec<Frame>,
        meter: &mut impl Meter,
    ) -> Result<Outcome, PatternError> {
        loop {
            match self.attempt(search, frames, meter)? {
                Outcome::Missed if !self.is_anchored && search.start < self.subject.len() => {
                    search.begin(search.start + 1);
                }
                outcome => return Ok(outcome),
            }
        }
    }

    /// The same at the search's start alone.
    pub(super) fn attempt(
        &self,
        search: &mut Search,
        frames: &mut Vec<Frame>,
        meter: &mut impl Meter,
    ) -> Result<Outcome, PatternError> {
        loop {
            if meter.is_over() {
                return Ok(Outcome::Paused);
            }
            meter.spend(1)?;
            let next = match frames.last() {
                Some(Frame::Counting { .. }) => self.count(search, frames, meter)?,
                _ => self.step(search, frames, meter)?,
            };
            match next {
                Next::On => {}
                Next::Matched => {
                    frames.clear();
                    return Ok(Outcome::Found(search.subject));
                }
                Next::Failed => {
                    if !self.go_back(search, frames, meter)? {
                        return Ok(Outcome::Missed);
                    }
                }
            }
        }
    }

    fn octet(&self, place: usize) -> u8 {
        self.subject.get(place).copied().unwrap_or(0)
    }

    /// Whether the item holds the octet at `place`.
    #[inline]
    fn holds(&self, place: usize, item: usize, end: usize) -> bool {
        self.subject.get(place).is_some_and(|octet| self.pattern.item_holds(*octet, item, end))
    }

    /// One part of the pattern.
    fn step(
        &self,
        search: &mut Search,
        frames: &mut Vec<Frame>,
        meter: &mut impl Meter,
    ) -> Result<Next, PatternError> {
        let (subject, place) = (search.subject, search.pattern);
        let Some(first) = self.pattern.0.get(place) else { return Ok(Next::Matched) };
        match (first, self.pattern.at(place + 1)) {
            (b'(', second) => {
                let (capture, length) = match second {
                    b')' => (Capture::Place(subject), 2),
                    _ => (Capture::Open(subject), 1),
                };
                search.begin_capture(capture)?;
                push(frames, Frame::Began)?;
                search.pattern += length;
                Ok(Next::On)
            }
            (b')', _) => {
                let number = search.end_capture(subject)?;
                push(frames, Frame::Ended(number))?;
                search.pattern += 1;
                Ok(Next::On)
            }
            (b'$', _) if place + 1 == self.pattern.0.len() => {
                Ok(if subject == self.subject.len() { Next::Matched } else { Next::Failed })
            }
            (b'%', b'b') => self.balance(search, meter),
            (b'%', b'f') => self.frontier(search, meter),
            (b'%', digit @ b'0'..=b'9') => self.again(search, digit, meter),
            _ => self.item(search, frames, meter),
        }
    }

    /// An item that stands for one octet, and how often it may come.
    fn item(
        &self,
        search: &mut Search,
        frames: &mut Vec<Frame>,
        meter: &mut impl Meter,
    ) -> Result<Next, PatternError> {
        let (subject, item) = (search.subject, search.pattern);
        let end = self.pattern.item_end(item)?;
        if end - item > OCTETS_A_STEP {
            meter.spend((end - item) / OCTETS_A_STEP)?;
        }
        let holds = self.holds(subject, item, end);
        match self.pattern.at(end) {
            b'*' | b'-' | b'?' if !holds => search.go(subject, end + 1),
            _ if !holds => return Ok(Next::Failed),
            b'?' => {
                push(frames, Frame::Optional { subject, next: end + 1 })?;
                search.go(subject + 1, end + 1);
            }
            suffix @ (b'*' | b'+') => {
                let least = usize::from(suffix == b'+');
                push(frames, Frame::Counting { subject, count: 1, least, item, end })?;
            }
            b'-' => {
                push(frames, Frame::Least { subject, item, end })?;
                search.go(subject, end + 1);
            }
            _ => search.go(subject + 1, end),
        }
        Ok(Next::On)
    }

    /// Counts how often an item comes, and goes on behind its last octet.
    fn count(
        &self,
        search: &mut Search,
        frames: &mut [Frame],
        meter: &mut impl Meter,
    ) -> Result<Next, PatternError> {
        let Some(frame) = frames.last_mut() else { return Ok(Next::Failed) };
        let Frame::Counting { subject, mut count, least, item, end } = *frame else {
            return Ok(Next::Failed);
        };
        let steps = 1 + (end - item) / OCTETS_A_STEP;
        while self.holds(subject + count, item, end) {
            count += 1;
            meter.spend(steps)?;
            if meter.is_over() {
                *frame = Frame::Counting { subject, count, least, item, end };
                return Ok(Next::On);
            }
        }
        *frame = Frame::Most { subject, count, least, next: end + 1 };
        search.go(subject + count, end + 1);
        Ok(Next::On)
    }

    /// `%bxy`: from an x to the y that belongs to it.
    fn balance(&self, search: &mut Search, meter: &mut impl Meter) -> Result<Next, PatternError> {
        let place = search.pattern + 2;
        let (Some(open), Some(close)) = (self.pattern.0.get(place), self.pattern.0.get(place + 1)) else {
            return Err(PatternError::NoPair);
        };
        if self.octet(search.subject) != *open {
            return Ok(Next::Failed);
        }
        let mut depth = 1_usize;
        let rest = self.subject.get(search.subject + 1..).unwrap_or_default();
        for (at, octet) in rest.iter().enumerate() {
            meter.spend(1)?;
            if octet == close {
                depth -= 1;
                if depth == 0 {
                    search.go(search.subject + at + 2, place + 2);
                    return Ok(Next::On);
                }
            } else if octet == open {
                depth += 1;
            }
        }
        Ok(Next::Failed)
    }

    /// `%f[set]`: before an octet of the set, behind one that is not.
    fn frontier(&self, search: &mut Search, meter: &mut impl Meter) -> Result<Next, PatternError> {
        let set = search.pattern + 2;
        if self.pattern.at(set) != b'[' {
            return Err(PatternError::NoFrontier);
        }
        let end = self.pattern.item_end(set)?;
        meter.spend(3 * (end - set) / OCTETS_A_STEP)?;
        let before = search.subject.checked_sub(1).map_or(0, |before| self.octet(before));
        let here = self.octet(search.subject);
        if self.pattern.set_holds(before, set, end) || !self.pattern.set_holds(here, set, end) {
            return Ok(Next::Failed);
        }
        search.pattern = end;
        Ok(Next::On)
    }

    /// `%1`: what the capture holds, once more.
    fn again(&self, search: &mut Search, digit: u8, meter: &mut impl Meter) -> Result<Next, PatternError> {
        let number = usize::from(digit).checked_sub(usize::from(b'1'));
        let capture = number.and_then(|number| search.capture(number));
        let (start, end) = match capture {
            Some(Capture::Text(start, end)) => (start, end),
            Some(Capture::Place(_)) => return Ok(Next::Failed),
            None | Some(Capture::Open(_)) => {
                return Err(PatternError::NoSuchCapture(i32::from(digit) - i32::from(b'0')));
            }
        };
        meter.spend((end - start) / OCTETS_A_STEP)?;
        let text = self.subject.get(start..end).unwrap_or_default();
        if !self.subject.get(search.subject..).unwrap_or_default().starts_with(text) {
            return Ok(Next::Failed);
        }
        search.go(search.subject + text.len(), search.pattern + 2);
        Ok(Next::On)
    }

    /// Goes back to where the search may go on another way; whether there is such a place.
    fn go_back(
        &self,
        search: &mut Search,
        frames: &mut Vec<Frame>,
        meter: &mut impl Meter,
    ) -> Result<bool, PatternError> {
        while let Some(frame) = frames.pop() {
            match frame {
                Frame::Began => search.level -= 1,
                Frame::Ended(number) => search.reopen(number),
                Frame::Optional { subject, next } => {
                    search.go(subject, next);
                    return Ok(true);
                }
                Frame::Most { subject, count, least, next } if count > least => {
                    frames.push(Frame::Most { subject, count: count - 1, least, next });
                    search.go(subject + count - 1, next);
                    return Ok(true);
                }
                Frame::Least { subject, item, end } if self.holds(subject, item, end) => {
                    if end - item > OCTETS_A_STEP {
                        meter.spend((end - item) / OCTETS_A_STEP)?;
                    }
                    frames.push(Frame::Least { subject: subject + 1, item, end });
                    search.go(subject + 1, end + 1);
                    return Ok(true);
                }
                Frame::Most { .. } | Frame::Least { .. } | Frame::Counting { .. } => {}
            }
        }
        Ok(false)
    }
}

fn push(frames: &mut Vec<Frame>, frame: Frame) -> Result<(), PatternError> {
    if frames.len() >= FRAMES {
        return Err(PatternError::TooComplex);
    }
    frames.push(frame);
    Ok(())
}
