-- For the test of the test language: a web server.
return {
  summary = "Asks a web server about the client.",
  options = { url = { type = "string", default = "https://reputation.example/v1/" } },

  mail = function(session, mail, options)
    local reply, kind = http.get(options.url .. session.client.ip, { headers = { ["X-Token"] = "t" }, timeout = "3s" })
    if not reply then return defer("4.7.1", "Not known: " .. kind) end
    if reply.status ~= 200 then return end
    local said = reply:json()
    if said and said.score > 5 then return reject("5.7.1", "Your score is " .. said.score) end
  end,
}
