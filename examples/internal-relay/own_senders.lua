-- Machines inside send under our names: what a broken or stolen one sends under another's comes to light here.
---@type gatepost.Policy
return {
  summary = "Lets clients use our own domains as sender only.",

  options = {
    domains = { type = "domains", required = true, help = "Domains that may be used." },
  },

  mail = function(session, mail, options)
    if not mail.is_null and not options.domains:contains(mail.domain) then
      log.warn("foreign sender from inside", { client = session.client.ip, sender = mail.address })
      return reject("5.7.1", "Use a sender at our own domains")
    end
  end,
}
