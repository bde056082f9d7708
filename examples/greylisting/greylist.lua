-- Greylisting: who was never here is asked to come again. A mail server does; most senders of spam don't.
-- By the client's network, as large senders come again from another address. A store that doesn't answer holds up nobody.
local passed = metrics.counter("passed")

---@type gatepost.Policy
return {
  summary = "Defers mail from strangers until they come again.",

  options = {
    wait = { type = "duration", default = "5m", help = "How soon is too soon to come again." },
    window = { type = "duration", default = "1d", help = "How long a stranger has to come again." },
    remember = { type = "duration", default = "35d", help = "How long a client that came again is no stranger." },
  },

  rcpt = function(session, rcpt, options)
    if session.may_relay then return end
    local network = session.client.network
    if store.get("known " .. network) then return end

    local letter = ("%s %s %s"):format(network, session.transaction.mail.address, rcpt.address)
    local is_first, kind = store.add("seen " .. letter, true, options.window)
    if kind then return end
    if is_first then
      store.set("young " .. letter, true, options.wait)
    elseif select(2, store.get("young " .. letter)) == "none" then
      passed:add()
      store.set("known " .. network, true, options.remember)
      return
    end
    return defer("4.7.1", "Greylisted: come again in a few minutes")
  end,
}
