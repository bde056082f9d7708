local function client_of(sender)
  local client = session { policies = { { "limits", recipients = 2 } } }
  client:ehlo("laptop.example.org")
  client:mail(sender):expect(250)
  return client
end

test("a sender who writes to many is held up, others are not", function()
  local client = client_of("ann@example.org")
  client:rcpt("a@ours.example"):expect(250)
  client:rcpt("b@ours.example"):expect(250)
  client:rcpt("c@ours.example"):expect(451, "4.7.1")
  client_of("bob@example.org"):rcpt("c@ours.example"):expect(250)
end)

test("after a while the sender may write again", function()
  local client = client_of("ann@example.org")
  for _, name in ipairs { "a", "b" } do client:rcpt(name .. "@ours.example"):expect(250) end
  client_of("ann@example.org"):rcpt("c@ours.example"):expect(451)
  clock.advance("2h")
  client_of("Ann@example.org"):rcpt("c@ours.example"):expect(250)
end)
