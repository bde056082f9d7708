//! A map on a server: asked once for each key, remembered for a while, and served a little longer while the server is
//! slow or away.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{FutureExt, Shared};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::lookup::error::LookupError;
use crate::lookup::map::config::Times;
use crate::lookup::map::oracle::{Oracle, Outcome};
use crate::threads::helper::HelperHandle;

/// A handle to the map; a clone is cheap and means the same map.
#[derive(Clone)]
pub struct RemoteMap {
    inner: Arc<Inner>,
}

struct Inner {
    oracle: Arc<dyn Oracle>,
    times: Times,
    helper: HelperHandle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<Box<str>, Entry>,
    flights: HashMap<Box<str>, Flight>,
}

/// What the server said of a key, and when.
#[derive(Clone)]
struct Entry {
    value: Option<Box<str>>,
    since: Instant,
}

/// A question that is out. Whoever asks for the same key meanwhile waits for the same answer.
type Flight = Shared<oneshot::Receiver<Outcome>>;

impl RemoteMap {
    /// The map that `oracle` knows, which is asked from `helper`'s thread.
    pub(super) fn new(oracle: Arc<dyn Oracle>, times: Times, helper: HelperHandle) -> Self {
        Self { inner: Arc::new(Inner { oracle, times, helper, state: Mutex::default() }) }
    }

    /// The value of `key`, by what is known of it or by the server.
    ///
    /// What is older than it may be is given once more, within its bound, while the server is asked anew: a slow server
    /// holds nobody up who has had an answer before.
    ///
    /// Errors: `Absent`; `TooLarge` past 4096 octets of key or 64 KiB of value; `Invalid` for a key that can't be asked
    /// for; `ServFail` where the server says neither a value nor that there is none; and those of the connection.
    pub async fn get(&self, key: &str) -> Result<String, LookupError> {
        if key.len() > LONGEST_KEY {
            return Err(LookupError::TooLarge);
        }
        let (known, flight) = self.look(key);
        let outcome = match (known, flight) {
            (Some(known), _) => Ok(known),
            (None, Some(flight)) => flight.await.unwrap_or(Err(LookupError::Unavailable)),
            (None, None) => Err(LookupError::Unavailable),
        };
        outcome?.map(String::from).ok_or(LookupError::Absent)
    }

    /// What is known of `key` and may be given, and the question that is out where it has to be asked.
    fn look(&self, key: &str) -> (Option<Option<Box<str>>>, Option<Flight>) {
        let now = Instant::now();
        let (give, answer) = oneshot::channel();
        let known = {
            let mut state = self.inner.state.lock();
            let entry = state.entries.get(key).cloned();
            let age = entry.as_ref().map(|entry| now.duration_since(entry.since));
            let life = entry.as_ref().map(|entry| self.inner.times.of(entry.value.is_some()));
            if age < life {
                return (entry.map(|entry| entry.value), None);
            }
            let is_usable = age < life.map(|life| life.saturating_add(self.inner.times.stale));
            let known = entry.filter(|_| is_usable).map(|entry| entry.value);
            if let Some(flight) = state.flights.get(key) {
                return (known, Some(flight.clone()));
            }
            if state.flights.len() >= MOST_FLIGHTS {
                return (known, None);
            }
            let flight = answer.shared();
            state.flights.insert(key.into(), flight.clone());
            (known, Some(flight))
        };
        // Not under the lock: a helper that has stopped drops the question at once, which takes the lock.
        let question = Question { inner: Arc::clone(&self.inner), key: key.into() };
        self.inner.helper.leave(move || async move {
            let outcome = question.ask().await;
            drop(question);
            let _ = give.send(outcome);
        });
        known
    }
}

impl fmt::Debug for RemoteMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteMap").field("times", &self.inner.times).finish_non_exhaustive()
    }
}

/// One key that the server is asked for; takes its flight off the list however it ends.
struct Question {
    inner: Arc<Inner>,
    key: Box<str>,
}

impl Question {
    async fn ask(&self) -> Outcome {
        let value = self.inner.oracle.ask(&self.key).await?;
        self.inner.keep(&self.key, Entry { value, since: Instant::now() })
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.inner.state.lock().flights.remove(&self.key);
    }
}

impl Inner {
    /// Remembers `entry`; makes room first, where there is none, by what may not be given any more and then by chance.
    fn keep(&self, key: &str, entry: Entry) -> Outcome {
        let value = entry.value.clone();
        let mut state = self.state.lock();
        if state.entries.len() >= MOST_ENTRIES {
            let now = Instant::now();
            let life = |entry: &Entry| self.times.of(entry.value.is_some()).saturating_add(self.times.stale);
            state.entries.retain(|_, entry| now.duration_since(entry.since) < life(entry));
            let mut excess = (state.entries.len() + MOST_ENTRIES / 10).saturating_sub(MOST_ENTRIES);
            state.entries.retain(|_, _| {
                let stays = excess == 0;
                excess = excess.saturating_sub(1);
                stays
            });
        }
        state.entries.insert(key.into(), entry);
        Ok(value)
    }
}

impl Times {
    /// How long an answer is fresh that `has_value`.
    fn of(&self, has_value: bool) -> Duration {
        if has_value { self.ttl } else { self.negative_ttl }
    }
}

/// Octets of a key.
const LONGEST_KEY: usize = 4096;

/// Keys that are remembered, and that are asked for at once.
const MOST_ENTRIES: usize = 10_000;
const MOST_FLIGHTS: usize = 64;

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
