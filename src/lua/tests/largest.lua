-- Every function that a script can reach, with the largest that it takes: `C[name]` calls it once. The test calls each
-- without end, and has NAMES put before this, which it chooses one of by the name that the client says.
local BIG, NUL, DIGITS = ('x'):rep(2000000), ('\0'):rep(2000000), ('1'):rep(2000000)
local SHORT = ('a'):rep(400)
local BAD = ('\255'):rep(2000000)
local LONG = ('a'):rep(250000) -- what modules take at most is 256 KiB
local KEY = ('a.'):rep(2000)
local NUMBERS, TEXTS, NAMED, DEEP, CODES = {}, {}, {}, {}, {}
for i = 1, 30000 do NUMBERS[i] = i end
for i = 1, 20000 do TEXTS[i] = 'aaaaaaaaaa' end
for i = 1, 900 do NAMED['k' .. i] = i end
for i = 1, 200000 do CODES[i] = 65 end
local EMPTY = '[' .. ('[],'):rep(80000) .. '1]'
local ENTRIES = '{' .. ('"a":1,'):rep(30000) .. '"b":1}'
local LIST = '[' .. ('1,'):rep(30000) .. '1]'
local FIELDS = {}
for i = 1, 32 do FIELDS['k' .. i] = BAD end
local HOLES = setmetatable({}, { __len = function() return 1 << 40 end, __index = function() return 'x' end })

local counter = metrics.counter('c', { 'l' })
local histogram = metrics.histogram('h', { 'l' })
local regexes = { regex.new('(?:(a+)+)+b|((a|aa)+)$|[ab]{0,500}c'), regex.new('(a?){200}b|(.*)(.*)(.*)x$'), regex.new([[(?i)\b(\w+\s?)+z]]),
  regex.new('(?-u)((?:[a-z]{0,40}){0,40})x'), regex.new('(?-u)(a{0,2000})$b'), regex.new('(?s)(.*)') }
local networks, names = ip.set { '192.0.2.0/24', '2001:db8::/32' }, domains.set { '.a.example', 'b.example' }
local table_map, patterns = map.get 'people', map.file('patterns', 'regex')
local function nothing() end
local function each(list, call)
  for i = 1, #list do call(list[i]) end
end

local C = {}

-- What Lua has.
function C.assert() assert(nil, BIG) end
function C.error() error(BIG) end
function C.getmetatable() getmetatable(BIG) end
function C.ipairs() for _ in ipairs(HOLES) do end end
function C.next() next(NUMBERS, 30000) end
function C.pairs() for _ in pairs(NUMBERS) do end end
function C.pcall() pcall(error, BIG) end
function C.print() print(BIG, BIG) end
function C.rawequal() rawequal(BIG, NUL) end
function C.rawget() rawget(NUMBERS, BIG) end
function C.rawlen() rawlen(BIG) end
function C.rawset() rawset({}, BIG, BIG) end
function C.require() require(BIG) end
function C.select() select(-1, table.unpack(CODES)) end
function C.setmetatable() setmetatable({}, { __index = {} }) end
function C.tonumber() tonumber(DIGITS, 16) tonumber(DIGITS) end
function C.tostring() tostring(setmetatable({}, { __name = BIG })) end
function C.type() type(BIG) end
function C.xpcall() xpcall(error, function(e) return e .. 'x' end, BIG) end
C["coroutine.close"] = function() coroutine.close(coroutine.create(nothing)) end
C["coroutine.create"] = function() coroutine.create(nothing) end
C["coroutine.isyieldable"] = function() coroutine.isyieldable() end
C["coroutine.resume"] = function() coroutine.resume(coroutine.create(nothing), BIG) end
C["coroutine.running"] = function() coroutine.running() end
C["coroutine.status"] = function() coroutine.status(coroutine.running()) end
C["coroutine.wrap"] = function() coroutine.wrap(nothing)(table.unpack(CODES)) end
C["coroutine.yield"] = function() coroutine.wrap(coroutine.yield)(table.unpack(CODES)) end
C["os.clock"] = function() os.clock() end
C["os.date"] = function() os.date(('%c'):rep(500000)) end
C["os.time"] = function() os.time { year = 2026, month = DIGITS, day = 1 } end
C["string.byte"] = function() BIG:byte(1, 900000) end
C["string.char"] = function() string.char(table.unpack(CODES)) end
C["string.find"] = function() BIG:find('.-y') end
C["string.format"] = function()
  pcall(string.format, '%q', NUL:sub(1, 500000))
  pcall(string.format, '%q', NUL)
  pcall(string.format, '%s%s', BIG, BIG)
  pcall(string.format, ('%5.2f'):rep(1000), table.unpack(NUMBERS, 1, 1000))
end
C["string.gmatch"] = function() for _ in BIG:gmatch('.') do end end
C["string.gsub"] = function() BIG:gsub('.', '%0%0') end
C["string.len"] = function() BIG:len() end
C["string.lower"] = function() BIG:lower() end
C["string.match"] = function() BIG:match(('.-'):rep(10) .. 'y') end
C["string.pack"] = function() string.pack('c2000000', BIG) end
C["string.packsize"] = function() string.packsize(('i4'):rep(200000)) end
C["string.rep"] = function() BIG:rep(2) end
C["string.reverse"] = function() BIG:reverse() end
C["string.sub"] = function() BIG:sub(2) end
C["string.unpack"] = function() string.unpack('c2000000', BIG) end
C["string.upper"] = function() BIG:upper() end
C["table.concat"] = function() table.concat(CODES, 'x') end
C["table.insert"] = function() table.insert(CODES, 1, 65) end
C["table.move"] = function() table.move(CODES, 1, 200000, 2, {}) end
C["table.pack"] = function() table.pack(table.unpack(CODES)) end
C["table.remove"] = function() table.remove(CODES, 1) CODES[#CODES + 1] = 65 end
C["table.sort"] = function() table.sort(NUMBERS, function(a, b) return a > b end) table.sort(NUMBERS) end
C["table.unpack"] = function() table.unpack(CODES) end
C["utf8.char"] = function() utf8.char(table.unpack(CODES)) end
C["utf8.codepoint"] = function() utf8.codepoint(BIG, 1, 900000) end
C["utf8.codes"] = function() for _ in utf8.codes(BIG) do end end
C["utf8.len"] = function() utf8.len(BIG) end
C["utf8.offset"] = function() utf8.offset(BIG, 1999999) end
for name, call in pairs(math) do
  if type(call) == 'function' then C["math." .. name] = function() pcall(call, DIGITS, DIGITS, DIGITS) end end
end

-- Verdicts.
function C.accept() return accept(BIG) end
function C.defer() return defer(BIG) end
function C.discard() return discard(BIG) end
function C.disconnect() return disconnect { text = BAD, status = BAD, code = 421 } end
function C.reject() return reject('5.7.1', BAD) end

-- Modules.
C["base64.decode"] = function() base64.decode(LONG) base64.decode(BIG) base64.decode((' '):rep(2000000)) end
C["base64.encode"] = function() base64.encode(LONG) base64.encode(BIG) end
for _, name in ipairs { 'a', 'aaaa', 'mx', 'txt', 'ptr' } do
  C["dns." .. name] = function() dns[name](BAD) dns[name](KEY) end
end
C["dns.lookup"] = function() dns.lookup(BAD, 'TXT') end
C["dns.dnsbl"] = function() dns.dnsbl(TEXTS, BAD) end
C["domains.is_subdomain"] = function() domains.is_subdomain(BAD, BIG) domains.is_subdomain(KEY, KEY) end
C["domains.registrable"] = function() domains.registrable(KEY:sub(1, 251)) domains.registrable(BAD) end
C["domains.set"] = function() domains.set(TEXTS) end
C["domains.to_ascii"] = function() domains.to_ascii(('ü.'):rep(200) .. 'x') domains.to_ascii(BAD) end
C["domains.to_unicode"] = function() domains.to_unicode(('xn--tda.'):rep(30) .. 'x') domains.to_unicode(BAD) end
for _, name in ipairs { 'sha1', 'sha256', 'sha384', 'sha512' } do
  C["hash." .. name] = function() hash[name](LONG) hash[name](BIG) end
  C["hmac." .. name] = function() hmac[name](LONG, LONG) hmac[name]('k', BIG) end
end
C["hmac.equal"] = function() hmac.equal(BIG, NUL) end
C["http.get"] = function() http.get('https://a.example/' .. BIG, { headers = NAMED }) end
C["http.post"] = function()
  http.post('https://a.example/', { form = FIELDS })
  http.post('https://a.example/', { form = { a = BIG:sub(1, 900000) } })
end
C["http.request"] = function() http.request { url = 'https://a.example/', json = TEXTS, headers = FIELDS } end
C["http.send"] = function() http.send { url = 'https://a.example/', json = TEXTS } end
C["ip.is_loopback"] = function() ip.is_loopback(BAD) end
C["ip.is_private"] = function() ip.is_private(BAD) end
C["ip.network"] = function() ip.network(BAD) end
C["ip.set"] = function() ip.set(TEXTS) end
C["ip.valid"] = function() ip.valid(BAD) end
C["json.decode"] = function() json.decode(EMPTY) json.decode(ENTRIES) json.decode(LIST) json.decode('"' .. LONG .. '"') end
C["json.encode"] = function() json.encode(NUMBERS) json.encode(TEXTS) json.encode { NAMED, NAMED, NUL:sub(1, 250000) } end
for _, name in ipairs { 'debug', 'info', 'warn', 'error' } do
  C["log." .. name] = function() log[name](BAD, FIELDS) end
end
C["map.file"] = function() map.file(BIG) end
C["map.get"] = function() map.get(BAD) end
C["metrics.counter"] = function() metrics.counter(BAD) end
C["metrics.histogram"] = function() metrics.histogram(BAD) end
C["random.bytes"] = function() random.bytes(1024) end
C["random.choose"] = function() random.choose(NUMBERS) end
C["random.integer"] = function() random.integer(math.mininteger, math.maxinteger) end
C["random.token"] = function() random.token(1024) end
C["ratelimit.check"] = function() ratelimit.check(BAD, BAD, { limit = 1, per = '1m' }) ratelimit.check('r', KEY, NAMED) end
C["ratelimit.refund"] = function() ratelimit.refund(BAD, BAD, { limit = 1, per = '1m' }) end
C["regex.new"] = function() regex.new(BAD) end
for _, module in ipairs { 'store', 'store.shared' } do
  local calls = module == 'store' and store or store.shared
  C[module .. ".add"] = function() calls.add(KEY, NUMBERS) calls.add('k', TEXTS) end
  C[module .. ".count_distinct"] = function() calls.count_distinct(BIG, BIG) calls.count_distinct('k', KEY) end
  C[module .. ".delete"] = function() calls.delete(BIG) calls.delete(KEY) end
  C[module .. ".get"] = function() calls.get(BIG) calls.get(KEY) end
  C[module .. ".incr"] = function() calls.incr(BIG) calls.incr(KEY) end
  C[module .. ".remember"] = function() calls.remember('k', { ttl = 1 }, function() return NUMBERS end) end
  C[module .. ".set"] = function() calls.set('k', NUMBERS) calls.set('k', TEXTS) calls.set('k', BIG) calls.set('k', LONG:sub(1, 60000)) end
end
C["task.all"] = function() task.all(nothing, nothing, nothing) end
C["task.start"] = function() task.start(nothing) end
C["time.now"] = function() time.now() end
C["waiting.panic"], C["waiting.panic_later"], C["waiting.sleep"], C["waiting.turn"] = nothing, nothing, nothing, nothing

-- What modules give.
C["NetworkSet:contains"] = function() networks:contains(BAD) end
C["NetworkSet:get"] = function() networks:get(BAD) end
C["DomainSet:contains"] = function() names:contains(BAD) names:contains(KEY:sub(1, 251)) end
C["DomainSet:get"] = function() names:get(BAD) names:get(KEY:sub(1, 251)) end
C["Map:get"] = function() table_map:get(BAD) patterns:get(LONG:sub(1, 4096)) patterns:get(SHORT) end
C["Map:contains"] = function() table_map:contains(BAD) patterns:contains(LONG:sub(1, 4096)) patterns:contains(SHORT) end
C["Regex:captures"] = function() each(regexes, function(one) one:captures(LONG) end) end
C["Regex:find"] = function() each(regexes, function(one) one:find(LONG) end) end
C["Regex:matches"] = function() each(regexes, function(one) one:matches(LONG) end) end
C["Answer:json"] = function() json.decode(EMPTY) end -- the same function
C["Counter:add"] = function() counter:add(1, { l = BAD }) counter:add(1, NUMBERS) end
C["Histogram:observe"] = function() histogram:observe(1, { l = BAD }) end
C["Task:wait"] = function() task.start(function() return table.unpack(NUMBERS, 1, 5000) end):wait() end

-- What hooks receive.
local session, subject
C["Session:add_score"] = function() session:add_score(1, BAD) end
C["Session:delay"] = function() session:delay(BAD) end
C["Session:note"] = function() session:note(BAD, BAD) end
C["Session:permit_relay"] = function() session:permit_relay(BAD) end
C["Session:skip"] = function() session:skip(BAD, BIG, BIG) end
C["Client:name"] = function() session.client:name() end
C["Client:ptr"] = function() session.client:ptr() end
C["Mail:permit_relay"] = function() subject:permit_relay(BAD) end
C["Mail:rewrite"] = function() subject:rewrite(BAD) subject:rewrite(LONG .. '@a.example') end
C["Mail:skip"] = function() subject:skip(BAD, BIG) end
C["Rcpt:permit_relay"] = function() subject:permit_relay(BAD) end
C["Rcpt:rewrite"] = function() subject:rewrite(BAD) end
C["Transaction:add_header"] = function() session.transaction:add_header('X', BAD) end
C["Transaction:add_recipient"] = function() session.transaction:add_recipient(BAD) end
C["Transaction:remove_recipient"] = function() session.transaction:remove_recipient(BAD) end
C["Message:add_header"] = function() subject:add_header('X', BAD) end
C["Message:fields"] = function() for field in subject:fields() do local _ = field.value end end
C["Message:header"] = function() subject:header(BAD) subject:header('None') subject:header('Long') end
C["Message:headers"] = function() subject:headers('X') end
C["Message:prepend_header"] = function() subject:prepend_header('X', BAD) end
C["Message:raw_header"] = function() subject:raw_header('Long') subject:raw_header(BAD) end
C["Message:remove_header"] = function() subject:remove_header(BAD) subject:header('None') end
C["Message:replace_header"] = function() subject:replace_header('X', 'y') subject:header('None') end
C["Message:sha256"] = function() subject:sha256() end

-- A field of what the session knows.
local function read(object, key)
  local value = object[key]
  if type(value) == 'table' then local _ = value[1], value.x end
end

local function run(at, here, there)
  local name = NAMES[tonumber(at.ehlo.name:match('^c(%d+)%.'))]
  session, subject = here, there
  session.shared.x = NAMED
  local class, key = name:match('^(%u%a*)%.(.*)')
  local call = C[name] or class and function()
    local object = class == 'Session' and session or class == 'Transaction' and session.transaction
      or class == 'Message' and subject or session[class:lower()] or {}
    read(object, key)
  end
  if not call then return nil end
  if at.count == 1 then return call() end
  while true do pcall(call) end
end

local function hook(stage)
  return function(session, subject, options)
    local name = NAMES[tonumber(session.ehlo and session.ehlo.name:match('^c(%d+)%.') or 1)]
    local wanted = STAGES[name:match('^%u%a*')] or name == 'discard' and 'rcpt' or 'ehlo'
    if wanted ~= stage then return end
    run({ ehlo = session.ehlo, count = options.count }, session, subject)
  end
end

return {
  options = { count = { type = 'integer', default = 0 } },
  ehlo = hook 'ehlo', mail = hook 'mail', rcpt = hook 'rcpt', message = hook 'message',
}
