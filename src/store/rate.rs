//! How often something may happen: the generic cell rate algorithm (GCRA), which needs one moment a key.
//!
//! A bucket of `limit` drops that leaks one each `per / limit`: `limit` at once after a pause, then that often.

use std::time::Duration;

use crate::store::clock::Moment;

/// `limit` in `per`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    limit: u64,
    /// Nanoseconds in which one more becomes possible; rounded up, so that it is never more than `limit` in `per`.
    interval: u64,
}

/// What a quota says of one event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Judgement {
    /// Whether it may happen now.
    pub allowed: bool,
    /// How many more may happen now.
    pub remaining: u64,
    /// How long until it may, if nothing else happens.
    pub retry_after: Duration,
}

/// The highest limit.
pub const LIMIT: u64 = 1_000_000_000;
/// The longest time that a limit may hold for.
pub const LONGEST: Duration = Duration::from_secs(366 * 86_400);

impl Quota {
    /// `limit` in `per`; none if either is 0 or past its bound ([`LIMIT`], [`LONGEST`]).
    pub fn new(limit: u64, per: Duration) -> Option<Self> {
        let nanoseconds = u64::try_from(per.as_nanos()).ok().filter(|all| *all > 0 && per <= LONGEST)?;
        let interval = (1..=LIMIT).contains(&limit).then(|| nanoseconds.div_ceil(limit))?;
        Some(Self { limit, interval })
    }

    /// How many at once.
    pub fn limit(self) -> u64 {
        self.limit
    }

    /// The time that `count` of them take.
    fn time_of(self, count: u64) -> u64 {
        self.interval.saturating_mul(count)
    }

    /// When the bucket is empty again: `known`, or now. A clock that was set back doesn't lock anybody out for longer
    /// than a full bucket does.
    fn empty_at(self, known: Option<Moment>, now: Moment) -> u64 {
        known.map_or(now.0, |known| known.0.clamp(now.0, now.0.saturating_add(self.time_of(self.limit))))
    }

    /// Whether `cost` at once may happen at `now`, and the moment to remember if it does.
    pub fn judge(self, known: Option<Moment>, now: Moment, cost: u64) -> (Judgement, Moment) {
        let before = self.empty_at(known, now);
        let after = before.saturating_add(self.time_of(cost));
        let full = now.0.saturating_add(self.time_of(self.limit));
        let allowed = after <= full;
        let level = if allowed { after } else { before };
        let judgement = Judgement {
            allowed,
            remaining: full.saturating_sub(level) / self.interval,
            retry_after: Duration::from_nanos(after.saturating_sub(full)),
        };
        (judgement, Moment(level))
    }

    /// The moment to remember when `cost` that were let through are given back.
    pub fn refund(self, known: Option<Moment>, now: Moment, cost: u64) -> Moment {
        Moment(self.empty_at(known, now).saturating_sub(self.time_of(cost)).max(now.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Moment = Moment(1_000_000_000_000);

    #[test]
    fn after_a_pause_the_limit_at_once_then_one_each_interval() {
        let quota = Quota::new(3, Duration::from_secs(60)).unwrap();
        let mut known = None;
        for (at, allowed, remaining, retry) in [
            (0, true, 2, 0),
            (0, true, 1, 0),
            (0, true, 0, 0),
            (0, false, 0, 20),
            (15, false, 0, 5),
            (20, true, 0, 0),
            (20, false, 0, 20),
            (61, true, 1, 0),  // two intervals have passed
            (600, true, 2, 0), // all of them
        ] {
            let now = START.plus(Duration::from_secs(at));
            let (judgement, moment) = quota.judge(known, now, 1);
            let want = Judgement { allowed, remaining, retry_after: Duration::from_secs(retry) };
            assert_eq!(judgement, want, "at {at}");
            known = Some(moment);
        }
    }

    #[test]
    fn a_refusal_costs_nothing_and_a_refund_gives_back() {
        let quota = Quota::new(10, Duration::from_secs(10)).unwrap();
        let (first, known) = quota.judge(None, START, 8);
        assert_eq!((first.allowed, first.remaining), (true, 2));
        let (second, known) = quota.judge(Some(known), START, 3);
        assert_eq!((second.allowed, second.remaining), (false, 2));
        let known = quota.refund(Some(known), START, 5);
        assert_eq!(quota.judge(Some(known), START, 0).0.remaining, 7);
        let known = quota.refund(Some(known), START, 100);
        assert_eq!(quota.judge(Some(known), START, 0).0.remaining, 10, "never more than the limit");
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let quota = Quota::new(2, Duration::from_secs(10)).unwrap();
        let far = START.plus(Duration::from_secs(86_400));
        let (judgement, _) = quota.judge(Some(far), START, 1);
        assert_eq!(judgement.retry_after, Duration::from_secs(5));
    }

    #[test]
    fn quotas_have_bounds() {
        let second = Duration::from_secs(1);
        for (limit, per, is_one) in [
            (1, second, true),
            (0, second, false),
            (1, Duration::ZERO, false),
            (LIMIT, second, true),
            (LIMIT + 1, second, false),
            (1, LONGEST, true),
            (1, LONGEST + second, false),
        ] {
            assert_eq!(Quota::new(limit, per).is_some(), is_one, "{limit} in {per:?}");
        }
    }

    proptest! {
        /// At most a full bucket and what leaks meanwhile, in any window.
        #[test]
        fn never_more_than_the_burst_and_the_rate(
            limit in 1_u64..200,
            per_ms in 1_u64..100_000,
            steps in proptest::collection::vec((0_u64..2_000, 1_u64..5), 1..200),
        ) {
            let quota = Quota::new(limit, Duration::from_millis(per_ms)).unwrap();
            let (mut now, mut known, mut taken) = (START, None, Vec::new());
            for (pause_ms, cost) in steps {
                now = now.plus(Duration::from_millis(pause_ms));
                let (judgement, moment) = quota.judge(known, now, cost);
                known = Some(moment);
                if judgement.allowed {
                    taken.push((now, cost));
                } else if cost <= limit {
                    let later = now.plus(judgement.retry_after);
                    prop_assert!(quota.judge(known, later, cost).0.allowed, "it may then");
                    prop_assert!(!quota.judge(known, Moment(later.0 - 1), cost).0.allowed, "and not before");
                }
            }
            for (at, (from, _)) in taken.iter().enumerate() {
                let mut sum = 0;
                for (to, cost) in taken.iter().skip(at) {
                    sum += cost;
                    let leaked = u128::from(to.0 - from.0) * u128::from(limit) / u128::from(per_ms * 1_000_000);
                    prop_assert!(u128::from(sum) <= u128::from(limit) + leaked, "{sum} in {:?}", to.since(*from));
                }
            }
        }

        /// Whoever asks all the time gets the limit, but for the rounding of the interval.
        #[test]
        fn never_less_than_the_rate(limit in 1_u64..50, per_ms in 50_u64..10_000) {
            let quota = Quota::new(limit, Duration::from_millis(per_ms)).unwrap();
            let (mut known, mut taken) = (None, 0);
            let step = Duration::from_nanos(per_ms * 1_000_000 / limit / 3 + 1);
            let mut now = START;
            while now.since(START) < Duration::from_millis(per_ms * 5) {
                let (judgement, moment) = quota.judge(known, now, 1);
                known = Some(moment);
                taken += u64::from(judgement.allowed);
                now = now.plus(step);
            }
            prop_assert!(taken >= limit * 5, "{taken} of {limit} in five times its time");
        }
    }
}
