//! The time by which entries expire: the system's, or in tests one that the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A moment, in nanoseconds since 1970: a file is read by another process than the one that wrote it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Moment(pub u64);

impl Moment {
    /// Later than any other: what never expires.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `later` after this one.
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; nothing if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Where a store reads the time. A clone is the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System,
    Set(AtomicU64),
    /// A moment, and when it was.
    Runtime(Moment, Instant),
}

impl Clock {
    /// The system's clock. Stepped back, it lengthens the life of what is kept by as much.
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// A clock that stands still until it is moved, for tests.
    pub fn standing() -> Self {
        Self(Arc::new(Source::Set(AtomicU64::new(1_700_000_000_000_000_000))))
    }

    /// A clock that is `since_1970` now, and goes on as the runtime's does: as fast as a policy test says.
    pub fn of_runtime(since_1970: Duration) -> Self {
        Self(Arc::new(Source::Runtime(Moment(0).plus(since_1970), Instant::now())))
    }

    /// Moves a standing clock; the system's goes by itself.
    pub fn advance(&self, by: Duration) {
        if let Source::Set(now) = &*self.0 {
            now.fetch_add(Moment(0).plus(by).0, Ordering::SeqCst);
        }
    }

    /// Now.
    pub fn now(&self) -> Moment {
        match &*self.0 {
            Source::System => {
                Moment(0).plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
            }
            Source::Set(now) => Moment(now.load(Ordering::SeqCst)),
            Source::Runtime(moment, then) => moment.plus(then.elapsed()),
        }
    }
}
