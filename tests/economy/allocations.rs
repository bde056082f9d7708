//! Counts what is allocated, how often and how much in all, by the threads of a test that belong to the proxy.
#![allow(unsafe_code, reason = "an allocator is unsafe by nature; this one hands all on to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, counted.
struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

static CALLS: AtomicU64 = AtomicU64::new(0);
static OCTETS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread is a client or a backend, whose allocations are its own affair.
    static IS_OUTSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Counts what is new: all of an allocation, of a growing one what is more.
fn count(octets: usize) {
    // A thread that ends has no flag any more.
    if IS_OUTSIDE.try_with(Cell::get).unwrap_or(true) {
        return;
    }
    CALLS.fetch_add(1, Ordering::Relaxed);
    OCTETS.fetch_add(octets as u64, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        // SAFETY: as the caller promises.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// What was allocated.
#[derive(Clone, Copy, Debug)]
pub struct Allocated {
    /// Calls of the allocator.
    pub calls: u64,
    /// Octets in all, whether they were freed or not.
    pub octets: u64,
}

/// All that was allocated so far.
pub fn so_far() -> Allocated {
    Allocated { calls: CALLS.load(Ordering::Relaxed), octets: OCTETS.load(Ordering::Relaxed) }
}

impl Allocated {
    /// What was allocated since.
    pub fn since(self) -> Allocated {
        let now = so_far();
        Allocated { calls: now.calls - self.calls, octets: now.octets - self.octets }
    }
}

/// A thread whose allocations are not counted.
pub fn outside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> std::thread::JoinHandle<T> {
    std::thread::spawn(move || {
        IS_OUTSIDE.set(true);
        work()
    })
}
