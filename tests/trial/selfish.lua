-- For the test of the test language: a policy that keeps to itself what it should share.
local seen = {}

return {
  summary = "Refuses who comes again, on the same worker only.",

  mail = function(session, mail)
    local ip = session.client.ip
    seen[ip] = (seen[ip] or 0) + 1
    if seen[ip] > 1 then return reject("Again?") end
  end,

  reply = function(session, reply)
    if reply.verb == "MAIL" and reply.code == 250 then session.vars.greeted = true end
  end,

  outcome = function(session, outcome)
    store.incr("outcomes", 1, "1d")
    if outcome.reverse_path:find("fail") then error("oh no") end
  end,

  closed = function(session, ending)
    store.incr("sessions", 1, "1d")
    log.info("gone", { reason = ending.reason, at = os.time(), hour = os.date("!%H") })
  end,
}
