//! Names that are not there: a warning each, and none for what is right.

use crate::lua::builtin;
use crate::lua::tests::support::Setup;

/// The warnings about a policy with this text, one a line.
fn warned(text: &str) -> String {
    let engine =
        Setup::new().policy("p", text).load().unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    let words = |problem: &crate::lua::problem::Problem| {
        let text = problem.to_string();
        text.rsplit_once("p.lua:").map_or(text.clone(), |(_, rest)| rest.to_owned())
    };
    engine.warnings().iter().map(words).collect::<Vec<_>>().join("\n")
}

/// The warnings about a `rcpt` hook with this body.
fn in_hook(body: &str) -> String {
    warned(&format!("return {{\n  rcpt = function(session, rcpt, options)\n    {body}\n  end,\n}}"))
}

#[test]
fn unknown_names_are_told_with_what_was_meant() {
    for (body, want) in [
        ("return session.clientip", "3: session has no field 'clientip' (did you mean 'client.ip'?)"),
        ("return session.client.potr", "3: client has no field 'potr' (did you mean 'port'?)"),
        ("session:dely(1)", "3: session has no method 'dely' (did you mean 'delay'?)"),
        ("session:name()", "3: session has no method 'name' (did you mean 'client:name'?)"),
        ("return session.ip", "3: session has no field 'ip' (did you mean 'client.ip'?)"),
        ("return rcpt.adress", "3: rcpt has no field 'adress' (did you mean 'address'?)"),
        ("return rcpt.colour", "3: rcpt has no field 'colour'"),
        ("return dns.mxx('a')", "3: dns has no 'mxx' (did you mean 'mx'?)"),
        ("return string.dump(f)", "3: string has no 'dump'\n3: unknown global 'f'"),
        ("return rejct('no')", "3: unknown global 'rejct' (did you mean 'reject'?)"),
        ("return sesion.id", "3: unknown global 'sesion' (did you mean 'session'?)"), // a parameter
        ("return io.open('x')", "3: policies have no 'io'"),
        ("session:spf()", "3: session:spf is not in this version"),
        ("x = 1", "3: global 'x' can't be assigned: write 'local x', or use session.vars"), // it raises, but only then
        ("local s = session.server.relay_domains s:has(1)", "3: a DomainSet has no method 'has'"),
    ] {
        let told = in_hook(body);
        assert!(told == want, "{body}:\n{told}");
    }
}

#[test]
fn options_that_a_policy_does_not_declare_are_told() {
    let policy = |hooks: &str| {
        warned(&format!(
            "return {{\n  options = {{ zones = {{ type = 'list', of = 'string' }}, limit = {{ type = 'integer', default = 1 }} }},\n  {hooks}\n}}"
        ))
    };
    for (hooks, want, why) in [
        (
            "rcpt = function(s, r, o) return o.limt end",
            "3: options has no 'limt' (did you mean 'limit'?)",
            "whatever it is called",
        ),
        ("rcpt = function(s, r, options) return options.zones[1], options.limit end", "", "what is declared"),
        (
            "setup = function(o) o.set = ip.set {} o.n = o.limitt end",
            "3: options has no 'limitt' (did you mean 'limit'?)",
            "in setup",
        ),
        (
            "setup = function(o) o.networks = ip.set {} end, rcpt = function(s, r, o) return o.networks, o.network end",
            "3: options has no 'network' (did you mean 'networks'?)",
            "what setup puts there is there",
        ),
        (
            "rcpt = function(s, r, o) local mine = o return mine.x end",
            "3: options has no 'x'",
            "by another name",
        ),
        ("rcpt = function(s, r, o) o = {} return o.x end", "", "no longer the options"),
        ("rcpt = function(s, r) local options = {} return options.x end", "", "a local of that name"),
    ] {
        assert_eq!(policy(hooks), want, "{why}: {hooks}");
    }
    let helper = "local function f(session, options) return options.a end return { options = { b = { type = 'string', default = '' } }, ehlo = function(s, e, o) return f(s, o) end }";
    assert_eq!(
        warned(helper),
        "1: options has no 'a' (did you mean 'b'?)".replace(" (did you mean 'b'?)", "")
    );
}

#[test]
fn what_is_there_is_not_warned_of() {
    for body in [
        "return reject('5.7.1', session.client.ip .. rcpt.address)",
        "local now, day = time.now(), os.date('%A') print(now, day, _VERSION, select('#', ...))",
        "session.vars.seen = (session.vars.seen or 0) + 1 return session.vars.seen",
        "for _, symbol in ipairs(session.symbols) do log.info(symbol.symbol, { points = symbol.points }) end",
        "if session.transaction.mail.params.SIZE then return defer('later') end",
        "local found, kind = session.client:name() return found and kind",
        "return rcpt.domain:lower():match('x'), ('x'):rep(3), #session.symbols",
        "local ok, problem = pcall(error, { session = 1 }) return ok and problem.session",
        "goto done ::done:: return",
        "local t = { io = 1, session = session } return t.io, t.session.anything",
    ] {
        let told = in_hook(&body.replace(", ...)", ", 1)"));
        assert!(told.is_empty(), "{body}:\n{told}");
    }
}

#[test]
fn built_in_policies_have_no_unknown_names() {
    for (name, text) in builtin::POLICIES {
        let text = text.replace("required = true", "required = false");
        let engine =
            Setup::new().policy(name, &text).load().unwrap_or_else(|problems| panic!("{problems:?}"));
        assert!(engine.warnings().is_empty(), "{name}: {:?}", engine.warnings());
    }
}

#[test]
fn modules_that_a_policy_requires_are_read_too() {
    let text = "local m = require 'm' return { mail = function() return m.judge() end }";
    let module = "local m = {}\nfunction m.judge()\n  return rejet('no')\nend\nreturn m";
    let engine = Setup::new().file("m.lua", module).policy("p", text).load().unwrap();
    let told: Vec<String> = engine.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("m.lua:3: unknown global 'rejet' (did you mean 'reject'?)"), "{told:?}");
}

#[test]
fn a_mistake_comes_with_the_misspelt_names_beside_it() {
    let problems = Setup::new().policy("p", "local s = dmains.set { 'a' }\nreturn {}").load().unwrap_err();
    let told: Vec<(bool, String)> =
        problems.iter().map(|one| (one.is_warning, one.message.clone())).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(!told[0].0 && told[0].1.contains("attempt to index a nil value (global 'dmains')"), "{told:?}");
    assert_eq!(told[1], (true, "unknown global 'dmains'".to_owned()));
    assert_eq!(problems[1].columns, Some(10..16));
}
