-- NAME: what it is for, and whom it spares.
-- `gatepost types > gatepost.lua` tells an editor what there is; docs/lua.md explains it.
---@type gatepost.Policy
return {
  summary = "Refuses recipients who have left.",

  -- What may stand in [policy.NAME]; `gatepost policy show NAME` prints it.
  options = {
    gone = { type = "list", of = "string", default = {}, help = "Addresses that nobody reads any more." },
  },

  -- One function for each stage that it has something to say at: connect, ehlo, mail, rcpt, data, header, message.
  -- Nothing returned is no opinion.
  rcpt = function(session, rcpt, options)
    for _, address in ipairs(options.gone) do
      if rcpt.address == address then
        return reject("5.1.6", "Nobody reads this address any more")
      end
    end
  end,
}
