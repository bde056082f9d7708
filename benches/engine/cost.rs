//! What a hook call costs, and a session with five of them.

use criterion::Criterion;
use gatepost::policy::event::Event;

use crate::place::{Place, runtime};
use crate::thread_time::{self, ThreadTime};

/// The small policy that the other benchmarks use as well.
const SMALL: &str = include_str!("../small.lua");

pub(crate) fn measure(criterion: &mut Criterion<ThreadTime>) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("hook");
    for (name, text) in [
        ("trivial", "return { connect = function() end }"),
        ("computes a little", "return { connect = function() for _ = 1, 1000 do end end }"),
    ] {
        let place = Place::new(text, "");
        let hooks = place.open();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                runtime.block_on(async {
                    let start = thread_time::now();
                    for _ in 0..count {
                        std::hint::black_box(hooks.decide(Event::Connect).await);
                    }
                    thread_time::now() - start
                })
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("session");
    for (name, text, options) in [
        ("five hooks of a small policy", SMALL, "blocked = [\"198.51.100.0/24\"]"),
        (
            "five empty hooks",
            "local function hook() end return { connect = hook, ehlo = hook, mail = hook, rcpt = hook, header = hook }",
            "",
        ),
    ] {
        let place = Place::new(text, options);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                runtime.block_on(async {
                    let start = thread_time::now();
                    for _ in 0..count {
                        place.session().await;
                    }
                    thread_time::now() - start
                })
            });
        });
    }
    group.finish();
}
