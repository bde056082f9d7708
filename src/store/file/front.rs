//! What stands before the file: entries that were used lately, and those that are not on the disk yet.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use crate::store::clock::Moment;
use crate::store::entry::Entry;
use crate::store::error::StoreError;
use crate::store::file::disk::Batch;
use crate::store::key::Key;
use crate::store::operation::{Operation, Outcome};

/// The entries at hand.
#[derive(Debug)]
pub(super) struct Front {
    shards: Box<[Mutex<Shard>; SHARDS]>,
    hasher: RandomState,
    /// Batches that are on the disk: what was read before one of them may be old.
    epoch: AtomicU64,
    /// Octets that are not on the disk yet.
    waiting: AtomicUsize,
    /// Whether the file takes nothing new.
    is_full: AtomicBool,
}

#[derive(Debug)]
struct Shard {
    entries: HashMap<Key, Cached, RandomState>,
    octets: usize,
    /// Entries and octets at which those that are on the disk are thinned out.
    thin_at: (usize, usize),
}

#[derive(Debug)]
struct Cached {
    /// None: there is none.
    entry: Option<Entry>,
    state: State,
    /// Whether it was used since the last thinning.
    is_recent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As on the disk.
    Written,
    /// On its way to the disk.
    Writing,
    /// Not on the disk yet.
    Changed,
}

/// What came of an operation.
pub(super) enum Ran {
    /// It is done.
    Done(Result<Outcome, StoreError>),
    /// What is kept must be read first; the epoch in which it was missed.
    Missing(Operation, u64),
}

const SHARDS: usize = 64;
/// Entries and octets of a shard that need no thinning.
const AT_HAND: (usize, usize) = (1024, 1 << 20);
/// Octets that wait for the disk, past which nothing new is taken: it has stopped taking them.
const WAITING: usize = 64 << 20;

impl Front {
    /// Nothing at hand.
    pub(super) fn new() -> Self {
        Self {
            shards: Box::new(std::array::from_fn(|_| Mutex::new(Shard::new()))),
            hasher: RandomState::default(),
            epoch: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
        }
    }

    /// Octets that are not on the disk yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether the file takes nothing new from now on.
    pub(super) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// Does `operation` if what is kept under `key` is at hand, or doesn't matter.
    pub(super) fn run(&self, key: &Key, operation: Operation, now: Moment) -> Ran {
        let growth = operation.growth();
        if growth.is_some_and(|growth| self.waiting().saturating_add(growth) > WAITING) {
            return Ran::Done(Err(StoreError::Unavailable));
        }
        let is_full = growth.is_some() && self.is_full.load(Ordering::Relaxed);
        let mut shard = self.shard(key).lock();
        let shard = &mut *shard;
        if !shard.entries.contains_key(key) {
            if !operation.is_blind() || is_full {
                return Ran::Missing(operation, self.epoch.load(Ordering::SeqCst));
            }
            shard.insert(key, None);
        }
        let Some(known) = shard.entries.get_mut(key) else {
            return Ran::Done(Err(StoreError::Unavailable));
        };
        if is_full && known.entry.is_none() {
            return Ran::Done(Err(StoreError::Unavailable));
        }
        let (before, waited) = (known.weight(key), known.waits());
        let applied = operation.apply(&mut known.entry, now);
        known.is_recent = true;
        if applied.has_changed {
            known.state = State::Changed;
        }
        let after = known.weight(key);
        shard.octets = (shard.octets + after).saturating_sub(before);
        if known.waits() {
            self.waiting.fetch_add(after, Ordering::Relaxed);
            if waited {
                self.waiting.fetch_sub(before, Ordering::Relaxed);
            }
        }
        Ran::Done(applied.outcome)
    }

    /// Puts what was read from the disk at hand, unless it may be old by now. Missed in `epoch`.
    pub(super) fn put(&self, key: &Key, entry: Option<Entry>, epoch: u64) {
        let mut shard = self.shard(key).lock();
        if self.epoch.load(Ordering::SeqCst) != epoch || shard.entries.contains_key(key) {
            return;
        }
        shard.insert(key, entry);
    }

    /// What is not on the disk yet, which from now on is on its way.
    pub(super) fn take(&self) -> Batch {
        let mut batch = Vec::new();
        for shard in &*self.shards {
            for (key, cached) in &mut shard.lock().entries {
                if cached.state == State::Changed {
                    cached.state = State::Writing;
                    batch.push((key.clone(), cached.entry.clone()));
                }
            }
        }
        batch
    }

    /// What was on its way is on the disk, or is not.
    pub(super) fn settle(&self, is_written: bool) {
        // Before anything that is on the disk can be thinned out.
        self.epoch.fetch_add(1, Ordering::SeqCst);
        let state = if is_written { State::Written } else { State::Changed };
        for shard in &*self.shards {
            let mut shard = shard.lock();
            let mut written = 0;
            for (key, cached) in &mut shard.entries {
                if cached.state == State::Writing {
                    cached.state = state;
                    written += if is_written { cached.weight(key) } else { 0 };
                }
            }
            self.waiting.fetch_sub(written, Ordering::Relaxed);
            shard.thin_at = AT_HAND;
            shard.thin();
        }
    }

    fn shard(&self, key: &Key) -> &Mutex<Shard> {
        let [first, rest @ ..] = &*self.shards;
        let number = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default();
        number.checked_sub(1).and_then(|number| rest.get(number)).unwrap_or(first)
    }
}

impl Shard {
    fn new() -> Self {
        Self { entries: HashMap::default(), octets: 0, thin_at: AT_HAND }
    }

    /// Puts what is on the disk, or will be replaced at once, at hand.
    fn insert(&mut self, key: &Key, entry: Option<Entry>) {
        self.thin();
        let cached = Cached { entry, state: State::Written, is_recent: true };
        self.octets += cached.weight(key);
        self.entries.insert(key.clone(), cached);
    }

    /// Forgets what is on the disk and was not used lately, then, if there still is too much, all that is on the disk.
    fn thin(&mut self) {
        let is_over = |shard: &Self, (entries, octets): (usize, usize)| {
            shard.entries.len() >= entries || shard.octets >= octets
        };
        if !is_over(self, self.thin_at) {
            return;
        }
        for keeps_recent in [true, false] {
            if !is_over(self, AT_HAND) {
                break;
            }
            let held = &mut self.octets;
            self.entries.retain(|key, cached| {
                let is_recent = std::mem::take(&mut cached.is_recent) && keeps_recent;
                let stays = cached.state != State::Written || is_recent;
                if !stays {
                    *held = held.saturating_sub(cached.weight(key));
                }
                stays
            });
        }
        // What waits for the disk can't go: not looked at again for each entry more.
        let (entries, octets) = AT_HAND;
        self.thin_at = (entries.max(self.entries.len() * 2), octets.max(self.octets * 2));
    }
}

impl Cached {
    fn weight(&self, key: &Key) -> usize {
        self.entry.as_ref().map_or_else(|| key.as_octets().len() + 32, |entry| entry.weight(key))
    }

    fn waits(&self) -> bool {
        self.state != State::Written
    }
}
