-- How much a network may send: so many messages, and under so many names.

local function mail(from, visit)
  visit = visit or {}
  visit.options = visit.options or { messages = 10, domains = 5 }
  local client = session(visit)
  client:ehlo("mail.example.net")
  local said = client:mail(from or "ann@example.net")
  client:quit()
  return said
end

test("a network that sends more than its share waits, and then may again", function()
  for _ = 1, 10 do mail():expect(250) end
  mail():expect(451, "4.7.1", "come again in %d+ minutes")
  clock.advance("1h")
  mail():expect(250)
end)

test("its neighbours in the network count with it, others don't", function()
  for number = 1, 10 do mail(nil, { ip = "203.0.113." .. number }):expect(250) end
  mail(nil, { ip = "203.0.113.200" }):expect(451)
  mail(nil, { ip = "203.0.114.1" }):expect(250)
end)

test("too many domains are too many names", function()
  for number = 1, 5 do mail(("ann@d%d.example"):format(number)):expect(250) end
  mail("ann@d1.example"):expect(250)
  mail("ann@d6.example"):expect(451, "4.7.1", "Too many sender domains")
  mail(""):expect(250)
end)

test("a store that doesn't answer holds up nobody", function()
  for _ = 1, 10 do mail() end
  store.fail("timeout")
  mail():expect(250)
end)

test("clients that may relay are not counted", function()
  for _ = 1, 12 do mail(nil, { config = { relay = { networks = { "203.0.113.0/24" } } } }):expect(250) end
end)
