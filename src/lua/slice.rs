//! The waker of a session's hook calls: it keeps a wake that comes during a poll until the guard has decided what it means.
//!
//! mlua wakes its own task after each slice. Let through, that wake would run 61 slices before a current-thread
//! runtime looks at timers and sockets again.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Wake, Waker};

/// What wakes a session's task for its hook calls.
#[derive(Debug)]
pub(super) struct HookWaker {
    slice: Arc<SliceWaker>,
    waker: Waker,
}

/// A waker that holds back what comes while its task is polled.
#[derive(Debug)]
struct SliceWaker {
    task: Waker,
    state: AtomicU8,
}

const IDLE: u8 = 0;
const POLLING: u8 = 1;
const WOKEN: u8 = 2;

impl HookWaker {
    /// One for the task behind `task`.
    pub(super) fn new(task: &Waker) -> Rc<Self> {
        let slice = Arc::new(SliceWaker { task: task.clone(), state: AtomicU8::new(IDLE) });
        let waker = Waker::from(Arc::clone(&slice));
        Rc::new(HookWaker { slice, waker })
    }

    /// Whether it wakes the same task as `task`.
    pub(super) fn is_for(&self, task: &Waker) -> bool {
        self.slice.task.will_wake(task)
    }

    /// What the call itself is polled with. From here to `finish` or `end`, wakes are kept.
    pub(super) fn begin(&self) -> &Waker {
        self.slice.state.store(POLLING, Ordering::Release);
        &self.waker
    }

    /// Ends a poll after which the call goes on: whether somebody woke the task during it.
    pub(super) fn finish(&self) -> bool {
        self.slice.state.swap(IDLE, Ordering::AcqRel) == WOKEN
    }

    /// Ends the last poll of a call: nobody has to be woken for it any more.
    pub(super) fn end(&self) {
        self.slice.state.store(IDLE, Ordering::Release);
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
