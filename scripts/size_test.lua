-- How much a client may send: by its network, as declared and as it is.

local options = {
  limit = "100 kB",
  by_network = { "192.0.2.0/24 200 kB", "192.0.2.128/25 0.05 MB", "2001:DB8::/32   1MiB" },
}

local LIMITS = {
  { "203.0.113.9", 100000 },          -- in no network
  { "192.0.2.1", 200000 },            -- in one
  { "192.0.2.200", 50000 },           -- in two: the narrowest
  { "2001:db8::1", 1048576 },         -- in another spelling
}

local function visit(ip)
  local client = session { ip = ip, options = options }
  client:ehlo()
  return client
end

test("a declared size is judged at MAIL", function()
  for _, case in ipairs(LIMITS) do
    local client = visit(case[1])
    client:mail("ann@example.net", { SIZE = case[2] }):expect(250)
    client:rset()
    local text = ("at most %d octets"):format(case[2])
    client:mail("ann@example.net", { SIZE = case[2] + 1 }):expect(552, "5.3.4", text)
    client:mail("ann@example.net"):expect(250)
  end
end)

test("the real size is judged at the end", function()
  for _, case in ipairs(LIMITS) do
    local ip, most = case[1], case[2]
    visit(ip):send { size = most - 1000 }:expect(250)
    visit(ip):send { size = most + 1000 }:expect(552, "5.3.4")
  end
  expect(#backend.messages):equals(#LIMITS)
end)

test("who declares little and sends much is found out", function()
  local client = visit("203.0.113.9")
  client:mail("ann@example.net", { SIZE = 1000 }):expect(250)
  client:rcpt("bob@ours.example"):expect(250)
  client:message { size = "150 kB" }:expect(552, "5.3.4")
  expect(#backend.messages):equals(0)
end)

test("the transaction after a refused one goes through", function()
  local client = visit("203.0.113.9")
  client:send { size = "150 kB" }:expect(552)
  client:send { body = "short\n" }:expect(250)
end)

test("without options the limit is 25 MB", function()
  local client = session {}
  client:ehlo()
  client:mail("ann@example.net", { SIZE = 25000000 }):expect(250)
  client:rset()
  client:mail("ann@example.net", { SIZE = 25000001 }):expect(552, "5.3.4")
end)

test("an entry that is written wrongly is a mistake at load", function()
  for _, entry in ipairs { "192.0.2.0/24", "192.0.2.0/24 big", "192.0.2.0/24 5 mb", "1 MB", "192.0.2.0/24 1.2.3 MB" } do
    expect(function() session { options = { by_network = { entry } } } end):raises("'" .. entry .. "' reads not as")
  end
  expect(function() session { options = { by_network = { "192.0.2.1/24 5 MB" } } } end):raises("192.0.2.1/24")
  expect(function() session { options = { limit = "1 kB" } } end):raises("limit")
end)

test("a declared size is refused exactly above the limit, whatever network", function()
  for_all {
    ip = any.ip { "203.0.113.0/24", "192.0.2.0/24", "2001:db8::/32" },
    size = any.integer(0, 2000000),
    function(case)
      local most = 100000
      if case.ip:find("^192") then most = tonumber(case.ip:match("%d+$")) >= 128 and 50000 or 200000 end
      if case.ip:find(":") then most = 1048576 end
      visit(case.ip):mail("ann@example.net", { SIZE = case.size }):expect(case.size > most and 552 or 250)
    end,
  }
end)
