-- The world of a test: two Lua states, the clock, the backend, the log.

local function visit(visit)
  visit = visit or {}
  visit.policies = visit.policies or { "selfish" }
  local client = session(visit)
  client:ehlo()
  return client
end

test("sessions are spread over two Lua states, so that hidden state shows", function()
  visit():mail("ann@example.net"):expect(250)
  visit():mail("ann@example.net"):expect(250) -- it should have been refused, if the policy had meant what it says
  visit():mail("ann@example.net"):expect(550)
end)

test("each test has Lua states of its own", function()
  visit():mail("ann@example.net"):expect(250)
end)

test("hooks that nobody waits for have run when the session has ended", function()
  local client = visit()
  client:send():expect(250)
  client:quit():expect(221)
  expect(logged("gone")):contains("reason=quit")
  local other = visit { ip = "203.0.113.1" }
  other:disconnect()
  expect(logged("reason=lost")):is_there()
end)

test("a policy that fails where no reply tells of it is told of", function()
  visit():send { from = "fail@example.net" }:expect(250)
  local errors = policy_errors()
  expect(#errors):equals(1)
  expect(errors[1]):contains("policy selfish, hook outcome: ")
  expect(errors[1]):contains("oh no")
  expect(#policy_errors()):equals(0)
end)

test("a test begins at the same time, always, and time stands still but for what takes time", function()
  expect(clock.now()):equals(1767225600)
  local client = visit()
  client:quit()
  expect(logged("gone")):contains("at=1767225600")
  expect(logged("gone")):contains("hour=00")
  clock.advance("1h30m")
  expect(clock.now()):equals(1767225600 + 5400)
  visit():quit()
  expect(logged("at=1767231000")):contains("hour=01")
end)

test("a client that says nothing for too long is told so", function()
  local client = visit()
  clock.advance("4m")
  client:noop():expect(250)
  clock.advance("6m")
  client:noop():expect(421)
  expect(function() client:noop() end):raises("the connection is closed")
end)

test("the backend says what the test says", function()
  backend.reply("mail", "452 4.3.1 Full")
  visit():send():expect(452, "4.3.1", "Full")
  backend.reply("mail", nil)
  backend.reply("rcpt", "550 5.1.1 No such user", "bob@")
  backend.reply("message", "250 2.0.0 Queued as 1\nand more")
  local client = visit { ip = "203.0.113.1" }
  client:send { to = { "bob@ours.example", "carl@ours.example" } }:expect(250, "Queued as 1")
  expect(#backend.messages):equals(1)
  expect(backend.messages[1].envelope):equals { from = "ann@example.net", to = { "carl@ours.example" } }
  backend.reply("data", "451 4.3.0 Not now")
  visit { ip = "203.0.113.2" }:send { to = "carl@ours.example" }:expect(451, "4.3.0")
  expect(function() backend.reply("bark", "250 Ok") end):raises("'bark' is none of connect, ehlo")
  expect(function() backend.reply("rcpt", "no") end):raises("is no reply")
end)

test("a backend that is silent, or goes, is a fault for now", function()
  backend.reply("rcpt", "timeout")
  visit():send():expect(451)
  backend.reply("rcpt", "close")
  visit { ip = "203.0.113.1" }:send():expect(451)
  backend.reply("connect", "554 5.3.2 Go away")
  visit { ip = "203.0.113.2" }:send():expect(451)
end)

test("a message arrives as it was sent", function()
  visit():send {
    from = "", to = { "bob@ours.example", "carl@ours.example" }, params = { BODY = "8BITMIME" },
    subject = "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", x_number = 7, headers = { ["X-Two"] = { "a", "b" }, { "X-Pair", "c" } },
    body = "one\n.two\n..three\n",
  }:expect(250)
  local message = backend.messages[1]
  expect(message.envelope.from):equals("")
  expect(message:header("subject")):equals("Grüße")
  expect(message:header("X-Number")):equals("7")
  expect(message:headers("X-Two")):equals { "a", "b" }
  expect(message:header("X-Pair")):equals("c")
  expect(message:header("X-None")):is_nil()
  expect(message.content):matches("\r\n\r\none\r\n%.two\r\n%.%.three\r\n$")
  expect(message.size):equals(#message.content)
end)

test("commands can be said one by one, and as they are", function()
  local client = visit()
  client:noop():expect(250)
  client:vrfy("bob"):expect(252)
  client:command("BARK loudly"):expect(5)
  client:mail("ann@example.net", "SIZE=100"):expect(250)
  client:rcpt("bob@ours.example"):expect(250)
  client:data():expect(354)
  client:content("Subject: x\n\nbody\n"):expect(250)
  client:rset():expect(250)
  expect(client.banner.code):equals(220)
  expect(client.banner.text):contains("mx.ours.example")
end)

test("a session can be had otherwise", function()
  local client = session {
    ip = "2001:db8::1",
    policies = {},
    config = { hostname = "other.example", limits = { message_size = "1 MB" }, relay = { domains = { "a.example", "b.example" } } },
  }
  client.banner:expect(220, "other.example")
  client:ehlo():expect(250, "SIZE 1000000")
  client:mail("ann@example.net"):expect(250)
  client:rcpt("bob@b.example"):expect(250)
  client:rcpt("bob@ours.example"):expect(550)
end)

test("a set-up that is wrong says what and where", function()
  expect(function() session { policies = { "nosuch" } } end):raises("nosuch")
  expect(function() session { policies = {}, config = { limits = { message_sise = 1 } } } end):raises("message_size")
  expect(function() session { policies = { { "helo", dots = true } } } end):raises("'dot'")
  expect(function() session {} end):raises("there is no world.lua beside this file")
  expect(function() set_up "nosuch.toml" end):raises("nosuch.toml")
end)

test("an observed policy's words are in the log", function()
  local client = session { policies = { { "selfish", mode = "observe" } } }
  client:ehlo()
  client:mail("ann@example.net"):expect(250)
  client:rset()
  client:mail("ann@example.net"):expect(250)
  expect(logged("observed")):contains("Again?")
  expect(logged("never said")):is_nil()
end)
