-- The language of policy tests: what a test finds besides its clients. Runs once in the Lua state of a test file.
local kit = ...

local native, fail, class, shown, same, view = kit.native, kit.fail, kit.class, kit.shown, kit.same, kit.view
local concat, format = table.concat, string.format
local pcall = kit.pcall

local language = { session = kit.session }

-- Expectations ----------------------------------------------------------------------------------------------------

local claims = {}
-- An expectation: `holds(value, …)`, and the words for what was wanted.
local function claim(name, holds, words)
  claims[name] = function(subject, ...)
    if not holds(subject.value, ...) then
      fail(format("expected %s, got %s", words(...), shown(subject.value)))
    end
    return subject
  end
end

local function constant(words) return function() return words end end

claim("equals", same, function(wanted) return shown(wanted) end)
claim("differs_from", function(value, other) return not same(value, other) end, function(other) return "anything but " .. shown(other) end)
claim("is_true", function(value) return value == true end, constant("true"))
claim("is_false", function(value) return value == false end, constant("false"))
claim("is_nil", function(value) return value == nil end, constant("nil"))
claim("is_there", function(value) return value ~= nil end, constant("a value"))
claim("is_at_least", function(value, least) return value ~= nil and value >= least end, function(least) return "at least " .. shown(least) end)
claim("is_at_most", function(value, most) return value ~= nil and value <= most end, function(most) return "at most " .. shown(most) end)
claim("contains", function(value, part)
  if type(value) == "string" then return value:find(part, 1, true) ~= nil end
  for _, item in ipairs(type(value) == "table" and value or {}) do
    if same(item, part) then return true end
  end
  return false
end, function(part) return "something that contains " .. shown(part) end)
claim("matches", function(value, pattern)
  return type(value) == "string" and value:find(pattern) ~= nil
end, function(pattern) return "something that matches " .. shown(pattern) end)

function claims.raises(subject, text)
  local is_fine, problem = pcall(subject.value)
  problem = type(problem) == "string" and problem or tostring(problem)
  if is_fine then fail(format("expected an error%s, got none", text and " with " .. shown(text) or "")) end
  if text and not kit.holds(problem, text) then fail(format("expected an error with %s, got %s", shown(text), shown(problem))) end
  return subject
end

local Expectation = class("expectation", claims)

function language.expect(value)
  return setmetatable({ value = value }, Expectation)
end

-- The world -------------------------------------------------------------------------------------------------------

local clock = {}
function clock.advance(time)
  local ok, problem = native.advance(time)
  if not ok then fail(problem) end
end
function clock.now() return native.now() end
language.clock = view("clock", clock)

-- A record's value as zone files write it.
local function written(kind, value)
  if type(value) == "table" and value.exchange then
    value = format("%d %s", value.preference or 10, value.exchange)
  elseif type(value) ~= "string" then
    fail(format("dns.stub: %s = %s is no record", kind, shown(value)))
  elseif kind == "MX" and not value:find("%s") then
    value = (value == "." and "0 " or "10 ") .. value
  end
  return value
end

local dns = {}
function dns.stub(names)
  if type(names) ~= "table" then fail("dns.stub takes a table: dns.stub { [\"mail.example\"] = { A = \"192.0.2.1\" } }") end
  for name, records in pairs(names) do
    if type(records) == "table" then
      local list = {}
      for kind, values in pairs(records) do
        if type(values) ~= "table" or values.exchange then values = { values } end
        for _, value in ipairs(values) do list[#list + 1] = { kind, written(kind, value) } end
      end
      records = list
    end
    native.stub_name(name, records)
  end
end
function dns.asked(name, kind) return native.times_asked(name, kind) end
language.dns = view("dns", dns)

local http = {}
function http.stub(urls)
  if type(urls) ~= "table" then fail("http.stub takes a table: http.stub { [\"https://api.example/\"] = { status = 200, json = {} } }") end
  for url, page in pairs(urls) do native.stub_url(url, page) end
end
language.http = setmetatable({}, {
  __metatable = "http",
  __index = function(_, name) if name == "requests" then return native.web_requests() end return http[name] end,
})

local map = {}
function map.stub(maps)
  if type(maps) ~= "table" then fail("map.stub takes a table: map.stub { people = { [\"ann@example.org\"] = \"friend\" } }") end
  for name, values in pairs(maps) do native.stub_map(name, values) end
end
language.map = view("map", map)

local store = {}
function store.fail(kind) native.fail_store(kind) end
language.store = view("store", store)

local Message = class("message", {
  header = function(message, name) return native.headers(message.content, name)[1] end,
  headers = function(message, name) return native.headers(message.content, name) end,
})

local backend = {}
function backend.reply(verb, text, part)
  native.answer(verb, text, part)
end
language.backend = setmetatable({}, {
  __metatable = "backend",
  __newindex = function(_, name) fail(format("backend.%s can't be assigned; use backend.reply", tostring(name))) end,
  __index = function(_, name)
    if name == "messages" then
      local messages = native.messages()
      for _, message in ipairs(messages) do setmetatable(message, Message) end
      return messages
    elseif name == "commands" then
      return native.commands()
    end
    return backend[name]
  end,
})

-- What policies have logged, and how they have failed.
function language.logged(text) return native.logged(text) end
function language.policy_errors() return native.take_errors() end

function language.print(...)
  local texts = {}
  for place = 1, select("#", ...) do
    local value = select(place, ...)
    texts[place] = type(value) == "string" and value or shown(value)
  end
  native.print(concat(texts, "\t"))
end

-- Tests -----------------------------------------------------------------------------------------------------------

local set_up, preparations = nil, {}

function language.test(name, body)
  if type(name) ~= "string" or type(body) ~= "function" then fail("a test is test(\"what it proves\", function() … end)") end
  native.add(name, body)
end

function language.set_up(file)
  if native.is_loaded() then native.set_up(file) else set_up = file end
end

function language.before_each(prepare)
  if native.is_loaded() then fail("before_each stands at the top of the file") end
  preparations[#preparations + 1] = prepare
end

language.any = view("any", kit.any)
language.for_all = kit.for_all

local function run(body)
  if set_up then native.set_up(set_up) end
  for _, prepare in ipairs(preparations) do prepare() end
  body()
end

return language, run
