-- How large a message may be, by who sends it. `limits.message_size` is the bound for all and is what EHLO says.

local UNITS = { [""] = 1, B = 1, kB = 1e3, KB = 1e3, MB = 1e6, GB = 1e9, KiB = 2 ^ 10, MiB = 2 ^ 20, GiB = 2 ^ 30 }

-- The network, as a set of one, and the octets of "192.0.2.0/24 100 MB".
local function read(entry)
  local network, number, unit = entry:match("^%s*(%S+)%s+([%d.]+)%s*(%a*)%s*$")
  if not network or not tonumber(number) or not UNITS[unit] then
    error(("by_network: '%s' reads not as \"192.0.2.0/24 100 MB\""):format(entry), 0)
  end
  return network, tonumber(number) * UNITS[unit]
end

-- What `session`'s client may send, in octets.
local function limit(session, options)
  local network = options.networks:get(session.client.ip)
  return network and options.limits[network] or options.limit
end

local function refusal(octets)
  return { code = 552, status = "5.3.4", text = ("Your message may have at most %d octets"):format(octets) }
end

---@type gatepost.Policy
return {
  summary = "Limits the size of messages by the client's network.",

  options = {
    limit = { type = "size", default = "25 MB", min = "64 KiB", help = "For clients in none of the networks." },
    by_network = { type = "list", help = "Networks with a limit of their own, \"192.0.2.0/24 100 MB\"; the narrowest counts." },
  },

  setup = function(options)
    local networks, limits = {}, {}
    for i = 1, #options.by_network do
      local network, octets = read(options.by_network[i])
      networks[i] = network
      -- The set knows one spelling of a network; asked for its first address, it tells.
      limits[ip.set(network):get((network:match("^[^/]+")))] = octets
    end
    options.networks, options.limits = ip.set(networks), limits
  end,

  mail = function(session, mail, options)
    local most = limit(session, options)
    if (mail.params.SIZE or 0) > most then return reject(refusal(most)) end
  end,

  message = function(session, message, options)
    local most = limit(session, options)
    if message.size > most then return reject(refusal(most)) end
  end,
}
