-- Who is let in, who isn't, and what wins.

-- What a client hears at RCPT, `strict` standing behind the policy: whom it refuses, that one was not allowed.
local function recipient(visit)
  local policies = { { "access" }, visit.strict and { "helo", literals = "refuse" } or nil }
  for key, value in pairs(visit.options or {}) do policies[1][key] = value end
  local client = session { ip = visit.ip, policies = policies }
  client:ehlo(visit.helo or (visit.strict and "[203.0.113.9]") or nil):expect(250)
  local mail = client:mail(visit.from or "ann@example.net")
  if mail.code ~= 250 then return mail end
  return client:rcpt(visit.to or "bob@ours.example")
end

-- Each case is a visit, what it hears, and why.
local function check(options, cases)
  for _, case in ipairs(cases) do
    local visit, code = case[1], case[2]
    visit.options = options
    recipient(visit):expect(code)
  end
end

test("each list denies whom it names and nobody else", function()
  check({
    deny_clients = { "198.51.100.0/24", "2001:db8:bad::/48" },
    deny_helos = { "bad.example", ".bad.example" },
    deny_senders = { "eve@a.example", ".spam.example", "spam.example", "noreply@" },
    deny_recipients = { "old@ours.example" },
  }, {
    { {}, 250, "in no list" },
    { { ip = "198.51.100.7" }, 550, "its network" },
    { { ip = "198.51.101.7" }, 250, "another network" },
    { { ip = "2001:db8:bad::1" }, 550, "IPv6" },
    { { helo = "bad.example" }, 550, "its HELO" },
    { { helo = "A.BAD.example" }, 550, "below it, in any case" },
    { { helo = "notbad.example" }, 250, "a suffix is not an end of letters" },
    { { helo = "[203.0.113.9]" }, 250, "a literal is no name" },
    { { from = "eve@a.example" }, 550, "the address" },
    { { from = "EVE@A.example" }, 550, "in any case" },
    { { from = "<\"eve\"@a.example>" }, 550, "quotes that nobody needs" },
    { { from = "eve@b.example" }, 250, "of another domain" },
    { { from = "x@spam.example" }, 550, "the domain" },
    { { from = "x@a.spam.example" }, 550, "below it" },
    { { from = "noreply@x.example" }, 550, "the local part" },
    { { from = "" }, 250, "a bounce" },
    { { to = "old@ours.example" }, 550, "the recipient" },
    { { to = "Postmaster" }, 250, "without a domain" },
  })
end)

test("a refusal is said at RCPT, but not to postmaster and abuse", function()
  for _, to in ipairs { "postmaster@ours.example", "abuse@ours.example", "Postmaster" } do
    recipient { ip = "198.51.100.7", to = to, options = { deny_clients = { "198.51.100.0/24" } } }:expect(250)
  end
  local client = session { ip = "198.51.100.7", options = { deny_clients = { "198.51.100.0/24" } } }
  client.banner:expect(220)
  client:ehlo():expect(250)
  client:mail("ann@example.net"):expect(250)
  client:rcpt("bob@ours.example"):expect(550, "5.7.1", "Access denied")
end)

test("the text can be chosen", function()
  local options = { deny_helos = { "bad.example" }, text = "Write to postmaster" }
  recipient { helo = "bad.example", options = options }:expect(550, "Write to postmaster")
end)

test("the allowed are left alone by the policies behind", function()
  check({
    allow_clients = { "198.51.100.7" },
    allow_helos = { "good.example" },
    allow_senders = { "ann@good.example", "boss@" },
    deny_clients = { "198.51.100.0/24" },
    deny_senders = { "good.example" },
  }, {
    { { strict = true }, 550, "in no list" },
    { { ip = "198.51.100.7", strict = true }, 250, "its address, though its network is denied" },
    { { ip = "198.51.100.8" }, 550, "its neighbour" },
    { { helo = "good.example" }, 250, "its HELO" },
    { { from = "ann@good.example" }, 250, "the sender, though the domain is denied" },
    { { from = "bob@good.example" }, 550, "another of the domain" },
    { { from = "boss@x.example" }, 250, "the local part" },
  })
end)

test("an allowed recipient is spared at RCPT, but not what was held back before", function()
  local access = { "access", allow_recipients = { "open@ours.example" }, deny_recipients = { "ours.example" } }
  local client = session { policies = { access, { "helo", literals = "refuse" } } }
  client:ehlo()
  client:mail("ann@example.net"):expect(250)
  client:rcpt("open@ours.example"):expect(250)
  client:rcpt("bob@ours.example"):expect(550)
  client:ehlo("[203.0.113.9]")
  client:mail("ann@example.net"):expect(250)
  client:rcpt("open@ours.example"):expect(550, "host name")
end)

test("an allowed sender is allowed for the transaction, an allowed client for the session", function()
  local options = { allow_senders = { "boss@example.net" }, allow_clients = { "198.51.100.7" } }
  local policies = { { "access" }, { "size", limit = "64 KiB" } }
  for key, value in pairs(options) do policies[1][key] = value end
  local client = session { policies = policies }
  client:ehlo()
  client:mail("boss@example.net", { SIZE = 1000000 }):expect(250)
  client:rset()
  client:mail("ann@example.net", { SIZE = 1000000 }):expect(552)
  local friend = session { ip = "198.51.100.7", policies = policies }
  friend:ehlo()
  friend:mail("ann@example.net", { SIZE = 1000000 }):expect(250)
end)

test("to allow is not to let relay", function()
  local options = { allow_clients = { "203.0.113.0/24" }, allow_senders = { "example.net" } }
  recipient { to = "bob@elsewhere.example", options = options }:expect(550, "5.7.1")
end)

test("names of clients count as far as they are known", function()
  dns.stub {
    ["198.51.100.7"] = { PTR = "mail.good.example" },
    ["mail.good.example"] = { A = "198.51.100.7" },
    ["198.51.100.8"] = { PTR = "forged.good.example" },
    ["198.51.100.9"] = { PTR = "host-9.dynamic.example" },
    ["198.51.100.10"] = "servfail",
  }
  local options = { allow_names = { ".good.example" }, deny_names = { ".dynamic.example" }, deny_clients = { "198.51.100.0/29" } }
  for _, case in ipairs {
    { "198.51.100.7", 250, "a name that points back, though the network is denied" },
    { "198.51.100.6", 550, "no name at all" },
    { "198.51.100.8", 250, "a forged name allows nothing, and denies nothing" },
    { "198.51.100.9", 550, "one that doesn't point back can be denied" },
    { "198.51.100.10", 250, "not known is neither" },
  } do
    recipient { ip = case[1], options = options }:expect(case[2])
  end
end)

test("without lists of names nobody asks for them", function()
  recipient { ip = "198.51.100.7", options = { deny_clients = { "192.0.2.0/24" } } }:expect(250)
  expect(logged("policy failed")):is_nil()
end)

test("an entry that is no address is a mistake at load", function()
  expect(function() session { options = { deny_senders = { "ann@a..b" } } } end):raises("'ann@a..b' is no address")
  expect(function() session { options = { deny_senders = { "a..b" } } } end):raises("a..b")
end)

test("A-labels and names as people write them are the same", function()
  local options = { deny_senders = { "eve@b\u{fc}cher.example" } }
  recipient { from = "eve@xn--bcher-kva.example", options = options }:expect(550)
end)

test("who is in no list passes, whoever that is", function()
  for_all {
    ip = any.ip(),
    helo = any.domain(),
    from = any.address(),
    function(case)
      recipient {
        ip = case.ip, helo = case.helo, from = case.from,
        options = { deny_clients = { "100.64.0.0/10" }, deny_helos = { "bad.nowhere" }, deny_senders = { "bad.nowhere" } },
      }:expect(250)
    end,
    times = 50,
  }
end)

test("what is both allowed and denied is allowed", function()
  for_all {
    from = any.address(),
    function(case)
      local domain = case.from:match("@([^@]+)$")
      local client = session { options = { allow_senders = { domain }, deny_senders = { domain } } }
      client:ehlo()
      client:mail(case.from):expect(250)
      client:rcpt("bob@ours.example"):expect(250)
    end,
    times = 50,
  }
end)
