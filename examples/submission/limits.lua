-- Bounds how many recipients a sender may name within a time: a stolen password must not send for long.
-- The reverse-path is the login's own: the listener's `sender_login` sees to that before this counts.
---@type gatepost.Policy
return {
  summary = "Bounds the recipients of each sender.",

  options = {
    recipients = { type = "integer", default = 100, min = 1, help = "Recipients that a sender may name." },
    per = { type = "duration", default = "1h", help = "Within this time." },
  },

  rcpt = function(session, _, options)
    local from = session.transaction.mail.address:lower()
    local found = ratelimit.check("recipients", from, { limit = options.recipients, per = options.per })
    if found and not found.allowed then
      return defer("4.7.1", "You have written to many people lately; try again later")
    end
  end,
}
