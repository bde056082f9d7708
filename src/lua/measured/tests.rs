//! Measured functions give what Lua's own give.

use std::collections::HashMap;
use std::time::Duration;

use crate::lua::chunks::Chunks;
use crate::lua::clock::Clock;
use crate::lua::sandbox::Sandbox;
use crate::lua::tests::stock::assert_as_in_lua;

#[test]
fn they_give_what_luas_own_give() {
    assert_as_in_lua(&[
        "('ab'):rep(3, '-')",
        "('ab'):rep(0)",
        "('ab'):rep(-1)",
        "(''):rep(1000, ',')",
        "('x'):rep(1 << 40)",
        "('x'):rep('2')",
        "('x'):rep({})",
        "string.rep()",
        "('Abc'):lower(), ('Abc'):upper(), ('Abc'):reverse()",
        "string.lower()",
        "('%5.2f|%s|%q'):format(3.14159, 'x', 'y\\n')",
        "('%d'):format('x')",
        "('%y'):format(1)",
        "string.pack('<i4z', 7, 'x')",
        "string.pack('c5', 'ab')",
        "os.date('!%Y-%m-%d', 0)",
        "utf8.len('h\\u{e9}llo'), utf8.offset('h\\u{e9}llo', 3)",
        "table.concat({ 1, 'b', 3 }, ', ', 2)",
        "table.concat({ 1, {}, 3 })",
        "table.concat()",
        "table.unpack({ 1, 2, 3 }, 2)",
        "table.unpack({}, 1, 1e8)",
        "table.unpack({}, 1, math.maxinteger)",
        "table.unpack({}, math.mininteger, math.maxinteger)",
        "table.concat({}, '', 1, math.maxinteger)",
        "table.concat(setmetatable({}, { __index = { 'a', 'b' } }), '', 1, 2)",
        "table.move({}, math.mininteger, math.maxinteger, 1)",
        "table.move({}, 1, math.maxinteger, 2)",
        "table.concat(table.move({}, 3, 1, math.mininteger))",
        "table.concat(table.move({ 1, 2, 3 }, 2, 3, 1), ' ')",
        "table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), ' ')",
        "table.concat(table.move({ 1, 2 }, 1, 2, 2, { 'x' }), ' ')",
        "table.move({}, 1, 'x', 2)",
        "(function() local t = { 1, 2, 3 } table.insert(t, 2, 'x') table.insert(t, 'y') return table.concat(t) end)()",
        "table.insert({ 1, 2 }, 7, 'x')",
        "table.insert({ 1, 2 }, 0, 'x')",
        "table.insert({ 1, 2 }, 'x', 'x')",
        "table.insert(nil, 1)",
        "table.insert({})",
        "table.insert({}, 1, 2, 3)",
        "(function() local t = { 1, 2, 3 } return table.remove(t, 1), table.remove(t), table.concat(t) end)()",
        "table.remove({}), table.remove({ 1, 2 }, 3)",
        "table.remove({ 1, 2 }, 7)",
        "(function() local t = setmetatable({ 1, 2, 3 }, { __len = function() return 3 end })
            table.insert(t, 1, 'x') return table.remove(t, 2), t[1], t[2], t[3], t[4] end)()",
        "(function() local t = { 3, 1, 2 } table.sort(t) return table.concat(t, ' ') end)()",
        "(function() local t = {} for i = 1, 99 do t[i] = i * 7919 % 101 end table.sort(t, function(a, b) return a // 4 > b // 4 end)
            return table.concat(t, ' ') end)()",
        "table.sort({ 1, 'x' })",
        "table.sort({ 1, 2, 3, 4, 5 }, function() return true end)",
        "table.sort({ 3, 2, 1, 4 }, function() error('oh') end)",
        "table.sort(1)",
        "table.sort({ 1, 2 }, 3)",
        "table.sort({ 'b', 'a' }, nil)",
        "select('#', pcall(function() end)), select('#', xpcall(function() end, print))",
    ]);
}

#[test]
fn those_that_many_values_go_through_give_what_luas_own_give() {
    assert_as_in_lua(&[
        "('%q %s'):format('a\\0b', 'c')",
        "('%q'):format({})",
        "('abc'):byte(1, -1)",
        "('abc'):byte(-2, 9)",
        "('abc'):byte()",
        "('abc'):byte('x', 2)",
        "('abc'):byte(1, 'x')",
        "utf8.codepoint('h\u{e9}llo', 1, -1)",
        "utf8.char(104, 233), utf8.char()",
        "utf8.char('x')",
        "string.char(97, 98), string.char()",
        "string.char(300)",
        "string.packsize('<i4i8')",
        "string.unpack('<i2z', '\\1\\2abc\\0')",
        "string.unpack('s4', 'x')",
        "string.unpack('c9', 7)",
        "tonumber('ff', 16), tonumber('x'), tonumber(nil)",
        "tonumber()",
        "tonumber(5, 16)",
        "table.pack(1, nil, 3).n",
        "table.unpack({ 1, 2, 3 }, 'x')",
        "table.unpack({ 1, 2, 3 }, 2, 3)",
    ]);
}

#[test]
fn coroutines_are_as_in_lua() {
    assert_as_in_lua(&[
        "coroutine.resume(coroutine.create(function(...) return select('#', ...), ... end), 1, nil)",
        "select('#', coroutine.resume(coroutine.create(function() end)))",
        "coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b end)(1)",
        "(function() local f = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return f(1), f(5) end)()",
        "(function() local t = {} for x in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do t[#t + 1] = x end
            return table.concat(t) end)()",
        "coroutine.wrap(function() error('oh') end)()",
        "type(select(2, pcall(coroutine.wrap(function() error({}, 2) end))))",
        "(function() local f = coroutine.wrap(function() end) f() f() end)()",
        "coroutine.resume(coroutine.create(function() error('oh') end))",
        "(function() local co = coroutine.create(function() end) coroutine.resume(co) return coroutine.resume(co) end)()",
        "(function() local co co = coroutine.create(function() return coroutine.resume(co) end) return coroutine.resume(co) end)()",
        "(function() local co = coroutine.create(function() coroutine.yield(nil) coroutine.yield() end)
            return select('#', coroutine.resume(co)), select('#', coroutine.resume(co)), coroutine.status(co) end)()",
        "(function() local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() error('closing') end })
            coroutine.yield(1) end) coroutine.resume(co) return coroutine.close(co) end)()",
        "(function() local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() error('closing') end })
            error('first') end) return coroutine.resume(co), coroutine.close(co) end)()",
        "(function() local f = coroutine.wrap(function() local x <close> = setmetatable({}, { __close = function() error('closing') end })
            error('first') end) f() end)()",
        "(function() local co co = coroutine.create(function() coroutine.close(co) end) return coroutine.resume(co) end)()",
        "coroutine.close(coroutine.create(print))",
        "coroutine.create(1)",
        "coroutine.resume(1)",
        "coroutine.wrap({})",
        "coroutine.close('x')",
        "coroutine.status(coroutine.create(print)), coroutine.isyieldable(coroutine.create(print))",
        "coroutine.wrap(function() return coroutine.isyieldable(), select(2, coroutine.running()) end)()",
        "coroutine.wrap(function() return pcall(coroutine.wrap(function() return pcall(coroutine.yield, 1) end)) end)()",
        "coroutine.wrap(function() return xpcall(function() coroutine.yield(5) end, print) end)()",
        "coroutine.wrap(function() return ('x'):gsub('x', function() return coroutine.wrap(function() return 'y' end)() end) end)()",
    ]);
}

#[test]
fn a_function_that_keeps_something_finds_it_where_it_was() {
    let sandbox = Sandbox::new(Clock::counted(), HashMap::new(), &Chunks::default()).unwrap();
    let text = "for _ = 1, 100 do local x = math.random() assert(x >= 0 and x < 1) end";
    let chunk = sandbox.lua.load(text).set_environment(sandbox.environment().unwrap());
    chunk.exec().unwrap();
    assert!(sandbox.guard.now() < Duration::from_secs(1), "its numbers were written over the guard's clock");
}
