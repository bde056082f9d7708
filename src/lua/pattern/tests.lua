-- Holds gatepost's pattern functions against Lua's own: generated cases, the same from run to run.
-- `stock` and `ours` hold find, match, gmatch and gsub; `cases` says how many, `state` seeds them.
local stock, ours, cases, state = ...

local function random(most)
  state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
  return (state >> 33) % most + 1
end

local function one_of(list)
  return list[random(#list)]
end

local letters = { "a", "b", "c", "a", "b", " ", ".", "-", "(", ")", "1", "9", "_", "A", "\0", "\xff", "]", "%", "\n", "^", "$" }
local items = {
  "a", "b", "c", ".", "a", ".", " ", "1", "\0", "\xff", "%.", "%%", "%]", "%-", "%a", "%d", "%s", "%w", "%p", "%x", "%u", "%l", "%c", "%g",
  "%z", "%A", "%D", "%S", "%W", "%P", "%X", "%U", "%L", "%C", "%G", "%Z", "[abc]", "[^ab]", "[a-c]", "[%w_]", "[]]", "[^]]", "[%]]", "[%a-]",
  "[-a]", "[a-]", "[%-x]", "[^%s]", "[a-%%]", "[\0-\x7f]", "[^%d.]", "%f[%w]", "%f[^%w]", "%f[%z]", "%b()", "%bab", "%baa", "()",
}
local odd = {
  "%", "[", "[^", "[a", "[a-", "[%", "%f", "%fa", "%b", "%bx", ")", "(", "((", "%1", "%2", "%0", "%9", "^", "$", "]", "*", "%f[", "[]", "[^]", "-", "(()",
}
local suffixes = { "*", "+", "-", "?" }

local function subject()
  local parts = {}
  for i = 1, random(18) - 1 do parts[i] = one_of(letters) end
  return table.concat(parts)
end

local function pattern()
  local parts, open, repeats = {}, 0, 0
  if random(6) == 1 then parts[1] = "^" end
  for _ = 1, random(6) do
    local kind = random(24)
    if kind == 1 then
      parts[#parts + 1] = one_of(odd)
    elseif kind <= 4 and open < 3 then
      parts[#parts + 1], open = "(", open + 1
    elseif kind <= 7 and open > 0 then
      parts[#parts + 1], open = ")", open - 1
      if random(3) == 1 then parts[#parts + 1] = "%" .. random(2) end
    else
      local item = one_of(items)
      if repeats < 3 and #item > 0 and item ~= "()" and random(2) == 1 then
        item, repeats = item .. one_of(suffixes), repeats + 1
      end
      parts[#parts + 1] = item
    end
  end
  if random(20) ~= 1 then parts[#parts + 1] = (")"):rep(open) end
  if random(6) == 1 then parts[#parts + 1] = "$" end
  local made = table.concat(parts)
  if random(2000) == 1 then made = made .. ("a?"):rep(210) end
  if random(2000) == 1 then made = ("()"):rep(30 + random(4)) .. made end
  return made
end

local replacements = {
  "", "x", "<%0>", "%1", "[%1%2]", "%%", "%9", "%", "%x", "a%0b%%c", "%1\0%1", 7, 2.5, { a = "A", b = false, ab = 12, [""] = "empty", ["1"] = {} },
  { [1] = "one", [2] = "two" }, true,
}

local log
local function heard(...)
  log = { ... }
  return ({ "R", false, 5, nil, { }, "%1" })[(#tostring((...)) + #log) % 12 + 1]
end

local function run(functions, case)
  log = nil
  local found
  if case.name == "gmatch" then
    found = table.pack(pcall(function()
      local all, count = {}, 0
      for a, b, c in functions.gmatch(case.subject, case.pattern, case.init) do
        all[#all + 1] = table.concat({ tostring(a), tostring(b), tostring(c) }, ",")
        count = count + 1
        if count > 50 then break end
      end
      return table.concat(all, ";")
    end))
  elseif case.name == "gsub" then
    found = table.pack(pcall(functions.gsub, case.subject, case.pattern, case.replacement, case.most))
  else
    found = table.pack(pcall(functions[case.name], case.subject, case.pattern, case.init, case.plain))
  end
  for i = 1, found.n do found[i] = math.type(found[i]) == "integer" and "#" .. found[i] or tostring(found[i]) end
  for i, value in ipairs(log or {}) do found[#found + 1] = "heard " .. i .. tostring(value) end
  -- Lua finds no name for a function that is no library's.
  return (stock.gsub(table.concat(found, "|"), "argument #(%d) to '[^']*'", "argument #%1"))
end

local names = { "find", "match", "gmatch", "gsub" }
for number = 1, cases do
  local case = { name = one_of(names), subject = subject(), pattern = pattern() }
  if random(3) == 1 then case.init = random(30) - 15 end
  if random(12) == 1 then case.plain = true end
  if random(3) == 1 then case.most = random(5) - 2 end
  case.replacement = one_of(replacements)
  if random(4) == 1 then case.replacement = heard end
  local want, found = run(stock, case), run(ours, case)
  if want ~= found then
    return ("case %d: string.%s(%q, %q) init %s plain %s replacement %s most %s\nLua:  %s\nours: %s"):format(
      number, case.name, case.subject, case.pattern, tostring(case.init), tostring(case.plain), tostring(case.replacement),
      tostring(case.most), want, found)
  end
end
