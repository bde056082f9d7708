-- Names that can't be the client's, and those that may well be.

local ADDRESS = "Your HELO says another address than yours"
local BRACKETS = "An address in HELO goes in brackets"
local OURS = "Your HELO says our name"
local DOT = "Your HELO is no full host name"
local NOBODY = "Your HELO name doesn't exist"

-- What a client at `ip` that calls itself `name` hears at RCPT.
local function recipient(ip, name, options)
  local client = session { ip = ip, options = options }
  client:ehlo(name):expect(250)
  client:mail("ann@example.net"):expect(250)
  return client:rcpt("bob@ours.example")
end

test("a name that can't be the client's is refused, at RCPT", function()
  for _, case in ipairs {
    { "203.0.113.9", "[203.0.113.8]", ADDRESS },
    { "2001:db8::1", "[IPv6:2001:db8::2]", ADDRESS },
    { "203.0.113.9", "[IPv6:::1]", ADDRESS },
    { "203.0.113.9", "203.0.113.9", BRACKETS },
    { "203.0.113.9", "mx.ours.example", OURS },
    { "203.0.113.9", "MX.Ours.Example", OURS },
    { "203.0.113.9", "mx.ours.example.", OURS },
    { "203.0.113.9", "mail.ours.example", OURS },
    { "203.0.113.9", "WORKSTATION", DOT },
    { "203.0.113.9", "localhost", DOT },
  } do
    local ip, name, text = case[1], case[2], case[3]
    recipient(ip, name, { own_names = { "mail.ours.example" } }):expect(550, "5.7.1", text)
  end
end)

test("a name that may be the client's is not", function()
  for _, case in ipairs {
    { "203.0.113.9", "mail.example.net", "a host name" },
    { "203.0.113.9", "mail.example.net.", "with the dot of the root" },
    { "203.0.113.9", "[203.0.113.9]", "its own address" },
    { "2001:db8::1", "[IPv6:2001:DB8:0:0::1]", "its own in another spelling" },
    { "203.0.113.9", "a.ours.example", "below our domain: a neighbour's" },
    { "127.0.0.1", "mx.ours.example", "we ourselves" },
    { "192.0.2.25", "mx.ours.example", "we ourselves, from the address that we listen on" },
  } do
    recipient(case[1], case[2], { own_names = { "ours.example" } }):expect(250)
  end
end)

test("HELO is judged as EHLO is", function()
  local client = session {}
  client:helo("localhost"):expect(250)
  client:mail("ann@example.net"):expect(250)
  client:rcpt("bob@ours.example"):expect(550, "5.7.1", DOT)
end)

test("postmaster and abuse stay reachable", function()
  local client = session {}
  client:ehlo("localhost")
  client:mail("ann@example.net"):expect(250)
  client:rcpt("postmaster@ours.example"):expect(250)
  client:rcpt("Abuse@ours.example"):expect(250)
  client:rcpt("bob@ours.example"):expect(550)
end)

test("a better name makes good", function()
  local client = session {}
  client:ehlo("localhost")
  client:ehlo("mail.example.net")
  client:mail("ann@example.net"):expect(250)
  client:rcpt("bob@ours.example"):expect(250)
end)

test("clients that may relay are not asked", function()
  local client = session { ip = "192.0.2.7", config = { relay = { networks = { "192.0.2.0/24" } } } }
  client:ehlo("localhost")
  client:mail("ann@example.net"):expect(250)
  client:rcpt("bob@elsewhere.example"):expect(250)
end)

test("each check can be turned off, or up", function()
  for _, case in ipairs {
    { "[203.0.113.8]", { literals = "any" }, 250 },
    { "[203.0.113.9]", { literals = "refuse" }, 550, "Say HELO with your host name" },
    { "203.0.113.9", { address = false }, 250 },
    { "localhost", { dot = false }, 250 },
  } do
    recipient("203.0.113.9", case[1], case[2]):expect(case[3], case[4])
  end
end)

test("with resolve, a name that nobody has is refused", function()
  dns.stub {
    ["a.example.net"] = { A = "198.51.100.1" },
    ["six.example.net"] = { AAAA = "2001:db8::9" },
    ["mx.example.net"] = { MX = "a.example.net" },
    ["txt.example.net"] = { TXT = "nothing else" },
  }
  for _, name in ipairs { "a.example.net", "six.example.net", "mx.example.net", "a.example.net." } do
    recipient("203.0.113.9", name, { resolve = true }):expect(250)
  end
  for _, name in ipairs { "txt.example.net", "gone.example.net" } do
    recipient("203.0.113.9", name, { resolve = true }):expect(550, NOBODY)
  end
  recipient("203.0.113.9", "gone.example.net", { resolve = false }):expect(250)
  expect(dns.asked("gone.example.net", "MX")):equals(1)
end)

test("what the DNS doesn't know is no no", function()
  dns.stub { ["broken.example.net"] = "servfail", ["dead.example.net"] = "timeout", ["no.example.net"] = "refused" }
  for _, name in ipairs { "broken.example.net", "dead.example.net", "no.example.net" } do
    recipient("203.0.113.9", name, { resolve = true }):expect(250)
  end
end)

test("observed, it says what it would have done", function()
  local client = session { policies = { { "helo", mode = "observe" } } }
  client:ehlo("localhost")
  client:mail("ann@example.net"):expect(250)
  client:rcpt("bob@ours.example"):expect(250)
  expect(logged("observed")):contains("would_have=\"550 5.7.1 " .. DOT)
end)

test("a literal is the client's own or is refused, whatever address", function()
  for_all {
    ip = any.ip(),
    other = any.ip(),
    function(case)
      local function literal(ip) return ip:find(":", 1, true) and "[IPv6:" .. ip .. "]" or "[" .. ip .. "]" end
      recipient(case.ip, literal(case.ip)):expect(250)
      if case.ip ~= case.other then recipient(case.ip, literal(case.other)):expect(550, ADDRESS) end
    end,
    times = 50,
  }
end)

test("no name makes the policy fail", function()
  for_all {
    ip = any.ip(),
    name = any.text { of = "abcXYZ019.-_[]:", most = 30 },
    function(case)
      local client = session { ip = case.ip, options = { own_names = { "ours.example" } } }
      local greeted = client:ehlo(case.name)
      if greeted.code == 250 then
        client:mail("ann@example.net"):expect(250)
        local code = client:rcpt("bob@ours.example").code
        expect(code == 250 or code == 550):is_true()
      end
    end,
  }
end)
