//! gatepost's pattern functions beside Lua's own.

use std::hint::black_box;
use std::rc::Rc;

use criterion::Criterion;
use gatepost::policy::event::Event;
use mlua::Lua;

use crate::place::Place;
use crate::thread_time::{self, ThreadTime, each};

const CASES: [(&str, &str); 4] = [
    ("an address", "('ann.smith+lists@mail.a.example'):match('^([^@]+)@([%w%.%-]+)$')"),
    ("a name", "('mail.a.example'):find('^[%w%-%.]+$')"),
    ("plain", "('a message with a needle in it'):find('needle', 1, true)"),
    ("gsub", "('a.b.c.example'):gsub('%.', '-')"),
];
/// Calls in one hook.
const CALLS: u64 = 1000;

pub(crate) fn measure(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("pattern");
    group.throughput(each(CALLS));
    for (name, call) in CASES {
        let body = format!("for _ = 1, {CALLS} do local a, b = {call} end");
        let lua = Lua::new();
        let stock = lua.load(&body).into_function().unwrap();
        group.bench_function(format!("{name}, Lua"), |bencher| {
            bencher.iter(|| stock.call::<()>(()).unwrap());
        });
        let place = Place::new(&format!("return {{ connect = function() {body} end }}"), "");
        let hooks = place.open();
        group.bench_function(format!("{name}, gatepost"), |bencher| {
            let hooks = Rc::clone(&hooks);
            thread_time::measure(bencher, async move || {
                black_box(hooks.decide(Event::Connect).await);
            });
        });
    }
    group.finish();
}
