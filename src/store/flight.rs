//! Equal questions on their way: the first asks, the others wait for what it hears. On all workers of the process.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::store::key::Key;
use crate::store::value::Encoded;

/// The questions that are on their way.
#[derive(Debug, Default)]
pub struct Flights {
    by_key: Mutex<HashMap<Key, Flight>>,
    numbers: AtomicU64,
}

#[derive(Debug)]
struct Flight {
    number: u64,
    told: watch::Receiver<Option<Landing>>,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Landing {
    /// A value, or that there is none.
    Known(Option<Encoded>),
    /// The same, of before: the source is being asked, or didn't answer.
    Stale(Option<Encoded>),
    /// It isn't known, for a reason of this kind.
    NotKnown(String),
}

/// The part that somebody has in a question.
#[derive(Debug)]
pub enum Boarding {
    /// To ask, and to tell the others.
    Ask(Asker),
    /// To wait for who asks.
    Wait(Waiter),
}

/// Who asks. Dropped without a word, one of those who wait asks in its place.
#[derive(Debug)]
pub struct Asker {
    flights: Arc<Flights>,
    key: Key,
    number: u64,
    tell: watch::Sender<Option<Landing>>,
}

/// Who waits.
#[derive(Debug)]
pub struct Waiter {
    told: watch::Receiver<Option<Landing>>,
    asker: u64,
}

impl Flights {
    /// A part in the question of `key`.
    pub fn board(self: &Arc<Self>, key: &Key) -> Boarding {
        let mut by_key = self.by_key.lock();
        match by_key.entry(key.clone()) {
            Place::Occupied(flight) => {
                let flight = flight.get();
                Boarding::Wait(Waiter { told: flight.told.clone(), asker: flight.number })
            }
            Place::Vacant(place) => {
                let number = self.numbers.fetch_add(1, Ordering::Relaxed);
                let (tell, told) = watch::channel(None);
                place.insert(Flight { number, told });
                Boarding::Ask(Asker { flights: Arc::clone(self), key: key.clone(), number, tell })
            }
        }
    }
}

impl Asker {
    /// What it is told apart by from all others of the process.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What is asked.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Tells those who wait.
    pub fn land(self, landing: Landing) {
        // Off the table first: who comes now finds what was remembered.
        self.leave();
        self.tell.send_replace(Some(landing));
    }

    fn leave(&self) {
        let mut by_key = self.flights.by_key.lock();
        if by_key.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            by_key.remove(&self.key);
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Waiter {
    /// Who asks, by its number.
    pub fn asker(&self) -> u64 {
        self.asker
    }

    /// What came of it; none if the asker left without a word.
    pub async fn landing(mut self) -> Option<Landing> {
        self.told.wait_for(Option::is_some).await.ok()?.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::key::Space;

    fn key() -> Key {
        Key::new("", Space::Shared, b"k").unwrap()
    }

    fn asker(flights: &Arc<Flights>) -> Asker {
        match flights.board(&key()) {
            Boarding::Ask(asker) => asker,
            Boarding::Wait(_) => panic!("somebody asks already"),
        }
    }

    fn waiter(flights: &Arc<Flights>) -> Waiter {
        match flights.board(&key()) {
            Boarding::Wait(waiter) => waiter,
            Boarding::Ask(_) => panic!("nobody asks"),
        }
    }

    #[tokio::test]
    async fn one_asks_and_the_others_hear_it() {
        let flights = Arc::default();
        let asker = asker(&flights);
        let waiters = [waiter(&flights), waiter(&flights)];
        assert!(waiters.iter().all(|waiter| waiter.asker() == asker.number()));
        asker.land(Landing::NotKnown("timeout".into()));
        for waiter in waiters {
            assert_eq!(waiter.landing().await, Some(Landing::NotKnown("timeout".into())));
        }
        assert!(flights.by_key.lock().is_empty());
    }

    #[tokio::test]
    async fn an_asker_that_leaves_makes_way_for_the_next() {
        let flights = Arc::default();
        let first = asker(&flights);
        let waiting = waiter(&flights);
        drop(first);
        assert_eq!(waiting.landing().await, None);
        asker(&flights).land(Landing::Known(None));
        assert!(flights.by_key.lock().is_empty());
    }
}
