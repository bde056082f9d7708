-- The TLS of a client is what the test says; there is no handshake.

test("a client's TLS is what the test says", function()
  local plain = session {}
  plain:ehlo("a.example"):expect(250)
  plain:mail("a@a.example"):expect(550, "5.7.1", "none")
  local shown = { subject = "CN=a", names = { "a.example" }, sha256 = ("ab"):rep(32), verified = true }
  local client = session { tls = { sni = "mx.ours.example", client_certificate = shown } }
  client:ehlo("a.example"):expect(250)
  client:mail("a@a.example"):expect(550, "5.7.1", "TLSv1.3 mx.ours.example CN=a abab true")
end)
