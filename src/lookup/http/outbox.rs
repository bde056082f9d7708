//! Requests that nobody waits for: a few at a time, a bounded number waiting, the rest dropped and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is on its way out. It outlives reloads, so that its counts do.
#[derive(Debug)]
pub struct Outbox {
    turns: Arc<Semaphore>,
    letters: AtomicUsize,
    octets: AtomicUsize,
    sent: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// What became of requests, since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Posted {
    /// Answered with a status from 200 to 299.
    pub sent: u64,
    /// Not answered, or with another status.
    pub failed: u64,
    /// Never sent: there was no room.
    pub dropped: u64,
}

/// A place in the queue; given back when dropped.
#[derive(Debug)]
pub(super) struct Letter {
    outbox: Arc<Outbox>,
    octets: usize,
    is_done: bool,
}

impl Outbox {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            letters: AtomicUsize::default(),
            octets: AtomicUsize::default(),
            sent: AtomicU64::default(),
            failed: AtomicU64::default(),
            dropped: AtomicU64::default(),
        })
    }

    /// What became of requests so far.
    pub fn posted(&self) -> Posted {
        Posted {
            sent: self.sent.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    /// A place for a body of so many octets; none, and counted as dropped, if there is no room.
    pub(super) fn post(self: &Arc<Self>, octets: usize) -> Option<Letter> {
        let letters = self.letters.fetch_add(1, Ordering::Relaxed);
        let held = self.octets.fetch_add(octets, Ordering::Relaxed);
        let letter = Letter { outbox: Arc::clone(self), octets, is_done: false };
        if letters < MOST_LETTERS && held.saturating_add(octets) <= MOST_OCTETS {
            return Some(letter);
        }
        if self.dropped.fetch_add(1, Ordering::Relaxed).is_multiple_of(MENTION) {
            tracing::warn!("http.send has more to send than the servers take: some is dropped");
        }
        letter.give_back();
        None
    }
}

impl Letter {
    /// Waits until it may go out; held while it does.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.outbox.turns).acquire_owned().await.ok()
    }

    /// Counts how it went.
    pub(super) fn done(mut self, is_sent: bool) {
        self.is_done = true;
        let count = if is_sent { &self.outbox.sent } else { &self.outbox.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Without counting it as failed: it was dropped.
    fn give_back(mut self) {
        self.is_done = true;
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        if !self.is_done {
            self.outbox.failed.fetch_add(1, Ordering::Relaxed); // the helper has stopped
        }
        self.outbox.letters.fetch_sub(1, Ordering::Relaxed);
        self.outbox.octets.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

/// Requests that are made at once.
const AT_ONCE: usize = 16;

/// Requests that wait or are made, and the octets of their bodies.
const MOST_LETTERS: usize = 1000;
const MOST_OCTETS: usize = 16 << 20;

/// One in so many that are dropped is worth a line.
const MENTION: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let outbox = Outbox::new();
        let letters: Vec<_> = (0..MOST_LETTERS).map(|_| outbox.post(1).expect("room")).collect();
        assert!(outbox.post(1).is_none());
        drop(letters);
        let large = outbox.post(MOST_OCTETS).expect("room again");
        assert!(outbox.post(1).is_none(), "no room for one more octet");
        large.done(true);
        assert!(outbox.post(MOST_OCTETS + 1).is_none(), "never");
        outbox.post(MOST_OCTETS).expect("room again").done(false);
        let failed = MOST_LETTERS as u64 + 1;
        assert_eq!(outbox.posted(), Posted { sent: 1, failed, dropped: 3 });
    }
}
