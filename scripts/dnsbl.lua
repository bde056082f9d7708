-- Asks block lists about the client. Clients that may relay and private addresses are not asked about.
-- A list that doesn't answer says nothing: only what is known counts.

-- Raises unless `zone` reads "zen.example", "zen.example=127.0.0.[2..11]" or either with "*3" behind it.
local function check(zone)
  local name, rest = zone:match("^([^=*]+)(.*)$")
  local codes = rest and rest:gsub("%*%-?%d+$", "")
  if not name or not domains.to_ascii(name) or not (codes == "" or codes:find("^=[%d%.%[%];,]+$")) then
    error(("zones: '%s' is no block list; one reads \"zen.example=127.0.0.[2..11]*3\""):format(zone), 0)
  end
end

-- The list that weighs most, for the text.
local function heaviest(hits)
  local best
  for zone, hit in pairs(hits) do
    local is_better = not best or hit.weight > hits[best].weight
    if is_better or hit.weight == hits[best].weight and zone < best then best = zone end
  end
  return best, hits[best]
end

---@type gatepost.Policy
return {
  summary = "Refuses clients that DNS block lists know.",

  options = {
    zones = { type = "list", required = true, min = 1, max = 64, help = "The lists, written as for Postfix's postscreen: \"zen.example\", \"zen.example=127.0.0.[2..11]*3\" with the answers that count and their weight. A weight below 0 makes a list of good ones." },
    threshold = { type = "number", default = 1, help = "The sum of weights from which a client is refused." },
    timeout = { type = "duration", default = "5s", min = "100ms", max = "8s", help = "How long all lists together may take." },
    exempt = { type = "networks", help = "Clients that are not asked about." },
  },

  setup = function(options)
    for i = 1, #options.zones do check(options.zones[i]) end
  end,

  -- At MAIL, not at connect: many who connect don't come that far, and a relay grant or a login is known by then.
  mail = function(session, mail, options)
    local address, vars = session.client.ip, session.vars
    if session.may_relay or ip.is_private(address) or ip.is_loopback(address) then return end
    if options.exempt:contains(address) then return end

    if vars.text == nil then
      local limits = { threshold = options.threshold, timeout = options.timeout }
      local found = dns.dnsbl(options.zones, address, limits)
      for zone, kind in pairs(found.unknown) do
        log.debug("block list not heard", { zone = zone, kind = kind })
      end
      if found.score < options.threshold then
        -- Not remembered if a list may yet say otherwise.
        if next(found.unknown) == nil then vars.text = "" end
        return
      end
      local zone, hit = heaviest(found.hits)
      vars.text = ("Your address %s is listed by %s%s"):format(address, zone, hit.text and ": " .. hit.text or "")
      session:note("dnsbl", zone)
    end
    if vars.text ~= "" then return reject { text = vars.text, at = "rcpt" } end
  end,
}
