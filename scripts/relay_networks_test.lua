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
