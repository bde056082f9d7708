-- Lists of who is let in and who isn't. Allowed means that the policies behind this one are not asked; it grants no
-- relaying. What is both allowed and denied is allowed.
local NOTHING = {}

-- Whom a list of "ann@example.org", "example.org", ".example.org" and "ann@" means, made once.
local function people(list)
  if #list == 0 then return NOTHING end
  local addresses, places = {}, {}
  for i = 1, #list do
    local entry = list[i]
    local at = entry:match("^.*()@")
    if at == nil then
      places[#places + 1] = entry
    elseif at == #entry then
      addresses[entry:lower()] = true
    else
      local domain = domains.to_ascii(entry:sub(at + 1))
      if domain == nil then error(("'%s' is no address"):format(entry), 0) end
      addresses[entry:sub(1, at):lower() .. domain] = true
    end
  end
  return { addresses = addresses, places = domains.set(places) }
end

-- Whether `path`, a mail or a rcpt, is meant. Case is no difference, in the local part neither.
local function means(people, path)
  if people == NOTHING or path.address == "" then return false end
  local address, local_part = path.address:lower(), path.local_part:lower()
  return people.addresses[address] or people.addresses[local_part .. "@"] or people.places:contains(path.domain)
end

---@type gatepost.Policy
return {
  summary = "Allows and denies by network, client name, HELO name, sender and recipient.",

  options = {
    allow_clients = { type = "networks", help = "Clients that the policies behind this one leave alone." },
    allow_names = { type = "domains", help = "The same by the client's name, which must point back to its address." },
    allow_helos = { type = "domains", help = "The same by HELO name. Anybody can say any name: allow little." },
    allow_senders = { type = "list", help = "Senders whose mail the policies behind this one leave alone: \"ann@example.org\", \"example.org\", \".example.org\", \"ann@\". Anybody can write any address: allow little." },
    allow_recipients = { type = "list", help = "Recipients whom the policies behind this one don't judge at RCPT. A refusal that was held back before is still said." },
    deny_clients = { type = "networks", help = "Clients that are refused." },
    deny_names = { type = "domains", help = "Clients that are refused by the name of their address, whether it points back or not." },
    deny_helos = { type = "domains", help = "HELO names that are refused." },
    deny_senders = { type = "list", help = "Senders that are refused, written as in allow_senders. Bounces have none and are never meant." },
    deny_recipients = { type = "list", help = "Recipients that are refused, written likewise." },
    text = { type = "string", default = "Access denied", help = "What a refused client is told." },
  },

  setup = function(options)
    options.allowed_senders = people(options.allow_senders)
    options.allowed_recipients = people(options.allow_recipients)
    options.denied_senders = people(options.deny_senders)
    options.denied_recipients = people(options.deny_recipients)
  end,

  connect = function(session, client, options)
    local ip = client.ip
    if options.allow_clients:contains(ip) then return accept("session") end
    -- A name that isn't known allows nothing and denies nothing.
    local name = #options.allow_names > 0 and client:name()
    if name and options.allow_names:contains(name) then return accept("session") end
    local ptr = #options.deny_names > 0 and client:ptr()
    if options.deny_clients:contains(ip) or ptr and options.deny_names:contains(ptr) then
      return reject { text = options.text, at = "rcpt" }
    end
  end,

  ehlo = function(session, ehlo, options)
    if ehlo.is_literal then return end
    if options.allow_helos:contains(ehlo.name) then return accept("session") end
    if options.deny_helos:contains(ehlo.name) then return reject { text = options.text, at = "rcpt" } end
  end,

  mail = function(session, mail, options)
    if means(options.allowed_senders, mail) then return accept("transaction") end
    if means(options.denied_senders, mail) then return reject { text = options.text, at = "rcpt" } end
  end,

  rcpt = function(session, rcpt, options)
    if means(options.allowed_recipients, rcpt) then return accept() end
    if means(options.denied_recipients, rcpt) then return reject(options.text) end
  end,
}
