//! One worker, 500 sessions a second; one in a hundred runs a hook of 8 to 10 ms. What that costs the others: the time
//! from when a session's hook was due to when it had its answer.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use gatepost::policy::event::Event;
use tokio::task::JoinSet;

use crate::place::{Place, runtime};

/// Quick and slow.
const POLICY: &str = "return {
  connect = function(session) local name = session.id:lower():match('^%w+$') if not name then return reject('?') end end,
  data = function() for i = 1, TURNS do local x = i * i end end,
}";
const SESSIONS: u32 = 5000;
const INTERVAL: Duration = Duration::from_millis(2);
/// The bound: the others' 99th percentile with slow sessions, against that without.
const MOST: f64 = 1.3;

/// Measures it; whether the bound was kept.
pub(crate) fn measure() -> bool {
    let turns = turns();
    println!("fairness: a slow hook is {turns} turns of a loop, about 9 ms");
    let mut ratios = Vec::new();
    for round in 1..=3 {
        let [without, with] = [false, true].map(|is_slow| run(turns, is_slow));
        let ratio = with.as_secs_f64() / without.as_secs_f64();
        println!(
            "fairness: round {round}: p99 of the others {without:?} without slow sessions, {with:?} with, {ratio:.2} times"
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    let is_kept = ratios[1] <= MOST;
    let verdict = if is_kept { "within" } else { "over" };
    println!("fairness: median {:.2} times, {verdict} the bound of {MOST}", ratios[1]);
    is_kept
}

/// Turns of the loop that take 9 ms under the guard.
fn turns() -> u64 {
    let place = Place::new(&POLICY.replace("TURNS", "100000"), "");
    let took = runtime().block_on(async {
        let hooks = place.open();
        let mut best = Duration::MAX;
        for _ in 0..10 {
            let start = Instant::now();
            hooks.decide(Event::Data).await;
            best = best.min(start.elapsed());
        }
        best
    });
    (100_000.0 * 0.009 / took.as_secs_f64()) as u64
}

/// The 99th percentile of the quick sessions' delays.
fn run(turns: u64, is_slow: bool) -> Duration {
    let place = Rc::new(Place::new(&POLICY.replace("TURNS", &turns.to_string()), ""));
    let delays: Rc<RefCell<Vec<Duration>>> = Rc::default();
    let mut sessions = Vec::new();
    let start = tokio::time::Instant::now() + Duration::from_millis(50);
    for number in 0..SESSIONS {
        let (place, delays) = (Rc::clone(&place), Rc::clone(&delays));
        sessions.push(async move {
            let due = start + INTERVAL * number;
            tokio::time::sleep_until(due).await;
            let hooks = place.open();
            if is_slow && number % 100 == 50 {
                hooks.decide(Event::Data).await;
            } else {
                hooks.decide(Event::Connect).await;
                delays.borrow_mut().push(due.elapsed());
            }
        });
    }
    runtime().block_on(async {
        let tasks: JoinSet<()> = sessions.into_iter().fold(JoinSet::new(), |mut tasks, session| {
            tasks.spawn_local(session);
            tasks
        });
        tasks.join_all().await
    });
    let mut delays = delays.take();
    delays.sort();
    delays[delays.len() * 99 / 100]
}
