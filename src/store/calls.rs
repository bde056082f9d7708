//! The calls of the store, each with its deadline, as scripts make them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use crate::store::entry::Member;
use crate::store::error::StoreError;
use crate::store::flight::{Boarding, Flights};
use crate::store::keeper::{Answer, Keeper};
use crate::store::key::{Key, Space};
use crate::store::operation::{Lifetime, Operation, Outcome, Recalled};
use crate::store::rate::{Judgement, Quota};
use crate::store::value::{Encoded, Value};

/// What policies remember, for all workers. A clone is the same store.
#[derive(Clone, Debug)]
pub struct Store {
    keeper: Arc<dyn Keeper>,
    prefix: Arc<str>,
    timeout: Duration,
    shared: Arc<Together>,
}

/// What all handles of one keeper have in common.
#[derive(Debug, Default)]
struct Together {
    flights: Arc<Flights>,
    /// Calls without a result, by kind.
    failures: [AtomicU64; StoreError::ALL.len()],
}

impl Store {
    /// The store that `keeper` keeps; no call takes longer than `timeout`.
    pub fn new(keeper: Arc<dyn Keeper>, prefix: &str, timeout: Duration) -> Self {
        Self { keeper, prefix: prefix.into(), timeout, shared: Arc::default() }
    }

    /// The same entries with another prefix and deadline.
    pub fn with(&self, prefix: &str, timeout: Duration) -> Self {
        Self { prefix: prefix.into(), timeout, ..self.clone() }
    }

    /// The name of `key` in `space`.
    ///
    /// *Errors*: `TooLarge`.
    pub fn key(&self, space: Space<'_>, key: &[u8]) -> Result<Key, StoreError> {
        Key::new(&self.prefix, space, key)
    }

    /// The value of `key`, if there is one.
    ///
    /// *Errors* of this and the other calls: every [`StoreError`].
    pub async fn get(&self, key: Key) -> Result<Option<Value>, StoreError> {
        match self.perform(key, Operation::Get).await? {
            Outcome::Value(None) => Ok(None),
            Outcome::Value(Some(value)) => value.decode().map(Some).ok_or(StoreError::Invalid),
            _ => Err(StoreError::Invalid),
        }
    }

    /// Puts `value` under `key`, for so long.
    pub async fn set(&self, key: Key, value: Encoded, lifetime: Lifetime) -> Result<bool, StoreError> {
        self.done(key, Operation::Set(value, lifetime)).await
    }

    /// Puts `value` under `key` if nothing is there; whether it did.
    pub async fn add(&self, key: Key, value: Encoded, lifetime: Lifetime) -> Result<bool, StoreError> {
        self.done(key, Operation::Add(value, lifetime)).await
    }

    /// Adds `by` to the number under `key`, which begins at 0 and lives for so long from then; the sum.
    pub async fn incr(&self, key: Key, by: Value, lifetime: Lifetime) -> Result<Value, StoreError> {
        match self.perform(key, Operation::Incr(by, lifetime)).await? {
            Outcome::Number(sum) => Ok(sum),
            _ => Err(StoreError::Invalid),
        }
    }

    /// Takes away what is under `key`; whether there was something.
    pub async fn delete(&self, key: Key) -> Result<bool, StoreError> {
        self.done(key, Operation::Delete).await
    }

    /// How many different members have been noted under `key`, with this one, which counts for so long from now.
    pub async fn count_distinct(
        &self,
        key: Key,
        member: &[u8],
        lifetime: Lifetime,
    ) -> Result<u64, StoreError> {
        match self.perform(key, Operation::CountDistinct(Member::of(member), lifetime)).await? {
            Outcome::Count(count) => Ok(count),
            _ => Err(StoreError::Invalid),
        }
    }

    /// What `quota` says of an event of this cost; it counts if it is allowed and not only looked at.
    pub async fn check(
        &self,
        key: Key,
        quota: Quota,
        cost: u64,
        peek: bool,
    ) -> Result<Judgement, StoreError> {
        match self.perform(key, Operation::Rate { quota, cost, peek }).await? {
            Outcome::Rate(judgement) => Ok(judgement),
            _ => Err(StoreError::Invalid),
        }
    }

    /// Gives back an event that counted; whether any did.
    pub async fn refund(&self, key: Key, quota: Quota, cost: u64) -> Result<bool, StoreError> {
        self.done(key, Operation::Refund(quota, cost)).await
    }

    /// What is remembered under `key`.
    pub async fn recall(&self, key: Key) -> Result<Option<Recalled>, StoreError> {
        match self.perform(key, Operation::Recall).await? {
            Outcome::Recalled(recalled) => Ok(recalled),
            _ => Err(StoreError::Invalid),
        }
    }

    /// Remembers what a source said, `None` that there is none: fresh for so long, then stale for so long.
    pub async fn remember(
        &self,
        key: Key,
        value: Option<Encoded>,
        fresh: Duration,
        stale: Duration,
    ) -> Result<bool, StoreError> {
        self.done(key, Operation::Remember(value, fresh, stale)).await
    }

    /// A part in the question of `key`, which one asks for all.
    pub fn board(&self, key: &Key) -> Boarding {
        self.shared.flights.board(key)
    }

    /// Ends when what was done so far outlives a crash of the process.
    ///
    /// *Errors*: `Unavailable`: it doesn't.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.keeper.flush().await
    }

    /// The same, and closes files: nothing is done any more.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.keeper.close().await
    }

    /// How many entries are kept, about.
    pub fn entries(&self) -> u64 {
        self.keeper.entries()
    }

    /// Calls that had no result so far, by kind.
    pub fn failures(&self) -> impl Iterator<Item = (StoreError, u64)> {
        let counts = self.shared.failures.iter().map(|count| count.load(Ordering::Relaxed));
        StoreError::ALL.into_iter().zip(counts)
    }

    async fn done(&self, key: Key, operation: Operation) -> Result<bool, StoreError> {
        match self.perform(key, operation).await? {
            Outcome::Done(done) => Ok(done),
            _ => Err(StoreError::Invalid),
        }
    }

    async fn perform(&self, key: Key, operation: Operation) -> Result<Outcome, StoreError> {
        let result = match self.keeper.perform(key, operation) {
            Answer::Now(result) => result,
            Answer::Later(answer) => timeout(self.timeout, answer).await.unwrap_or(Err(StoreError::Timeout)),
        };
        if let Err(error) = result {
            let counts = StoreError::ALL.iter().zip(&self.shared.failures);
            counts.filter(|(kind, _)| **kind == error).for_each(|(_, count)| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
        result
    }
}
