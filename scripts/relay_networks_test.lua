-- Who may send to any domain: those whom the option names, and nobody else.

local options = { networks = { "192.0.2.0/28", "2001:db8:1::/48" } }

local function visit(ip)
  local client = session { ip = ip, options = options }
  client:ehlo()
  client:mail("ann@example.net"):expect(250)
  return client
end

test("a client in a trusted network may send to any domain", function()
  for _, ip in ipairs { "192.0.2.1", "192.0.2.15", "2001:db8:1:2::3" } do
    visit(ip):rcpt("bob@elsewhere.example"):expect(250, "2.1.5")
  end
end)

test("a stranger can't relay", function()
  for _, ip in ipairs { "192.0.2.16", "203.0.113.9", "2001:db8:2::1" } do
    visit(ip):rcpt("bob@elsewhere.example"):expect(550, "5.7.1")
  end
end)

test("the leave is for every transaction of the session, and asked for anew", function()
  local client = visit("192.0.2.1")
  client:rcpt("bob@elsewhere.example"):expect(250)
  client:rset():expect(250)
  client:mail(""):expect(250)
  client:rcpt("bob@elsewhere.example"):expect(250)
end)

test("a stranger's mail to our own domains is none of its business", function()
  session { ip = "203.0.113.9", options = options }:send { to = "bob@ours.example" }:expect(250)
  expect(#backend.messages):equals(1)
end)

test("nobody outside the networks can relay, whatever address or sender", function()
  for_all {
    ip = any.ip { "192.0.2.16/28", "198.51.100.0/24", "10.0.0.0/8", "127.0.0.0/8", "2001:db8:2::/47", "fd00::/8" },
    from = any.address(),
    to = any.address(),
    function(case)
      local client = session { ip = case.ip, options = options }
      client:ehlo()
      client:mail(case.from):expect(250)
      client:rcpt(case.to):expect(550, "5.7.1")
    end,
  }
end)

test("the option is needed, and holds networks only", function()
  expect(function() session {} end):raises("networks")
  expect(function() session { options = { networks = { "192.0.2.1/24" } } } end):raises("192.0.2.1/24")
end)
