-- The clients of policy tests, and the replies that they hear. Runs once in the Lua state of a test file.
local kit = ...

local native, fail, class, shown = kit.native, kit.fail, kit.class, kit.shown
local concat, format, sort = table.concat, string.format, table.sort

-- Replies ---------------------------------------------------------------------------------------------------------

local function told(code, status, text)
  local words = {}
  if code then words[1] = code < 10 and code .. "yz" or tostring(code) end
  if status then words[#words + 1] = status end
  if text then words[#words + 1] = text end
  return concat(words, " ")
end

local Reply = class("reply", {
  expect = function(reply, code, status, text)
    if math.type(code) ~= "integer" then fail("expect takes a code first: expect(550), expect(5)") end
    if text == nil and type(status) == "string" and not status:find("^%d%.%d+%.%d+$") then status, text = nil, status end
    local is_code = reply.code == code or code < 10 and reply.code // 100 == code
    local is_status = status == nil or reply.status == status
    local is_text = text == nil or kit.holds(reply.text, text)
    if not (is_code and is_status and is_text) then
      fail(format("expected %s, got %s", told(code, status, text and shown(text)), tostring(reply)))
    end
    return reply
  end,
}, {
  __tostring = function(reply) return told(reply.code, reply.status, (reply.text:gsub("\n", " | "))) end,
})

local function reply(code, status, text)
  if not code then fail(status) end
  return setmetatable({ code = code, status = status, text = text }, Reply)
end

-- Clients ---------------------------------------------------------------------------------------------------------

-- What is known of a client besides its fields: its number, and what it has said.
local known = {}

local function say(client, line)
  return reply(native.say(known[client].number, line))
end

local function path(address)
  if type(address) ~= "string" then fail("an address is wanted: mail(\"ann@example.net\"); \"\" is the empty one") end
  return address:find("<", 1, true) and address or "<" .. address .. ">"
end

local function parameters(given)
  if given == nil then return "" end
  if type(given) == "string" then return " " .. given end
  local list = {}
  for key, value in pairs(given) do
    list[#list + 1] = value == true and key or key .. "=" .. (math.type(value) and format("%d", value) or tostring(value))
  end
  sort(list)
  return #list > 0 and " " .. concat(list, " ") or ""
end

local UNITS = { [""] = 1, kB = 1e3, KB = 1e3, MB = 1e6, KiB = 2 ^ 10, MiB = 2 ^ 20 }
local function octets_of(size)
  if type(size) == "number" then return math.tointeger(size // 1) end
  local number, unit = tostring(size):match("^([%d.]+)%s*(%a*)$")
  if not number or not UNITS[unit] then fail(format("size: %s is none; such as \"10 MB\"", shown(size))) end
  return math.tointeger(tonumber(number) * UNITS[unit] // 1)
end

local NOT_HEADERS = { body = true, size = true, headers = true, from = true, to = true, params = true, ehlo = true }

-- The octets of what a test calls a message: a text, or fields and a body.
local function compose(client, given)
  if type(given) == "string" then return (given:gsub("\r\n", "\n"):gsub("\n", "\r\n")) end
  given = given or {}
  if type(given) ~= "table" then fail("a message is a text, or a table such as { subject = \"…\", body = \"…\" }") end
  local lines, has = {}, {}
  local function add(name, value)
    lines[#lines + 1] = name .. ": " .. tostring(value)
    has[name:lower()] = true
  end
  for name, value in pairs(given.headers or {}) do
    if math.type(name) then
      add(value[1], value[2])
    else
      for _, one in ipairs(type(value) == "table" and value or { value }) do add(name, one) end
    end
  end
  for name, value in pairs(given) do
    if type(name) == "string" and not NOT_HEADERS[name] then
      add((name:gsub("_", "-"):gsub("%f[%a]%a", string.upper)), value)
    end
  end
  sort(lines)
  local said = known[client]
  if not has.from then add("From", said.from ~= "" and said.from or "postmaster@example.net") end
  if not has.to then add("To", said.to or "undisclosed-recipients:;") end
  if not has.subject then add("Subject", "A test") end
  if not has.date then add("Date", "Thu, 01 Jan 2026 00:00:00 +0000") end
  if not has["message-id"] then add("Message-ID", format("<%d@example.net>", said.number)) end
  local content = concat(lines, "\r\n") .. "\r\n\r\n" .. (given.body or "Hello.\n"):gsub("\r\n", "\n"):gsub("\n", "\r\n")
  local missing = given.size and octets_of(given.size) - #content or 0
  if missing > 0 then
    local line = ("x"):rep(70) .. "\r\n"
    content = content .. line:rep(missing // #line)
    local rest = missing % #line
    content = content .. (rest > 2 and ("x"):rep(rest - 2) .. "\r\n" or "\r\n")
  end
  return content
end

local methods = {}

function methods.ehlo(client, name)
  known[client].has_greeted = true
  return say(client, "EHLO " .. (name or "mail.example.net"))
end

function methods.helo(client, name)
  known[client].has_greeted = true
  return say(client, "HELO " .. (name or "mail.example.net"))
end

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(octets)
  return (octets:gsub("..?.?", function(group)
    local a, b, c = group:byte(1, 3)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    local function letter(shift) local at = (bits >> shift & 63) + 1; return LETTERS:sub(at, at) end
    return letter(18) .. letter(12) .. (b and letter(6) or "=") .. (c and letter(0) or "=")
  end))
end

-- AUTH to its end: the last reply.
function methods.auth(client, user, secret, mechanism)
  mechanism = (mechanism or "PLAIN"):upper()
  if mechanism == "PLAIN" then return say(client, "AUTH PLAIN " .. base64("\0" .. user .. "\0" .. secret)) end
  local said
  if mechanism == "LOGIN" then
    said = say(client, "AUTH LOGIN")
    if said.code == 334 then said = say(client, base64(user)) end
    if said.code == 334 then said = say(client, base64(secret)) end
  elseif mechanism == "XOAUTH2" then
    said = say(client, "AUTH XOAUTH2 " .. base64("user=" .. user .. "\1auth=Bearer " .. secret .. "\1\1"))
    if said.code == 334 then said = say(client, "") end
  else
    fail("auth: PLAIN, LOGIN or XOAUTH2, not " .. shown(mechanism))
  end
  return said
end

function methods.mail(client, address, params)
  known[client].from = path(address):match("<(.-)>")
  return say(client, "MAIL FROM:" .. path(address) .. parameters(params))
end

function methods.rcpt(client, address, params)
  known[client].to = path(address):match("<(.-)>")
  return say(client, "RCPT TO:" .. path(address) .. parameters(params))
end

function methods.data(client) return say(client, "DATA") end
function methods.rset(client) return say(client, "RSET") end
function methods.noop(client) return say(client, "NOOP") end
function methods.quit(client) return say(client, "QUIT") end
function methods.vrfy(client, whom) return say(client, "VRFY " .. whom) end
function methods.command(client, line) return say(client, line) end

-- What follows a 354.
function methods.content(client, content)
  return reply(native.send(known[client].number, compose(client, content)))
end

-- DATA and the content: the last reply.
function methods.message(client, content)
  local began = methods.data(client)
  if began.code ~= 354 then return began end
  return methods.content(client, content)
end

-- A whole transaction: the reply that decided it.
function methods.send(client, given)
  given = given or {}
  if not known[client].has_greeted then
    local greeted = methods.ehlo(client, given.ehlo)
    if greeted.code >= 400 then return greeted end
  end
  local begun = methods.mail(client, given.from or "ann@example.net", given.params)
  if begun.code >= 400 then return begun end
  local is_accepted, refusal
  local recipients = given.to or "bob@ours.example"
  for _, recipient in ipairs(type(recipients) == "table" and recipients or { recipients }) do
    local said = methods.rcpt(client, recipient)
    if said.code < 400 then is_accepted = true else refusal = said end
  end
  if not is_accepted then return refusal end
  return methods.message(client, given)
end

-- The client goes without a word; its session has ended then.
function methods.disconnect(client)
  native.leave(known[client].number)
end

local Client = class("client", methods)

-- `session { ip = "203.0.113.9" }`: a client that has just been greeted.
function kit.session(visit)
  local client, code, status, text = native.connect(visit or {})
  if not client then fail(code) end
  local number = client
  client = setmetatable({ ip = visit and visit.ip }, Client)
  known[client] = { number = number }
  client.banner = reply(code, status, text)
  return client
end

