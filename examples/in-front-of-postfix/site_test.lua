-- The whole set-up, as gatepost.toml has it, and site.lua in it.
set_up "gatepost.toml"

before_each(function()
  dns.stub { ["client.example"] = { MX = "mail.client.example" }, ["mail.client.example"] = { A = "198.51.100.9" } }
end)

local function greeted(ip)
  local client = session { ip = ip or "198.51.100.9" }
  client.banner:expect(220)
  client:ehlo("mail.client.example"):expect(250)
  return client
end

test("mail for us goes to Postfix, with the session's id on top", function()
  greeted():send { from = "ann@client.example", to = "bob@example.org", subject = "Hello" }:expect(250)
  local message = backend.messages[1]
  expect(message.envelope):equals { from = "ann@client.example", to = { "bob@example.org" } }
  expect(message:header("Subject")):equals("Hello")
  expect(message:header("X-Gatepost-Session")):matches("^%w+$")
  expect(message:header("Received")):contains("198.51.100.9")
end)

test("Postfix is told who the client is", function()
  greeted("198.51.100.4"):send { from = "ann@client.example", to = "bob@example.org" }:expect(250)
  local told
  for _, command in ipairs(backend.commands) do told = told or command:match("^XCLIENT .*") end
  expect(told):contains("ADDR=198.51.100.4")
end)

test("strangers can't use our domains as sender", function()
  local client = greeted()
  client:mail("boss@example.org"):expect(250)
  client:rcpt("bob@example.org"):expect(550, "5.7.1", "our own servers")
end)

test("our own machines can, and they may relay", function()
  local client = greeted("192.0.2.3")
  client:mail("boss@example.org"):expect(250)
  client:rcpt("ann@client.example"):expect(250)
end)

test("nobody else may relay", function()
  local client = greeted()
  client:mail("ann@client.example"):expect(250)
  client:rcpt("eve@elsewhere.example"):expect(550, "5.7.1")
end)

test("who guesses addresses waits", function()
  backend.reply("rcpt", "550 5.1.1 No such user", "guess")
  local client = greeted()
  client:mail("ann@client.example"):expect(250)
  for _ = 1, 3 do client:rcpt("guess@example.org"):expect(550, "5.1.1") end
  local began = clock.now()
  client:rcpt("bob@example.org"):expect(250)
  expect(clock.now() - began):is_at_least(5)
end)

test("a client on our own list of the unwanted is refused", function()
  local client = greeted("203.0.113.9")
  client:mail("ann@client.example"):expect(250)
  client:rcpt("postmaster@example.org"):expect(250)
  client:rcpt("bob@example.org"):expect(550, "Access denied")
end)

test("a client with our name is refused", function()
  local client = session { ip = "198.51.100.9" }
  client:ehlo("mail.example.org")
  client:mail("ann@client.example"):expect(250)
  client:rcpt("bob@example.org"):expect(550, "our name")
end)

test("the block lists are observed only", function()
  dns.stub { ["9.100.51.198.zen.example"] = { A = "127.0.0.4" } }
  greeted():send { from = "ann@client.example", to = "bob@example.org" }:expect(250)
  expect(logged("observed")):contains("listed by zen.example")
end)

test("a Postfix that is down, or doesn't let us say who the client is, gets no mail", function()
  backend.reply("connect", "close")
  local client = greeted()
  client:mail("ann@client.example"):expect(250)
  client:rcpt("bob@example.org"):expect(4)
end)

test("no stranger relays, whoever he is and whomever he writes to", function()
  for_all {
    ip = any.ip { "203.0.113.0/24", "198.51.100.0/24", "10.0.0.0/8", "192.0.2.16/28", "2001:db8:2::/48", "8.0.0.0/7" },
    from = any.address { "client.example", "example.org", "gone.example" },
    to = any.address { "elsewhere.example", "example.org.example", "example.com" },
    function(case)
      local client = session { ip = case.ip }
      client:ehlo("mail.client.example")
      client:mail(case.from)
      expect(client:rcpt(case.to).code):is_at_least(500)
      expect(#backend.messages):equals(0)
    end,
    times = 30,
  }
end)
