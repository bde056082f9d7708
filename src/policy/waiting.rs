//! How many hook calls wait for the world, and how many may before new sessions are turned away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The calls of the whole process that wait.
#[derive(Debug)]
pub struct Waiting {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One call that waits. Dropped, it does so no more.
#[derive(Debug)]
pub struct Wait(Arc<Waiting>);

impl Waiting {
    /// Nobody waits; past `most` nobody new is let in.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { now: AtomicUsize::new(0), most: AtomicUsize::new(most) })
    }

    /// Sets how many may wait before nobody new is let in.
    pub fn set_most(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// One more waits, until what this gives is dropped.
    pub fn enter(self: &Arc<Self>) -> Wait {
        self.now.fetch_add(1, Ordering::Relaxed);
        Wait(Arc::clone(self))
    }

    /// Calls that wait now.
    pub fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// Whether half as many wait as may.
    pub fn is_half_full(&self) -> bool {
        self.now() >= self.most.load(Ordering::Relaxed) / 2
    }

    /// Whether nobody new is to be let in.
    pub fn is_full(&self) -> bool {
        self.now() >= self.most.load(Ordering::Relaxed)
    }
}

impl Default for Waiting {
    /// Without a bound.
    fn default() -> Self {
        Self { now: AtomicUsize::new(0), most: AtomicUsize::new(usize::MAX) }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_may_wait_fill_it() {
        let waiting = Waiting::new(2);
        assert!(!waiting.is_half_full());
        let first = waiting.enter();
        assert!(waiting.is_half_full() && !waiting.is_full());
        let _second = waiting.enter();
        assert!(waiting.is_full());
        waiting.set_most(3);
        assert!(!waiting.is_full(), "a reload can raise it");
        drop(first);
        assert_eq!(waiting.now(), 1);
    }
}
