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
    /// The same, but each call of a library's function is one of milliseconds, between which others have their turn.
    InCalls,
    /// Inside a callback of a C function, in which nothing can be suspended, when it has taken 10 ms there.
    Unbroken,
    /// With an error, before it has begun to do harm.
    AtOnce,
}

use Ends::{AtOnce, InCalls, InSlices, Unbroken};

const TOP: &str =
    "local PATTERN, SET, NAMES = regex.new('(?-u)(a+)b'), ip.set '192.0.2.0/24', domains.set '.a.example'";

const fn case(name: &'static str, body: &'static str, ends: Ends) -> Case {
    Case { name, top: TOP, body, ends }
}

pub(super) const CASES: &[Case] = &[
    // Loops.
    case("a loop", "while true do end", InSlices),
    case("a loop of jumps", "goto a ::a:: goto a", InSlices),
    case("an iterator without end", "for _ in function() return 1 end do end", InSlices),
    case("a hook that yields for ever", "while true do coroutine.yield() end", InSlices),
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
    case("a message handler that loops", "xpcall(error, function() while true do end end)", Unbroken),
    case("a message handler that fails", "while true do xpcall(error, function() error('again') end) end", InCalls),
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
    case("a set of a megabyte", "local set = '[' .. ('b'):rep(1000000) .. ']*c' while true do (('a'):rep(100)):find(set) end", InSlices),
    case("balance over megabytes", "local s = ('('):rep(1000000) while true do s:find('%b()') end", InCalls),
    case("the same text again", "local s = ('ab'):rep(1000000) while true do s:find('^(.*)%1x') end", InSlices),
    case("a plain search over megabytes", "local s = ('x'):rep(2000000) while true do s:find('needle', 1, true) end", InCalls),
    // Functions of the library that run long, or for ever.
    case("nothing, repeated", "while true do (''):rep(1e15) end", InSlices),
    case("a text repeated too often", "return reject(('x'):rep(1e9))", AtOnce),
    case("texts of megabytes", "while true do local s = ('x'):rep(2000000) end", InCalls),
    case("letters of megabytes", "local s = ('x'):rep(2000000) while true do s:upper() end", InCalls),
    case("places without end moved", "table.move({}, 1, 1 << 31, 2)", InSlices),
    case("places moved to the end of numbers", "table.move({}, 1, math.maxinteger - 1, 2)", InSlices),
    case("a length that lies, and insert", "table.insert(setmetatable({}, { __len = function() return 1 << 53 end }), 1, 'x')", InSlices),
    case("a length that lies, and remove", "table.remove(setmetatable({}, { __len = function() return 1 << 53 end }), 1)", InSlices),
    case(
        "a length that lies the second time",
        "local n = 0 table.insert(setmetatable({}, { __len = function() n = n + 1 return n == 1 and 1 or 1 << 53 end }), 1, 'x')
         while true do table.remove(setmetatable({}, { __len = function() n = n + 1 return n == 1 and 1 or 1 << 53 end }), 1) end",
        InSlices,
    ),
    case("a length that lies, and unpack", "return table.unpack(setmetatable({}, { __len = function() return 1 << 53 end }))", AtOnce),
    case("a length that lies, and concat", "return table.concat(setmetatable({}, { __len = function() return 1 << 53 end, __index = function() return '' end }))", Unbroken),
    case("a length that lies, and sort", "table.sort(setmetatable({}, { __len = function() return 1 << 30 end, __index = function(_, i) return i end }))", InSlices),
    case("a quarter of a million numbers sorted", "local t = {} for i = 1, 262144 do t[i] = (i * 7919) % 1000003 end while true do table.sort(t, function(a, b) return a > b end) table.sort(t) end", InSlices),
    case("long texts sorted", "local s, t = ('x'):rep(1000000), {} for i = 1, 1000 do t[i] = s end while true do table.sort(t) end", InCalls),
    case("an order that loops", "table.sort({ 3, 2, 1 }, function() while true do end end)", InSlices),
    case("an order that loops, in pcall", "pcall(table.sort, { 3, 2, 1 }, function() while true do end end)", InSlices),
    case("a date's format of megabytes", "os.date(('%c'):rep(1000000))", InSlices),
    case("a format of megabytes", "while true do pcall(string.format, ('%%'):rep(1000000)) end", InSlices),
    case("padding of megabytes", "while true do string.pack('c2000000', '') end", InCalls),
    case("letters of megabytes counted", "local s = ('x'):rep(2000000) while true do utf8.len(s) end", InCalls),
    case("places of megabytes counted", "local s = ('x'):rep(2000000) while true do utf8.offset(s, 1999999) end", InCalls),
    case("a list of megabytes joined", "local t = {} for i = 1, 100000 do t[i] = 'x' end while true do table.concat(t) end", InCalls),
    // What others have found.
    case("the border of a set of a megabyte", "return (('a'):rep(100000)):find('%f[' .. ('b'):rep(300000) .. ']')", InSlices),
    case("a replacement of many parts", "local r = ('%0'):rep(500000) while true do (('x'):rep(2000)):gsub('', r) end", Unbroken),
    case(
        "long texts for numbers",
        "local s, t = '0x' .. ('0'):rep(20000) .. '41', {} for i = 1, 1000 do t[i] = s end while true do string.char(table.unpack(t)) end",
        InCalls,
    ),
    case("long texts for numbers of a format", "local s = '0x' .. ('0'):rep(1000000) .. '41' while true do string.format('%d%f', s, s) end", InCalls),
    case("floats joined", "local t = {} for i = 1, 20000 do t[i] = 1e-300 * i end while true do table.concat(t) end", Unbroken),
    case("floats of a hundred digits", "local t = {} for i = 1, 200 do t[i] = -1.7e308 end while true do string.format(('%.99f'):rep(200), table.unpack(t)) end", InCalls),
    case(
        "a list behind a hundred tables",
        "local t = {} for i = 1, 3000 do t[i] = 'x' end for i = 1, 99 do t = setmetatable({}, { __index = t }) end
         while true do table.concat(t, '', 1, 3000) table.move(t, 1, 3000, 1, {}) local n = select('#', table.unpack(t, 1, 3000)) end",
        InCalls,
    ),
    case(
        "a long list behind a hundred tables",
        "local t = {} for i = 1, 100000 do t[i] = 'x' end for i = 1, 99 do t = setmetatable({}, { __index = t }) end
         while true do table.concat(t, '', 1, 100000) end",
        Unbroken,
    ),
    case("more tables than Lua asks", "local t = {} for i = 1, 2000 do t = setmetatable({}, { __index = t }) end return t.x", AtOnce),
    case("numbers that would collide", "while true do local t = {} for i = 1, 20000 do t[i * 131071] = i t[2.0 ^ -30 + i] = i end end", InSlices),
    case("weak tables", "setmetatable({}, { __mode = 'k' })", AtOnce),
    case(
        "weak tables in a chain",
        "local m = {} local t, k = setmetatable({}, m), {} m.__mode = 'k' while true do local n = {} t[n] = k k = n end",
        InSlices,
    ),
    case("a table larger than may be", "while true do pcall(function() local t = {} for i = 1, 300000 do t[i + 0.5] = i end end) end", InSlices),
    case(
        "an emptied table looked through",
        "local t = {} for i = 1, 100000 do t[i + 0.5] = i end for k in pairs(t) do t[k] = nil end while true do next(t) pcall(json.encode, t) end",
        InSlices,
    ),
    case(
        "a coroutine in a coroutine, each for a short while",
        "local wrap = coroutine.wrap local function f(n) local x = ('x'):rep(100):find('.-y') if n > 0 then wrap(f)(n - 1) end end while true do f(60) end",
        InSlices,
    ),
    // Callbacks.
    case("a replacement that loops", "string.gsub('a', 'a', function() while true do end end)", InSlices),
    case("a field that loops", "local t = setmetatable({}, { __index = function() while true do end end }) local x = t.x", InSlices),
    case("a text of itself that loops", "tostring(setmetatable({}, { __tostring = function() while true do end end }))", Unbroken),
    case("an error whose text loops", "error(setmetatable({}, { __tostring = function() while true do end end }))", Unbroken),
    case(
        "a coroutine that loops in a callback",
        "('x'):gsub('x', coroutine.wrap(function() while true do end end))",
        InSlices,
    ),
    case(
        "a coroutine that loops in a callback, in pcall",
        "pcall(string.gsub, 'x', 'x', coroutine.wrap(function() while true do pcall(function() while true do end end) end end)) while true do end",
        InSlices,
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
        InSlices,
    ),
    case(
        "__close of a coroutine after a kill in a callback",
        "local co = coroutine.wrap(function()
           local t <close> = setmetatable({}, { __close = function() while true do end end })
           string.gsub('x', 'x', function() while true do end end)
         end) co()",
        InSlices,
    ),
    case("__close in pcall after a kill", "while true do pcall(function()
           local t <close> = setmetatable({}, { __close = function() while true do end end })
           string.gsub('x', 'x', function() while true do end end)
         end) end", InSlices),
    case(
        "__close that loops as a coroutine is closed",
        "local co = coroutine.create(function()
           local t <close> = setmetatable({}, { __close = function() while true do end end }) coroutine.yield()
         end) coroutine.resume(co) coroutine.close(co)",
        Unbroken,
    ),
    case(
        "__close that loops in a callback that loops",
        "tostring(setmetatable({}, { __tostring = function()
           local t <close> = setmetatable({}, { __close = function() while true do end end }) while true do end
         end }))",
        Unbroken,
    ),
    case(
        "__close that loops in a callback that loops, in coroutines",
        "while true do pcall(coroutine.wrap(function() tostring(setmetatable({}, { __tostring = function()
           local t <close> = setmetatable({}, { __close = function() while true do end end }) while true do end
         end })) end)) end",
        Unbroken,
    ),
    case(
        "many __close that loop in a callback that loops",
        "tostring(setmetatable({}, { __tostring = function()
           local function f(n) local t <close> = setmetatable({}, { __close = function() while true do end end }) if n > 0 then f(n - 1) end while true do end end
           f(100)
         end }))",
        Unbroken,
    ),
    case(
        "many __close at an error",
        "local function f(n) local t <close> = setmetatable({}, { __close = function() while true do end end }) if n > 0 then f(n - 1) end error('x') end f(100)",
        InCalls,
    ),
    // Functions of gatepost on as much as they take.
    case("json of nothing in lists", "local s = '[' .. ('[],'):rep(30000) .. '1]' while true do json.decode(s) end", InCalls),
    case("json of too many lists", "local s = '[' .. ('[],'):rep(80000) .. '1]' while true do json.decode(s) end", InCalls),
    case("json of many entries", "local s = '{' .. ('\"a\":1,'):rep(30000) .. '\"b\":1}' while true do json.decode(s) end", InCalls),
    case("json of many texts", "local t = {} for i = 1, 20000 do t[i] = 'aaaaaaaaaa' end while true do json.encode(t) end", InCalls),
    case("digests of long texts", "local s = ('x'):rep(250000) while true do hash.sha1(s) hash.sha512(s) end", InCalls),
    case("codes of long texts", "local s = ('x'):rep(250000) while true do hmac.sha256(s, s) hmac.equal(s, s) end", InCalls),
    case("base64 of long texts", "local s = ('x'):rep(250000) while true do base64.decode(base64.encode(s)) end", InCalls),
    case("base64 of megabytes", "local s = (' '):rep(2000000) while true do base64.decode(s) end", InCalls),
    case("patterns on long texts", "local s = ('a'):rep(250000) while true do PATTERN:captures(s) PATTERN:find(s) end", InCalls),
    case("zeros of megabytes quoted", "local s = ('\\0'):rep(2000000) while true do pcall(string.format, '%q', s) end", InCalls),
    case("zeros quoted", "local s = ('\\0'):rep(50000) while true do string.format('%q', s) end", InCalls),
    case("texts of megabytes joined by a format", "local s = ('x'):rep(2000000) while true do string.format('%s%s', s, s) end", InCalls),
    case("numbers of megabytes", "local s = ('1'):rep(1000000) while true do tonumber(s) math.max(1, s) end", InCalls),
    case("names of megabytes", "local s = ('\\255'):rep(1000000) while true do SET:contains(s) NAMES:get(s) dns.a(s) ip.valid(s) session:delay(1) end", InCalls),
    case("notes of megabytes", "local s = ('\\255'):rep(1000000) while true do pcall(session.note, session, s, s) end", InCalls),
    case("lines of the log", "local s = ('\\255'):rep(1000000) while true do log.info(s, { a = s }) print(s) end", InCalls),
    case("much to be stored", "local t = {} for i = 1, 6000 do t[i] = i end while true do store.set('k', t) end", InCalls),
    case("much to be shared", "local t = {} for i = 1, 3000 do t[i] = { i } end while true do session.shared.x = t end", InSlices),
    case("letters of megabytes as numbers", "local s = ('x'):rep(800000) while true do local n = select('#', s:byte(1, 800000)) end", InCalls),
    case("numbers as letters", "local t = {} for i = 1, 100000 do t[i] = 65 end while true do utf8.char(table.unpack(t)) string.char(table.unpack(t)) end", InCalls),
    // Memory.
    case("a table that grows", "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", InSlices),
    case("tables in tables", "local t = {} while true do t = { t } end", InSlices),
    case("a text that grows", "local s = 'x' while true do s = s .. s end", AtOnce),
    case("a text that grows, in pcall", "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end", AtOnce),
    case("a text that grows, in a coroutine", "while true do pcall(coroutine.wrap(function() local s = 'x' while true do s = s .. s end end)) end", AtOnce),
    case("a replacement that grows", "local s = ('x'):rep(1000) while true do s = s:gsub('x', 'xx') end", InSlices),
    case("many captures of much", "local t, s = {}, ('x'):rep(100000) while true do t[#t + 1] = { s:match('(.)(.*)') } end", InSlices),
    // Recursion.
    case("recursion", "local function f() return f() + 1 end f()", InSlices),
    case("recursion with much in hand", "local function f() local a, b, c = {}, {}, {} f() return a, b, c end f()", InSlices),
    case("recursion through gsub", "local function f() ('x'):gsub('x', f) end f()", InSlices),
    case("recursion through __index", "local t = setmetatable({}, { __index = function(t, k) return t[k .. 'x'] end }) return t.x", InSlices),
    case("recursion through tostring", "local t t = setmetatable({}, { __tostring = function() return tostring(t) end }) tostring(t)", InSlices),
    case("recursion through coroutines", "local function f() coroutine.wrap(f)() end f()", InSlices),
    case("recursion through sort", "local function f() table.sort({ 2, 1 }, f) end f()", InSlices),
    case("recursion through pcall in coroutines", "local function f() pcall(coroutine.wrap(f)) end f() error('end')", InSlices),
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
