//! Entries in the memory of the process: fast, bounded, gone with a restart.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::hash::BuildHasher as _;
use std::time::Duration;

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use crate::store::clock::{Clock, Moment};
use crate::store::entry::Entry;
use crate::store::error::StoreError;
use crate::store::keeper::{Answer, Bounds, Keeper, Pending};
use crate::store::key::Key;
use crate::store::operation::{Operation, Outcome};

/// Entries in memory.
#[derive(Debug)]
pub struct Memory {
    /// Many, so that workers rarely meet and sweeping one of them is short.
    shards: Vec<Mutex<Shard>>,
    /// Of one shard.
    bounds: Bounds,
    clock: Clock,
    hasher: RandomState,
}

#[derive(Debug)]
struct Shard {
    /// None only while an operation is done.
    entries: HashMap<Key, Option<Entry>, RandomState>,
    octets: usize,
    /// Entries at which the expired are swept out.
    next_sweep: usize,
    /// When a full shard was swept last.
    swept: Moment,
}

/// What memory holds unless told otherwise.
pub const MEMORY: Bounds = Bounds { entries: 1_000_000, octets: 256 << 20 };

const SHARDS: usize = 256;
/// Entries before the first sweep of a shard.
const FIRST_SWEEP: usize = 64;
/// How often a full shard is swept.
const PAUSE: Duration = Duration::from_secs(1);

impl Memory {
    /// Nothing yet, within `bounds`.
    pub fn new(bounds: Bounds, clock: Clock) -> Self {
        let shard =
            || Shard { entries: HashMap::default(), octets: 0, next_sweep: FIRST_SWEEP, swept: Moment(0) };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
            // A little more than its part: keys don't fall evenly.
            bounds: Bounds { entries: part(bounds.entries), octets: part(bounds.octets) },
            clock,
            hasher: RandomState::default(),
        }
    }

    fn run(&self, key: Key, operation: Operation) -> Result<Outcome, StoreError> {
        let now = self.clock.now();
        let number = usize::try_from(self.hasher.hash_one(&key) % SHARDS as u64).unwrap_or_default();
        let shard = self.shards.get(number).ok_or(StoreError::Unavailable)?;
        shard.lock().run(key, operation, now, self.bounds)
    }
}

fn part(bound: usize) -> usize {
    (bound / SHARDS).saturating_add(bound / SHARDS / 4).max(1)
}

impl Keeper for Memory {
    fn perform(&self, key: Key, operation: Operation) -> Answer {
        Answer::Now(self.run(key, operation))
    }

    fn flush(&self) -> Pending<Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn entries(&self) -> u64 {
        self.shards.iter().map(|shard| u64::try_from(shard.lock().entries.len()).unwrap_or_default()).sum()
    }
}

impl Shard {
    fn run(
        &mut self,
        key: Key,
        operation: Operation,
        now: Moment,
        bounds: Bounds,
    ) -> Result<Outcome, StoreError> {
        let growth = operation.growth();
        if growth.is_some() {
            self.sweep(now, bounds);
        }
        let is_full = self.entries.len() >= bounds.entries;
        let (mut place, before) = match self.entries.entry(key) {
            Place::Occupied(place) => {
                let before = weight(place.key(), place.get());
                (place, before)
            }
            Place::Vacant(_) if growth.is_some() && is_full => return Err(StoreError::Unavailable),
            Place::Vacant(place) => (place.insert_entry(None), 0),
        };
        let has_room =
            self.octets.saturating_add(growth.unwrap_or(0)) <= bounds.octets.saturating_add(before);
        let outcome = match has_room {
            true => operation.apply(place.get_mut(), now).outcome,
            false => Err(StoreError::Unavailable),
        };
        self.octets = (self.octets + weight(place.key(), place.get())).saturating_sub(before);
        if place.get().is_none() {
            place.remove();
        }
        outcome
    }

    /// Sweeps the expired out, when there are twice as many entries as the last time left; a full shard each second.
    fn sweep(&mut self, now: Moment, bounds: Bounds) {
        let is_full = self.entries.len() >= bounds.entries || self.octets >= bounds.octets;
        let is_due = self.entries.len() >= self.next_sweep || (is_full && now.since(self.swept) >= PAUSE);
        if !is_due {
            return;
        }
        let octets = &mut self.octets;
        self.entries.retain(|key, entry| {
            let lives = entry.as_ref().is_some_and(|entry| !entry.is_expired(now));
            if !lives {
                *octets = octets.saturating_sub(weight(key, entry));
            }
            lives
        });
        self.swept = now;
        self.next_sweep = (self.entries.len() * 2).max(FIRST_SWEEP);
    }
}

fn weight(key: &Key, slot: &Option<Entry>) -> usize {
    slot.as_ref().map_or(0, |entry| entry.weight(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::key::Space;
    use crate::store::value::Value;

    fn key(number: usize) -> Key {
        Key::new("", Space::Policy("p"), format!("{number}").as_bytes()).unwrap()
    }

    fn set(memory: &Memory, number: usize, ttl: u64) -> Result<Outcome, StoreError> {
        let value = Value::Integer(1).encode().unwrap();
        memory.run(key(number), Operation::Set(value, Some(Duration::from_secs(ttl))))
    }

    #[test]
    fn a_full_store_takes_nothing_new_and_forgets_nothing() {
        let memory = Memory::new(Bounds { entries: 2560, octets: 64 << 20 }, Clock::standing());
        let taken = (0..10_000).filter(|number| set(&memory, *number, 60).is_ok()).count();
        assert!((2560..=3200).contains(&taken), "{taken}");
        assert_eq!(memory.entries(), taken as u64);
        assert_eq!(set(&memory, 0, 60), Ok(Outcome::Done(true)), "what is there can be replaced");
        let first = memory.run(key(0), Operation::Get).unwrap();
        assert!(matches!(first, Outcome::Value(Some(_))));
        memory.clock.advance(Duration::from_secs(61));
        assert_eq!(set(&memory, 9_999, 60), Ok(Outcome::Done(true)), "the expired make room");
    }

    #[test]
    fn octets_are_bounded_and_counted_back() {
        let memory = Memory::new(Bounds { entries: 1_000_000, octets: 1 << 20 }, Clock::standing());
        let large = Value::Text(vec![b'x'; 1000].into()).encode().unwrap();
        let put = |number| memory.run(key(number), Operation::Set(large.clone(), None)).is_ok();
        let taken = (0..5000).filter(|number| put(*number)).count();
        assert!((500..1300).contains(&taken), "{taken}");
        for number in 0..5000 {
            memory.run(key(number), Operation::Delete).unwrap();
        }
        assert!(memory.shards.iter().all(|shard| shard.lock().octets == 0));
    }

    #[test]
    fn expired_entries_are_swept_out() {
        let memory = Memory::new(MEMORY, Clock::standing());
        for number in 0..50_000 {
            set(&memory, number, 60).unwrap();
        }
        memory.clock.advance(Duration::from_secs(60));
        for number in 50_000..100_000 {
            set(&memory, number, 60).unwrap();
        }
        assert!(memory.entries() < 75_000, "{}", memory.entries());
    }
}
