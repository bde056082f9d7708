-- `table.insert` and `table.remove` at a place, for objects that say their length themselves: entry by entry in Lua,
-- where the guard's hook comes.
local error = error

local function insert(list, place, value)
  local free = #list + 1
  if place < 1 or place > free then error("bad argument #2 to 'insert' (position out of bounds)", 2) end
  for i = free, place + 1, -1 do list[i] = list[i - 1] end
  list[place] = value
end

local function remove(list, place)
  local size = #list
  if place == nil then place = size end
  if place ~= size and (place < 1 or place > size + 1) then
    error("bad argument #2 to 'remove' (position out of bounds)", 2)
  end
  local removed = list[place]
  while place < size do
    list[place] = list[place + 1]
    place = place + 1
  end
  list[place] = nil
  return removed
end

return insert, remove
