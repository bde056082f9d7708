//! Hooks that overrun their budgets are parked; who does so alone parks nothing.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::advance;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, registry};

use crate::lua::chain::Chain;
use crate::lua::config::OnError;
use crate::lua::engine::Engine;
use crate::lua::parking::{Parked, Parking};
use crate::lua::tests::support::{Client, Setup, said, worker};
use crate::policy::mode::PolicyUse;

/// Loops, fails, waits too long or is well, as the client's EHLO name says.
const POLICY: &str = "local runs = 0
    return { ehlo = function(session, ehlo)
      runs = runs + 1
      if ehlo.name == 'loop.example' then while true do end end
      if ehlo.name == 'grow.example' then local s = 'x' while true do s = s .. s end end
      if ehlo.name == 'wait.example' then waiting.seconds(11) end
      if ehlo.name == 'fail.example' then error('oh') end
      return reject('run ' .. runs)
    end }";

/// One worker of a process whose hooks are parked in `parking`.
fn on(parking: &Parking, on_error: OnError) -> Rc<Engine> {
    let setup = Setup::new().configured("p", POLICY, |policy| {
        policy.on_error = on_error;
        policy.budget.cpu = Duration::from_millis(1);
    });
    let engine = setup.load().unwrap();
    engine.park(parking);
    engine
}

/// What a client at `address` hears to its EHLO.
async fn heard(engine: &Rc<Engine>, address: &str, name: &str) -> String {
    let uses = [PolicyUse { name: "p".into(), mode: None }];
    let client = Client::at(address, Rc::new(Chain::new(engine, &uses).unwrap()));
    said(&client.ehlo(name).await)
}

/// The `ehlo` hook, if it is or was parked: whether it is, and the calls turned away.
fn parked(parking: &Parking) -> Option<(bool, u64)> {
    let hooks = parking.parked();
    assert!(hooks.iter().all(|Parked { policy, hook, .. }| policy == "p" && *hook == "ehlo"));
    hooks.first().map(|hook| (hook.is_parked, hook.turned_away))
}

const ERROR: &str = "451 4.3.0 Local policy error, try again later";
const THREE: [&str; 3] = ["192.0.2.7", "198.51.100.1", "2001:db8::1"];

#[test]
fn three_overruns_from_three_networks_park_a_hook() {
    for name in ["loop.example", "grow.example", "wait.example"] {
        worker(async {
            let parking = Parking::default();
            let engine = on(&parking, OnError::Reject);
            for address in THREE {
                assert_eq!(parked(&parking), None, "{name}");
                assert_eq!(heard(&engine, address, name).await, "550 5.3.0 Local policy error");
            }
            assert_eq!(parked(&parking), Some((true, 0)), "{name}");
            // It is not run: a well client hears the same at once.
            for turned_away in 1..=3 {
                let heard = heard(&engine, "203.0.113.1", "well.example").await;
                assert_eq!(
                    (heard.as_str(), parked(&parking)),
                    ("550 5.3.0 Local policy error", Some((true, turned_away)))
                );
            }
        });
    }
}

#[test]
fn one_client_network_can_not_park_a_hook() {
    worker(async {
        let parking = Parking::default();
        let engine = on(&parking, OnError::Defer);
        for host in 1..=100 {
            heard(&engine, &format!("192.0.2.{host}"), "loop.example").await;
            heard(&engine, &format!("2001:db8::{host}"), "loop.example").await; // nor can two
            heard(&engine, &format!("2001:db8:0:{host}::1"), "loop.example").await; // of a /48, its /64 are one
        }
        assert_eq!(parked(&parking), None);
        assert_eq!(heard(&engine, "203.0.113.1", "well.example").await, "550 5.7.1 run 301");
    });
}

#[test]
fn three_sites_with_a_48_each_park_a_hook() {
    worker(async {
        let parking = Parking::default();
        let engine = on(&parking, OnError::Defer);
        for (site, parks) in [("2001:db8:1", false), ("2001:db8:2", false), ("2001:db8:3", true)] {
            heard(&engine, &format!("{site}::1"), "loop.example").await;
            assert_eq!(parked(&parking).is_some(), parks, "{site}");
        }
    });
}

#[test]
fn errors_park_nothing() {
    worker(async {
        let parking = Parking::default();
        let engine = on(&parking, OnError::Defer);
        for network in 0..20 {
            assert_eq!(heard(&engine, &format!("10.0.{network}.1"), "fail.example").await, ERROR);
        }
        assert_eq!(parked(&parking), None);
    });
}

#[test]
fn overruns_count_for_a_minute() {
    for (pause, parks) in [(29, true), (31, false)] {
        worker(async {
            let parking = Parking::default();
            let engine = on(&parking, OnError::Defer);
            for address in THREE {
                heard(&engine, address, "loop.example").await;
                advance(Duration::from_secs(pause)).await;
            }
            assert_eq!(parked(&parking).is_some(), parks, "{pause} s between them");
        });
    }
}

#[test]
fn one_call_each_five_seconds_sees_whether_it_is_well_again() {
    worker(async {
        let parking = Parking::default();
        let engine = on(&parking, OnError::Defer);
        for address in THREE {
            heard(&engine, address, "loop.example").await;
        }
        advance(Duration::from_millis(4900)).await;
        assert_eq!(heard(&engine, THREE[0], "well.example").await, ERROR, "not yet");
        advance(Duration::from_millis(200)).await;
        heard(&engine, THREE[0], "loop.example").await;
        assert_eq!(parked(&parking), Some((true, 1)), "it was run, and is not well");
        assert_eq!(heard(&engine, THREE[0], "well.example").await, ERROR, "one call");
        advance(Duration::from_secs(5)).await;
        assert_eq!(heard(&engine, THREE[0], "well.example").await, "550 5.7.1 run 5");
        assert_eq!(heard(&engine, THREE[0], "well.example").await, "550 5.7.1 run 6");
        assert_eq!(parked(&parking), Some((false, 2)));
    });
}

#[test]
fn a_hook_is_parked_on_all_workers_and_after_a_reload() {
    worker(async {
        let parking = Parking::default();
        let workers = [on(&parking, OnError::Defer), on(&parking, OnError::Defer)];
        for (address, engine) in THREE.into_iter().zip([&workers[0], &workers[1], &workers[0]]) {
            heard(engine, address, "loop.example").await;
        }
        for engine in [&workers[0], &workers[1], &on(&parking, OnError::Defer)] {
            assert_eq!(heard(engine, "203.0.113.1", "well.example").await, ERROR);
        }
    });
}

/// The messages of all lines at `warn`.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::WARN {
            event.record(&mut Message(&self.0));
        }
    }
}

struct Message<'a>(&'a Mutex<Vec<String>>);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

#[test]
fn the_log_says_once_that_a_hook_is_parked() {
    let warnings = Warnings::default();
    let _listening = tracing::subscriber::set_default(registry().with(warnings.clone()));
    worker(async {
        let parking = Parking::default();
        let engine = on(&parking, OnError::Defer);
        for address in THREE.into_iter().chain(THREE).chain(THREE) {
            heard(&engine, address, "loop.example").await;
        }
        advance(Duration::from_secs(6)).await;
        heard(&engine, THREE[0], "well.example").await;
    });
    let said = warnings.0.lock().unwrap().clone();
    let count = |words: &str| said.iter().filter(|line| line.starts_with(words)).count();
    assert_eq!((count("parked: "), count("no longer parked")), (1, 1), "{said:?}");
}

#[test]
fn tasks_that_overrun_park_the_hook_that_starts_them() {
    let text = "return { ehlo = function(session, ehlo)
        local _, kind = task.start(function() while ehlo.name == 'loop.example' do end end):wait()
        return reject(kind or 'well')
      end }";
    let parking = Parking::default();
    let mut setup = Setup::new().configured("p", text, |policy| policy.budget.cpu = Duration::from_millis(1));
    setup.parts = setup.parts.with_parking(parking.clone());
    let engine = setup.load().unwrap();
    engine.park(&parking);
    worker(async {
        for address in THREE {
            assert_eq!(heard(&engine, address, "loop.example").await, "550 5.7.1 failed");
        }
        assert_eq!(heard(&engine, THREE[0], "well.example").await, ERROR);
        assert_eq!(parked(&parking), Some((true, 1)));
    });
}
