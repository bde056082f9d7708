//! Plain Lua beside a sandbox: what is ours gives what Lua's own gives.

use std::collections::HashMap;

use mlua::Lua;

use crate::lua::chunks::Chunks;
use crate::lua::clock::Clock;
use crate::lua::sandbox::Sandbox;

/// Each expression gives the same in both, errors and all.
pub(in crate::lua) fn assert_as_in_lua(expressions: &[&str]) {
    for expression in expressions {
        let [stock, ours] = both(expression);
        assert_eq!(ours, stock, "{expression}");
    }
}

/// What an expression gives in plain Lua and in a sandbox.
fn both(expression: &str) -> [String; 2] {
    let plain = Lua::new();
    let sandbox = Sandbox::new(Clock::counted(), HashMap::new(), &Chunks::default()).unwrap();
    [(&plain, plain.globals()), (&sandbox.lua, sandbox.environment().unwrap())].map(|(lua, globals)| {
        let text = format!(
            "local t = table.pack(pcall(function()
              local t = table.pack({expression}) return table.unpack(t, 1, t.n) end))
            for i = 1, t.n do t[i] = tostring(t[i]) end return table.concat(t, '|', 1, t.n)"
        );
        lua.load(text).set_name("@case").set_environment(globals).eval::<String>().unwrap()
    })
}
