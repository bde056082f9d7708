//! A module of the tests' own whose function waits, and what waiting hooks do.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use mlua::{Lua, Table};

use crate::lua::api::Parts;
use crate::lua::guard::Guard;
use crate::lua::suspend::{self, may_wait};
use crate::lua::tests::support::{Setup, said, worker};

/// `waiting.seconds(n)`.
pub(in crate::lua) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let waiting = lua.create_table()?;
    let (guard, watching) = (Rc::clone(guard), Rc::clone(guard));
    waiting.set(
        "seconds",
        suspend::function(lua, &Rc::clone(&guard), move |lua, seconds: f64| {
            let guard = Rc::clone(&guard);
            async move {
                may_wait(&lua, &guard)?;
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                Ok("waited")
            }
        })?,
    )?;
    waiting.set(
        "panic",
        lua.create_function(|_, ()| -> mlua::Result<()> { panic!("a test's function panics") })?,
    )?;
    let later = |_: Lua, ()| async {
        tokio::task::yield_now().await;
        if tokio::time::Instant::now().elapsed() < Duration::MAX {
            panic!("a test's function panics later");
        }
        Ok(())
    };
    waiting.set("panic_later", suspend::function(lua, &watching, later)?)?;
    let drops = Rc::new(Cell::new(0));
    let (counting, told) = (Rc::clone(&drops), Rc::clone(&drops));
    // Waits for ever; `dropped` tells how often it was told not to.
    let forever = move |_: Lua, ()| {
        let counted = Counted(Rc::clone(&counting));
        async move {
            let _counted = counted;
            std::future::pending::<()>().await;
            Ok(())
        }
    };
    waiting.set("forever", suspend::function(lua, &watching, forever)?)?;
    waiting.set("dropped", lua.create_function(move |_, ()| Ok(told.get()))?)?;
    Ok(waiting)
}

/// Counts its drop.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
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
    for body in [
        "tostring(setmetatable({}, { __tostring = function() waiting.seconds(1) return 'x' end }))",
        // Below a callback nothing can wait either, whatever coroutine it is in.
        "tostring(setmetatable({}, { __tostring = coroutine.wrap(function() waiting.seconds(1) end) }))",
        "tostring(setmetatable({}, { __tostring = function() coroutine.wrap(function() coroutine.wrap(waiting.seconds)(1) end)() end }))",
    ] {
        let heard = heard(&format!(
            "local ok, problem = pcall(function() {body} end) waiting.seconds(1) return reject(problem)"
        ));
        assert!(heard.contains("inside a callback of tostring"), "{body}: {heard}");
    }
    let setup = Setup::new().policy("p", "return { setup = function() waiting.seconds(1) end }");
    assert_eq!(setup.problems(), "p.lua:1: calls that wait can't be made while a policy is loaded");
}

#[test]
fn a_replacement_may_wait_and_yield() {
    for (body, want) in [
        ("local s, n = ('a1b2'):gsub('%d', function(d) waiting.seconds(1) return d + 1 end) return reject(s .. n)", "a2b32"),
        // Nothing, false, a number, the empty match; a long result grows while it waits.
        (
            "local kinds = { a = false, c = 7 } local s = ('abc'):gsub('%w', function(c) waiting.seconds(1) return kinds[c] end)
             return reject(s)",
            "ab7",
        ),
        ("return reject((('ab'):gsub('', function() waiting.seconds(1) return '-' end)))", "-a-b-"),
        (
            "local s, n = ('x'):rep(5):gsub('x', function() waiting.seconds(1) return ('y'):rep(1000) end)
             return reject(#s .. ' ' .. n .. ' ' .. tostring(s == ('y'):rep(5000)))",
            "5000 5 true",
        ),
        ("return reject((('aaa'):gsub('^a', function() waiting.seconds(1) return 'b' end)))", "baa"),
        ("return reject((('aaa'):gsub('a', function() waiting.seconds(1) return 'b' end, 2)))", "bba"),
        // Captures, and a replacement in a replacement.
        (
            "return reject((('k=v;l=w'):gsub('(%w)=(%w)', function(k, v)
               waiting.seconds(1) return v:gsub('.', function(c) waiting.seconds(1) return c:upper() .. k end) end)))",
            "Vk;Wl",
        ),
        (
            "local co = coroutine.wrap(function() return (('a b'):gsub('%w', coroutine.yield)) end)
             local first = co() local second = co('x') return reject(first .. second .. co('y'))",
            "abx y",
        ),
        ("return reject(select(2, pcall(string.gsub, 'a', 'a', function() waiting.seconds(1) error('oh', 0) end)))", "oh"),
        (
            "return reject(select(2, pcall(string.gsub, 'a', 'a', function() waiting.seconds(1) return {} end)))",
            "invalid replacement value (a table)",
        ),
    ] {
        assert_eq!(heard(body), format!("554 5.7.1 {want}"), "{body}");
    }
}

#[test]
fn coroutines_may_wait() {
    for (body, want) in [
        ("return reject(coroutine.wrap(function() return waiting.seconds(1) end)())", "waited"),
        (
            "local next = coroutine.wrap(function() for i = 1, 3 do waiting.seconds(1) coroutine.yield(i) end end)
             local sum = 0 for i in next do sum = sum + i waiting.seconds(1) end return reject(tostring(sum))",
            "6",
        ),
        // In a coroutine in a coroutine; the values of both come through.
        (
            "local co = coroutine.create(function(a)
               local inner = coroutine.wrap(function(b) waiting.seconds(1) local c = coroutine.yield(b + 1) waiting.seconds(1) return c * 2 end)
               local x = inner(a) local y = coroutine.yield(x) return inner(y)
             end)
             local _, x = coroutine.resume(co, 1) local _, y = coroutine.resume(co, 10) local ok, z = coroutine.resume(co)
             return reject(x .. ' ' .. y .. ' ' .. tostring(ok) .. ' ' .. coroutine.status(co))",
            "2 20 false dead",
        ),
        ("return reject(select(2, pcall(coroutine.wrap(function() waiting.seconds(1) error('oh', 0) end))))", "oh"),
        (
            "local ok, x = xpcall(function() waiting.seconds(1) local x = coroutine.wrap(function() waiting.seconds(1) error('oh', 0) end)() return x end,
               function(problem) return 'handled ' .. problem:match('p.lua:.*') end) return reject(x)",
            "handled p.lua:2: oh",
        ),
        (
            "local t = setmetatable({}, { __index = function(_, k) return waiting.seconds(1) .. k end })
             return reject(coroutine.wrap(function() return t.x end)())",
            "waitedx",
        ),
        (
            "local t = { 3, 1, 2 } table.sort(t, function(a, b) waiting.seconds(1) return a < b end) return reject(table.concat(t))",
            "123",
        ),
        (
            "local co = coroutine.create(function() waiting.seconds(1) coroutine.yield() end) coroutine.resume(co)
             local before = coroutine.status(co) return reject(before .. ' ' .. tostring(coroutine.close(co)) .. ' ' .. coroutine.status(co))",
            "suspended true dead",
        ),
        (
            "return reject(coroutine.wrap(function() waiting.seconds(1) return tostring(coroutine.isyieldable()) end)())",
            "true",
        ),
        // A nil that a coroutine yields is its own, also when a slice has ended below it before.
        (
            "local co = coroutine.wrap(function() for i = 1, 200000 do end coroutine.yield() for i = 1, 200000 do end return 'end' end)
             return reject(select('#', co()) .. ' ' .. co())",
            "0 end",
        ),
        (
            "local co = coroutine.wrap(function() waiting.seconds(1) coroutine.yield(nil, 5) return 'end' end)
             local a, b = co() return reject(tostring(a) .. ' ' .. b .. ' ' .. co())",
            "nil 5 end",
        ),
    ] {
        assert_eq!(heard(body), format!("554 5.7.1 {want}"), "{body}");
    }
}

#[test]
fn a_coroutine_may_go_on_in_a_later_hook() {
    let text =
        "local co = coroutine.wrap(function() for i = 1, 9 do waiting.seconds(1) coroutine.yield(i) end end)
        return { ehlo = function() return reject(tostring(co())) end }";
    worker(async {
        let client = Setup::new().policy("p", text).client();
        for want in 1..=3 {
            assert_eq!(said(&client.ehlo("c.example").await), format!("550 5.7.1 {want}"));
        }
    });
}

#[test]
fn the_coroutine_of_a_hook_is_its_own() {
    let text = "local co
        return { connect = function() co = coroutine.running() waiting.seconds(5) return reject('mine') end,
          ehlo = function() local ok, why = coroutine.resume(co) local closed, w = pcall(coroutine.close, co)
            return reject(tostring(ok) .. ' ' .. why .. ' ' .. tostring(closed)) end }";
    worker(async {
        let first = Setup::new().policy("p", text).client();
        let second = crate::lua::tests::support::Client::new(first.policies.clone());
        let (one, other) = tokio::join!(first.connect(), second.ehlo("c.example"));
        assert_eq!(said(&one), "554 5.7.1 mine");
        assert_eq!(said(&other), "550 5.7.1 false cannot resume the coroutine of a hook false");
    });
}

#[test]
fn a_hook_that_is_dropped_drops_all_that_it_waits_for() {
    for body in [
        "waiting.forever()",
        "coroutine.wrap(function() waiting.forever() end)()",
        "coroutine.wrap(function() pcall(coroutine.wrap(function() waiting.forever() end)) end)()",
        "for _ in coroutine.wrap(function() waiting.seconds(1) waiting.forever() end) do end",
    ] {
        let text = format!(
            "return {{ connect = function() {body} end, ehlo = function() return reject(tostring(waiting.dropped())) end }}"
        );
        worker(async {
            let client = Setup::new().policy("p", &text).client();
            let dropped = tokio::time::timeout(Duration::from_secs(3), client.connect()).await;
            assert!(dropped.is_err(), "{body}");
            assert_eq!(said(&client.ehlo("c.example").await), "550 5.7.1 1", "{body}");
        });
    }
}

#[test]
fn the_variables_of_a_dropped_hook_are_closed_also_after_another_was_killed() {
    // Where nothing can be suspended, so that an error ends it.
    let killed = "tostring(setmetatable({}, { __tostring = function() while true do end end }))";
    let text = format!(
        "local closed, asked = 0, false
         return {{
           connect = function()
             if asked then return reject(tostring(closed)) end
             asked = true
             local c <close> = setmetatable({{}}, {{ __close = function() closed = closed + 1 end }})
             waiting.forever()
           end,
           ehlo = function() {killed} end }}"
    );
    worker(async {
        let client = Setup::new().policy("p", &text).client();
        let other = crate::lua::tests::support::Client::new(client.policies.clone());
        let mut waiting = Box::pin(client.connect());
        assert!(poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await.is_pending());
        assert!(said(&other.ehlo("c.example").await).starts_with("451 4.3.0"));
        drop(waiting);
        assert_eq!(said(&other.connect().await), "554 5.7.1 1");
    });
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
