//! How the process takes memory from the system.

/// Takes memory in small pages from now on, also in what is started from here.
///
/// With huge pages the allocator's first touch of each size costs 2 MiB: ten of them at rest, for nothing. A system that
/// knows no such switch is left as it is.
pub fn take_small_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay as they are");
    }
}
