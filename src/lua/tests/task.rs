//! Tasks: started in one hook, waited for in another, within their budgets, gone with their session.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::lua::tests::support::{Setup, said, worker};
use crate::policy::waiting::Waiting;

/// What the client hears from a `connect` hook with this body.
fn heard(body: &str) -> String {
    let text = format!("return {{ connect = function(session)\n{body}\nend }}");
    worker(async { said(&Setup::new().policy("p", &text).client().connect().await) })
}

#[test]
fn a_look_up_started_at_connect_is_there_at_mail() {
    let text = "return {
      connect = function(session)
        session.vars.slow = task.start(function() waiting.seconds(3) return 'found', session.client.ip end)
      end,
      mail = function(session)
        local what, ip = session.vars.slow:wait()
        assert(select(2, session.vars.slow:wait()) == ip) -- as often as one likes
        return reject(what .. ' ' .. ip)
      end,
    }";
    worker(async {
        let client = Setup::new().policy("p", text).client();
        let start = Instant::now();
        client.connect().await;
        assert_eq!(start.elapsed(), Duration::ZERO, "the banner doesn't wait for it");
        client.ehlo("client.example").await;
        sleep(Duration::from_secs(2)).await;
        assert_eq!(said(&client.mail("<ann@a.example>").await), "550 5.7.1 found 192.0.2.7");
        assert_eq!(start.elapsed().as_secs(), 3, "it ran while the client was busy");
    });
}

#[test]
fn what_a_task_gives_and_how_it_fails() {
    for (body, want) in [
        ("return reject(tostring(select('#', task.start(function() end):wait())))", "0"),
        ("local a, b, c = task.start(function() return 1, nil, 3 end):wait() return reject(a .. tostring(b) .. c)", "1nil3"),
        ("local t = task.start(function() return { 'a table' } end) return reject(t:wait()[1])", "a table"),
        ("local t = task.start(function() return nil, 'none' end) return reject(select(2, t:wait()))", "none"),
        ("local t = task.start(function() error('x') end) return reject(select(2, t:wait()))", "failed"),
        ("local t = task.start(function() while true do end end) return reject(select(2, t:wait()))", "failed"),
        ("local t = task.start(function() local s = 'x' while true do s = s .. s end end) return reject(select(2, t:wait()))", "failed"),
        // Its time is a hook's: when the hook that waits began at the same moment, neither is left.
        ("local t = task.start(function() waiting.seconds(60) end) waiting.seconds(9) return reject(type(t))", "userdata"),
        (
            "local a, b = task.all(function() waiting.seconds(1) return 'a', 'b' end, function() error('x') end)
             return reject(a[1] .. a[2] .. a.n .. tostring(b[1]) .. b[2])",
            "ab2nilfailed",
        ),
        (
            "local t = task.start(function() waiting.seconds(1) return 'there' end)
             return reject(coroutine.wrap(function() return (t:wait()) end)())",
            "there",
        ),
        (
            "local t = task.start(function() return coroutine.wrap(function() return waiting.seconds(1) end)() end)
             return reject((t:wait()))",
            "waited",
        ),
        (
            "local t = task.start(function() return 1 end)
             local a, b = task.all(t, function() return 2 end) return reject(a[1] .. b[1])",
            "12",
        ),
    ] {
        assert_eq!(heard(body), format!("554 5.7.1 {want}"), "{body}");
    }
}

#[test]
fn a_task_whose_time_is_over_says_so() {
    let text = "return {
      connect = function(session) session.vars.t = task.start(function() waiting.seconds(60) end) end,
      ehlo = function(session) return reject(select(2, session.vars.t:wait())) end,
    }";
    worker(async {
        let client = Setup::new().policy("p", text).client();
        client.connect().await;
        sleep(Duration::from_secs(5)).await;
        let start = Instant::now();
        assert_eq!(said(&client.ehlo("client.example").await), "550 5.7.1 timeout");
        assert_eq!(start.elapsed().as_secs(), 5, "ten seconds from its start");
    });
}

#[test]
fn all_run_side_by_side() {
    let body = "local fs = {} for i = 1, 16 do fs[i] = function() waiting.seconds(5) return i end end
      local sum = 0 for _, r in ipairs { task.all(table.unpack(fs)) } do sum = sum + r[1] end
      return reject(tostring(sum))";
    let text = format!("return {{ connect = function(session)\n{body}\nend }}");
    worker(async {
        let start = Instant::now();
        assert_eq!(said(&Setup::new().policy("p", &text).client().connect().await), "554 5.7.1 136");
        assert_eq!(start.elapsed().as_secs(), 5);
    });
}

#[test]
fn a_task_acts_on_nothing_and_decides_nothing() {
    for (call, want) in [
        ("session:delay(1)", "session:delay can't be called in a task"),
        ("session:add_score(1, 'X')", "session:add_score can't be called in a task"),
        ("return reject('x')", "reject: a task decides nothing"),
        ("return accept()", "accept: a task decides nothing"),
    ] {
        let body = format!(
            "local t = task.start(function() return select(2, pcall(function() {call} end)) end)
             return reject(t:wait())"
        );
        assert!(heard(&body).contains(want), "{call}: {}", heard(&body));
    }
}

#[test]
fn misuse_raises() {
    for (call, want) in [
        ("task.start()", "task.start: a function is wanted"),
        ("task:start(print)", "task.start: use `.`"),
        ("task.start(function() end).wait()", "use `:`: task:wait()"),
        ("task.all(1)", "task.all: functions and tasks are wanted"),
        ("for i = 1, 17 do task.start(function() waiting.seconds(1) end) end", "at most 16 tasks at once"),
    ] {
        let heard =
            heard(&format!("local ok, problem = pcall(function() {call} end) return reject(problem)"));
        assert!(heard.contains(want) && heard.contains("p.lua:2: "), "{call}: {heard}");
    }
    let setup = Setup::new().policy("p", "task.start(print) return {}");
    assert!(
        setup.problems().contains("p.lua:1: task.start: a task belongs to a session; start it in a hook")
    );
    // Those that have ended make room.
    let body = "for i = 1, 40 do task.start(function() end):wait() end return reject('done')";
    assert_eq!(heard(body), "554 5.7.1 done");
}

#[test]
fn a_computing_task_leaves_the_hooks_their_turn() {
    // The clock counts instructions: each hook and each task has its own 50 ms, taken in slices of 0.5 ms.
    let body = "local order = {}
      local long = task.start(function() for i = 1, 2000000 do end order[#order + 1] = 'long' end)
      local short = task.start(function() order[#order + 1] = 'short' end)
      task.all(long, short)
      return reject(table.concat(order, ' '))";
    assert_eq!(heard(body), "554 5.7.1 short long");
}

#[test]
fn tasks_end_with_their_session() {
    let text = "local done = {}
    return {
      connect = function(session)
        if session.client.ip == '192.0.2.7' then
          task.start(function() waiting.seconds(5) done[1] = true end)
          local t t = task.start(function() return t end) -- holds itself
          t:wait()
        else
          return reject(tostring(done[1]))
        end
      end,
    }";
    let waiting = Waiting::new(100);
    let mut setup = Setup::new().policy("p", text);
    setup.parts = setup.parts.counting(Arc::clone(&waiting));
    worker(async {
        let client = setup.client();
        client.connect().await;
        assert_eq!(waiting.now(), 1, "a task that runs counts as a call that waits");
        let policies = client.policies.clone();
        drop(client);
        sleep(Duration::from_secs(6)).await;
        assert_eq!(waiting.now(), 0);
        let other = crate::lua::tests::support::Client::at("192.0.2.8", policies);
        assert_eq!(said(&other.connect().await), "554 5.7.1 nil");
    });
}

#[test]
fn hooks_that_wait_are_counted_while_they_do() {
    let waiting = Waiting::new(100);
    let mut setup = Setup::new()
        .policy("p", "return { connect = function(s) waiting.seconds(5) end, ehlo = function() end }");
    setup.parts = setup.parts.counting(Arc::clone(&waiting));
    worker(async {
        let client = setup.client();
        let mut connecting = Box::pin(client.connect());
        assert!(futures_util::poll!(&mut connecting).is_pending());
        assert_eq!(waiting.now(), 1);
        drop(connecting);
        assert_eq!(waiting.now(), 0, "its client has gone");
        client.connect().await;
        client.ehlo("client.example").await;
        assert_eq!(waiting.now(), 0);
    });
}
