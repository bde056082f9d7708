-- The whole set-up: greylisting is observed, rates count.
set_up "gatepost.toml"

local function send()
  local client = session { ip = "198.51.100.9" }
  local said = client:send { from = "ann@example.net", to = "bob@example.org" }
  client:quit()
  return said
end

test("greylisting learns, and holds up nobody's mail", function()
  send():expect(250)
  expect(logged("observed")):contains("Greylisted")
  expect(#backend.messages):equals(1)
end)

test("rates are held", function()
  for _ = 1, 120 do send():expect(250) end
  send():expect(451, "Too much mail")
end)
