//! Policies that loop, eat memory, wait for ever: each ends as a policy error, and the others are served meanwhile.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::lua::chain::Chain;
use crate::lua::tests::support::{Client, Setup, said, worker};
use crate::policy::event::Event;

/// What the client hears from a `connect` hook with this body, and what it hears afterwards from a sane one.
fn abused(body: &str) -> String {
    let text = format!(
        "local calls = 0\nreturn {{ connect = function(session)\n{body}\nend,\nehlo = function() return reject('well') end }}"
    );
    worker(async {
        let client = Setup::new().policy("p", &text).client();
        let heard = said(&client.connect().await);
        let next = Client::new(client.policies.clone());
        assert_eq!(said(&next.ehlo("c.example").await), "550 5.7.1 well", "the state lives on after {body}");
        heard
    })
}

#[test]
fn busy_loops_end_as_a_policy_error() {
    for body in [
        "while true do end",
        "while true do pcall(error) end",
        "while true do pcall(function() while true do end end) end",
        "local function f() return pcall(f) end while true do f() end",
        "xpcall(function() while true do end end, function() while true do end end)",
        "xpcall(error, function() while true do end end)",
        "coroutine.wrap(function() while true do end end)()",
        "while true do coroutine.wrap(function() while true do end end)() end",
        "while true do pcall(coroutine.wrap(function() while true do pcall(error) end end)) end",
        "table.sort({ 3, 2, 1 }, function() while true do end end)",
        "pcall(table.sort, { 3, 2, 1 }, function() while true do end end)",
        "string.gsub('a', 'a', function() while true do end end)",
        "local t = setmetatable({}, { __index = function() while true do end end }) local x = t.x",
        "local t <close> = setmetatable({}, { __close = function() while true do end end }) while true do end",
        "error(setmetatable({}, { __tostring = function() while true do end end }))",
        "for _ in function() return 1 end do end",
        "while true do coroutine.yield() end",
        "goto a ::a:: goto a",
    ] {
        assert!(abused(body).starts_with("421 4.3.0"), "{body}: {}", abused(body));
    }
}

#[test]
fn hunger_ends_as_a_policy_error() {
    for body in [
        "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
        "local s = 'x' while true do s = s .. s end",
        "return reject(('x'):rep(1e9))",
        "local function f() return f() + 1 end f()",
        "local function f() local a, b, c = {}, {}, {} f() return a, b, c end f()",
        "local t = {} while true do t = { t } end",
    ] {
        assert!(abused(body).starts_with("421 4.3.0"), "{body}");
    }
}

#[test]
fn a_verdict_after_a_kill_does_not_count() {
    let body = "coroutine.wrap(function() while true do end end)() return accept()";
    assert!(abused(body).starts_with("421 4.3.0"));
}

#[test]
fn the_budget_is_counted_in_instructions() {
    // 50 ms are 10,000 ticks of 500 instructions; a turn of this loop is one instruction.
    for (turns, ok) in [(4_000_000, true), (6_000_000, false)] {
        let heard = abused(&format!("for _ = 1, {turns} do end return reject('done')"));
        assert_eq!(heard == "554 5.7.1 done", ok, "{turns}: {heard}");
    }
}

#[test]
fn others_are_served_while_a_hook_computes() {
    worker(async {
        let text = "return { connect = function() for _ = 1, 1000000 do end return reject('slow') end,
            ehlo = function() return reject('quick') end }";
        let setup = Setup::new().policy("p", text);
        let engine = setup.load().unwrap();
        let uses = [crate::policy::mode::PolicyUse { name: "p".into(), mode: None }];
        let chain = Rc::new(Chain::new(&engine, &uses).unwrap());
        let [slow, quick] = [(), ()].map(|()| Client::new(chain.clone()));
        let served = Cell::new(0);
        let computing = async {
            let heard = said(&slow.hooks.decide(Event::Connect).await);
            (heard, served.get())
        };
        let serving = async {
            loop {
                assert_eq!(said(&quick.ehlo("c.example").await), "550 5.7.1 quick");
                served.set(served.get() + 1);
                tokio::task::yield_now().await;
            }
        };
        let (heard, served) = tokio::select! {
            heard = computing => heard,
            () = serving => unreachable!(),
        };
        assert_eq!(heard, "554 5.7.1 slow");
        // A million instructions are 10 ms: about 20 slices of 0.5 ms.
        assert!((15..=25).contains(&served), "{served} others were served");
    });
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
