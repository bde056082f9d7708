-- The small policy of the benchmark: five hooks such as many sites have, each with a little to do.
-- Good mail passes all of them; benches/side-by-side sends nothing else.

-- Names that no mail server has of its own.
local generic = { "^%d+[-.]%d+[-.]%d+[-.]%d+", "^dsl[-.]", "^dyn[-.]", "dynamic", "^localhost" }

-- Mailboxes that exist only to be written from.
local send_only = { ["no-reply"] = true, noreply = true, ["do-not-reply"] = true }

---@type gatepost.Policy
return {
  summary = "Refuses blocked networks, generic names, oversized mail and odd headers.",

  options = {
    blocked = { type = "networks", required = true, help = "Clients that are turned away." },
    largest = { type = "size", default = "25 MB", help = "Most octets of a message." },
    most_fields = { type = "integer", default = 500, min = 10, help = "Most fields of a header section." },
  },

  connect = function(session, client, options)
    if options.blocked:contains(client.ip) then
      return reject("5.7.1", "Your network is blocked here")
    end
  end,

  ehlo = function(session, ehlo, options)
    local name = ehlo.name:lower()
    for _, pattern in ipairs(generic) do
      if name:find(pattern) then
        return reject { status = "5.7.1", text = "Use your own name", at = "rcpt" }
      end
    end
    if not ehlo.is_literal and not name:find(".", 1, true) then
      session:add_score(1, "SHORT_HELO")
    end
  end,

  mail = function(session, mail, options)
    local size = mail.params.SIZE
    if size and size > options.largest then
      return reject("5.3.4", ("%d octets are too many"):format(size))
    end
    if not mail.is_null and mail.domain == "" then
      return reject("5.1.7", "The sender's address has no domain")
    end
  end,

  rcpt = function(session, rcpt, options)
    local box = rcpt.local_part:lower():match("^([^+]*)")
    if send_only[box] and session.server.relay_domains:contains(rcpt.domain) then
      return reject("5.1.1", "Nobody reads " .. box)
    end
  end,

  header = function(session, message, options)
    local fields, from = 0, 0
    for field in message:fields() do
      fields = fields + 1
      if field.name:lower() == "from" then from = from + 1 end
    end
    if fields > options.most_fields then return reject("5.6.0", "Too many fields in the header") end
    if from ~= 1 then return reject("5.6.0", "A message has one From field") end
  end,
}
