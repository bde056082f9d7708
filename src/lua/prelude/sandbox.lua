-- What every policy finds as its globals, and the read-only views that API objects are.
-- Runs once in each Lua state, before any policy, with the whole standard library at hand.
-- `native` holds the engine's functions; what is returned is the engine's alone.
local native = ...

local error, getmetatable, next, pcall, rawget, rawset = error, getmetatable, next, pcall, rawget, rawset
local select, setmetatable, tostring, type, xpcall = select, setmetatable, tostring, type, xpcall
local concat, format = table.concat, string.format

-- Read-only views -----------------------------------------------------------------------------------------------

local function refuse_write(view, key)
  error(format("%s is read-only: '%s' can't be assigned", native.name_of(view), tostring(key)), 2)
end

local function view_length(view)
  return #native.facts_of(view)
end

local function view_pairs(view)
  local facts = native.facts_of(view)
  return function(_, key) return next(facts, key) end, view, nil
end

-- A table that reads as `facts` and can't be written.
local function view(name, facts)
  return setmetatable({}, {
    __index = facts, __newindex = refuse_write, __metatable = name, __pairs = view_pairs, __len = view_length,
  })
end

-- The same without a length; four entries fit where five take twice the room.
local function object(name, facts)
  return setmetatable({}, {
    __index = facts, __newindex = refuse_write, __metatable = name, __pairs = view_pairs,
  })
end

-- The standard library, without what reaches the machine or the VM -----------------------------------------------

local function pick(library, names)
  local picked = {}
  for name in names:gmatch("%w+") do picked[name] = library[name] end
  return picked
end

local strings = pick(string, "byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper")
local string_metatable = getmetatable("")
string_metatable.__index = strings
string_metatable.__metatable = false

-- Errors that the engine raises are texts for whoever catches them. Who runs out of memory is not asked again.
local function plain(ok, ...)
  if ok then return true, ... end
  local problem = ...
  if type(problem) == "userdata" then
    problem = native.words_of(problem)
  elseif problem == "not enough memory" then
    native.out_of_memory()
  end
  return false, problem
end

local coroutines = native.coroutines(native, plain)
local tables = pick(table, "concat insert move pack remove unpack")
tables.sort = native.sort(native)

local base = {
  _VERSION = _VERSION,
  assert = assert, error = error, getmetatable = getmetatable, ipairs = ipairs, next = next, pairs = pairs,
  rawequal = rawequal, rawget = rawget, rawlen = rawlen, select = select,
  tonumber = tonumber, tostring = tostring, type = type,
  string = view("string", strings),
  table = view("table", tables),
  math = view("math", pick(math, "abs acos asin atan ceil cos deg exp floor fmod huge log max maxinteger min mininteger modf pi rad random sin sqrt tan tointeger type ult")),
  utf8 = view("utf8", pick(utf8, "char charpattern codepoint codes len offset")),
  coroutine = view("coroutine", coroutines),
  os = view("os", pick(os, "clock date time")),
}

function base.print(...)
  local texts = {}
  for i = 1, select("#", ...) do texts[i] = tostring((select(i, ...))) end
  native.print(concat(texts, "\t"))
end

-- A finalizer runs where no budget reaches it. Weak tables are looked through in one step, however many there are.
function base.setmetatable(object, metatable)
  if type(metatable) == "table" then
    local field = rawget(metatable, "__gc") ~= nil and "__gc" or rawget(metatable, "__mode") ~= nil and "__mode"
    if field then error(field .. " can't be used in a policy", 2) end
  end
  return setmetatable(object, metatable)
end

function base.rawset(object, key, value)
  if type(object) == "table" and native.is_view(object) then refuse_write(object, key) end
  return rawset(object, key, value)
end

function base.pcall(f, ...)
  return plain(pcall(f, ...))
end

-- After a kill no handler is entered any more: nothing of the script runs then.
function base.xpcall(f, handler, ...)
  return plain(xpcall(f, function(problem)
    if native.is_killed() then return problem end
    return handler(native.words_of(problem))
  end, ...))
end

-- Environments ---------------------------------------------------------------------------------------------------

local function missing(_, name)
  if type(name) == "string" and native.is_later(name) then
    error(format("'%s' is not in this version", name), 2)
  end
  return nil
end

-- The globals of one policy: `base`, the modules, and its own `require`.
local function environment()
  local names = {}
  for name, value in next, base do names[name] = value end
  setmetatable(names, { __index = missing })

  local loaded = {}
  local env
  function names.require(name)
    local module = loaded[name]
    if module == nil then
      local chunk = native.find_module(name, env)
      loaded[name] = false
      module = chunk(name)
      if module == nil then module = true end
      loaded[name] = module
    elseif module == false then
      error(format("module '%s' requires itself", name), 2)
    end
    return module
  end

  env = setmetatable({}, {
    __index = names,
    __newindex = function(_, name)
      name = tostring(name)
      if rawget(names, name) ~= nil then
        error(format("'%s' is a part of gatepost and can't be assigned", name), 2)
      elseif native.is_loading() then
        error(format("assignment to global '%s'; write 'local %s'", name, name), 2)
      end
      error(format("assignment to global '%s' inside a hook; use a local or the session table", name), 2)
    end,
    __metatable = "globals",
  })
  return env
end

return { base = base, environment = environment, view = view, object = object }
