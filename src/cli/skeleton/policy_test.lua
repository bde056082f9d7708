-- What NAME does, as a client sees it: gatepost test .

local function visit()
  local client = session {
    ip = "203.0.113.9",
    policies = { { "NAME", gone = { "ann@ours.example" } } },
  }
  client:ehlo("mail.example.net"):expect(250)
  client:mail("bob@example.net"):expect(250)
  return client
end

test("a recipient who has left is refused", function()
  visit():rcpt("ann@ours.example"):expect(550, "5.1.6")
end)

test("others are left alone", function()
  visit():rcpt("carl@ours.example"):expect(250)
end)
