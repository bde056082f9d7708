//! Large buffers of content, lent out and taken back, so that the same few serve message after message.
//!
//! A buffer that is new from the system is cleared page by page before its first use, which costs more than to read
//! into it.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

/// Octets of a large buffer: of one piece of content, and of one write to the spool.
pub const CHUNK: usize = 256 * 1024;
/// Buffers that are kept when nobody needs them: 8 MiB at most.
const KEPT: usize = 32;

/// The buffers that nobody needs now; the last one that came is the first to go, for it may be in the processor's cache.
#[derive(Debug, Default)]
pub struct Shelf {
    free: Mutex<Vec<Vec<u8>>>,
}

/// Octets in a buffer that goes back to its shelf with them.
struct Lent {
    octets: Vec<u8>,
    shelf: Arc<Shelf>,
}

impl Shelf {
    /// An empty buffer with room for [`CHUNK`] octets or a little more.
    pub fn take(&self) -> Vec<u8> {
        let mut buffer = self.take_used();
        buffer.clear();
        buffer
    }

    /// A buffer of `length` octets, [`CHUNK`] at most, to be written over: they are zeros or another message's.
    pub fn take_dirty(&self, length: usize) -> Vec<u8> {
        let mut buffer = self.take_used();
        buffer.resize(length.min(CHUNK), 0);
        buffer
    }

    fn take_used(&self) -> Vec<u8> {
        let free = self.free.lock().pop();
        free.unwrap_or_else(|| Vec::with_capacity(CHUNK))
    }

    /// Takes back a buffer whose octets nobody needs; one of another size goes to the allocator.
    pub fn give_back(&self, buffer: Vec<u8>) {
        let is_ours = (CHUNK..2 * CHUNK).contains(&buffer.capacity());
        let mut free = self.free.lock();
        if is_ours && free.len() < KEPT {
            free.push(buffer);
        }
    }

    /// `octets`, cheap to clone and to slice; their buffer comes back here with the last handle.
    pub fn share(self: &Arc<Self>, octets: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { octets, shelf: Arc::clone(self) })
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.shelf.give_back(std::mem::take(&mut self.octets));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(shelf: &Shelf) -> usize {
        shelf.free.lock().len()
    }

    #[test]
    fn a_buffer_comes_back_with_its_last_handle_and_goes_out_empty() {
        let shelf = Arc::new(Shelf::default());
        let mut buffer = shelf.take();
        let place = buffer.as_ptr();
        buffer.extend_from_slice(b"of another message");
        let octets = shelf.share(buffer);
        let slice = octets.slice(3..10);
        drop(octets);
        assert_eq!((&slice[..], kept(&shelf)), (&b"another"[..], 0));
        drop(slice);
        assert_eq!(kept(&shelf), 1);
        let again = shelf.take();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert!(again.capacity() >= CHUNK);
        shelf.give_back(again);
        let dirty = shelf.take_dirty(9);
        assert_eq!((dirty.as_ptr(), dirty.len()), (place, 9));
    }

    #[test]
    fn buffers_of_other_sizes_are_not_kept() {
        let shelf = Shelf::default();
        for capacity in [0, 8 * 1024, CHUNK - 1, 2 * CHUNK] {
            shelf.give_back(Vec::with_capacity(capacity));
        }
        assert_eq!(kept(&shelf), 0);
    }

    #[test]
    fn no_more_is_kept_than_a_bound() {
        let shelf = Shelf::default();
        let many: Vec<_> = (0..2 * KEPT).map(|_| shelf.take()).collect();
        for buffer in many {
            shelf.give_back(buffer);
        }
        assert_eq!(kept(&shelf), KEPT);
    }
}
