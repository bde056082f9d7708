//! The table of abuse: what a policy can do to harm its server, and how each ends.

/// One kind of abuse.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// At the top of the file.
    pub(super) top: &'static str,
    /// The body of the hook.
    pub(super) body: &'static str,
    pub(super) ends: Ends,
}

/// How a case ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// When its processor time is spent, in slices between which others have their turn.
    InSlices,
    /// The same, but inside a callback of a C function, in which nothing can be suspended; or its memory is spent
    /// first.
    Sometime,
    /// With an error, before it has begun to do harm.
    AtOnce,
}

use Ends::{AtOnce, InSlices, Sometime};

const fn case(name: &'static str, body: &'static str, ends: Ends) -> Case {
    Case { name, top: "", body, ends }
}

pub(super) const CASES: &[Case] = &[
    // Loops.
    case("a loop", "while true do end", InSlices),
    case("a loop of jumps", "goto a ::a:: goto a", InSlices),
    case("an iterator without end", "for _ in function() return 1 end do end", InSlices),
    case("a hook that yields for ever", "while true do coroutine.yield() end", Sometime),
    case("a loop in a coroutine", "coroutine.wrap(function() while true do end end)()", InSlices),
    case(
        "a loop three coroutines deep",
        "local w = coroutine.wrap w(function() w(function() w(function() while true do end end)() end)() end)()",
        InSlices,
    ),
    case(
        "runaway coroutines without end",
        "while true do coroutine.wrap(function() while true do end end)() end",
        InSlices,
    ),
    case("coroutines that are never resumed", "while true do coroutine.create(function() end) end", InSlices),
    case("a loop of errors", "while true do pcall(error) end", InSlices),
    case("a loop in pcall in a loop", "while true do pcall(function() while true do end end) end", InSlices),
    case("pcall that calls itself", "local function f() return pcall(f) end while true do f() end", InSlices),
    case(
        "a loop in pcall in a coroutine",
        "while true do pcall(coroutine.wrap(function() while true do pcall(error) end end)) end",
        InSlices,
    ),
    case(
        "a loop, and a message handler that loops",
        "xpcall(function() while true do end end, function() while true do end end)",
        InSlices,
    ),
    case("a message handler that loops", "xpcall(error, function() while true do end end)", Sometime),
    case("a message handler that fails", "while true do xpcall(error, function() error('again') end) end", InSlices),
    // Patterns.
    case("a pattern that explodes", "return ('x'):rep(100000):find(('.-'):rep(20) .. 'b')", InSlices),
    case("a replacement that explodes", "return ('a'):rep(300):gsub(('a*'):rep(20) .. 'b', '')", InSlices),
    case("an iterator that explodes", "for _ in ('a'):rep(300):gmatch(('a-'):rep(20) .. 'b') do end", InSlices),
    case("a pattern that explodes in pcall", "while true do pcall(string.match, ('a'):rep(300), ('a?'):rep(100) .. 'b') end", InSlices),
    case(
        "a pattern that explodes in a coroutine",
        "coroutine.wrap(function() return ('a'):rep(300):find(('a*'):rep(20) .. 'b') end)()",
        InSlices,
    ),
    case("a set of a megabyte", "local set = '[' .. ('b'):rep(1000000) .. ']*c' while true do (('a'):rep(100)):find(set) end", Sometime),
    case("balance over megabytes", "local s = ('('):rep(4000000) while true do s:find('%b()') end", Sometime),
    case("the same text again", "local s = ('ab'):rep(1000000) while true do s:find('^(.*)%1x') end", InSlices),
    case("a plain search over megabytes", "local s = ('x'):rep(4000000) while true do s:find('needle', 1, true) end", InSlices),
    // Functions of the library that run long, or for ever.
    case("nothing, repeated", "while true do (''):rep(1e15) end", InSlices),
    case("a text repeated too often", "return reject(('x'):rep(1e9))", AtOnce),
    case("texts of megabytes", "while true do local s = ('x'):rep(4000000) end", Sometime),
    case("letters of megabytes", "local s = ('x'):rep(4000000) while true do s:upper() end", Sometime),
    case("places without end moved", "table.move({}, 1, 1 << 31, 2)", Sometime),
    case("places moved to the end of numbers", "table.move({}, 1, math.maxinteger - 1, 2)", Sometime),
    case("a length that lies, and insert", "table.insert(setmetatable({}, { __len = function() return 1 << 53 end }), 1, 'x')", Sometime),
    case("a length that lies, and remove", "table.remove(setmetatable({}, { __len = function() return 1 << 53 end }), 1)", Sometime),
    case(
        "a length that lies the second time",
        "local n = 0 table.insert(setmetatable({}, { __len = function() n = n + 1 return n == 1 and 1 or 1 << 53 end }), 1, 'x')
         while true do table.remove(setmetatable({}, { __len = function() n = n + 1 return n == 1 and 1 or 1 << 53 end }), 1) end",
        Sometime,
    ),
    case("a length that lies, and unpack", "return table.unpack(setmetatable({}, { __len = function() return 1 << 53 end }))", AtOnce),
    case("a length that lies, and concat", "return table.concat(setmetatable({}, { __len = function() return 1 << 53 end, __index = function() return '' end }))", Sometime),
    case("a length that lies, and sort", "table.sort(setmetatable({}, { __len = function() return 1 << 30 end, __index = function(_, i) return i end }))", Sometime),
    case("a million numbers sorted", "local t = {} for i = 1, 1000000 do t[i] = (i * 7919) % 1000003 end table.sort(t)", Sometime),
    case("long texts sorted", "local s, t = ('x'):rep(1000000), {} for i = 1, 1000 do t[i] = s end while true do table.sort(t) end", Sometime),
    case("an order that loops", "table.sort({ 3, 2, 1 }, function() while true do end end)", InSlices),
    case("an order that loops, in pcall", "pcall(table.sort, { 3, 2, 1 }, function() while true do end end)", InSlices),
    case("a date's format of megabytes", "os.date(('%c'):rep(1000000))", Sometime),
    case("a format of megabytes", "while true do pcall(string.format, ('%%'):rep(1000000)) end", Sometime),
    case("padding of megabytes", "while true do string.pack('c4000000', '') end", Sometime),
    case("letters of megabytes counted", "local s = ('x'):rep(4000000) while true do utf8.len(s) end", Sometime),
    case("places of megabytes counted", "local s = ('x'):rep(4000000) while true do utf8.offset(s, 3999999) end", Sometime),
    case("a list of megabytes joined", "local t = {} for i = 1, 100000 do t[i] = 'x' end while true do table.concat(t) end", Sometime),
    // Callbacks.
    case("a replacement that loops", "string.gsub('a', 'a', function() while true do end end)", Sometime),
    case("a field that loops", "local t = setmetatable({}, { __index = function() while true do end end }) local x = t.x", InSlices),
    case("a text of itself that loops", "tostring(setmetatable({}, { __tostring = function() while true do end end }))", Sometime),
    case("an error whose text loops", "error(setmetatable({}, { __tostring = function() while true do end end }))", Sometime),
    case(
        "a coroutine that loops in a callback",
        "('x'):gsub('x', coroutine.wrap(function() while true do end end))",
        Sometime,
    ),
    case(
        "a coroutine that loops in a callback, in pcall",
        "pcall(string.gsub, 'x', 'x', coroutine.wrap(function() while true do pcall(function() while true do end end) end end)) while true do end",
        Sometime,
    ),
    // What runs when things end.
    case("__gc", "setmetatable({}, { __gc = function() while true do end end })", AtOnce),
    case("__gc under another name", "local m = { __gc = false } setmetatable({}, m)", AtOnce),
    case(
        "__close after a kill",
        "local t <close> = setmetatable({}, { __close = function() while true do end end }) while true do end",
        InSlices,
    ),
    case(
        "__close after a kill in a callback",
        "local t <close> = setmetatable({}, { __close = function() while true do end end })
         string.gsub('x', 'x', function() while true do end end)",
        Sometime,
    ),
    case(
        "__close of a coroutine after a kill in a callback",
        "local co = coroutine.wrap(function()
           local t <close> = setmetatable({}, { __close = function() while true do end end })
           string.gsub('x', 'x', function() while true do end end)
         end) co()",
        Sometime,
    ),
    case("__close in pcall after a kill", "while true do pcall(function()
           local t <close> = setmetatable({}, { __close = function() while true do end end })
           string.gsub('x', 'x', function() while true do end end)
         end) end", Sometime),
    case(
        "__close that loops as a coroutine is closed",
        "local co = coroutine.create(function()
           local t <close> = setmetatable({}, { __close = function() while true do end end }) coroutine.yield()
         end) coroutine.resume(co) coroutine.close(co)",
        Sometime,
    ),
    case(
        "many __close at an error",
        "local function f(n) local t <close> = setmetatable({}, { __close = function() while true do end end }) if n > 0 then f(n - 1) end error('x') end f(100)",
        Sometime,
    ),
    // Memory.
    case("a table that grows", "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", Sometime),
    case("tables in tables", "local t = {} while true do t = { t } end", Sometime),
    case("a text that grows", "local s = 'x' while true do s = s .. s end", AtOnce),
    case("a text that grows, in pcall", "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end", AtOnce),
    case("a text that grows, in a coroutine", "while true do pcall(coroutine.wrap(function() local s = 'x' while true do s = s .. s end end)) end", AtOnce),
    case("a replacement that grows", "local s = ('x'):rep(1000) while true do s = s:gsub('x', 'xx') end", Sometime),
    case("many captures of much", "local t, s = {}, ('x'):rep(100000) while true do t[#t + 1] = { s:match('(.)(.*)') } end", Sometime),
    // Recursion.
    case("recursion", "local function f() return f() + 1 end f()", Sometime),
    case("recursion with much in hand", "local function f() local a, b, c = {}, {}, {} f() return a, b, c end f()", Sometime),
    case("recursion through gsub", "local function f() ('x'):gsub('x', f) end f()", Sometime),
    case("recursion through __index", "local t = setmetatable({}, { __index = function(t, k) return t[k .. 'x'] end }) return t.x", Sometime),
    case("recursion through tostring", "local t t = setmetatable({}, { __tostring = function() return tostring(t) end }) tostring(t)", Sometime),
    case("recursion through coroutines", "local function f() coroutine.wrap(f)() end f()", Sometime),
    case("recursion through sort", "local function f() table.sort({ 2, 1 }, f) end f()", Sometime),
    case("recursion through pcall in coroutines", "local function f() pcall(coroutine.wrap(f)) end f() error('end')", Sometime),
    // What changes the state for the others.
    case("a library's function replaced", "string.upper = function() return 'x' end", AtOnce),
    case("a library's function replaced by rawset", "rawset(string, 'upper', print)", AtOnce),
    case("a global replaced", "print = nil", AtOnce),
    case("the metatable of texts", "getmetatable('').__index = nil", AtOnce),
    case("the metatable of a library", "setmetatable(string, {})", AtOnce),
    case("a field of the session", "session.client = {}", AtOnce),
    case("code from text", "load('while true do end')()", AtOnce),
    case("bytecode", "string.dump(print)", AtOnce),
    case("bytecode loaded", "load('\\27Lua')()", AtOnce),
    case("garbage kept", "collectgarbage('stop')", AtOnce),
    case("the debugger", "debug.sethook()", AtOnce),
    case("the system", "os.exit(1)", AtOnce),
    case("a file", "io.open('/etc/passwd')", AtOnce),
    case("a module of a hook", "require('x')", AtOnce),
    // Functions of gatepost that break.
    case("a function that panics", "waiting.panic()", AtOnce),
    case("a function that panics, in pcall", "pcall(waiting.panic) pcall(function() waiting.panic() end) return accept()", AtOnce),
    case("a function that panics later", "waiting.panic_later()", AtOnce),
    case("a function that panics later, in pcall", "pcall(waiting.panic_later) return accept()", AtOnce),
    case("a function that panics in a coroutine", "coroutine.wrap(function() waiting.panic() end)() return accept()", AtOnce),
    Case {
        name: "a coroutine of an earlier hook",
        top: "local co = coroutine.wrap(function() coroutine.yield() while true do end end) co()",
        body: "co()",
        ends: InSlices,
    },
];
