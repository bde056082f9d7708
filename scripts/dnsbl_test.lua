-- Listed clients are refused, and nobody for a list's silence.

local ZONES = { "bl.example" }

local function recipient(ip, options, visit)
  visit = visit or {}
  visit.ip, visit.options = ip, options or { zones = ZONES }
  local client = session(visit)
  client:ehlo()
  client:mail("ann@example.net"):expect(250)
  return client:rcpt("bob@ours.example")
end

before_each(function()
  dns.stub {
    ["9.113.0.203.bl.example"] = { A = "127.0.0.2", TXT = "see bl.example" },
    ["8.113.0.203.bl.example"] = { A = "127.0.0.10" },
    ["9.113.0.203.two.example"] = { A = "127.0.0.2" },
    ["8.113.0.203.good.example"] = { A = "127.0.0.1" },
    ["7.113.0.203.bl.example"] = "servfail",
    ["6.113.0.203.bl.example"] = "timeout",
    ["5.113.0.203.bl.example"] = { A = "127.255.255.254" },
    ["4.113.0.203.bl.example"] = { A = "198.51.100.1" },
    ["1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example"] = { A = "127.0.0.2" },
    ["1.0.0.10.bl.example"] = { A = "127.0.0.2" },
  }
end)

test("a listed client is refused at RCPT, with the list's own words", function()
  recipient("203.0.113.9"):expect(550, "5.7.1", "Your address 203.0.113.9 is listed by bl.example: see bl.example")
end)

test("one that isn't listed is not", function()
  recipient("203.0.113.1"):expect(250)
end)

test("IPv6 is looked up nibble by nibble", function()
  recipient("2001:db8::1"):expect(550, "listed by bl.example")
  recipient("2001:db8::2"):expect(250)
end)

test("the sum of weights decides", function()
  recipient("203.0.113.9", { zones = ZONES, threshold = 2 }):expect(250)
  recipient("203.0.113.9", { zones = { "bl.example", "two.example*3" }, threshold = 4 }):expect(550, "listed by two.example")
  recipient("203.0.113.9", { zones = { "bl.example", "two.example*3" }, threshold = 5 }):expect(250)
end)

test("of two lists with the same weight the text names the first by name", function()
  recipient("203.0.113.9", { zones = { "two.example", "bl.example" }, threshold = 2 }):expect(550, "listed by bl.example")
end)

test("a list of good ones takes away", function()
  local zones = { "bl.example", "good.example*-5" }
  recipient("203.0.113.8", { zones = zones }):expect(250)
  recipient("203.0.113.9", { zones = zones }):expect(550)
end)

test("only the answers that count do", function()
  recipient("203.0.113.8", { zones = { "bl.example=127.0.0.[2..9]" } }):expect(250)
  recipient("203.0.113.9", { zones = { "bl.example=127.0.0.[2..9]" } }):expect(550)
end)

test("a list that doesn't answer, refuses or lies says nothing", function()
  for _, ip in ipairs { "203.0.113.7", "203.0.113.6", "203.0.113.5", "203.0.113.4" } do
    recipient(ip):expect(250)
  end
end)

test("a dead list costs its timeout and no more, and is asked again", function()
  local began = clock.now()
  local client = session { ip = "203.0.113.6", options = { zones = ZONES, timeout = "2s" } }
  client:ehlo()
  client:mail("ann@example.net"):expect(250)
  local waited = clock.now() - began
  expect(waited):is_at_least(1.9)
  expect(waited):is_at_most(2.5)
  client:rset()
  -- It is well again, and lists the client after all.
  dns.stub { ["6.113.0.203.bl.example"] = { A = "127.0.0.2" } }
  clock.advance("10s")
  client:mail("ann@example.net"):expect(250)
  client:rcpt("bob@ours.example"):expect(550)
end)

test("what a list said is remembered for the session", function()
  local client = session { ip = "203.0.113.9", options = { zones = ZONES } }
  client:ehlo()
  for _ = 1, 3 do
    client:mail("ann@example.net"):expect(250)
    client:rcpt("bob@ours.example"):expect(550)
    client:rset()
  end
  expect(dns.asked("9.113.0.203.bl.example", "A")):equals(1)
  local other = session { ip = "203.0.113.1", options = { zones = ZONES } }
  other:ehlo()
  for _ = 1, 3 do
    other:mail("ann@example.net"):expect(250)
    other:rset()
  end
  expect(dns.asked("1.113.0.203.bl.example", "A")):equals(1)
end)

test("private addresses, the exempt and those who may relay are not asked about", function()
  recipient("10.0.0.1"):expect(250)
  recipient("127.0.0.1"):expect(250)
  recipient("203.0.113.9", { zones = ZONES, exempt = { "203.0.113.0/24" } }):expect(250)
  recipient("203.0.113.9", nil, { config = { relay = { networks = { "203.0.113.9" } } } }):expect(250)
  expect(dns.asked("9.113.0.203.bl.example", "A")):equals(0)
  expect(dns.asked("1.0.0.10.bl.example", "A")):equals(0)
end)

test("who only connects is not asked about", function()
  local client = session { ip = "203.0.113.9", options = { zones = ZONES } }
  client:ehlo()
  client:quit():expect(221)
  expect(dns.asked("9.113.0.203.bl.example", "A")):equals(0)
end)

test("postmaster stays reachable for the listed", function()
  local client = session { ip = "203.0.113.9", options = { zones = ZONES } }
  client:ehlo()
  client:mail("ann@example.net"):expect(250)
  client:rcpt("postmaster@ours.example"):expect(250)
  client:rcpt("bob@ours.example"):expect(550)
end)

test("observed, a listed client gets through and the log says so", function()
  local client = session { ip = "203.0.113.9", policies = { { "dnsbl", zones = ZONES, mode = "observe" } } }
  client:send():expect(250)
  expect(logged("observed")):contains("is listed by bl.example")
end)

test("a zone that is written wrongly is a mistake at load", function()
  for _, zone in ipairs { "bl.example=", "bl.example=127.0.0.x", "b..l", "bl.example*x", "" } do
    expect(function() session { options = { zones = { zone } } } end):raises("zones: '" .. zone .. "' is no block list")
  end
  expect(function() session { options = { zones = {} } } end):raises("zones")
  expect(function() session {} end):raises("zones")
  expect(function() session { options = { zones = ZONES, timeout = "1m" } } end):raises("timeout")
end)

test("no client is refused whom no list names", function()
  for_all {
    ip = any.ip { "198.51.100.0/24", "8.0.0.0/7", "10.0.0.0/8", "2600::/12" },
    from = any.address(),
    function(case)
      local client = session { ip = case.ip, options = { zones = { "bl.example", "two.example*2" } } }
      client:ehlo()
      client:mail(case.from):expect(250)
      client:rcpt("bob@ours.example"):expect(250)
    end,
    times = 50,
  }
end)
