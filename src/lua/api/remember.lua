-- `remember(key, terms, ask)`: `ask` runs here, in the hook's own coroutine, where it may wait.
local inquire, settle = ...
local error, pcall = error, pcall

return function(key, terms, ask, ...)
  local question, value, kind = inquire(key, terms, ask, ...)
  if not question then return value, kind end
  local ended
  ended, value, kind = pcall(ask, key)
  if not ended then
    settle(question, false)
    error(value, 0)
  end
  return settle(question, true, value, kind)
end
