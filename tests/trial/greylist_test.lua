-- The store and the clock are the test's own.

local function try(from)
  local client = session {}
  client:ehlo()
  client:mail(from or "ann@example.net"):expect(250)
  local said = client:rcpt("bob@ours.example")
  client:quit():expect(221)
  return said
end

test("what one session stores, the next one finds in another Lua state", function()
  try():expect(451, "4.7.1", "Come again")
  try():expect(451, "Too soon")
  try("carl@example.net"):expect(451, "Come again")
end)

test("time passes as the test says", function()
  try():expect(451, "Come again")
  clock.advance("4m")
  try():expect(451, "Too soon")
  clock.advance("2m")
  try():expect(250)
end)

test("entries expire", function()
  try():expect(451, "Come again")
  clock.advance("25h")
  try():expect(451, "Come again")
end)

test("no test finds what another one has stored", function()
  try():expect(451, "Come again")
end)

test("a store can fail in every way", function()
  for _, kind in ipairs { "timeout", "unavailable", "invalid", "too_large" } do
    store.fail(kind)
    try():expect(451, "4.3.0", "The store says " .. kind)
  end
  store.fail(nil)
  try():expect(451, "Come again")
  expect(function() store.fail("sometimes") end):raises("'sometimes' is none of timeout, unavailable")
end)

test("each case of a property begins with an empty store", function()
  for_all {
    from = any.address(),
    function(case)
      try(case.from):expect(451, "Come again")
      clock.advance("10m")
      try(case.from):expect(250)
    end,
    times = 20,
  }
end)
