//! Who keeps entries: the one trait that memory and file have, and that a store across the network will have.

use std::fmt::Debug;
use std::pin::Pin;

use crate::store::error::StoreError;
use crate::store::key::Key;
use crate::store::operation::{Operation, Outcome};

/// Keeps entries. What an operation means is told by [`Operation::apply`] alone.
pub trait Keeper: Debug + Send + Sync {
    /// Does `operation` under `key`, alone: no other operation under the same key is done meanwhile.
    ///
    /// Never holds the caller's thread up: what isn't at hand is an answer that comes later. An answer that is dropped
    /// before it came is either done in full or not at all.
    fn perform(&self, key: Key, operation: Operation) -> Answer;

    /// Ends when all that was done before is where a crash of the process doesn't reach it.
    fn flush(&self) -> Pending<Result<(), StoreError>>;

    /// The same, and from then on nothing is done any more: files are closed.
    fn close(&self) -> Pending<Result<(), StoreError>> {
        self.flush()
    }

    /// How many entries are kept, about; the expired are counted until they are swept out.
    fn entries(&self) -> u64;
}

/// Something that comes later, on any runtime.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What an operation gives, at once if that is possible.
pub enum Answer {
    /// It is done.
    Now(Result<Outcome, StoreError>),
    /// It waits for a disk or a network.
    Later(Pending<Result<Outcome, StoreError>>),
}

/// What is kept at most; past it nothing new is taken: what was promised is not forgotten to make room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// Entries.
    pub entries: usize,
    /// Their octets.
    pub octets: usize,
}
