-- The tables that hooks receive: read-only views of facts, with the engine's methods behind them.
-- `methods` holds, by class, the engine's functions; `lazy` what is computed when it is asked for.
local view, methods, lazy = ...

local rawget, setmetatable = rawget, setmetatable

-- `message:fields()`, an iterator over tables, each of which reads its value when it is asked for.
local walk_fields = methods.message.walk_fields
methods.message.walk_fields = nil
function methods.message.fields(message)
  local step, read = walk_fields(message)
  local place_of = {} -- where it is not the number: behind a field that was added or removed
  local metatable = { __metatable = false }
  function metatable.__index(field, key)
    if key ~= "value" and key ~= "raw" then return nil end
    field.value, field.raw = read(place_of[field] or field.number)
    return rawget(field, key)
  end
  local place = 0
  return function()
    local name, number = step()
    if not name then return nil end
    place = place + 1
    local field = setmetatable({ name = name, number = number }, metatable)
    if number ~= place then place_of[field] = place end
    return field
  end
end

-- A maker of objects of one class: its methods first, then what `lazy` knows.
local function class(name)
  local own, more = methods[name] or {}, lazy[name]
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

local client, mail, rcpt, message, transaction, session =
  class "client", class "mail", class "rcpt", class "message", class "transaction", class "session"
local nothing = view("params", {})

local make = {}

-- Also the client, for whom nearly every policy asks.
function make.session(ip, port, network)
  local seen = client { ip = ip, port = port, network = network }
  local facts = { client = seen }
  return session(facts), facts, seen
end

function make.peer(ip, port)
  return view("peer", { ip = ip, port = port })
end

function make.server(ip, port, hostname, relay_domains)
  return view("server", { ip = ip, port = port, hostname = hostname, relay_domains = relay_domains })
end

function make.ehlo(name, verb, is_literal)
  return view("ehlo", { name = name, verb = verb, is_literal = is_literal })
end

function make.mail(address, local_part, domain, raw, params, is_null)
  return mail {
    address = address, local_part = local_part, domain = domain, raw = raw,
    params = params and view("params", params) or nothing, is_null = is_null,
  }
end

function make.rcpt(address, local_part, domain, raw, params, index)
  return rcpt {
    address = address, local_part = local_part, domain = domain, raw = raw,
    params = params and view("params", params) or nothing, index = index,
  }
end

function make.transaction(index, size_declared)
  return transaction { index = index, size_declared = size_declared }
end

function make.message(size, header_size)
  return message { size = size, header_size = header_size }
end

return make
