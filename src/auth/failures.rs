//! Logins that failed lately, by the client's network and by name: counted so that guessing is noticed.
//!
//! The same wrong secret for the same name counts once, so that a telephone with an old password is no attack. Of
//! names and secrets nothing is kept but a keyed hash.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::{hmac, rand};
use parking_lot::Mutex;
use tokio::time::Instant;

/// The failures of the whole process.
pub struct Failures {
    /// Made when the first is noted: the first random number of a process costs 15 ms, and most starts need none.
    key: OnceLock<hmac::Key>,
    counts: Mutex<Counts>,
}

/// What is counted, by the keyed hash of a network or of a name.
#[derive(Default)]
struct Counts {
    of: HashMap<Digest, Count>,
}

/// What has failed for one network or one name.
struct Count {
    /// Different names with secrets; at most `MOST`.
    seen: Vec<Digest>,
    last: Instant,
}

impl Count {
    fn counts_at(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) <= WINDOW
    }
}

type Digest = [u8; 16];

/// How many failures there were lately, each secret counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lately {
    /// From the client's network.
    pub of_network: usize,
    /// For the name.
    pub of_user: usize,
}

/// How long a failure counts after the last one.
const WINDOW: Duration = Duration::from_secs(600);
/// Failures of one network or name that are told apart; more are as bad.
const MOST: usize = 64;
/// Networks and names that are remembered.
const ROOM: usize = 20_000;

impl Failures {
    /// None yet; the hashes' key lives as long as this.
    pub fn new() -> Failures {
        Failures { key: OnceLock::new(), counts: Mutex::default() }
    }

    /// Notes that a client of `network` has shown a wrong `secret` for `user` at `now`, who is empty where nobody was named;
    /// how many there were lately.
    ///
    /// Letters in another case and blanks make no other user, for directories don't look at them either.
    pub fn note(&self, network: &str, user: &str, secret: &[u8], now: Instant) -> Lately {
        let user = user.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        let is_named = !user.is_empty();
        let attempt = self.digest(&[b"attempt", user.as_bytes(), secret]);
        let (network, user) =
            (self.digest(&[b"network", network.as_bytes()]), self.digest(&[b"user", user.as_bytes()]));
        let mut counts = self.counts.lock();
        counts.make_room(now);
        let of_user = if is_named { counts.note(user, attempt, now) } else { 0 };
        Lately { of_network: counts.note(network, attempt, now), of_user }
    }

    /// How many there were lately from `network`, as far as they count at `now`.
    pub fn of_network(&self, network: &str, now: Instant) -> usize {
        if self.key.get().is_none() {
            return 0; // none was noted yet
        }
        let network = self.digest(&[b"network", network.as_bytes()]);
        let counts = self.counts.lock();
        let count = counts.of.get(&network).filter(|count| count.counts_at(now));
        count.map_or(0, |count| count.seen.len())
    }

    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(self.key.get_or_init(random_key));
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            context.update(part);
        }
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

fn random_key() -> hmac::Key {
    let mut key = [0; 32];
    // Without randomness the hashes can be guessed, but still nothing can be read from them.
    let _ = rand::fill(&mut key);
    hmac::Key::new(hmac::HMAC_SHA256, &key)
}

impl Counts {
    fn note(&mut self, who: Digest, attempt: Digest, now: Instant) -> usize {
        let count = self.of.entry(who).or_insert_with(|| Count { seen: Vec::new(), last: now });
        if !count.counts_at(now) {
            count.seen = Vec::new();
        }
        if count.seen.len() < MOST && !count.seen.contains(&attempt) {
            count.seen.push(attempt);
        }
        count.last = now;
        count.seen.len()
    }

    /// Throws away what is over and, where that is not enough, what is oldest.
    fn make_room(&mut self, now: Instant) {
        if self.of.len() < ROOM {
            return;
        }
        self.of.retain(|_, count| count.counts_at(now));
        if self.of.len() < ROOM {
            return;
        }
        let mut ages: Vec<Instant> = self.of.values().map(|count| count.last).collect();
        let middle = ages.len() / 2;
        let (_, middle, _) = ages.select_nth_unstable(middle);
        let middle = *middle;
        self.of.retain(|_, count| count.last > middle);
    }
}

impl Default for Failures {
    fn default() -> Self {
        Failures::new()
    }
}

impl std::fmt::Debug for Failures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failures(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NET: &str = "192.0.2.0/24";

    #[tokio::test(start_paused = true)]
    async fn the_same_wrong_secret_counts_once() {
        let failures = Failures::new();
        let note = |network: &str, user: &str, secret: &str| {
            let lately = failures.note(network, user, secret.as_bytes(), Instant::now());
            (lately.of_network, lately.of_user)
        };
        for _ in 0..100 {
            assert_eq!(note(NET, "ann", "old"), (1, 1), "a telephone with an old password");
        }
        assert_eq!(note(NET, "ann", "other"), (2, 2));
        assert_eq!(note(NET, "bob", "old"), (3, 1), "another name's failure is another one");
        assert_eq!(note("198.51.100.0/24", "ann", "third"), (1, 3), "a name is counted over all networks");
        assert_eq!(note("203.0.113.0/24", " ANN", "fourth"), (1, 4), "however it is written");
        assert_eq!(note(NET, "ann  b", "old"), (4, 1));
        assert_eq!(note("203.0.113.0/24", "ann b", "fifth"), (2, 2), "however many blanks there are");
        assert_eq!(note("203.0.113.0/24", "", "a token"), (3, 0), "without a name it counts for the network");
        assert_eq!(note("203.0.113.0/24", "", "another"), (4, 0));
        assert_eq!(failures.of_network(NET, Instant::now()), 4);
        assert_eq!(failures.of_network("192.0.3.0/24", Instant::now()), 0);
        tokio::time::advance(WINDOW + Duration::from_secs(1)).await;
        assert_eq!(failures.of_network(NET, Instant::now()), 0);
        assert_eq!(note(NET, "ann", "old"), (1, 1), "it is over in time");
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded() {
        let failures = Failures::new();
        for number in 0..3 * ROOM {
            tokio::time::advance(Duration::from_millis(1)).await;
            failures.note(&number.to_string(), &number.to_string(), b"x", Instant::now());
            assert!(failures.counts.lock().of.len() <= ROOM + 2);
        }
        for number in 0..2 * MOST {
            failures.note(NET, "ann", number.to_string().as_bytes(), Instant::now());
        }
        assert_eq!(failures.note(NET, "ann", b"y", Instant::now()).of_network, MOST);
    }
}
