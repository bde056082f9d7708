//! States in which a policy holds much: no step of Lua's is long for that, and none of its collector's.

use std::time::Duration;

use crate::lua::tests::support::{BEYOND, BUDGET, Client, Setup, processor, said, worker};

/// So many calls, during which the collector goes through all that there is at least once.
const CALLS: usize = 40;

/// The longest of many calls of a hook with this body, by the processor's clock.
fn longest(top: &str, body: &str) -> Duration {
    worker(async {
        let text = format!("{top}\nreturn {{ connect = function(session)\n{body}\nend }}");
        let setup = Setup::new().configured("p", &text, |policy| policy.budget.cpu = BUDGET);
        let (_engine, chain) = setup.timed();
        let mut longest = Duration::ZERO;
        for _ in 0..CALLS {
            let client = Client::new(chain.clone());
            let start = processor();
            said(&client.connect().await);
            longest = longest.max(processor() - start);
        }
        longest
    })
}

#[test]
fn no_step_is_long_for_what_is_held() {
    let tables = "local t = {} for i = 1, 4 do t[i] = {} for j = 1, 150000 do t[i][j] = {} end end";
    let numbers = "local t = {} for i = 1, 12 do t[i] = {} for j = 1, 260000 do t[i][j] = j end end";
    let texts = "local t = {} for i = 1, 4 do t[i] = {} for j = 1, 60000 do t[i][j] = i .. 'x' .. j end end";
    let emptied = "local t = {} for i = 1, 131072 do t[i + 0.5] = i end for k in pairs(t) do t[k] = nil end";
    for (top, body) in [
        (tables, "while true do local x = {} end"),
        (tables, "while true do local x = ('x'):rep(1000000) end"),
        (tables, "for i = 1, 4 do for j = 1, 1000 do t[i][j] = {} end end"),
        (numbers, "while true do for i = 1, 12 do t[i][1] = {} end end"),
        (texts, "local u = {} for i = 1, 1e9 do u[i] = i .. 'y' end"),
        (emptied, "while true do next(t) end"),
        (emptied, "while true do json.encode(t) end"),
        (emptied, "while true do session.vars.x = t end"),
    ] {
        let took = longest(top, body);
        assert!(took <= BUDGET + BEYOND, "{took:?} for {body}");
    }
}

#[test]
fn no_function_of_luas_is_long() {
    let emptied = "local e = {} for i = 1, 131072 do e[i + 0.5] = i end for k in pairs(e) do e[k] = nil end";
    let behind = "local t = {} for i = 1, 98 do t = setmetatable({}, { __index = t }) end";
    let closing = "coroutine.wrap(function()
        local function f(n) local a <close> = e local b <close> = e if n > 0 then return (f(n - 1)) end error('x') end f(3000) end)()";
    for (top, body) in [
        // Each entry that is moved makes the table anew.
        (
            "",
            "local k, d, s = 2 ^ 40 | 0, {}, {} for i = 1, 16184 do d[i + 0.5] = 1 end for i = 1, 400, 2 do d[k + i] = 1 end
             for i = 2, 400, 2 do s[i] = 1 end table.move(s, 1, 400, k + 1, d)",
        ),
        // What stands behind the table isn't what stood there when it was asked.
        (
            behind,
            "local m = {} m.__index = function() m.__index = t return 1 end
             local n = select('#', table.unpack(setmetatable({}, m), 1, 200000))",
        ),
        // Each entry is a date.
        (
            "local t = setmetatable({ year = 2020, month = 1, day = 1 }, { __index = os.time })",
            "local n = select('#', table.unpack(t, 1, 300000))",
        ),
        ("local t = {} for i = 1, 262144 do t[i] = '' end local c = table.concat", &"c(t, '', 1, 1) ".repeat(100)),
        (emptied, "local l = {} for i = 1, 3000 do l[i] = e end json.encode(l)"),
        (emptied, "local l = {} for i = 1, 3000 do l[i] = e end session.vars.x = l"),
        (emptied, "local l = {} for i = 1, 3000 do l[i] = e end store.set('k', l)"),
        // Functions of Lua's that close variables, one after the other.
        (&format!("{emptied} setmetatable(e, {{ __close = next }})"), closing),
        ("local e = setmetatable({}, { __close = error })", closing),
        ("local e = setmetatable({}, { __close = string.rep })", closing),
        // A text of two megabytes for each.
        (
            "local o, u = setmetatable({}, { __name = ('n'):rep(2000000) }), {} for i = 1, 1000 do u[i] = o end",
            "string.format(('%.1s'):rep(1000), table.unpack(u))",
        ),
        ("", "local u = {} for i = 1, 15000 do u[i] = '1.7e308' end string.format(('%.99f'):rep(15000), table.unpack(u))"),
        ("local s, r = ('x'):rep(2000000), ('%0'):rep(1000)", "s:gsub('.*', r)"),
        ("local s, p = '(' .. ('x'):rep(1999990) .. ')', ('('):rep(32) .. '%b()' .. (')'):rep(32)", "s:match(p)"),
        // An error at great depth, whose stack is told.
        (
            "local n, go = 100000, nil go = coroutine.wrap(function() local f function f() n = n - 1 if n > 0 then f() else
                 coroutine.yield() while true do pcall(base64.encode, {}) end end end f() end) go()",
            "go()",
        ),
    ] {
        let took = longest(top, body);
        assert!(took <= BUDGET + BEYOND, "{took:?} for {top} {body}");
    }
}

#[test]
fn what_died_is_freed_bit_by_bit() {
    // All of it lies in front in Lua's list of what there is.
    let took = longest("local n = 0", "n = n + 1 local u = {} for i = 1, 100000 do u[i] = {} end");
    assert!(took <= BUDGET + BEYOND, "{took:?}");
}
