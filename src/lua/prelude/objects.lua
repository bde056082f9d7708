-- The tables that hooks receive: read-only views of facts, with the engine's methods behind them.
-- `methods` holds, by class, the engine's functions; `lazy` what is computed when it is asked for.
local view, methods, lazy = ...

local rawget, setmetatable = rawget, setmetatable

-- `message:fields()`, an iterator over tables, each of which reads its value when it is asked for.
local walk_fields = methods.message.walk_fields
methods.message.walk_fields = nil
function methods.message.fields(message)
  -- All names at once, one call into the engine; the numbers only where they are not the places.
  local names, read, numbers = walk_fields(message)
  local place_of = {} -- where it is not the number: behind a field that was added or removed
  local metatable = { __metatable = false }
  function metatable.__index(field, key)
    if key ~= "value" and key ~= "raw" then return nil end
    field.value, field.raw = read(place_of[field] or field.number)
    return rawget(field, key)
  end
  local place = 0
  return function()
    place = place + 1
    local name = names[place]
    if not name then return nil end
    local field = setmetatable({ name = name, number = place }, metatable)
    if numbers then
      field.number = numbers[place]
      place_of[field] = place
    end
    return field
  end
end

-- A maker of objects of one class: its methods first, then what `more` knows.
local function class(name, more)
  local own = methods[name] or {}
  local index = own
  if more then
    index = function(facts, key)
      local method = own[key]
      if method ~= nil then return method end
      return more(facts, key)
    end
  end
  local metatable = { __index = index }
  return function(facts) return view(name, setmetatable(facts, metatable)) end
end

local function network(facts, key)
  if key ~= "network" then return nil end
  facts.network = lazy.network(facts.ip)
  return facts.network
end

-- Most commands have no parameters: those share one table.
local no_params = view("params", {})

local function params_of(sent)
  if sent == "" then return no_params end
  return view("params", lazy.params(sent))
end

local client, session = class("client", network), class("session", lazy.session)
local mail, rcpt = class("mail"), class("rcpt")
local transaction, message = class("transaction", lazy.transaction), class("message", lazy.message)

local make = {}

-- Also the client, for whom nearly every policy asks.
function make.session(ip, port)
  local seen = client { ip = ip, port = port }
  local facts = { client = seen }
  return session(facts), facts, seen
end

-- `tls` says whether a balancer has told of the client's TLS; what it told of it is behind it.
function make.peer(ip, port, authority, alpn, unique_id, tls, version, cipher, subject, is_verified)
  return view("peer", {
    ip = ip, port = port, authority = authority, alpn = alpn, unique_id = unique_id,
    tls = tls and view("peer.tls", {
      version = version, cipher = cipher, subject = subject, is_verified = is_verified,
    }) or nil,
  })
end

function make.server(ip, port, hostname, relay_domains)
  return view("server", { ip = ip, port = port, hostname = hostname, relay_domains = relay_domains })
end

function make.ehlo(name, verb, is_literal)
  return view("ehlo", { name = name, verb = verb, is_literal = is_literal })
end

function make.mail(address, local_part, domain, raw, sent_params, is_null)
  return mail {
    params = params_of(sent_params), address = address, local_part = local_part, domain = domain, raw = raw, is_null = is_null,
  }
end

function make.rcpt(address, local_part, domain, raw, sent_params, index)
  return rcpt {
    params = params_of(sent_params), address = address, local_part = local_part, domain = domain, raw = raw, index = index,
  }
end

function make.transaction(index)
  return transaction { index = index }
end

function make.message(size, header_size)
  return message { size = size, header_size = header_size }
end

return make
