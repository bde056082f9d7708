-- A block list in ten lines. The built-in policy `dnsbl` does more, but never asks about loopback addresses.
return {
  summary = "Refuses clients that a block list knows.",

  options = {
    zones = { type = "list", required = true, help = "The block lists." },
  },

  connect = function(session, client, options)
    local found = dns.dnsbl(options.zones, client.ip)
    if found.score > 0 then
      return reject { text = "Your address " .. client.ip .. " is on a block list", at = "rcpt" }
    end
  end,
}
