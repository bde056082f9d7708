-- The machines inside: under our names to everybody, under others' to nobody.
set_up "gatepost.toml"

local function greeted(ip)
  local client = session { ip = ip or "10.0.5.7", listener = "inside" }
  client:ehlo("printer.lan")
  return client
end

test("a machine inside sends to any domain under our names", function()
  greeted():send { from = "printer@example.org", to = "ann@elsewhere.example" }:expect(250)
  greeted():send { from = "alerts@lan.example.org", to = "ann@elsewhere.example" }:expect(250)
  expect(#backend.messages):equals(2)
end)

test("under another's name it is refused, and the log says which machine", function()
  greeted():mail("ann@elsewhere.example"):expect(550, "5.7.1", "our own domains")
  expect(logged("foreign sender")):contains("client=10.0.5.7")
end)

test("bounces have no name", function()
  greeted():send { from = "", to = "ann@elsewhere.example" }:expect(250)
end)

test("scanners may send more than others", function()
  greeted("10.0.8.1"):mail("scan@example.org", { SIZE = 50000000 }):expect(250)
  greeted("10.0.5.7"):mail("scan@example.org", { SIZE = 50000000 }):expect(552)
end)

test("guests and strangers are refused", function()
  for _, ip in ipairs { "10.0.66.9", "203.0.113.9" } do
    local client = greeted(ip)
    client:mail("printer@example.org"):expect(250)
    client:rcpt("ann@elsewhere.example"):expect(550)
  end
end)
