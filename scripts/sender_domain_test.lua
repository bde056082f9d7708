-- Mail that nobody could answer, and no other.

local NEITHER = "Your sender's domain has neither MX nor address"

local function recipient(from, options, visit)
  visit = visit or {}
  visit.options = options
  local client = session(visit)
  client:ehlo()
  client:mail(from):expect(250)
  return client:rcpt("bob@ours.example")
end

before_each(function()
  dns.stub {
    ["mx.example"] = { MX = { "10 mail.mx.example", "20 other.mx.example" } },
    ["a.example"] = { A = "198.51.100.1" },
    ["six.example"] = { AAAA = "2001:db8::1" },
    ["alias.example"] = { CNAME = "a.example" },
    ["null.example"] = { MX = "." },
    ["txt.example"] = { TXT = "v=spf1 -all" },
    ["xn--bcher-kva.example"] = { MX = "mail.mx.example" },
    ["broken.example"] = "servfail",
    ["refused.example"] = "refused",
    ["dead.example"] = "timeout",
  }
end)

test("a sender whom mail can reach is none of its business", function()
  for _, domain in ipairs { "mx.example", "MX.Example", "a.example", "six.example", "alias.example", "xn--bcher-kva.example" } do
    recipient("ann@" .. domain):expect(250)
  end
end)

test("a domain with neither MX nor address is refused, at RCPT", function()
  for _, domain in ipairs { "gone.example", "txt.example", "below.gone.example" } do
    recipient("ann@" .. domain):expect(550, "5.1.8", NEITHER)
  end
end)

test("a domain with a null MX says itself that it takes no mail", function()
  recipient("ann@null.example"):expect(550, "5.7.27", "takes no mail")
end)

test("what the DNS doesn't know is no no", function()
  for _, domain in ipairs { "broken.example", "refused.example", "dead.example" } do
    recipient("ann@" .. domain):expect(250)
  end
end)

test("it can be a not now, if so wished", function()
  for _, domain in ipairs { "broken.example", "refused.example" } do
    recipient("ann@" .. domain, { unknown = "defer" }):expect(451, "4.1.8")
  end
  recipient("ann@gone.example", { unknown = "defer" }):expect(550, "5.1.8")
  recipient("ann@a.example", { unknown = "defer" }):expect(250)
end)

test("bounces, literals, our own domains, the exempt and those who may relay are not asked about", function()
  recipient(""):expect(250)
  recipient("ann@[203.0.113.9]"):expect(250)
  recipient("ann@ours.example"):expect(250)
  recipient("ann@printer.lan.example", { exempt = { ".lan.example" } }):expect(250)
  recipient("ann@gone.example", nil, { config = { relay = { networks = { "203.0.113.0/24" } } } }):expect(250)
  for _, name in ipairs { "ours.example", "printer.lan.example", "gone.example" } do
    expect(dns.asked(name, "MX")):equals(0)
  end
end)

test("postmaster and abuse stay reachable", function()
  local client = session {}
  client:ehlo()
  client:mail("ann@gone.example"):expect(250)
  client:rcpt("postmaster@ours.example"):expect(250)
  client:rcpt("bob@ours.example"):expect(550, "5.1.8")
end)

test("the next sender is judged afresh", function()
  local client = session {}
  client:ehlo()
  client:mail("ann@gone.example"):expect(250)
  client:rcpt("bob@ours.example"):expect(550)
  client:rset():expect(250)
  client:mail("ann@a.example"):expect(250)
  client:rcpt("bob@ours.example"):expect(250)
end)

test("a domain that was gone and is there again is believed", function()
  recipient("ann@new.example"):expect(550)
  dns.stub { ["new.example"] = { MX = "mail.mx.example" } }
  recipient("ann@new.example"):expect(250)
end)

test("no sender makes it fail, and none that exists is refused", function()
  for_all {
    from = any.address(),
    function(case)
      local domain = case.from:match("@([^@]+)$")
      dns.stub { [domain] = { A = "198.51.100.1" } }
      recipient(case.from):expect(250)
    end,
    times = 50,
  }
end)
