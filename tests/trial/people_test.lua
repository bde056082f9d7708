-- Servers of maps are the test's own.

local function mail(source, address)
  local client = session { options = { people = "people" }, config = { map = { people = { source = source } } } }
  client:ehlo()
  return client:mail(address or "ann@example.net")
end

test("a map on a server says what the test says", function()
  for _, source in ipairs { "socketmap:inet:maps.example:1:people", "socketmap:unix:/nowhere:people", "https://maps.example/" } do
    map.stub { people = { ["ann@example.net"] = "friend" } }
    mail(source):expect(550, "5.7.1", "friend")
    mail(source, "eve@example.net"):expect(550, "5.7.1", "none")
  end
end)

test("of which nothing was said can't be reached", function()
  mail("socketmap:inet:127.0.0.1:1:people"):expect(550, "unreachable")
  mail("socketmap:unix:/nowhere:people"):expect(550, "unreachable")
end)

test("a server can fail in every way, and a time-out takes its time", function()
  local source = "socketmap:inet:maps.example:1:people"
  for _, kind in ipairs { "servfail", "refused", "invalid", "unavailable", "too_large" } do
    map.stub { people = kind }
    mail(source):expect(550, kind)
  end
  map.stub { people = "timeout" }
  local began = clock.now()
  mail(source):expect(550, "timeout")
  expect(clock.now() - began):is_at_least(5)
  expect(clock.now() - began):is_at_most(5.1)
end)

test("a map on a web server is a page where nothing else is said", function()
  http.stub { ["https://maps.example/?key=ann%40example.net"] = { body = "by a page" } }
  mail("https://maps.example/"):expect(550, "by a page")
end)
