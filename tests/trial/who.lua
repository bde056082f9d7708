return {
  summary = "Knows ann.",
  verify = function(_, credentials) return credentials.user == "ann" and credentials.password == "pencil" end,
}
