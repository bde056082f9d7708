-- Rates: messages of one network, and the different domains that it uses as sender.
---@type gatepost.Policy
return {
  summary = "Defers networks that send more than is usual.",

  options = {
    messages = { type = "integer", default = 60, min = 1, help = "Messages of one client network in an hour." },
    domains = { type = "integer", default = 50, min = 1, help = "Different sender domains of one client network in an hour." },
  },

  mail = function(session, mail, options)
    if session.may_relay then return end
    local network = session.client.network
    local found = ratelimit.check("messages", network, { limit = options.messages, per = "1h" })
    if found and not found.allowed then
      return defer("4.7.1", ("Too much mail from your network, come again in %d minutes"):format(found.retry_after // 60 + 1))
    end
    if not mail.is_null and (store.count_distinct("domains " .. network, mail.domain, "1h") or 0) > options.domains then
      return defer("4.7.1", "Too many sender domains from your network")
    end
  end,
}
