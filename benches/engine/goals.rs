//! The goals of the engine: measured one after the other, said in a line each, and kept or not.

use std::hint::black_box;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use gatepost::policy::event::Event;

use crate::cost::SMALL;
use crate::fairness;
use crate::place::Place;
use crate::thousand_tests::thousand_tests;
use crate::thread_time;

/// Processor time of a trivial hook call, and of a session with the five hooks of `small.lua`, at most.
const HOOK: Duration = Duration::from_nanos(200);
const SESSION: Duration = Duration::from_micros(20);
/// Time on the clock that a thousand tests of a policy take at most.
const TESTS: Duration = Duration::from_secs(10);

/// Measures all; whether every goal was reached.
pub(crate) fn are_reached() -> bool {
    let place = Place::new("return { connect = function() end }", "");
    let hooks = place.open();
    let hook = median(200_000, async move || {
        black_box(hooks.decide(Event::Connect).await);
    });
    let place = Rc::new(Place::new(SMALL, "blocked = [\"198.51.100.0/24\"]"));
    let session = median(5_000, async move || place.session().await);
    let reached = [
        tell("a trivial hook call", hook, HOOK),
        tell("a session with five hooks", session, SESSION),
        tell("a thousand tests of a policy", time_of_tests(), TESTS),
        fairness::measure(),
    ];
    reached.into_iter().all(|is_reached| is_reached)
}

fn tell(what: &str, took: Duration, goal: Duration) -> bool {
    let is_reached = took <= goal;
    let verdict = if is_reached { "within" } else { "over" };
    println!("goal: {what}: {took:.1?}, {verdict} the bound of {goal:?}");
    is_reached
}

/// What one run of `body` takes, in processor time of the thread: the median of several batches after a first.
fn median(count: u32, body: impl AsyncFn() + 'static) -> Duration {
    let mut times = thread_time::batches(8, count, body);
    times.remove(0);
    times.sort();
    times[times.len() / 2] / count
}

/// What `gatepost test` takes for a file of a thousand: each a session with a policy that looks at it.
fn time_of_tests() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many_test.lua");
    std::fs::write(&path, thousand_tests()).unwrap();
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_gatepost")).arg("test").arg(&path).output().unwrap();
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1000 passed"), "{said}");
    took
}
