//! Processor time of the thread in the place of time on the clock, and the loop that is timed by it.

use std::rc::Rc;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Bencher, Throughput};
use rustix::time::{ClockId, clock_gettime};

use crate::place::runtime;

/// What the thread has run, to the nanosecond: unlike `/proc/thread-self/schedstat`, which the system brings up to date
/// at its ticks only, it is never the same twice.
fn now() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("what a thread has run is no less than nothing")
}

/// Measures `body`, in batches as long as the bencher likes: in a task and on a runtime as sessions have them.
pub(crate) fn measure(bencher: &mut Bencher<'_, ThreadTime>, body: impl AsyncFn() + 'static) {
    let (runtime, body) = (runtime(), Rc::new(body));
    bencher.iter_custom(|count| {
        let body = Rc::clone(&body);
        let batch = async move {
            let start = now();
            for _ in 0..count {
                body().await;
            }
            now() - start
        };
        let batch = runtime.spawn_local(batch);
        runtime.block_on(batch).expect("the batch is run to its end")
    });
}

/// What each of `batches` takes, of `count` runs of `body`: as `measure` has it, without a bencher.
pub(crate) fn batches(batches: usize, count: u32, body: impl AsyncFn() + 'static) -> Vec<Duration> {
    let runtime = runtime();
    let all = async move {
        let mut times = Vec::new();
        for _ in 0..batches {
            let start = now();
            for _ in 0..count {
                body().await;
            }
            times.push(now() - start);
        }
        times
    };
    let all = runtime.spawn_local(all);
    runtime.block_on(all).expect("the batches are run to their end")
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
