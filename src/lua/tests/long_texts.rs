//! Texts so long that a few instructions on them would take longer than any budget.

use std::rc::Rc;
use std::time::Duration;

use crate::lua::engine::Engine;
use crate::lua::period::{EACH, INSTRUCTIONS};
use crate::lua::tests::support::{BEYOND, BUDGET, Client, Setup, processor, said, worker};

/// A hundred comparisons, each of two texts to their ends; no function is called.
fn comparing() -> String {
    "x = a < b ".repeat(100)
}

fn set_up(top: &str, body: &str) -> Setup {
    let text = format!(
        "{top}\nreturn {{ connect = function(session)\n{body}\nend,\nehlo = function() return reject('well') end }}"
    );
    Setup::new().configured("p", &text, |policy| policy.budget.cpu = BUDGET)
}

fn clients(setup: &Setup) -> (Rc<Engine>, [Client; 2]) {
    let (engine, chain) = setup.timed();
    (engine, [Client::new(chain.clone()), Client::new(chain)])
}

/// What a client hears from a hook with this body, by the processor's clock.
fn abused(top: &str, body: &str) -> (String, Duration) {
    worker(async {
        let setup = set_up(top, body);
        let (_engine, [client, next]) = clients(&setup);
        let start = processor();
        let heard = said(&client.connect().await);
        let took = processor() - start;
        assert_eq!(said(&next.ehlo("c.example").await), "550 5.7.1 well", "the state lives on after {body}");
        (heard, took)
    })
}

#[test]
fn a_few_instructions_on_long_texts_end_with_the_budget() {
    let compare = comparing();
    let grow = "local x local a = '\\0' while #a < 1000000 do a = a .. a end local b = a .. 'b' ";
    let cases = [
        // What an earlier call has made.
        ("local a = ('\\0'):rep(2000000) local b = a .. 'b'", format!("local x {compare}")),
        // What this one makes, in no more instructions than would go by between two looks at the clock.
        ("", format!("{grow} {compare}")),
        ("", format!("coroutine.wrap(function() {grow} {compare} end)()")),
        (
            "",
            format!(
                "local co = coroutine.create(function() local c <close> = setmetatable({{}}, {{ __close = function() {grow} {compare} end }}) coroutine.yield() end)
                 coroutine.resume(co) coroutine.close(co)"
            ),
        ),
        (
            "local a = ('\\0'):rep(2000000) local b = a .. 'b'",
            format!("local x coroutine.wrap(function() {compare} end)()"),
        ),
        (
            "local a = ('\\0'):rep(2000000) local b = a .. 'b'",
            format!("local x setmetatable({{}}, {{ __index = function() {compare} end }}).x()"),
        ),
        // Not so long, but many: each coroutine begins anew.
        (
            "local a = ('\\0'):rep(32700) local b = a .. 'x' local wrap = coroutine.wrap",
            format!(
                "local function f(n) local x {} if n > 0 then wrap(f)(n - 1) end end while true do f(60) end",
                "x = a < b ".repeat(40)
            ),
        ),
    ];
    for (top, body) in cases {
        let (heard, took) = abused(top, &body);
        assert!(heard.starts_with("421 4.3.0"), "{heard} after {body}");
        assert!(took <= BUDGET + BEYOND, "{took:?} for {body}");
    }
}

#[test]
fn no_text_is_longer_than_two_megabytes() {
    let (heard, _) = abused("", "local s = ('x'):rep(2 << 20) return reject(#s .. '')");
    assert_eq!(heard, "554 5.7.1 2097152");
    for body in [
        "local s = ('x'):rep((2 << 20) + 1)",
        "local s = ('x'):rep(2 << 20) .. 'y'",
        "pcall(string.rep, 'x', 3 << 20) return reject('caught')",
        "local t = {} for i = 1, 3 do t[i] = ('x'):rep(1 << 20) end return reject(table.concat(t))",
    ] {
        let (heard, _) = abused("", body);
        assert!(heard.starts_with("421 4.3.0"), "{heard} after {body}");
    }
}

#[test]
fn a_policy_with_longer_texts_is_not_loaded() {
    let problems = set_up("local s = ('x'):rep(3 << 20)", "").problems();
    assert!(problems.contains("a text of more than 2 MiB"), "{problems}");
}

#[test]
fn long_texts_are_forgotten_when_they_are_gone() {
    worker(async {
        let setup = set_up("local s = ('x'):rep(1 << 20)", "s = nil");
        let (engine, [client, _]) = clients(&setup);
        let memory = engine.sandbox.guard.memory();
        assert_eq!(memory.period(), EACH);
        said(&client.connect().await);
        engine.sandbox.lua.gc_collect().unwrap();
        assert_eq!(memory.period(), INSTRUCTIONS);
    });
}

#[test]
fn what_is_held_is_what_lua_holds() {
    worker(async {
        let setup = set_up("", "session.vars.x = { ('x'):rep(100000), 'y' }");
        let (engine, [client, _]) = clients(&setup);
        said(&client.connect().await);
        engine.sandbox.lua.gc_collect().unwrap();
        let held = engine.sandbox.guard.memory().held();
        engine.sandbox.guard.memory().leave();
        assert_eq!(engine.sandbox.lua.used_memory(), held);
    });
}

#[test]
fn who_asks_for_too_much_does_not_make_lua_collect_all_that_there_is() {
    // Collecting that takes 50 ms.
    let top = "local t = {} for i = 1, 500 do t[i] = {} for j = 1, 1000 do t[i][j] = { j } end end";
    for body in [
        "local s = ('x'):rep(3 << 20)",
        "local s = ('x'):rep(1 << 21) local u = s .. s",
        "return ('x'):rep(1 << 21) .. 'x'",
        "local u = {} for i = 1, 20 do u[i] = ('x'):rep(1 << 20) .. i end",
        "local u = {} for i = 1, 20 do u[i] = ('x'):rep(1 << 20) end table.concat(u)",
        "local u = {} for i = 1, 200 do u[i] = ('x'):rep(20000) end table.concat(u)",
        "local s = ('x'):rep(1 << 20) string.format('%s%s%s%s', s, s, s, s)",
        "local s = ('x'):rep(1 << 20) s:gsub('x', s)",
        "local s = ('x'):rep(1 << 20) s:gsub('x', function() return s end)",
        "string.pack('c3000000', '')",
        "pcall(string.rep, 'x', 3 << 20) while true do end",
    ] {
        let (heard, took) = abused(top, body);
        assert!(heard.starts_with("421 4.3.0"), "{heard} after {body}");
        assert!(took <= BUDGET + BEYOND, "{took:?} for {body}");
    }
}

#[test]
fn what_is_no_table_is_not_joined() {
    let (heard, _) = abused("", "local ok, why = pcall(table.concat, ('x'):rep(100000)) return reject(why)");
    assert!(heard.contains("table expected, got string"), "{heard}");
}
