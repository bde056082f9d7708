-- The least that runs, as a client finds it.
set_up "gatepost.toml"

before_each(function()
  dns.stub { ["example.net"] = { MX = "mail.example.net" } }
end)

test("mail for us is taken, mail for others is not", function()
  local client = session {}
  client:ehlo("mail.example.net"):expect(250)
  client:mail("ann@example.net"):expect(250)
  client:rcpt("bob@example.org"):expect(250)
  client:rcpt("bob@elsewhere.example"):expect(550, "5.7.1")
  client:message { subject = "Hello" }:expect(250)
  expect(backend.messages[1].envelope.to):equals { "bob@example.org" }
end)

test("a sender whom nobody could answer is refused", function()
  local client = session {}
  client:ehlo("mail.example.net")
  client:mail("ann@gone.example"):expect(250)
  client:rcpt("bob@example.org"):expect(550, "5.1.8")
end)

test("a client with a name that can't be its own is refused", function()
  local client = session {}
  client:ehlo("mx.example.org")
  client:mail("ann@example.net"):expect(250)
  client:rcpt("bob@example.org"):expect(550)
end)

test("what the mail server says is passed on", function()
  backend.reply("rcpt", "550 5.1.1 No such user", "nobody@")
  backend.reply("message", "452 4.3.1 Disk full")
  local client = session {}
  client:ehlo("mail.example.net")
  client:mail("ann@example.net")
  client:rcpt("nobody@example.org"):expect(550, "5.1.1", "No such user")
  client:rcpt("bob@example.org"):expect(250)
  client:message {}:expect(452, "4.3.1")
  expect(backend.messages):equals {}
end)
