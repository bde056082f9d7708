-- client:auth leads an exchange to its end.
local who = {
  listener = { auth = "optional", auth_without_tls = true },
  auth = { verify = "policy:who", failure_delay = "1s" },
}

test("a policy's users log in", function()
  local client = session { policies = { "who" }, config = who }
  client:ehlo():expect(250)
  client:auth("ann", "wrong"):expect(535, "5.7.8")
  client:auth("ann", "token", "xoauth2"):expect(535)
  client:auth("ann", "pencil", "LOGIN"):expect(235)
end)

test("and so in one go", function()
  local client = session { policies = { "who" }, config = who }
  client:ehlo()
  client:auth("ann", "pencil"):expect(235, "2.7.0")
  client:auth("ann", "pencil"):expect(503)
end)
