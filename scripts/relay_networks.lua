-- Who may send to any domain, by network. The same can be said with `relay.networks`; as a policy it can stand behind
-- others, be observed first, and be different for each listener.
---@type gatepost.Policy
return {
  summary = "Lets clients in trusted networks relay.",

  options = {
    networks = { type = "networks", required = true, help = "Clients that may relay without authenticating." },
  },

  mail = function(session, mail, options)
    if options.networks:contains(session.client.ip) then
      mail:permit_relay("trusted network")
    end
  end,
}
