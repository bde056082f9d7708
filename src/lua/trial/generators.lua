-- Values made by chance for `for_all`, and simpler ones in their place when a property fails.
-- A generator is a table: `make(random)` gives a value, `simpler(value)` a list of values to try instead.
local kit = ...

local native, pcall = kit.native, kit.pcall
local any = {}

-- splitmix64: the same numbers from the same seed, on every machine. `random(n)` is from 1 to n.
local function source(seed)
  local state = seed
  return function(n)
    state = state + 0x9E3779B97F4A7C15
    local z = state
    z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ~ (z >> 27)) * 0x94D049BB133111EB
    return ((z ~ (z >> 31)) >> 1) % n + 1
  end
end

local function pick(random, list) return list[random(#list)] end
local function nothing() return {} end

function any.integer(least, most)
  least, most = least or 0, most or 1000000
  return {
    -- Every fourth time a bound: that is where mistakes are.
    make = function(random)
      if random(4) == 1 then return pick(random, { least, most }) end
      return least + random(most - least + 1) - 1
    end,
    simpler = function(value)
      local all, distance = {}, value - least
      while distance > 0 do
        all[#all + 1] = value - distance
        distance = distance // 2
      end
      return all
    end,
  }
end

function any.boolean() return any.choice { false, true } end

function any.choice(values)
  return {
    make = function(random) return pick(random, values) end,
    simpler = function(value)
      local all = {}
      for place = 1, #values do
        if values[place] == value then break end
        all[place] = values[place]
      end
      return all
    end,
  }
end

local COMMON = "abcdefghijklmnopqrstuvwxyz ABC0123456789"
local ODD = "\t\"'()<>@,;:\\[]%=.*+?-_~{}|!#$&/^`\xc3\xa4\xe2\x82\xac\xff"

-- `{ most = 100, of = "abc" }`: any text of these octets; of letters, digits and what is odd in mail unless said.
function any.text(form)
  form = form or {}
  local most = form.most or 40
  return {
    make = function(random)
      local octets = {}
      for place = 1, random(most + 1) - 1 do
        local from = form.of or (random(4) == 1 and ODD or COMMON)
        local at = random(#from)
        octets[place] = from:sub(at, at)
      end
      return table.concat(octets)
    end,
    simpler = function(value)
      local all, length = {}, #value
      if length == 0 then return all end
      all[1] = ""
      local step = length // 2
      while step > 0 do
        for from = 1, length, step do all[#all + 1] = value:sub(1, from - 1) .. value:sub(from + step) end
        step = step // 2
      end
      return all
    end,
  }
end

local TOPS = { "example", "test", "invalid", "example.com", "example.net", "co.example" }
local LABELS = { "mail", "mx1", "a", "b-c", "xn--bcher-kva", "9lives", "very-long-label-that-nobody-would-ever-type-by-hand-but-is-fine" }

local function domain(random)
  local labels = {}
  for place = 1, random(3) do labels[place] = pick(random, LABELS) end
  labels[#labels + 1] = pick(random, TOPS)
  return table.concat(labels, ".")
end

-- A domain of nobody's, in lower case.
function any.domain()
  return { make = domain, simpler = function(value) return value ~= "a.example" and { "a.example" } or {} end }
end

local LOCALS = {
  "ann", "bob", "postmaster", "abuse", "ann+list", "first.last", "UPPER", "o'brien", "x", "-dash", "a_b", "1234",
  "bounce-42-ann=example.net", "SRS0=abc=de=example.net=ann", '"with space"', '"at@sign"', ("l"):rep(64),
}

-- An address as MAIL and RCPT take it. `domains`: a list of those to choose from.
function any.address(domains)
  return {
    make = function(random) return pick(random, LOCALS) .. "@" .. (domains and pick(random, domains) or domain(random)) end,
    simpler = function(value)
      local part, at = value:match("^(.*)@(.-)$")
      local all = {}
      if part ~= "ann" then all[#all + 1] = "ann@" .. at end
      local plain = domains and domains[1] or "a.example"
      if at ~= plain then all[#all + 1] = part .. "@" .. plain end
      return all
    end,
  }
end

local NETWORKS = {
  "203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24", "10.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16", "8.0.0.0/7",
  "2001:db8::/32", "fd00::/8", "2600::/12",
}

-- An address in one of `networks`, or in those of the documentation, of private and of public ones.
function any.ip(networks)
  networks = networks or NETWORKS
  if type(networks) == "string" then networks = { networks } end
  local function v4(random, network, bits)
    local number = 0
    for octet in network:gmatch("%d+") do number = number << 8 | tonumber(octet) end
    local free = 32 - bits
    number = number >> free << free | (free > 0 and random(1 << free) - 1 or 0)
    return ("%d.%d.%d.%d"):format(number >> 24 & 255, number >> 16 & 255, number >> 8 & 255, number & 255)
  end
  local function v6(random, network, bits)
    local head, groups = network:match("^(.-)::") or network, {}
    for group in head:gmatch("%x+") do groups[#groups + 1] = tonumber(group, 16) end
    for place = 1, 8 do
      local group, fixed = groups[place] or 0, math.max(0, math.min(16, bits - (place - 1) * 16))
      local free = 16 - fixed
      groups[place] = ("%x"):format(group >> free << free | (free > 0 and random(1 << free) - 1 or 0))
    end
    return table.concat(groups, ":")
  end
  return {
    make = function(random)
      local network, bits = pick(random, networks):match("^([^/]+)/?(%d*)$")
      local is_v6 = network:find(":", 1, true) ~= nil
      bits = tonumber(bits) or (is_v6 and 128 or 32)
      return (is_v6 and v6 or v4)(random, network, bits)
    end,
    simpler = nothing,
  }
end

-- A list of up to `most` of what `generator` makes.
function any.list(generator, most)
  return {
    make = function(random)
      local list = {}
      for place = 1, random((most or 5) + 1) - 1 do list[place] = generator.make(random) end
      return list
    end,
    simpler = function(list)
      local all = {}
      for without = 1, #list do
        local shorter = table.move(list, 1, #list, 1, {})
        table.remove(shorter, without)
        all[without] = shorter
      end
      return all
    end,
  }
end

-- Tries simpler values one after the other, as long as the property fails.
local function shrink(case, names, property, problem, fails)
  local tries = 200
  local is_shorter = true
  while is_shorter and tries > 0 do
    is_shorter = false
    for _, name in ipairs(names) do
      for _, value in ipairs(property[name].simpler(case[name])) do
        if tries == 0 then break end
        tries = tries - 1
        local simpler = {}
        for key, old in pairs(case) do simpler[key] = old end
        simpler[name] = value
        local now = fails(simpler)
        if now then
          case, problem, is_shorter = simpler, now, true
          break
        end
      end
    end
  end
  return case, problem
end

-- `for_all { ip = any.ip(), from = any.address(), function(case) … end }`
function kit.for_all(property)
  local check, times, names = property[1], property.times or 100, {}
  for name, generator in pairs(property) do
    if type(name) == "string" and name ~= "times" then
      if type(generator) ~= "table" or not generator.make then
        native.fail(("for_all: %s = any.…(); this is a %s"):format(name, type(generator)))
      end
      names[#names + 1] = name
    end
  end
  if type(check) ~= "function" or #names == 0 then native.fail("for_all { ip = any.ip(), function(case) … end }") end
  table.sort(names)

  local function fails(case)
    native.begin_case()
    local is_fine, problem = pcall(check, case)
    local failed = is_fine and native.take_errors()[1]
    if failed then return "a policy failed: " .. failed end
    return not is_fine and tostring(problem) or nil
  end

  local random = source(kit.seed)
  for round = 1, times do
    local case = {}
    for _, name in ipairs(names) do case[name] = property[name].make(random) end
    local problem = fails(case)
    if problem then
      local found, why = shrink(case, names, property, problem, fails)
      -- Once more, so that what is shown is what this case says.
      why = fails(found) or why
      error(("%s\nwith %s\n(case %d of %d; --seed %d)"):format(why, kit.shown(found), round, times, kit.seed), 0)
    end
  end
end

kit.any = any
