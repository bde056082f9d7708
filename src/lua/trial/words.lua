-- What the other parts of the language of policy tests share: how values are shown and compared, and classes.
-- `kit` holds it; `kit.native` is what acts upon the world, `kit.fail` raises at the test's line.
local kit = ...

local concat, format, sort = table.concat, string.format, table.sort
local fail = kit.native.fail
kit.fail = fail

-- What failures show ----------------------------------------------------------------------------------------------

local function shown(value, depth)
  if type(value) == "string" then
    if #value > 400 then value = value:sub(1, 400) .. "…" end
    return '"' .. value:gsub('[%c"\\]', { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }) .. '"'
  end
  local metatable = getmetatable(value)
  if type(value) ~= "table" or metatable == "reply" then return tostring(value) end
  depth = depth or 3
  if depth == 0 then return "{ … }" end
  local parts, list = {}, {}
  for place, item in ipairs(value) do parts[place], list[place] = shown(item, depth - 1), true end
  local named = {}
  for key, item in pairs(value) do
    if not list[key] then
      local name = type(key) == "string" and key:find("^[%a_][%w_]*$") and key or "[" .. shown(key) .. "]"
      named[#named + 1] = name .. " = " .. shown(item, depth - 1)
    end
  end
  sort(named)
  table.move(named, 1, #named, #parts + 1, parts)
  return #parts == 0 and "{}" or "{ " .. concat(parts, ", ") .. " }"
end
kit.shown = shown

-- Whether two values are the same, tables by what is in them.
local function same(a, b)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

kit.same = same

-- Whether `text` holds `wanted`, as it stands or as a pattern.
function kit.holds(text, wanted)
  if text:find(wanted, 1, true) then return true end
  local is_pattern, found = kit.pcall(string.find, text, wanted)
  return is_pattern and found ~= nil
end

-- Makes `methods` those of a class; the first argument is held to be one of it.
function kit.class(name, methods, more)
  local metatable = more or {}
  local checked = {}
  for key, method in pairs(methods) do
    checked[key] = function(self, ...)
      if getmetatable(self) ~= name then fail(format("use `:`: %s:%s(…)", name, key)) end
      return method(self, ...)
    end
  end
  local late = metatable.__index
  metatable.__metatable = name
  metatable.__index = function(self, key)
    local method = checked[key]
    if method then return method end
    return late and late(self, key)
  end
  return metatable
end

