-- For the test of the test language: what is stored, and the clock.
return {
  summary = "Defers strangers who have not come before.",
  options = { wait = { type = "duration", default = "5m" } },

  rcpt = function(session, rcpt, options)
    local key = session.client.network .. " " .. session.transaction.mail.address .. " " .. rcpt.address
    local first, kind = store.get(key)
    if first == nil and kind ~= "none" then return defer("4.3.0", "The store says " .. kind) end
    if first == nil then
      store.add(key, time.now(), "1d")
      return defer("4.7.1", "Come again")
    end
    if time.now() - first < options.wait then return defer("4.7.1", "Too soon") end
  end,
}
