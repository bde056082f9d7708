//! What policies remember in a test: in memory, gone with the test, and failing when the test says so.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::store::calls::Store;
use crate::store::clock::Clock;
use crate::store::error::StoreError;
use crate::store::keeper::{Answer, Keeper, Pending};
use crate::store::key::Key;
use crate::store::memory::{MEMORY, Memory};
use crate::store::operation::Operation;

/// A store and its troubles. A clone is the same one.
#[derive(Clone, Debug)]
pub(super) struct Shelf(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    memory: Mutex<Memory>,
    trouble: Mutex<Option<StoreError>>,
}

impl Shelf {
    /// An empty one, whose clock is `since_1970` now and goes as the runtime's.
    pub(super) fn new(since_1970: Duration) -> Shelf {
        let clock = Clock::of_runtime(since_1970);
        let memory = Mutex::new(Memory::new(MEMORY, clock.clone()));
        Shelf(Arc::new(Inner { clock, memory, trouble: Mutex::default() }))
    }

    /// The store, with its prefix and how long a call may take.
    pub(super) fn store(&self, prefix: &str, timeout: Duration) -> Store {
        let keeper: Arc<dyn Keeper> = Arc::clone(&self.0) as Arc<dyn Keeper>;
        Store::new(keeper, prefix, timeout)
    }

    /// From now on every call fails so; `None`: none does.
    ///
    /// *Errors*: the word is none of the kinds.
    pub(super) fn fail(&self, kind: Option<&str>) -> Result<(), String> {
        let trouble = match kind {
            None => None,
            Some(kind) => {
                let known = StoreError::ALL.into_iter().find(|error| error.kind() == kind);
                let names = StoreError::ALL.map(StoreError::kind).join(", ");
                Some(known.ok_or_else(|| format!("store.fail: '{kind}' is none of {names}"))?)
            }
        };
        *self.0.trouble.lock() = trouble;
        Ok(())
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.0.memory.lock() = Memory::new(MEMORY, self.0.clock.clone());
    }
}

impl Keeper for Inner {
    fn perform(&self, key: Key, operation: Operation) -> Answer {
        match *self.trouble.lock() {
            None => self.memory.lock().perform(key, operation),
            // The store's own deadline ends it.
            Some(StoreError::Timeout) => Answer::Later(Box::pin(std::future::pending())),
            Some(error) => Answer::Now(Err(error)),
        }
    }

    fn flush(&self) -> Pending<Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn entries(&self) -> u64 {
        self.memory.lock().entries()
    }
}
