//! The pattern functions give what Lua's own give, and stop where Lua's own don't.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Function, Lua, Table, Value};

use crate::lua::clock::Clock;
use crate::lua::guard::Guard;
use crate::lua::pattern;
use crate::lua::tests::stock::assert_as_in_lua;

/// A state with Lua's own functions in `stock` and ours in `string`.
fn state() -> (Lua, Rc<Guard>, Table) {
    let lua = Lua::new();
    let string: Table = lua.globals().get("string").unwrap();
    let stock = lua.create_table().unwrap();
    for name in ["find", "match", "gmatch", "gsub"] {
        stock.raw_set(name, string.raw_get::<Value>(name).unwrap()).unwrap();
    }
    let guard = Guard::install(&lua, Clock::counted()).unwrap();
    pattern::open(&lua, &guard).unwrap();
    (lua, guard, stock)
}

#[test]
fn all_generated_cases_end_as_in_lua() {
    // Four seeds, each on a thread of its own.
    let run = |seed: u64| {
        let (lua, _, stock) = state();
        let ours: Table = lua.globals().get("string").unwrap();
        let compare: Function = lua.load(include_str!("tests.lua")).into_function().unwrap();
        compare.call::<Option<String>>((stock, ours, 25_000, seed)).unwrap()
    };
    let threads = [7, 77, 777, 7777].map(|seed| std::thread::spawn(move || run(seed)));
    for thread in threads {
        assert_eq!(thread.join().unwrap(), None);
    }
}

#[test]
fn wrong_arguments_raise_as_in_lua() {
    assert_as_in_lua(&[
        "string.find()",
        "string.find('a')",
        "string.find({}, 'a')",
        "('a'):find({})",
        "('a'):find('a', 'x')",
        "('a'):find('a', 1.5)",
        "('a'):match(nil)",
        "('a'):gmatch()",
        "('a'):gsub('a')",
        "('a'):gsub('a', nil)",
        "('a'):gsub('a', setmetatable({}, { __name = 'kind' }))",
        "('a'):gsub('a', print, {})",
        "('a'):gsub('a', coroutine.running())",
        "pcall(string.gsub, 'a', 'a')",
        "(12):rep(2)",
        "string.find(1234, 23)",
        "string.gsub(1212, 1, 3)",
        "('x'):gsub('x', function() return {} end)",
        "('x'):gsub('.', function() error('oh') end)",
        "('x'):gsub('.', setmetatable({}, { __index = function(_, k) return k .. k end }))",
        "('%d'):rep(3):gsub('%%d', '%%%%')",
        "('a'):rep(300000):find(('a?'):rep(300000))",
        "('a'):rep(300):gsub('', '-')",
        "('abc'):gsub('%w', '%0%0', 2)",
        "('hello world'):gsub('o', '0', 1e300)",
    ]);
}

#[test]
fn long_texts_are_as_in_lua() {
    assert_as_in_lua(&[
        "('x'):rep(200000) .. 'needle' == nil or (('x'):rep(200000) .. 'needle'):find('needle', 1, true)",
        "(('x'):rep(65530) .. 'needle'):find('needle', 1, true)",
        "(('x'):rep(65536) .. 'needle'):find('needle', 7, true)",
        "(('n'):rep(140000)):find('needle', 1, true)",
        "(('ab'):rep(50000) .. 'c'):find('(ab)*c')",
        "#(('ab'):rep(50000)):gsub('b', 'xyz')",
        "select(2, ('a b '):rep(20000):gsub('%w+', string.upper))",
        "(('('):rep(10000) .. (')'):rep(10000)):match('%b()') == ('('):rep(10000) .. (')'):rep(10000)",
    ]);
}

#[test]
fn steps_are_charged_to_the_clock() {
    let (lua, guard, _) = state();
    let cost = |text: &str| {
        let before = guard.now();
        lua.load(text).exec().unwrap();
        guard.now() - before
    };
    assert_eq!(cost("('x'):find('y')"), Duration::ZERO);
    // A hundred thousand steps of 5 ns each.
    let long = cost("local s = ('x'):rep(100000) s:find('y+')");
    assert!((Duration::from_micros(400)..Duration::from_micros(600)).contains(&long), "{long:?}");
    // Many short calls are charged as one long one is.
    let short = cost("local s = ('x'):rep(100) for _ = 1, 1000 do s:find('y+') end");
    assert!(short > long / 2 && short < long * 2, "{short:?}");
    let plain = cost("local s = ('x'):rep(1000000) s:find('y', 1, true)");
    assert!((Duration::from_micros(200)..Duration::from_millis(1)).contains(&plain), "{plain:?}");
}
