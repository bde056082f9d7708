//! The waker of a hook call: it keeps a wake that comes during a poll until the guard has decided what it means.
//!
//! mlua wakes its own task after each slice. Let through, that wake would run 61 slices before a current-thread
//! runtime looks at timers and sockets again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Wake, Waker};

/// A waker that holds back what comes while its task is polled.
#[derive(Debug)]
pub(super) struct SliceWaker {
    task: Waker,
    state: AtomicU8,
}

const IDLE: u8 = 0;
const POLLING: u8 = 1;
const WOKEN: u8 = 2;

impl SliceWaker {
    /// A waker for the task behind `task`.
    pub(super) fn new(task: &Waker) -> Arc<Self> {
        Arc::new(SliceWaker { task: task.clone(), state: AtomicU8::new(IDLE) })
    }

    /// Whether it wakes the same task as `task`.
    pub(super) fn is_for(&self, task: &Waker) -> bool {
        self.task.will_wake(task)
    }

    /// From here to `finish`, wakes are kept.
    pub(super) fn begin(&self) {
        self.state.store(POLLING, Ordering::Release);
    }

    /// Ends the poll: whether somebody woke the task during it.
    pub(super) fn finish(&self) -> bool {
        self.state.swap(IDLE, Ordering::AcqRel) == WOKEN
    }
}

impl Wake for SliceWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let kept = self.state.compare_exchange(POLLING, WOKEN, Ordering::AcqRel, Ordering::Acquire);
        if matches!(kept, Err(IDLE)) {
            self.task.wake_by_ref();
        }
    }
}
