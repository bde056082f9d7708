//! How often each hook of each policy was asked, what it said and how long it took: counted by each worker for itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::observe::counters::OwnCount;

/// The counts of all hooks on all workers. Asked when policies are loaded and when the page is read, not by a hook.
#[derive(Debug, Default)]
pub struct PolicyCounts {
    hooks: Mutex<BTreeMap<Key, Arc<HookCounts>>>,
    /// Each Lua state holds it.
    states: Arc<()>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    policy: String,
    hook: &'static str,
    worker: usize,
}

impl PolicyCounts {
    /// The counts of one hook on one worker, to be kept by the policy that is loaded there. Loaded again, as on a
    /// reload, it goes on counting where it was.
    pub fn hook(&self, policy: &str, hook: &'static str, worker: usize) -> Arc<HookCounts> {
        let key = Key { policy: policy.to_owned(), hook, worker };
        Arc::clone(self.hooks.lock().entry(key).or_default())
    }

    /// One more Lua state, for as long as this is held.
    pub fn state(&self) -> Arc<()> {
        Arc::clone(&self.states)
    }

    /// Lua states that are there.
    pub(super) fn states(&self) -> u64 {
        u64::try_from(Arc::strong_count(&self.states).saturating_sub(1)).unwrap_or(u64::MAX)
    }

    /// Policy, hook and the sum over the workers, sorted by both.
    pub(super) fn totals(&self) -> Vec<(String, &'static str, Totals)> {
        let mut totals: Vec<(String, &'static str, Totals)> = Vec::new();
        for (key, counts) in self.hooks.lock().iter() {
            match totals.last_mut() {
                Some((policy, hook, sum)) if *policy == key.policy && *hook == key.hook => sum.add(counts),
                _ => {
                    let mut sum = Totals::default();
                    sum.add(counts);
                    totals.push((key.policy.clone(), key.hook, sum));
                }
            }
        }
        totals
    }
}

/// What a hook said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// Nothing.
    None,
    /// `accept`
    Accept,
    /// `reject`
    Reject,
    /// `defer`
    Defer,
    /// `disconnect`
    Disconnect,
    /// `discard`
    Discard,
    /// `quarantine`
    Quarantine,
}

impl Opinion {
    /// All, in order.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Accept,
        Self::Reject,
        Self::Defer,
        Self::Disconnect,
        Self::Discard,
        Self::Quarantine,
    ];

    /// Its label on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Defer => "defer",
            Self::Disconnect => "disconnect",
            Self::Discard => "discard",
            Self::Quarantine => "quarantine",
        }
    }
}

/// Whether what a hook said was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It was.
    Enforce,
    /// It was only counted.
    Observe,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Enforce, Self::Observe];

    /// Its label on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

/// The counts of one hook on one worker: no lock, and no other worker writes here.
#[derive(Debug, Default)]
#[repr(align(128))] // two cache lines: a worker's counting never slows its neighbour's
pub struct HookCounts {
    enforced: Said,
    observed: Said,
    durations: Durations,
}

impl HookCounts {
    /// The hook ended normally and said `opinion`.
    pub fn count(&self, opinion: Opinion, mode: Mode) {
        self.said(mode).opinion(opinion).increase();
    }

    /// The hook ended in an error: it raised, it spent its budget, it returned nonsense.
    pub fn count_error(&self, mode: Mode) {
        self.said(mode).errors.increase();
    }

    /// The hook took `elapsed`, its waits included, however it ended.
    pub fn took(&self, elapsed: Duration) {
        self.durations.add(elapsed);
    }

    fn said(&self, mode: Mode) -> &Said {
        match mode {
            Mode::Enforce => &self.enforced,
            Mode::Observe => &self.observed,
        }
    }
}

#[derive(Debug, Default)]
struct Said {
    none: OwnCount,
    accept: OwnCount,
    reject: OwnCount,
    defer: OwnCount,
    disconnect: OwnCount,
    discard: OwnCount,
    quarantine: OwnCount,
    errors: OwnCount,
}

impl Said {
    fn opinion(&self, opinion: Opinion) -> &OwnCount {
        match opinion {
            Opinion::None => &self.none,
            Opinion::Accept => &self.accept,
            Opinion::Reject => &self.reject,
            Opinion::Defer => &self.defer,
            Opinion::Disconnect => &self.disconnect,
            Opinion::Discard => &self.discard,
            Opinion::Quarantine => &self.quarantine,
        }
    }
}

/// How long calls took, by bucket.
#[derive(Debug, Default)]
struct Durations {
    /// One for each of [`BOUNDS_US`], and one for what is longer.
    buckets: [OwnCount; BOUNDS_US.len() + 1],
    nanoseconds: OwnCount,
}

impl Durations {
    fn add(&self, elapsed: Duration) {
        let place = BOUNDS_US.iter().take_while(|bound| elapsed > Duration::from_micros(**bound)).count();
        if let Some(bucket) = self.buckets.get(place) {
            bucket.increase();
        }
        self.nanoseconds.add(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// The counts of one hook, added up over the workers.
#[derive(Debug, Default)]
pub(super) struct Totals {
    said: [SaidTotals; 2],
    /// Calls by bucket, as [`Durations`] has them.
    buckets: [u64; BOUNDS_US.len() + 1],
    duration: Duration,
}

#[derive(Debug, Default)]
struct SaidTotals {
    opinions: [u64; 7],
    errors: u64,
}

impl Totals {
    fn add(&mut self, counts: &HookCounts) {
        for (mode, sum) in Mode::ALL.into_iter().zip(&mut self.said) {
            let said = counts.said(mode);
            for (opinion, sum) in Opinion::ALL.into_iter().zip(&mut sum.opinions) {
                *sum += said.opinion(opinion).get();
            }
            sum.errors += said.errors.get();
        }
        for (bucket, sum) in counts.durations.buckets.iter().zip(&mut self.buckets) {
            *sum += bucket.get();
        }
        self.duration += Duration::from_nanos(counts.durations.nanoseconds.get());
    }

    /// What was said at least once, and how often.
    pub(super) fn opinions(&self) -> impl Iterator<Item = (Mode, Opinion, u64)> {
        let each = |(mode, said): (Mode, &SaidTotals)| {
            let opinions = Opinion::ALL.into_iter().zip(said.opinions);
            opinions.filter(|(_, count)| *count > 0).map(move |(opinion, count)| (mode, opinion, count))
        };
        Mode::ALL.into_iter().zip(&self.said).flat_map(each)
    }

    /// Errors by mode.
    pub(super) fn errors(&self) -> impl Iterator<Item = (Mode, u64)> {
        Mode::ALL.into_iter().zip(self.said.iter().map(|said| said.errors))
    }

    /// The upper bound of each bucket in seconds and the calls in it.
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS_US.iter().map(|bound| Duration::from_micros(*bound).as_secs_f64());
        bounds.chain([f64::INFINITY]).zip(self.buckets).collect()
    }

    /// Calls in all.
    pub(super) fn calls(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Seconds in all.
    pub(super) fn seconds(&self) -> f64 {
        self.duration.as_secs_f64()
    }
}

/// The upper bounds of the buckets in microseconds: a quick hook, a slice (0.5 ms), a CPU budget (50 ms), a look-up,
/// a time budget (10 s).
const BOUNDS_US: [u64; 12] =
    [20, 50, 100, 500, 1_000, 5_000, 10_000, 50_000, 250_000, 1_000_000, 3_000_000, 10_000_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_added_up_and_a_reload_goes_on() {
        let counts = PolicyCounts::default();
        for worker in 0..3 {
            let hook = counts.hook("helo", "ehlo", worker);
            hook.count(Opinion::Reject, Mode::Enforce);
            hook.count_error(Mode::Observe);
            hook.took(Duration::from_micros(500));
        }
        counts.hook("helo", "ehlo", 1).count(Opinion::Reject, Mode::Enforce);
        counts.hook("helo", "mail", 1).count(Opinion::None, Mode::Observe);
        let totals = counts.totals();
        let names: Vec<_> = totals.iter().map(|(policy, hook, _)| (policy.as_str(), *hook)).collect();
        assert_eq!(names, [("helo", "ehlo"), ("helo", "mail")]);
        let ehlo = &totals[0].2;
        assert_eq!(ehlo.opinions().collect::<Vec<_>>(), [(Mode::Enforce, Opinion::Reject, 4)]);
        assert_eq!(ehlo.errors().collect::<Vec<_>>(), [(Mode::Enforce, 0), (Mode::Observe, 3)]);
        assert_eq!((ehlo.calls(), ehlo.seconds()), (3, 0.0015));
    }

    #[test]
    fn a_call_is_in_the_first_bucket_that_holds_it() {
        for (elapsed, bound) in [
            (Duration::ZERO, 0.000_02),
            (Duration::from_micros(20), 0.000_02),
            (Duration::from_nanos(20_001), 0.000_05),
            (Duration::from_secs(10), 10.0),
            (Duration::from_secs(11), f64::INFINITY),
            (Duration::MAX, f64::INFINITY),
        ] {
            let counts = PolicyCounts::default();
            counts.hook("p", "mail", 0).took(elapsed);
            let buckets = counts.totals()[0].2.buckets();
            assert_eq!(buckets.iter().find(|(_, calls)| *calls == 1).unwrap().0, bound, "{elapsed:?}");
        }
    }
}
