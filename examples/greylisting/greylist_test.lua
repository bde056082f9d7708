-- Who was never here comes twice; who has come twice, and who may relay, comes once.

local function knock(visit)
  visit = visit or {}
  local client = session { ip = visit.ip, options = visit.options, config = visit.config }
  client:ehlo("mail.example.net"):expect(250)
  client:mail(visit.from or "ann@example.net"):expect(250)
  local said = client:rcpt(visit.to or "bob@ours.example")
  client:quit():expect(221)
  return said
end

test("a stranger is asked to come again, and then is no stranger", function()
  knock():expect(451, "4.7.1", "come again")
  clock.advance("6m")
  knock():expect(250)
  knock { from = "carl@example.net", to = "dora@ours.example" }:expect(250)
end)

test("to come again at once is too soon", function()
  knock():expect(451)
  clock.advance("4m")
  knock():expect(451)
  clock.advance("2m")
  knock():expect(250)
end)

test("to come again with another letter is not to come again", function()
  knock():expect(451)
  clock.advance("6m")
  knock { from = "carl@example.net" }:expect(451)
  knock { to = "dora@ours.example" }:expect(451)
end)

test("who comes too late is a stranger again", function()
  knock():expect(451)
  clock.advance("25h")
  knock():expect(451)
end)

test("a known client is forgotten in time", function()
  knock()
  clock.advance("6m")
  knock():expect(250)
  clock.advance("34d")
  knock():expect(250)
  clock.advance("2d")
  knock():expect(451)
end)

test("large senders may come again from a neighbour's address", function()
  knock { ip = "198.51.100.1" }:expect(451)
  clock.advance("6m")
  knock { ip = "198.51.100.200" }:expect(250)
  knock { ip = "2001:db8::1" }:expect(451)
  clock.advance("6m")
  knock { ip = "2001:db8::ffff:1" }:expect(250)
  knock { ip = "2001:db8:0:1::1" }:expect(451)
end)

test("a store that doesn't answer holds up nobody", function()
  for _, kind in ipairs { "timeout", "unavailable" } do
    store.fail(kind)
    knock():expect(250)
  end
end)

test("clients that may relay are not asked to come again", function()
  knock { config = { relay = { networks = { "203.0.113.0/24" } } } }:expect(250)
end)

test("whoever comes again in time gets through, and nobody before", function()
  for_all {
    ip = any.ip { "203.0.113.0/24", "8.0.0.0/7", "2600::/12" },
    from = any.address(),
    pause = any.integer(0, 3600),
    function(case)
      knock(case):expect(451)
      clock.advance(case.pause)
      knock(case):expect(case.pause >= 300 and 250 or 451)
    end,
    times = 50,
  }
end)
