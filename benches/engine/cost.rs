//! What a hook call costs, and a session with five of them.

use std::hint::black_box;
use std::rc::Rc;

use criterion::Criterion;
use gatepost::policy::event::Event;

use crate::place::Place;
use crate::thread_time::{self, ThreadTime, each};

/// The small policy that the other benchmarks use as well.
pub(crate) const SMALL: &str = include_str!("../small.lua");

pub(crate) fn measure(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("hook");
    for (name, text) in [
        ("trivial", "return { connect = function() end }"),
        ("computes a little", "return { connect = function() for _ = 1, 1000 do end end }"),
    ] {
        let place = Place::new(text, "");
        let hooks = place.open();
        group.bench_function(name, |bencher| {
            let hooks = Rc::clone(&hooks);
            thread_time::measure(bencher, async move || {
                black_box(hooks.decide(Event::Connect).await);
            });
        });
    }
    // What the hooks of one stage share, the session's door among it, is a tenth of each here.
    group.throughput(each(10));
    let hooks = Place::often(10, "return { connect = function() end }", "").open();
    group.bench_function("ten trivial at one stage", |bencher| {
        let hooks = Rc::clone(&hooks);
        thread_time::measure(bencher, async move || {
            black_box(hooks.decide(Event::Connect).await);
        });
    });
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
        let place = Rc::new(Place::new(text, options));
        group.bench_function(name, |bencher| {
            let place = Rc::clone(&place);
            thread_time::measure(bencher, async move || place.session().await);
        });
    }
    group.finish();
}
