-- The coroutines that scripts make. Something below one may wait for an answer, or its time slice may be over: then
-- whoever resumed it yields as well, up to the hook's own coroutine, and later all go on where they were.
local native, plain = ...

local coroutine, error, type = coroutine, error, type
local create, is_yieldable, status, yield = coroutine.create, coroutine.isyieldable, coroutine.status, coroutine.yield
-- Lua's own, but the guard knows which coroutine runs.
local close, resume = native.close, native.resume
local is_suspending, pending = native.is_suspending, native.pending
-- The coroutines in which hooks run.
local own = native.own

local function on(co, ok, ...)
  if ok then
    local first = ...
    if first == pending or first == nil and is_suspending() then
      return on(co, resume(co, yield(first)))
    end
  end
  return ok, ...
end

local function resume_on(co, ...) return on(co, resume(co, ...)) end

local function wrong(name, wanted, found)
  error(("bad argument #1 to '%s' (%s expected, got %s)"):format(name, wanted, type(found)), 3)
end

local made = {}

function made.create(f)
  if type(f) ~= "function" then wrong("create", "function", f) end
  return create(f)
end

function made.resume(co, ...)
  if type(co) ~= "thread" then wrong("resume", "thread", co) end
  if own[co] then return false, "cannot resume the coroutine of a hook" end
  return plain(resume_on(co, ...))
end

-- What a wrapped coroutine gave; its error, raised at the line that called it.
local function unwrapped(co, ok, ...)
  if ok then return ... end
  local problem = ...
  if status(co) == "dead" then
    local closed, other = plain(close(co))
    if not closed then problem = other end
  end
  error(problem, 2)
end

function made.wrap(f)
  if type(f) ~= "function" then wrong("wrap", "function", f) end
  local co = create(f)
  return function(...) return unwrapped(co, plain(resume_on(co, ...))) end
end

function made.close(co)
  if type(co) ~= "thread" then wrong("close", "thread", co) end
  local state = status(co)
  if own[co] then error("cannot close the coroutine of a hook", 2) end
  if state == "running" or state == "normal" then error(("cannot close a %s coroutine"):format(state), 2) end
  return plain(close(co))
end

made.isyieldable, made.running, made.status, made.yield = is_yieldable, coroutine.running, status, yield

return made
