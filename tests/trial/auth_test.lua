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

-- Who checks logins is played as web servers are, or is not there: a test reaches nobody by the network.
local function checked_by(verify)
  return { listener = who.listener, auth = { verify = verify, ldap = { bind_dn = "uid={user},dc=a" } } }
end

test("a web server that checks logins is played", function()
  http.stub { ["POST https://users.example/login"] = { json = { ok = true, user = "ann@ours.example" } } }
  local settings = { listener = who.listener, auth = { verify = "https://users.example/login" } }
  local client = session { policies = {}, config = settings }
  client:ehlo()
  client:auth("ann", "pencil"):expect(235)
  http.stub { ["POST https://users.example/login"] = "timeout" }
  client = session { policies = {}, config = settings }
  client:ehlo()
  client:auth("ann", "pencil"):expect(454, "4.7.0")
end)

test("a directory is not there", function()
  for _, verify in ipairs { "ldap://127.0.0.1", "ldaps://ldap.example.org" } do
    local client = session { policies = {}, config = checked_by(verify) }
    client:ehlo()
    client:auth("ann", "pencil"):expect(454, "4.7.0")
  end
end)
