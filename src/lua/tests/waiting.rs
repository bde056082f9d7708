//! A module of the tests' own whose function waits, and what waiting hooks do.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Lua, Table};

use crate::lua::api::{Parts, may_wait};
use crate::lua::guard::Guard;
use crate::lua::tests::support::{Setup, said, worker};

/// `waiting.seconds(n)`.
pub(in crate::lua) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let waiting = lua.create_table()?;
    let guard = Rc::clone(guard);
    waiting.set(
        "seconds",
        lua.create_async_function(move |lua, seconds: f64| {
            let guard = Rc::clone(&guard);
            async move {
                may_wait(&lua, &guard)?;
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                Ok("waited")
            }
        })?,
    )?;
    Ok(waiting)
}

/// What the client hears from a `connect` hook with this body.
fn heard(body: &str) -> String {
    let text = format!("return {{ connect = function(session)\n{body}\nend }}");
    worker(async { said(&Setup::new().policy("p", &text).client().connect().await) })
}

#[test]
fn a_hook_may_wait_as_long_as_its_time_lasts() {
    for (body, want) in [
        ("return reject(waiting.seconds(9))", "554 5.7.1 waited"),
        ("waiting.seconds(11) return accept()", "421 4.3.0 Local policy error, try again later"),
        ("for i = 1, 11 do waiting.seconds(1) end", "421 4.3.0 Local policy error, try again later"),
        ("local ok, w = pcall(waiting.seconds, 1) return reject(w)", "554 5.7.1 waited"),
        ("for w in waiting.seconds, 1 do return reject(w) end", "554 5.7.1 waited"),
        // Waits cost no processor time.
        ("for i = 1, 9000 do waiting.seconds(0.001) end return reject('done')", "554 5.7.1 done"),
    ] {
        assert_eq!(heard(body), want, "{body}");
    }
}

#[test]
fn all_policies_of_a_stage_together_have_its_time() {
    let slow = "return { connect = function() waiting.seconds(9) end }";
    let last = "return { connect = function() waiting.seconds(9) return reject('last') end }";
    for (others, want) in [(5, "554 5.7.1 last"), (6, "421 4.3.0 Local policy error, try again later")] {
        let setup = (0..others).fold(Setup::new(), |setup, at| setup.policy(&format!("p{at}"), slow));
        let setup = setup.policy("last", last);
        assert_eq!(worker(async { said(&setup.client().connect().await) }), want, "{others}");
    }
}

#[test]
fn a_wait_where_none_can_be_raises() {
    for (body, want) in [
        (
            "local ok, problem = pcall(coroutine.wrap(function() waiting.seconds(1) end)) return reject(problem)",
            "inside a coroutine",
        ),
        (
            "local ok, problem = pcall(string.gsub, 'a', 'a', function() waiting.seconds(1) end) return reject(problem)",
            "C-call boundary",
        ),
        (
            "local ok, problem = pcall(table.sort, { 2, 1 }, function() waiting.seconds(1) end) return reject(problem)",
            "C-call boundary",
        ),
    ] {
        assert!(heard(body).contains(want), "{body}: {}", heard(body));
    }
    let setup = Setup::new().policy("p", "return { setup = function() waiting.seconds(1) end }");
    assert_eq!(setup.problems(), "p.lua:1: calls that wait can't be made while a policy is loaded");
}

#[test]
fn hooks_of_many_sessions_wait_side_by_side() {
    worker(async {
        let setup =
            Setup::new().policy("p", "return { connect = function() return reject(waiting.seconds(5)) end }");
        let first = setup.client();
        let clients: Vec<_> =
            (0..1000).map(|_| crate::lua::tests::support::Client::new(first.policies.clone())).collect();
        let start = tokio::time::Instant::now();
        let all = clients.iter().map(|client| async { said(&client.connect().await) });
        for heard in futures_util::future::join_all(all).await {
            assert_eq!(heard, "554 5.7.1 waited");
        }
        assert_eq!(start.elapsed().as_secs(), 5);
    });
}
