-- Web servers are the test's own.

local URL = "https://reputation.example/v1/203.0.113.9"

local function mail(ip)
  local client = session { ip = ip }
  client:ehlo()
  return client:mail("ann@example.net")
end

test("a page is what the test says", function()
  http.stub { [URL] = { json = { score = 9 } }, ["https://reputation.example/*"] = { status = 404 } }
  mail():expect(550, "5.7.1", "Your score is 9")
  mail("203.0.113.1"):expect(250)
  http.stub { [URL] = { status = 200, body = '{"score": 1}', headers = { ["Content-Type"] = "application/json" } } }
  mail():expect(250)
  local asked = http.requests[1]
  expect(asked.method):equals("GET")
  expect(asked.url):equals(URL)
  expect(asked.headers["x-token"]):equals("t")
  expect(#http.requests):equals(3)
end)

test("a server can fail in every way, and a time-out takes its time", function()
  mail():expect(451, "Not known: unreachable")
  for _, kind in ipairs { "refused", "invalid", "unavailable", "too_large" } do
    http.stub { [URL] = kind }
    mail():expect(451, "Not known: " .. kind)
  end
  http.stub { [URL] = "timeout" }
  local began = clock.now()
  mail():expect(451, "Not known: timeout")
  expect(clock.now() - began):is_at_least(3)
  expect(clock.now() - began):is_at_most(3.1)
end)
