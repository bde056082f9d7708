-- `table.sort`, step by step as in Lua's own, so that what it gives is the same; but in Lua, so that it can be made
-- to wait for other sessions, its order may wait for answers, and a long one ends with the hook's budget.
local native = ...

local math_random, select, type = math.random, select, type

local WRONG = "invalid order function for sorting"

-- Splits list[lo .. up] by the pivot, which stands at up - 1 and at neither end; where it comes to stand.
local function partition(list, lo, up, pivot, less)
  local i, j = lo, up - 1
  while true do
    i = i + 1
    local low = list[i]
    while less(low, pivot) do
      if i == up - 1 then native.raise(WRONG) end
      i = i + 1
      low = list[i]
    end
    j = j - 1
    local high = list[j]
    while less(pivot, high) do
      if j < i then native.raise(WRONG) end
      j = j - 1
      high = list[j]
    end
    if j < i then
      list[up - 1] = low
      list[i] = pivot
      return i
    end
    list[i] = high
    list[j] = low
  end
end

-- Where the pivot is looked for: in the middle, or somewhere in the middle half when that has served badly.
local function place_of_pivot(lo, up, chance)
  if up - lo < 100 or chance == 0 then return (lo + up) // 2 end
  local quarter = (up - lo) // 4
  return chance % (quarter * 2) + lo + quarter
end

local function quicksort(list, lo, up, less, chance)
  while lo < up do
    local low, high = list[lo], list[up]
    if less(high, low) then
      list[lo] = high
      list[up] = low
    end
    if up - lo == 1 then return end
    local p = place_of_pivot(lo, up, chance)
    local pivot
    pivot, low = list[p], list[lo]
    if less(pivot, low) then
      list[p] = low
      list[lo] = pivot
    else
      high = list[up]
      if less(high, pivot) then
        list[p] = high
        list[up] = pivot
      end
    end
    if up - lo == 2 then return end
    pivot = list[p]
    list[p] = list[up - 1]
    list[up - 1] = pivot
    p = partition(list, lo, up, pivot, less)
    local smaller
    if p - lo < up - p then
      quicksort(list, lo, p - 1, less, chance)
      smaller = p - lo
      lo = p + 1
    else
      quicksort(list, p + 1, up, less, chance)
      smaller = up - p
      up = p - 1
    end
    if up > lo and (up - lo) // 128 > smaller then chance = math_random(0) & 0x7fffffff end
  end
end

local function wrong(place, words)
  native.raise(("bad argument #%d to 'sort' (%s)"):format(place, words))
end

return function(list, ...)
  if type(list) ~= "table" then
    local found = list == nil and select("#", ...) == 0 and "no value" or type(list)
    wrong(1, "table expected, got " .. found)
  end
  local less = ...
  local count = #list
  if count > 1 then
    if count >= 0x7fffffff then wrong(1, "array too big") end
    if less == nil then
      less = native.less
    elseif type(less) ~= "function" then
      wrong(2, "function expected, got " .. type(less))
    end
    quicksort(list, 1, count, less, 0)
  end
end
