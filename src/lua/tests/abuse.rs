//! Policies that loop, eat memory, wait for ever: each ends as a policy error, and the others are served meanwhile.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use crate::lua::budget::{Allowance, HookCall, SLICE, Stopped};
use crate::lua::call::Call;
use crate::lua::chain::Chain;
use crate::lua::clock::Clock;
use crate::lua::engine::Engine;
use crate::lua::guard::{Budget, Guard};
use crate::lua::tests::abuse_cases::{CASES, Case, Ends};
use crate::lua::tests::support::{BUDGET, Client, Setup, parse, said, worker};
use crate::policy::event::Event;
use crate::policy::mode::PolicyUse;
use crate::smtp::command::{Command, Verb};
use crate::smtp::host::Host;

/// What the client hears from a `connect` hook with this body, and what it hears afterwards from a sane one.
fn abused(body: &str) -> String {
    worker(async {
        let client = Setup::new().policy("p", &policy("", body)).client();
        let heard = said(&client.connect().await);
        let next = Client::new(client.policies.clone());
        assert_eq!(said(&next.ehlo("c.example").await), "550 5.7.1 well", "the state lives on after {body}");
        heard
    })
}

fn policy(top: &str, body: &str) -> String {
    format!(
        "{top}\nreturn {{ connect = function(session)\n{body}\nend,\nehlo = function() return reject('well') end }}"
    )
}

/// An engine with one policy, and a session of each of `count` clients.
fn engine(text: &str, count: usize) -> (Rc<Engine>, Vec<Client>) {
    let setup = Setup::new().configured("p", text, |policy| policy.budget.cpu = BUDGET);
    let engine = setup.load().unwrap_or_else(|problems| panic!("{problems:?}"));
    let chain = Rc::new(Chain::new(&engine, &[PolicyUse { name: "p".into(), mode: None }]).unwrap());
    let clients = (0..count).map(|_| Client::new(chain.clone())).collect();
    (engine, clients)
}

/// Runs one case to its end, with another session that is served as often as it gets its turn.
async fn endure(case: &Case) -> Result<(), String> {
    let (engine, clients) = engine(&policy(case.top, case.body), 3);
    let guard = &engine.sandbox.guard;
    let (spent_by_others, longest) = (Cell::new(Duration::ZERO), Cell::new(Duration::ZERO));
    let last = Cell::new(guard.now());
    // Others have waited until now.
    let turn = || longest.set(longest.get().max(guard.now() - last.get()));
    let serve = |client: &Client| {
        let host = host();
        let hook = client.hooks.decide(Event::Ehlo { verb: Verb::Ehlo, name: &host });
        turn();
        let before = guard.now();
        let mut hook = std::pin::pin!(hook);
        let polled = futures_util::FutureExt::now_or_never(hook.as_mut());
        spent_by_others.set(spent_by_others.get() + (guard.now() - before));
        last.set(guard.now());
        polled.map(|decision| said(&decision))
    };
    let before = guard.now();
    let abusing = async { said(&clients[0].connect().await) };
    let serving = async {
        loop {
            if serve(&clients[1]).as_deref() != Some("550 5.7.1 well") {
                return "another session was not served".to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    let heard = tokio::select! {
        biased;
        heard = abusing => heard,
        problem = serving => problem,
    };
    turn();
    let (took, waited) = (guard.now() - before - spent_by_others.get(), longest.get());
    if !heard.starts_with("421 4.3.0") {
        return Err(format!("the client heard {heard}"));
    }
    // The budget and 20 ms more, in instructions and steps.
    if took > BUDGET + Duration::from_millis(20) {
        return Err(format!("it took {took:?}"));
    }
    let most = match case.ends {
        Ends::AtOnce if took > Duration::from_millis(1) => return Err(format!("it took {took:?}")),
        // A slice is half a millisecond; a step of a search, or an instruction, more or less.
        Ends::InSlices | Ends::AtOnce => Duration::from_millis(1),
        Ends::InCalls => Duration::from_millis(9),
        Ends::Unbroken => SLICE + Duration::from_millis(11),
    };
    if waited > most {
        return Err(format!("others waited for {waited:?}"));
    }
    match serve(&clients[2]).as_deref() {
        Some("550 5.7.1 well") => Ok(()),
        heard => Err(format!("the state is not well afterwards: {heard:?}")),
    }
}

fn host() -> Host {
    match parse("EHLO c.example") {
        Command::Ehlo(host) => host,
        other => panic!("{other:?}"),
    }
}

/// Every row of the table of abuse, and more. A case that doesn't end fails the test rather than holds it up.
#[test]
fn every_abuse_ends_within_its_budget_while_others_are_served() {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for case in CASES {
            let _ = tell.send((case.name, None));
            let result = worker(endure(case));
            let _ = tell.send((case.name, Some(result)));
        }
    });
    let (mut wrong, mut count) = (Vec::new(), 0);
    loop {
        match told.recv_timeout(Duration::from_secs(60)) {
            Ok((_, None)) => {}
            Ok((name, Some(result))) => {
                count += 1;
                wrong.extend(result.err().map(|problem| format!("{name}: {problem}")));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                wrong.push(format!("case {count}, {}, hangs", CASES[count].name));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(count, CASES.len(), "the table was run to its end");
}

#[test]
fn slow_instructions_are_seen_by_the_machines_clock() {
    // Each turn takes a good part of a millisecond: a budget's worth of instructions would take minutes.
    for body in [
        "local a, b = ('x'):rep(2000000) .. 'a', ('x'):rep(2000000) .. 'b' while true do local x = a < b end",
        "local s = 'x' while #s < 2000000 do s = s .. s end while true do local x = s .. s end",
        "local t = {} for i = 1, 100000 do t[i] = i end for i = 1, 99999 do t[i] = nil end while true do next(t) end",
    ] {
        let setup = Setup::new().configured("p", &policy("", body), |policy| policy.budget.cpu = BUDGET);
        let start = std::time::Instant::now();
        worker(async {
            let (_engine, chain) = setup.timed();
            let client = Client::new(chain);
            assert!(said(&client.connect().await).starts_with("421 4.3.0"), "{body}");
        });
        assert!(start.elapsed() < Duration::from_secs(10), "{body}: {:?}", start.elapsed());
    }
}

#[test]
fn a_verdict_after_a_kill_does_not_count() {
    let body = "coroutine.wrap(function() while true do end end)() return accept()";
    assert_eq!(abused(body), "421 4.3.0 Local policy error, try again later");
}

#[test]
fn the_budget_is_counted_in_instructions() {
    // 50 ms are five million instructions; a turn of this loop is one.
    for (turns, ok) in [(4_000_000, true), (6_000_000, false)] {
        let heard = abused(&format!("for _ = 1, {turns} do end return reject('done')"));
        assert_eq!(heard == "554 5.7.1 done", ok, "{turns}: {heard}");
    }
}

#[test]
fn others_are_served_while_a_hook_computes() {
    worker(async {
        let text = "return { connect = function() for _ = 1, 900000 do end return reject('slow') end,
            ehlo = function() return reject('quick') end }";
        let (_, clients) = engine(text, 2);
        let served = Cell::new(0);
        let computing = async {
            let heard = said(&clients[0].hooks.decide(Event::Connect).await);
            (heard, served.get())
        };
        let serving = async {
            loop {
                assert_eq!(said(&clients[1].ehlo("c.example").await), "550 5.7.1 quick");
                served.set(served.get() + 1);
                tokio::task::yield_now().await;
            }
        };
        let (heard, served) = tokio::select! {
            heard = computing => heard,
            () = serving => unreachable!(),
        };
        assert_eq!(heard, "554 5.7.1 slow");
        // 900,000 instructions are 9 ms: about 18 slices of 0.5 ms.
        assert!((13..=22).contains(&served), "{served} others were served");
    });
}

#[test]
fn slices_leave_no_trace_in_what_is_computed() {
    // Each takes more than a slice, in a pattern or in a coroutine.
    for (body, want) in [
        ("local s = ('ab'):rep(300000) .. 'c' return reject(tostring(s:find('[ab]*c', 3)))", "3"),
        ("local s, n = ('a b '):rep(50000):gsub('%w+', '%0%0') return reject(#s .. ' ' .. n)", "300000 100000"),
        (
            "local s = ('x'):rep(300000) .. 'yz' local out = s:gsub('x-(y)()', '<%1%2>') return reject(out)",
            "<y300002>z",
        ),
        (
            "local n = 0 for a, b in ('k=v;'):rep(30000):gmatch('(%w+)=(%w+)') do n = n + #a + #b end return reject(tostring(n))",
            "60000",
        ),
        (
            "local co = coroutine.wrap(function() local n = 0 for w in ('ab '):rep(50000):gmatch('%a+') do n = n + 1 end coroutine.yield(n)
             return ('x'):rep(300000):find('^x+y') == nil end) return reject(co() .. ' ' .. tostring(co()))",
            "50000 true",
        ),
        (
            "local co = coroutine.wrap(string.find) return reject(tostring(co(('a'):rep(200000) .. 'b', 'a-b')))",
            "1",
        ),
    ] {
        assert_eq!(abused(body), format!("554 5.7.1 {want}"), "{body}");
    }
}

#[test]
fn a_hook_that_is_dropped_leaves_nothing_behind() {
    worker(async {
        let text = "local closed = 0
            return { connect = function(session)
              local x <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
              while true do end
            end, ehlo = function() return reject(tostring(closed)) end }";
        let client = Setup::new().policy("p", text).client();
        let dropped = tokio::time::timeout(Duration::ZERO, client.hooks.decide(Event::Connect)).await;
        assert!(dropped.is_err());
        assert_eq!(said(&client.ehlo("c.example").await), "550 5.7.1 1");
    });
}

#[test]
fn one_hooks_hunger_is_not_anothers() {
    worker(async {
        let greedy = "return { connect = function() local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end }";
        let modest = "return { connect = function() local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1000) .. i end return reject('fine') end }";
        let setup = Setup::new()
            .configured("greedy", greedy, |policy| policy.on_error = crate::lua::config::OnError::Skip)
            .policy("modest", modest);
        assert_eq!(said(&setup.client().connect().await), "554 5.7.1 fine");
    });
}

#[test]
fn time_that_the_system_gives_to_others_is_not_the_hooks() {
    let lua = mlua::Lua::new();
    let guard = Guard::install(&lua, Clock::counted()).unwrap();
    let losing = Rc::clone(&guard);
    let lose = lua.create_function(move |_, ()| {
        losing.lose(BUDGET * 10);
        Ok(())
    });
    let text = "local lose, turns = ...
        for _ = 1, 3 do lose() for _ = 1, turns do end lose() end
        return 'done'";
    let hook = lua.load(text).into_function().unwrap();
    let run = |turns: u32| {
        let call = Rc::new(Call::load("p".into(), None));
        let allowance = Allowance { cpu: BUDGET, slice: Duration::MAX, memory: 1 << 20, text: 1 << 20 };
        let arguments = (lose.clone().unwrap(), turns);
        HookCall::new(&lua, &guard, call, allowance, &hook, Ok(arguments)).finish_now().map(|_| ())
    };
    // Ten nanoseconds an instruction: a tenth of the budget, and three times the budget.
    assert!(run(33_000).is_ok());
    assert!(matches!(run(1_000_000), Err(Stopped::Spent(Budget::Cpu, _))));
}
