//! Notices that a server is down, so that thousands of sessions don't each wait for it to find out.

use std::time::Duration;

use tokio::time::Instant;

/// Counts failures in a row; open, it lets nothing through but one question now and then.
#[derive(Debug, Default)]
pub struct Breaker {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Well, as far as we know.
    #[default]
    Closed,
    /// So many failures in a row, the first of them when.
    Failing { failures: u32, since: Instant },
    /// Nothing is asked until then.
    Open { until: Instant },
    /// One question is out; the next is let through then, should its outcome never be told.
    Trying { until: Instant },
}

impl Breaker {
    /// Whether a question may be asked at `now`. One that may must be followed by [`Breaker::record`].
    pub fn admit(&mut self, now: Instant) -> bool {
        match self.state {
            State::Closed | State::Failing { .. } => true,
            State::Open { until } | State::Trying { until } if now < until => false,
            State::Open { .. } | State::Trying { .. } => {
                self.state = State::Trying { until: now + LOST };
                true
            }
        }
    }

    /// Takes the outcome of a question: whether the server, or nobody, answered.
    ///
    /// Says whether the breaker has opened by it, which is worth a warning.
    pub fn record(&mut self, now: Instant, is_well: bool) -> bool {
        if is_well {
            self.state = State::Closed;
            return false;
        }
        let (failures, since) = match self.state {
            State::Failing { failures, since } if now.duration_since(since) < WINDOW => (failures + 1, since),
            State::Closed | State::Failing { .. } => (1, now),
            State::Trying { .. } => {
                self.state = State::Open { until: now + PAUSE };
                return false;
            }
            // The outcome of a question that was asked before it opened.
            State::Open { .. } => return false,
        };
        if failures < FAILURES {
            self.state = State::Failing { failures, since };
            return false;
        }
        self.state = State::Open { until: now + PAUSE };
        true
    }
}

/// Failures in a row, with no answer between them, that open the breaker: more than a client with a few dead domains
/// brings about, as its other look-ups are answered meanwhile.
const FAILURES: u32 = 10;

/// Within this long.
const WINDOW: Duration = Duration::from_secs(60);

/// How long nothing is asked.
const PAUSE: Duration = Duration::from_secs(5);

/// When the one question that was let through is given up.
const LOST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> (Breaker, Instant) {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for failure in 1..=FAILURES {
            assert!(breaker.admit(now));
            assert_eq!(breaker.record(now, false), failure == FAILURES);
        }
        (breaker, now)
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let (mut breaker, now) = opened();
        assert!(!breaker.admit(now));
        assert!(!breaker.admit(now + PAUSE - Duration::from_millis(1)));
    }

    #[test]
    fn one_answer_between_keeps_it_closed() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            for _ in 1..FAILURES {
                breaker.record(now, false);
            }
            breaker.record(now, true);
        }
        assert!(breaker.admit(now));
    }

    #[test]
    fn failures_far_apart_keep_it_closed() {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for _ in 0..3 * FAILURES {
            assert!(breaker.admit(now));
            assert!(!breaker.record(now, false));
            now += WINDOW / 5;
        }
    }

    #[test]
    fn after_the_pause_one_is_let_through_and_decides() {
        let (mut breaker, now) = opened();
        let later = now + PAUSE;
        assert!(breaker.admit(later));
        assert!(!breaker.admit(later), "one only");
        breaker.record(later, false);
        assert!(!breaker.admit(later), "still down");
        let later = later + PAUSE;
        assert!(breaker.admit(later));
        breaker.record(later, true);
        assert!(breaker.admit(later) && breaker.admit(later), "well again");
    }

    #[test]
    fn a_late_failure_does_not_lengthen_the_pause() {
        let (mut breaker, now) = opened();
        breaker.record(now + PAUSE / 2, false);
        assert!(breaker.admit(now + PAUSE));
    }

    #[test]
    fn a_question_whose_outcome_is_lost_does_not_keep_it_open() {
        let (mut breaker, now) = opened();
        assert!(breaker.admit(now + PAUSE));
        assert!(!breaker.admit(now + PAUSE + LOST / 2));
        assert!(breaker.admit(now + PAUSE + LOST));
    }
}
