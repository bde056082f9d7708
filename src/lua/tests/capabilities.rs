//! What `allow` doesn't name can't be reached, whichever way a script goes about it.

use std::sync::Arc;

use crate::lua::capability::Capabilities;
use crate::lua::config::{OnError, OptionData, Policy};
use crate::lua::tests::maps::people_of;
use crate::lua::tests::support::{Setup, option, said, worker};

fn allow(words: &[&str]) -> impl Fn(&mut Policy) {
    let capabilities = Capabilities::only(words.iter().map(|word| word.parse().unwrap()).collect());
    move |policy| policy.allow = Some(Arc::new(capabilities.clone()))
}

fn connect(setup: Setup) -> String {
    worker(async { said(&setup.client().connect().await) })
}

#[test]
fn each_module_asks_for_leave() {
    for (call, need) in [
        ("dns.a('a.example')", "dns"),
        ("dns.aaaa('a.example')", "dns"),
        ("dns.mx('a.example')", "dns"),
        ("dns.txt('a.example')", "dns"),
        ("dns.ptr('192.0.2.1')", "dns"),
        ("dns.lookup('a.example', 'NS')", "dns"),
        ("dns.dnsbl('zen.example', '192.0.2.1')", "dns"),
        ("session.client:name()", "dns"),
        ("session.client:ptr()", "dns"),
        ("http.get('https://api.example/v1')", "http:https://api.example/"),
        ("http.post('https://api.example/v1')", "http:https://api.example/"),
        ("http.request { url = 'https://api.example/v1' }", "http:https://api.example/"),
        ("http.send { url = 'https://api.example:8443/v1' }", "http:https://api.example:8443/"),
        ("map.get('people')", "map:people"),
        ("store.get('grey:1')", "store:grey:1"),
        ("store.set('grey:1', 1)", "store:grey:1"),
        ("store.add('grey:1', 1)", "store:grey:1"),
        ("store.incr('grey:1')", "store:grey:1"),
        ("store.delete('grey:1')", "store:grey:1"),
        ("store.count_distinct('grey:1', 'a')", "store:grey:1"),
        ("store.remember('grey:1', { ttl = 60 }, function() return 1 end)", "store:grey:1"),
        ("store.shared.get('grey:1')", "store.shared:grey:1"),
        ("ratelimit.check('in', 'a', { limit = 1, per = 60 })", "ratelimit:in"),
        ("ratelimit.refund('in', 'a', { limit = 1, per = 60 })", "ratelimit:in"),
    ] {
        let text = format!(
            "return {{ connect = function(session)
               local ok, problem = pcall(function() {call} end)
               return reject(tostring(ok) .. ' ' .. tostring(problem))
             end }}"
        );
        let heard = connect(Setup::new().configured("p", &text, allow(&[])));
        assert!(heard.contains(&format!("this policy is not allowed \"{need}\"")), "{call}: {heard}");
        // What is allowed goes on to the world.
        let word = need.split(':').next().unwrap();
        let heard = connect(Setup::new().configured("p", &text, allow(&[word])));
        assert_eq!(heard, "554 5.7.1 true nil", "{call}");
    }
}

#[test]
fn a_refused_call_names_its_line_and_is_the_policys_error() {
    let text = "return { connect = function()\n  dns.a('a.example')\nend }";
    assert_eq!(
        connect(Setup::new().configured("p", text, allow(&["map"]))),
        "421 4.3.0 Local policy error, try again later"
    );
    let text = "\nmap.file('x')\nreturn {}";
    let problems = Setup::new().configured("p", text, allow(&["map:x"])).problems();
    assert_eq!(
        problems,
        "p.lua:2: map.file: this policy is not allowed \"map.file\"; `allow` in the configuration can name it"
    );
}

#[test]
fn there_is_no_way_round() {
    for (top, body) in [
        // A function kept from load, a coroutine, an iterator, a module of its own, a metatable, callbacks.
        ("local ask = dns.a", "ask('a.example')"),
        ("", "assert(coroutine.resume(coroutine.create(function() dns.a('a.example') end)))"),
        ("", "for _ in dns.a, 'a.example' do end"),
        ("local other = require 'other'", "other.ask('a.example')"),
        (
            "",
            "local t = setmetatable({}, { __index = function() return dns.a('a.example') end }) local x = t.y",
        ),
        ("", "table.sort({ 1, 2 }, function() dns.a('a.example') return true end)"),
    ] {
        let text = format!(
            "{top}
             return {{ connect = function(session)
               local ok, problem = pcall(function() {body} end)
               return reject(tostring(ok) .. ' ' .. tostring(problem))
             end }}"
        );
        let heard = |words: &[&str]| {
            let setup =
                Setup::new().file("other.lua", "return { ask = function(name) return dns.a(name) end }");
            connect(setup.configured("p", &text, allow(words)))
        };
        assert!(heard(&[]).contains("this policy is not allowed \"dns\""), "{body}: {}", heard(&[]));
        assert_eq!(heard(&["dns"]), "554 5.7.1 true nil", "{body}: the way itself is none");
    }
}

#[test]
fn what_calls_back_can_not_wait_whatever_is_allowed() {
    let text = "return { connect = function(session)
        return reject(select(2, pcall(tostring, setmetatable({}, { __tostring = dns.a }))))
      end }";
    for words in [&[][..], &["dns"]] {
        let heard = connect(Setup::new().configured("p", text, allow(words)));
        assert!(heard.contains("calls that wait can't be made inside a callback"), "{words:?}: {heard}");
    }
}

#[test]
fn who_may_reach_something_can_not_hand_it_on() {
    // What is shared is plain data: a function there is the giver's error.
    for (given, taken) in [("'plain'", "plain"), ("dns.a", "nil")] {
        let giver = format!("return {{ connect = function(session) session.shared.ask = {given} end }}");
        let taker = "return { connect = function(session) return reject(tostring(session.shared.ask)) end }";
        let setup = Setup::new().configured("giver", &giver, |policy| policy.on_error = OnError::Skip);
        let setup = setup.configured("p", taker, allow(&[]));
        assert_eq!(connect(setup), format!("554 5.7.1 {taken}"), "{given}");
    }
}

#[test]
fn a_task_may_reach_what_its_hook_may() {
    let text = "return { connect = function()
        local found, kind = task.start(function() return select(2, pcall(dns.a, 'a.example')) end):wait()
        return reject(tostring(found or kind))
      end }";
    let heard = |words: &[&str]| connect(Setup::new().configured("p", text, allow(words)));
    assert!(heard(&[]).contains("not allowed \"dns\""), "{}", heard(&[]));
    assert!(!heard(&["dns"]).contains("not allowed"), "{}", heard(&["dns"]));
}

#[test]
fn a_map_that_the_configuration_hands_over_needs_no_leave() {
    let text = "return { options = { who = { type = 'map' } },
        connect = function(session, client, options) return reject(options.who:get('ann')) end }";
    let mut setup = Setup::new();
    std::fs::write(setup.folder().join("people"), "ann friend\n").unwrap();
    setup.parts = setup.parts.clone().with_maps(people_of(&setup));
    let setup = setup.configured("p", text, |policy| {
        allow(&[])(policy);
        policy.options = vec![option("who", 1, OptionData::String("people".into()))];
    });
    assert_eq!(connect(setup), "554 5.7.1 friend");
}
