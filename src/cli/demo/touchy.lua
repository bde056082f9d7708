-- A policy with a mistake in it: it raises an error for one sender. The client is told to come again later, the log
-- says where the mistake is, everybody else is served.
return {
  summary = "Crashes when crash@outside.example writes.",

  mail = function(session, mail, options)
    if mail.local_part == "crash" then
      local nothing = nil
      return nothing.reason
    end
  end,
}
