//! Lines on their way from the workers to the log's own thread: bounded, never waited for, counted when dropped.

use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};
use tracing::Level;

use crate::observe::config::Format;
use crate::observe::counters::Count;
use crate::observe::fields::{COUNT, MESSAGE};
use crate::observe::line::Line;
use crate::observe::output::{Loss, Output};

/// Lines that wait to be written.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Told when the writer has something to do.
    filled: Condvar,
    /// Told when the writer has done it.
    written: Condvar,
    /// Octets that may wait.
    limit: usize,
    dropped: Count,
}

#[derive(Debug, Default)]
struct State {
    batch: Batch,
    /// Lines taken so far, and how many of them the writer is through with.
    taken: u64,
    through: u64,
    /// Whether somebody waits, so that the writer gathers no longer.
    is_urgent: bool,
    is_closing: bool,
    has_ended: bool,
    reopened: Option<Output>,
}

/// Lines in a row, and where each ends.
#[derive(Debug, Default)]
struct Batch {
    octets: Vec<u8>,
    ends: Vec<usize>,
}

impl Queue {
    /// An empty queue that holds at most `limit` octets.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
            limit,
            dropped: Count::default(),
        }
    }

    /// Takes a line, or counts it as dropped when there is no room. Waits for nothing but the copy of another line.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.state.lock();
        let before = state.batch.octets.len();
        if state.is_closing || before + line.len() > self.limit {
            drop(state);
            self.dropped.increase();
            return;
        }
        state.batch.push(line);
        state.taken += 1;
        let after = before + line.len();
        // A system call for the first line of a batch, not for each: the writer gathers what follows.
        let is_half = before < self.limit / 2 && after >= self.limit / 2;
        state.is_urgent |= is_half;
        drop(state);
        if before == 0 || is_half {
            self.filled.notify_one();
        }
    }

    /// Lines dropped so far: for want of room, or since they could not be written.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Writes to `output` from the next batch on.
    pub(super) fn redirect(&self, output: Output) {
        self.state.lock().reopened = Some(output);
    }

    /// Waits until all lines taken so far are written, at most `patience`. Whether they are.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.state.lock();
        let through = state.taken;
        while state.through < through && !state.has_ended {
            state.is_urgent = true;
            self.filled.notify_one();
            if self.written.wait_until(&mut state, deadline).timed_out() {
                return state.through >= through;
            }
        }
        state.through >= through
    }

    /// Takes no more lines and waits until the writer has ended, at most `patience`. Whether it has.
    pub(super) fn close(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.state.lock();
        state.is_closing = true;
        self.filled.notify_one();
        while !state.has_ended {
            if self.written.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.has_ended
    }

    /// Writes what is pushed until the queue is closed and empty. The body of the log's own thread.
    pub(super) fn write_to(&self, mut output: Output, form: Format) {
        let mut batch = Batch::default();
        let mut writer = Writer { form, told: 0, is_well: true, is_torn: false };
        while self.next(&mut batch, &mut output) {
            let lines = u64::try_from(batch.ends.len()).unwrap_or(0);
            self.dropped.add(writer.write(&mut output, &mut batch, self.dropped()));
            batch.clear();
            let mut state = self.state.lock();
            state.through += lines;
            drop(state);
            self.written.notify_all();
        }
        self.state.lock().has_ended = true;
        self.written.notify_all();
    }

    /// Waits for lines, gathers for a moment, and puts them into `batch`. False at the end.
    fn next(&self, batch: &mut Batch, output: &mut Output) -> bool {
        let mut state = self.state.lock();
        while state.batch.ends.is_empty() {
            if state.is_closing {
                return false;
            }
            self.filled.wait(&mut state);
        }
        let deadline = Instant::now() + GATHERING;
        while !state.is_urgent && !state.is_closing {
            if self.filled.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.is_urgent = false;
        std::mem::swap(&mut state.batch, batch);
        if let Some(reopened) = state.reopened.take() {
            *output = reopened;
        }
        true
    }
}

impl Batch {
    fn push(&mut self, line: &[u8]) {
        self.octets.extend_from_slice(line);
        self.ends.push(self.octets.len());
    }

    /// Empties it, and gives back the room of an unusual burst.
    fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
        self.octets.shrink_to(KEPT);
        self.ends.shrink_to(KEPT / 64);
    }
}

/// What the log's thread remembers from one batch to the next.
struct Writer {
    form: Format,
    /// Dropped lines that the log has told of.
    told: u64,
    is_well: bool,
    /// Whether the last thing written was a part of a line.
    is_torn: bool,
}

impl Writer {
    /// Writes `batch`, before it that lines were dropped. How many lines of it were lost.
    fn write(&mut self, output: &mut Output, batch: &mut Batch, dropped: u64) -> u64 {
        let loss = self.tell(output, dropped).and_then(|()| output.write(&batch.octets, &batch.ends));
        let Err(loss) = loss else {
            self.is_well = true;
            self.is_torn = false;
            return 0;
        };
        self.is_torn |= loss.is_torn;
        if std::mem::take(&mut self.is_well) && !matches!(output, Output::Terminal) {
            // Nothing is left to tell it to if this fails too.
            let _ = writeln!(io::stderr(), "gatepost: the log can't be written: {}", loss.cause);
        }
        u64::try_from(loss.lines.min(batch.ends.len())).unwrap_or(0)
    }

    /// Ends a torn line and says how many lines were dropped since it was last said.
    fn tell(&mut self, output: &mut Output, dropped: u64) -> Result<(), Loss> {
        let lost_all = |loss: Loss| Loss { lines: usize::MAX, ..loss };
        if self.is_torn && !matches!(output, Output::Journal(_)) {
            output.write(b"\n", &[1]).map_err(lost_all)?;
            self.is_torn = false;
        }
        if dropped > self.told {
            let mut line = Line::new(self.form, false);
            line.text(MESSAGE, "log lines dropped");
            line.bare(COUNT, dropped - self.told);
            let line = line.finish(Level::WARN, SystemTime::now());
            output.write(&line, &[line.len()]).map_err(lost_all)?;
            self.told = dropped;
        }
        Ok(())
    }
}

/// How long lines are gathered before they are written together.
const GATHERING: Duration = Duration::from_millis(5);
/// The room that is kept between batches, in octets.
const KEPT: usize = 64 * 1024;
