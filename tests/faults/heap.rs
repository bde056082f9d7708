//! Counts what the test's own thread holds on the heap: the proxy's worker, the model backend and the client.
#![allow(unsafe_code, reason = "an allocator is unsafe by nature; this one hands all on to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted thread by thread.
struct Counted;

thread_local! {
    /// Octets allocated here less those freed here. What other threads free or allocate is not seen.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTED: Counted = Counted;

fn count(change: isize) {
    // A thread that ends has no counts any more.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + change);
        let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
    });
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// Octets that this thread holds now.
pub fn held() -> isize {
    HELD.get()
}

/// Octets by which this thread has held more than now at most while `test` ran.
pub async fn growth<T>(test: impl Future<Output = T>) -> (T, isize) {
    let before = held();
    MOST.set(before);
    let output = test.await;
    (output, MOST.get() - before)
}
