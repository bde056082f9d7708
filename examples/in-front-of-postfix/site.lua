-- What only this site wants. A policy is a table: options, and a function for each stage that it looks at.
---@type gatepost.Policy
return {
  summary = "Keeps strangers from using our domains as sender, and slows down who guesses addresses.",

  options = {
    own_domains = { type = "domains", required = true, help = "Domains that only clients which may relay use as sender." },
    guesses = { type = "integer", default = 3, min = 1, help = "Refused recipients after which every reply is held back." },
    delay = { type = "duration", default = "5s", help = "For how long." },
  },

  mail = function(session, mail, options)
    -- Mailing lists and forwarders keep the From field, not this address: it is theirs or ours.
    if options.own_domains:contains(mail.domain) and not session.may_relay then
      return reject { text = "Our own domains send from our own servers", at = "rcpt" }
    end
  end,

  rcpt = function(session, rcpt, options)
    if session.recipients_refused >= options.guesses then
      session:delay(options.delay)
    end
  end,

  message = function(session, message, options)
    -- Whoever reads the headers finds the session in the log.
    message:prepend_header("X-Gatepost-Session", session.id)
  end,
}
