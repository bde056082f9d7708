-- What a client calls itself. Clients that may relay are ours and are not asked.
-- Refusals wait for RCPT: the log then has the envelope, a login lifts them, and postmaster stays reachable.

-- The address in "[192.0.2.1]" or "[IPv6:2001:db8::1]".
local function address_in(literal)
  local address = literal:match("^%[(.*)%]$") or ""
  return address:gsub("^[Ii][Pp][Vv]6:", "")
end

-- Whether two texts are the same address, whatever its spelling.
local function is_same(a, b)
  return ip.valid(a) and ip.network(a, 32, 128) == ip.network(b, 32, 128)
end

-- Whether the DNS says that `name` is nobody's. What isn't known is no "yes".
local function is_nobodys(name)
  for _, look_up in ipairs { dns.a, dns.aaaa, dns.mx } do
    local found, kind = look_up(name)
    if found or kind ~= "none" then return false end
  end
  return true
end

-- Why `ehlo` is refused, or nil.
local function fault(session, ehlo, options)
  local name = ehlo.name:match("^(.-)%.?$")
  local client, server = session.client, session.server
  if ehlo.is_literal then
    if options.literals == "refuse" then return "Say HELO with your host name" end
    if options.literals == "match" and not is_same(address_in(name), client.ip) then
      return "Your HELO says another address than yours"
    end
    return nil
  end
  if options.address and ip.valid(name) then return "An address in HELO goes in brackets" end
  local is_here = ip.is_loopback(client.ip) or client.ip == server.ip
  if not is_here and (name:lower() == server.hostname:lower() or options.own_names:contains(name)) then
    return "Your HELO says our name"
  end
  if options.dot and not name:find(".", 1, true) then return "Your HELO is no full host name" end
  if options.resolve and is_nobodys(name) then return "Your HELO name doesn't exist" end
end

---@type gatepost.Policy
return {
  summary = "Refuses clients that give a name which can't be theirs.",

  options = {
    literals = { type = "choice", values = { "match", "any", "refuse" }, default = "match", help = "Address literals such as [192.0.2.1]: only the client's own, any, or none." },
    address = { type = "boolean", default = true, help = "Refuse an address without brackets." },
    own_names = { type = "domains", help = "Names that only we use, besides our hostname, which nobody else may use." },
    dot = { type = "boolean", default = true, help = "Refuse a name without a dot." },
    resolve = { type = "boolean", default = false, help = "Refuse a name that has no address and no MX. Machines behind NAT often have such names: observe first." },
  },

  ehlo = function(session, ehlo, options)
    if session.may_relay then return end
    local why = fault(session, ehlo, options)
    if why then return reject { text = why, at = "rcpt" } end
  end,
}
