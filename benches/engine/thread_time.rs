//! Processor time of the thread, as the system counts it, in the place of time on the clock.

use std::time::Duration;

use criterion::Throughput;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// Nanoseconds that the thread has run.
pub(crate) fn now() -> Duration {
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ran = counts.split(' ').next().and_then(|count| count.parse().ok());
    Duration::from_nanos(ran.expect("a Linux that counts what threads run"))
}

/// The measurement by `now`.
pub(crate) struct ThreadTime;

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        now()
    }

    fn end(&self, start: Duration) -> Duration {
        now() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Only so that the name is used where criterion asks for none.
pub(crate) fn each(count: u64) -> Throughput {
    Throughput::Elements(count)
}
