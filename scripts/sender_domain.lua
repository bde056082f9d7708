-- Mail that nobody could answer. Bounces have no sender and pass; clients that may relay are ours and are not asked.

-- What the DNS knows of `domain`: "yes", "no", "null" (RFC 7505), or "unknown".
local function receives_mail(domain)
  local exchangers, kind = dns.mx(domain)
  if exchangers then
    local is_null = #exchangers == 1 and exchangers[1].exchange == "."
    return is_null and "null" or "yes"
  end
  if kind ~= "none" then return "unknown" end
  -- Without an MX, the domain's own address is where its mail goes. RFC 5321 section 5.1
  for _, look_up in ipairs { dns.a, dns.aaaa } do
    local addresses, why = look_up(domain)
    if addresses then return "yes" end
    if why ~= "none" then return "unknown" end
  end
  return "no"
end

---@type gatepost.Policy
return {
  summary = "Refuses senders whose domain can't receive mail.",

  options = {
    unknown = { type = "choice", values = { "pass", "defer" }, default = "pass", help = "What becomes of mail while the DNS doesn't say whether the domain exists." },
    exempt = { type = "domains", help = "Senders' domains that are not asked about." },
  },

  mail = function(session, mail, options)
    local domain = mail.domain
    if mail.is_null or session.may_relay or domain:sub(1, 1) == "[" then return end
    if session.server.relay_domains:contains(domain) or options.exempt:contains(domain) then return end

    local answer = receives_mail(domain)
    if answer == "no" then
      return reject { status = "5.1.8", text = "Your sender's domain has neither MX nor address", at = "rcpt" }
    elseif answer == "null" then
      return reject { status = "5.7.27", text = "Your sender's domain says that it takes no mail", at = "rcpt" }
    elseif answer == "unknown" and options.unknown == "defer" then
      return defer { status = "4.1.8", text = "Your sender's domain can't be looked up now", at = "rcpt" }
    end
  end,
}
