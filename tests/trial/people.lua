-- For the test of the test language: a map on a server.
return {
  summary = "Asks a map about the sender.",
  options = { people = { type = "map", required = true } },

  mail = function(session, mail, options)
    local found, kind = options.people:get(mail.address)
    return reject("5.7.1", found or kind)
  end,
}
