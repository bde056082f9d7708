//! The modules as scripts use them: values, `nil, kind` for what can happen, and misuse at the caller's line.

use crate::lookup::name_server::NameServer;
use crate::lookup::zone::Zone;
use crate::lua::config::Policy;
use crate::lua::tests::support::{Setup, said, worker};

/// What `expression` gives in a hook, written out as JSON; several values as an array.
pub(super) fn given(expression: &str) -> String {
    heard(Setup::new(), "", &format!("return reject(show({expression}))"))
}

/// What a `connect` hook says; `top` stands at the top of its file.
pub(super) fn heard(setup: Setup, top: &str, body: &str) -> String {
    worker(spoken(setup, top, body))
}

pub(super) async fn spoken(setup: Setup, top: &str, body: &str) -> String {
    spoken_as(setup, top, body, |_| {}).await
}

/// The same by a policy that `configure` has had its hands on.
pub(super) async fn spoken_as(
    setup: Setup,
    top: &str,
    body: &str,
    configure: impl FnOnce(&mut Policy),
) -> String {
    let text = format!(
        "{top}
local function show(...)
  local all = table.pack(...)
  for i = 1, all.n do if all[i] == nil then all[i] = json.null end end
  if all.n == 1 then return assert(json.encode(all[1])) end
  all.n = nil
  return assert(json.encode(all))
end
return {{ connect = function(session)
{body}
end }}"
    );
    let said = said(&setup.configured("p", &text, configure).client().connect().await);
    said.strip_prefix("554 5.7.1 ").map_or(said.clone(), str::to_owned)
}

#[test]
fn addresses_and_domains_are_judged_as_text() {
    for (expression, want) in [
        ("ip.network('192.0.2.77', 24, 64)", "\"192.0.2.0/24\""),
        ("ip.network('2001:db8::1')", "\"2001:db8::/64\""), // /24 and /64 unless said otherwise
        ("ip.network('::ffff:192.0.2.77', 32, 64)", "\"192.0.2.77/32\""),
        ("ip.network('nonsense')", "[null,\"invalid\"]"),
        ("ip.is_private('10.1.2.3')", "true"),
        ("ip.is_private('192.0.2.1')", "false"),
        ("ip.is_private('x')", "[null,\"invalid\"]"),
        ("ip.is_loopback('::1')", "true"),
        ("ip.valid('192.0.2.1')", "true"),
        ("ip.valid('192.0.2')", "false"),
        ("domains.registrable('a.b.example.co.uk')", "\"example.co.uk\""),
        ("domains.registrable('co.uk')", "[null,\"none\"]"),
        ("domains.registrable('a..b')", "[null,\"invalid\"]"),
        ("domains.to_ascii('B\\xc3\\xbccher.example')", "\"xn--bcher-kva.example\""),
        ("domains.to_unicode('xn--bcher-kva.example') == 'b\\xc3\\xbccher.example'", "true"),
        ("domains.to_ascii('a b')", "[null,\"invalid\"]"),
        ("domains.to_ascii('\\xff')", "[null,\"invalid\"]"), // octets that no name holds
        ("domains.is_subdomain('a.Example.org', 'example.org')", "true"),
        ("domains.is_subdomain('example.org', 'example.org')", "false"),
        ("domains.is_subdomain('', 'example.org')", "[null,\"invalid\"]"),
        ("time.now() > 1.6e9", "true"),
    ] {
        assert_eq!(given(expression), want, "{expression}");
    }
}

#[test]
fn sets_are_made_at_load_and_asked_in_hooks() {
    let top = "local nets = ip.set { '192.0.2.0/24', '2001:db8::/32' }
local ours = domains.set { 'example.org', '.example.net' }
local one = ip.set '10.0.0.0/8'";
    for (expression, want) in [
        ("nets:contains(session.client.ip)", "true"),
        ("(nets:get('192.0.2.7'))", "\"192.0.2.0/24\""),
        ("nets:contains('203.0.113.1')", "false"),
        ("nets:contains('nonsense')", "false"),
        ("one:contains('10.1.1.1')", "true"),
        ("ours:contains('EXAMPLE.org')", "true"),
        ("ours:contains('a.example.org')", "false"),
        ("(ours:get('a.example.net'))", "\"example.net\""),
        ("#nets", "2"),
    ] {
        let body = format!("return reject(show({expression}))");
        assert_eq!(heard(Setup::new(), top, &body), want, "{expression}");
    }
}

#[test]
fn json_keeps_what_it_is_given() {
    for (text, want) in [
        ("[]", "[]"),
        ("{}", "{}"),
        ("[[],{},null]", "[[],{},null]"),
        (r#"{"b":[1,2.5,true],"a":{"x":null}}"#, r#"{"a":{"x":null},"b":[1,2.5,true]}"#), // by key
        (r#""\u00fc\n""#, "\"\u{fc}\\n\""),
        ("9007199254740993", "9007199254740993"), // an integer stays one
        ("1e3", "1000.0"),
    ] {
        // What a client hears is ASCII: compared in Lua.
        let body =
            format!("return reject(tostring(json.encode(json.decode [==[{text}]==]) == [==[{want}]==]))");
        assert_eq!(heard(Setup::new(), "", &body), "true", "{text}");
    }
    for (expression, want) in [
        ("json.decode('{\"a\":')", "[null,\"invalid\"]"),
        ("json.decode('\\xff')", "[null,\"invalid\"]"),
        ("json.decode('[1] x')", "[null,\"invalid\"]"),
        ("json.decode(('['):rep(65) .. (']'):rep(65))", "[null,\"too_large\"]"),
        ("json.decode(('['):rep(5000))", "[null,\"invalid\"]"), // past what the reader goes down
        ("json.decode('\"' .. ('x'):rep(300000) .. '\"')", "[null,\"too_large\"]"),
        ("json.encode(print)", "[null,\"invalid\"]"),
        ("json.encode(0/0)", "[null,\"invalid\"]"),
        ("json.encode('\\xff')", "[null,\"invalid\"]"),
        ("json.encode { 1, nil, 3, x = 4 }", "[null,\"invalid\"]"), // neither array nor object
        ("json.encode(session)", "[null,\"invalid\"]"),             // an object, no data
        ("json.encode(('x'):rep(300000))", "[null,\"too_large\"]"),
        ("json.decode('null') == json.null", "true"),
        ("json.decode('{\"a\":null}').a == json.null", "true"),
    ] {
        assert_eq!(given(expression), want, "{expression}");
    }
    let cycle = "local t = {} t.t = t local v, kind = json.encode(t) return reject(kind)";
    assert_eq!(heard(Setup::new(), "", cycle), "too_large");
    // Thirty tables that a plain walk would visit a thousand million times.
    let bomb =
        "local t = {} for i = 1, 30 do t = { t, t } end local v, kind = json.encode(t) return reject(kind)";
    assert_eq!(heard(Setup::new(), "", bomb), "too_large");
}

#[test]
fn what_json_decoded_can_be_kept() {
    let text = "return { connect = function(session) session.vars.kept = json.decode '[{\"a\":[]}]' end,
        ehlo = function(session) return reject(json.encode(session.vars.kept)) end }";
    let client = Setup::new().policy("p", text).client();
    worker(async {
        assert_eq!(said(&client.connect().await), "accept");
        assert_eq!(said(&client.ehlo("a.example").await), "550 5.7.1 [{\"a\":[]}]");
    });
}

#[test]
fn misuse_is_told_at_the_callers_line() {
    for (call, want) in [
        ("dns.a()", "p.lua:11: dns.a: a name is wanted, this is nil"),
        ("dns:a('x')", "p.lua:11: dns.a: use `.`: it is a function of dns, not a method"),
        ("dns.lookup('x', 'SPF')", "p.lua:11: dns.lookup: 'SPF' is none of A, AAAA, CNAME, MX"),
        ("dns.dnsbl({ 'a..b' }, '192.0.2.1')", "p.lua:11: dns.dnsbl: a..b: \"a..b\" is no domain"),
        (
            "dns.dnsbl('zen.example', 5)",
            "p.lua:11: dns.dnsbl: an address or a name is wanted, this is integer",
        ),
        ("dns.dnsbl('zen.example', 'x', { treshold = 1 })", "'treshold' is none of threshold, timeout"),
        (
            "dns.dnsbl('zen.example', 'x', { timeout = 'soon' })",
            "timeout is a number of seconds, or a duration",
        ),
        (
            "local z = {} for i = 1, 65 do z[i] = 'z' .. i .. '.example' end dns.dnsbl(z, 'x')",
            "dns.dnsbl: at most 64 of them",
        ),
        (
            "dns.dnsbl(setmetatable({}, { __index = function() return 'a.example' end }), 'x')",
            "at most 64 of them",
        ),
        ("ip.set { '192.0.2.0/24' }", "p.lua:11: ip.set is made once, at the top of the file or in setup"),
        ("domains.set {}", "domains.set is made once"),
        ("ip.network('192.0.2.1', 33)", "ip.network: a prefix of 0 to 32 bits is wanted"),
        ("ip.valid(nil)", "ip.valid: an address is wanted, this is nil"),
        ("json.decode {}", "json.decode: a text is wanted, this is table"),
        ("log.info {}", "log.info: a text is wanted, this is table"),
        ("log.info('x', { ['a b'] = 1 })", "log.info: a field's name is a word"),
        ("log.info('x', { a = {} })", "log.info: the field a is a table, which has no text"),
        ("dns.a = 1", "dns is read-only: 'a' can't be assigned"),
    ] {
        let body = format!("local ok, problem = pcall(function() {call} end) return reject(problem)");
        let heard = heard(Setup::new(), "\n", &body);
        let heard = heard.split_once("p.lua").map_or(heard.clone(), |(_, rest)| format!("p.lua{rest}"));
        assert!(heard.contains(want), "{call}: {heard}");
    }
    for (top, want) in [
        ("ip.set { '192.0.2.300' }\nreturn {}", "p.lua:1: ip.set: \"192.0.2.300\" is neither an address nor"),
        ("\ndomains.set { 'a..b' }\nreturn {}", "p.lua:2: domains.set: \"a..b\" is no domain"),
        ("return { setup = function() dns.a('x') end }", "p.lua:1: calls that wait can't be made while"),
    ] {
        let problems = Setup::new().policy("p", top).problems();
        assert!(problems.contains(want), "{top}: {problems}");
    }
}

/// A runtime on the real clock: the name server's answers take real time.
fn served(zone: &str, body: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = NameServer::start(Zone::parse(zone).unwrap()).await.unwrap();
        spoken(Setup::new().asking(&server), "", body).await
    })
}

#[test]
fn names_are_looked_up() {
    let zone = "example.org MX 20 b.example.org
        example.org MX 10 a.example.org
        example.org TXT \"v=spf1 -all\"
        a.example.org A 192.0.2.1
        a.example.org AAAA 2001:db8::1
        www.example.org CNAME a.example.org
        192.0.2.1 PTR a.example.org
        _x._tcp.example.org SRV 1 2 25 a.example.org
        null.example MX 0 .
        bad.example SERVFAIL
        no.example REFUSE
        dead.example DROP";
    for (expression, want) in [
        ("dns.a('a.example.org')", "[\"192.0.2.1\"]"),
        ("dns.a('www.example.org.')", "[\"192.0.2.1\"]"), // behind a CNAME; a dot at the end
        ("dns.aaaa('A.Example.org')", "[\"2001:db8::1\"]"),
        (
            "dns.mx('example.org')",
            r#"[{"exchange":"a.example.org","preference":10},{"exchange":"b.example.org","preference":20}]"#,
        ),
        ("dns.mx('null.example')", r#"[{"exchange":".","preference":0}]"#),
        ("dns.txt('example.org')", "[\"v=spf1 -all\"]"),
        ("dns.ptr('192.0.2.1')", "[\"a.example.org\"]"),
        ("dns.ptr('::ffff:192.0.2.1')", "[\"a.example.org\"]"),
        ("dns.lookup('www.example.org', 'cname')", "[\"a.example.org\"]"),
        (
            "dns.lookup('_x._tcp.example.org', 'SRV')",
            r#"[{"port":25,"priority":1,"target":"a.example.org","weight":2}]"#,
        ),
        ("dns.a('gone.example')", "[null,\"none\"]"),
        ("dns.txt('a.example.org')", "[null,\"none\"]"), // no record of that type
        ("dns.a('bad.example')", "[null,\"servfail\"]"),
        ("dns.a('no.example')", "[null,\"refused\"]"),
        ("dns.a('dead.example')", "[null,\"timeout\"]"),
        ("dns.a('a..b')", "[null,\"invalid\"]"),
        ("dns.a('a\\r\\nb')", "[null,\"invalid\"]"),
        ("dns.ptr('nonsense')", "[null,\"invalid\"]"),
        ("select(2, pcall(dns.a, 'a.example.org'))[1]", "\"192.0.2.1\""),
    ] {
        assert_eq!(served(zone, &format!("return reject(show({expression}))")), want, "{expression}");
    }
}

#[test]
fn block_lists_are_added_up() {
    let zone = "7.2.0.192.bl.example A 127.0.0.2
        7.2.0.192.bl.example TXT \"spam source\"
        7.2.0.192.good.example A 127.0.5.1
        7.2.0.192.we.example A 127.255.255.254
        7.2.0.192.sold.example A 198.51.100.1
        7.2.0.192.slow.example DROP
        bad.test.names.example A 127.0.0.4";
    for (arguments, want) in [
        (
            "'bl.example', session.client.ip",
            r#"{"hits":{"bl.example":{"codes":["127.0.0.2"],"text":"spam source","weight":1}},"score":1,"unknown":{}}"#,
        ),
        (
            "{ 'bl.example=127.0.0.[3..9]', 'none.example' }, '192.0.2.7'",
            r#"{"hits":{},"score":0,"unknown":{}}"#,
        ),
        (
            "{ 'we.example', 'sold.example' }, '192.0.2.7'", // "don't ask", and a domain that has been sold
            r#"{"hits":{},"score":0,"unknown":{"sold.example":"invalid","we.example":"refused"}}"#,
        ),
        (
            "'slow.example', '192.0.2.7', { timeout = 0.1 }",
            r#"{"hits":{},"score":0,"unknown":{"slow.example":"timeout"}}"#,
        ),
        ("{}, '192.0.2.7'", r#"{"hits":{},"score":0,"unknown":{}}"#),
        ("'names.example', 'not a name'", r#"{"hits":{},"score":0,"unknown":{"names.example":"invalid"}}"#),
    ] {
        let body = format!("return reject(show(dns.dnsbl({arguments})))");
        assert_eq!(served(zone, &body), want, "{arguments}");
    }
    // The slow list can't change on which side of the threshold the score is: nobody waits for it.
    let body = "local found = dns.dnsbl({ 'bl.example*3', 'slow.example*1' }, '192.0.2.7', \
        { threshold = 2, timeout = '9s' }) return reject(show(found.score, found.unknown))";
    assert_eq!(served(zone, body), "[3,{}]");
}
