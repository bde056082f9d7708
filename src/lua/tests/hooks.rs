//! Hooks: what they see, what they say, what they ask for.

use std::rc::Rc;

use crate::lua::chain::Chain;
use crate::lua::tests::support::{Setup, effects_of, said, worker};
use crate::session::effects::Scope;

/// What the client hears at each stage of a short dialogue, with one policy whose hook for `stage` has this body.
fn heard(stage: &str, body: &str) -> String {
    let text = format!("return {{ {stage} = function(session, {stage}, options)\n{body}\nend }}");
    worker(async {
        let client = Setup::new().policy("p", &text).client();
        let mut decision = client.connect().await;
        if stage != "connect" {
            decision = client.ehlo("Client.Example").await;
        }
        if !matches!(stage, "connect" | "ehlo") {
            decision = client.mail("<Ann@A.example> SIZE=1000 BODY=8BITMIME").await;
        }
        if !matches!(stage, "connect" | "ehlo" | "mail") {
            decision = client.rcpt("<bob@ours.example>").await;
        }
        if stage == "data" {
            decision = client.data().await;
        }
        said(&decision)
    })
}

#[test]
fn each_verdict_has_its_reply() {
    for (stage, body, want) in [
        ("rcpt", "", "accept"),
        ("rcpt", "return reject('no')", "550 5.7.1 no"),
        ("rcpt", "return reject('5.1.1', 'no such user')", "550 5.1.1 no such user"),
        ("rcpt", "return defer('later')", "451 4.7.1 later"),
        ("rcpt", "return defer('4.2.1', 'later')", "451 4.2.1 later"),
        ("rcpt", "return disconnect('bye')", "421 4.7.0 bye"),
        ("rcpt", "return reject { code = 554, status = '5.7.9', text = 'a\\nb' }", "554-5.7.9 a|554 5.7.9 b"),
        ("rcpt", "return discard('spam trap')", "discard spam trap"),
        ("rcpt", "return accept()", "accept"),
        ("connect", "return reject('no')", "554 5.7.1 no"), // smtp.md: connect 554 or 421
        ("connect", "return defer('no')", "421 4.7.1 no"),
        ("ehlo", "return reject('no')", "550 5.7.1 no"),
        ("mail", "return defer('no')", "451 4.7.1 no"),
        ("data", "return reject('no')", "550 5.7.1 no"),
    ] {
        assert_eq!(heard(stage, body), want, "{stage}: {body}");
    }
}

#[test]
fn a_refusals_text_never_fails() {
    for (text, want) in [
        (r"'a\0b\27c'", "550 5.7.1 a?b?c"),
        (r"'gr\xc3\xbcn'", "550 5.7.1 gr?n"),
        (r"'\xff'", "550 5.7.1 ?"),
        (r"'a\r\nb'", "550-5.7.1 a|550 5.7.1 b"),
    ] {
        assert_eq!(heard("rcpt", &format!("return reject({text})")), want, "{text}");
    }
    let long = heard("rcpt", "return reject(('x'):rep(100000))");
    assert!(long.split('|').all(|line| line.len() <= 510) && long.len() < 4096);
}

#[test]
fn a_wrong_verdict_is_a_policy_error() {
    for (stage, body) in [
        ("rcpt", "return reject(550, 'no')"),     // a number first
        ("rcpt", "return reject { code = 451 }"), // a code that doesn't fit
        ("rcpt", "return reject { code = 250 }"),
        ("rcpt", "return defer('5.7.1', 'no')"), // a status that doesn't fit
        ("rcpt", "return reject('x.y.z', 'no')"),
        ("rcpt", "return disconnect { code = 550 }"),
        ("rcpt", "return reject { txt = 'no' }"),
        ("rcpt", "return reject { at = 'rcpt' }"), // nothing to wait for
        ("connect", "return reject { code = 550 }"),
        ("mail", "return discard('x')"),
        ("rcpt", "local v = reject('no')"), // made and not returned
        ("rcpt", "local v = reject('a') return reject('b')"),
        ("rcpt", "return true"),
        ("rcpt", "return 'reject'"),
        ("rcpt", "return {}"),
        ("ehlo", "return accept('transaction')"),
        ("rcpt", "return accept('forever')"),
    ] {
        let want = if stage == "connect" { "421 4.3.0" } else { "451 4.3.0" };
        assert!(heard(stage, body).starts_with(want), "{stage}: {body}: {}", heard(stage, body));
    }
}

#[test]
fn facts_are_what_the_page_says() {
    let check = |stage: &str, body: &str| {
        let reply = heard(stage, &format!("{body}\nreturn reject('passed')"));
        assert!(reply.ends_with("passed"), "{stage}: {body}: {reply}");
    };
    check("connect", "assert(session.client == connect)
        assert(connect.ip == '192.0.2.7' and connect.port == 4321 and connect.network == '192.0.2.0/24')
        assert(session.peer.ip == '192.0.2.7' and session.server.port == 25 and session.server.hostname == 'mx.ours.example')
        assert(session.server.relay_domains:contains('ours.example'))
        assert(#session.id == 16 and session.listener == '25' and session.protocol == 'smtp')
        assert(session.ehlo == nil and session.transaction == nil and session.tls == nil and session.auth == nil)
        assert(session.may_relay == nil and session.messages == 0 and session.talked_early == false and session.seconds >= 0)
        assert(session.score == 0 and #session.symbols == 0)");
    check(
        "ehlo",
        "assert(ehlo.name == 'Client.Example' and ehlo.verb == 'EHLO' and ehlo.is_literal == false)
        assert(session.ehlo == ehlo)",
    );
    check("mail", "assert(mail.address == 'Ann@a.example' and mail.local_part == 'Ann' and mail.domain == 'a.example')
        assert(mail.raw == 'Ann@A.example' and mail.is_null == false)
        assert(mail.params.SIZE == 1000 and mail.params.BODY == '8BITMIME' and mail.params.RET == nil)
        assert(session.ehlo.name == 'Client.Example' and session.transaction.mail == mail and session.transaction.index == 1)");
    check("rcpt", "assert(rcpt.address == 'bob@ours.example' and rcpt.index == 1 and next(rcpt.params) == nil)
        local t = session.transaction
        assert(t.mail.address == 'Ann@a.example' and #t.recipients == 0 and t.size_declared == 1000 and t == session.transaction)");
    check("data", "assert(data == session.transaction and #data.recipients == 1 and data.recipients[1].address == 'bob@ours.example')
        for i, r in ipairs(data.recipients) do assert(r.domain == 'ours.example') end");
}

#[test]
fn objects_are_read_only_and_say_so() {
    for (body, want) in [
        ("session.id = 1", "session is read-only: 'id' can't be assigned"),
        ("session.client.ip = 1", "client is read-only: 'ip' can't be assigned"),
        ("mail.address = 'x'", "mail is read-only: 'address' can't be assigned"),
        ("mail.params.X = 'x'", "params is read-only: 'X' can't be assigned"),
        ("options.x = 1", "options is read-only: 'x' can't be assigned"),
        ("rawset(mail, 'address', 1)", "mail is read-only"),
        ("setmetatable(mail, {})", "cannot change a protected metatable"),
        ("count = 1", "assignment to global 'count' inside a hook; use a local or the session table"),
        ("setmetatable({}, { __gc = print })", "__gc can't be used in a policy"),
        ("session.permit_relay('x')", "use `:`: session:permit_relay(…)"),
        ("mail.permit_relay('x')", "use `:`: mail:permit_relay(…)"),
        ("session:permit_relay('x')", "session:permit_relay can be called at connect, tls, ehlo, auth only"),
        ("mail:route('x')", "mail:route is not in this version"),
        ("session:spf()", "session:spf is not in this version"),
        ("local x = _ENV['rsp' .. 'amd']", "'rspamd' is not in this version"),
        ("mail:rewrite('nonsense')", "mail:rewrite: 'nonsense' is no address"),
    ] {
        let body = format!(
            "local ok, problem = pcall(function() {body} end)\nassert(not ok)\nreturn reject((problem:match('[^\\n]*')))"
        );
        let reply = heard("mail", &body);
        let want: String = want.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        assert!(reply.contains(&format!("p.lua:2: {want}")) || reply.contains(&want), "{body}: {reply}");
    }
}

#[test]
fn the_sandbox_holds_nothing_that_reaches_the_machine() {
    let names = "io debug load loadfile dofile loadstring package collectgarbage _G os.execute os.exit os.getenv os.remove os.rename os.tmpname string.dump";
    for name in names.split(' ') {
        assert_eq!(
            heard("mail", &format!("if {name} == nil then return reject('none') end")),
            "550 5.7.1 none",
            "{name}"
        );
    }
    assert_eq!(
        heard("mail", "if getmetatable('') == false then return reject('none') end"),
        "550 5.7.1 none"
    );
}

#[test]
fn effects_come_with_the_decision() {
    worker(async {
        let text = "return {
          connect = function(session) session:delay('2s'); session:delay(0.5); session:skip('greylist') end,
          mail = function(session, mail)
            mail:permit_relay('because'); mail:rewrite('x@y.example'); mail:skip('dnsbl')
            session:add_score(1.5, 'ODD'); session:note('key', 7)
            session.transaction:add_header('X-Seen', 'yes\\r\\nX-Not: this')
            assert(session.score == 1.5)
          end,
          rcpt = function(session, rcpt)
            session.transaction:add_recipient('copy@ours.example')
            rcpt:rewrite('z@ours.example')
            assert(session.score == 1.5 and session.symbols[1].symbol == 'ODD' and session.symbols[1].policy == 'p')
            assert(session.may_relay == 'because')
          end,
        }";
        let client = Setup::new().policy("p", text).client();
        let mut connect = client.connect().await;
        assert_eq!(connect.delay().as_millis(), 2500);
        assert_eq!(&*connect.take_effects().skips[0].policy, "greylist");
        client.ehlo("c.example").await;
        let mail = client.mail("<a@b.example>").await;
        assert_eq!(said(&mail), "accept");
        let effects = effects_of(&mail);
        assert_eq!(effects.grant.as_ref().unwrap().why, "because");
        assert_eq!(effects.reverse_path.as_ref().unwrap().as_str(), "x@y.example");
        assert_eq!((effects.skips[0].scope, &*effects.skips[0].policy), (Scope::Transaction, "dnsbl"));
        assert_eq!(effects.notes, [("key".to_owned(), "7".to_owned())]);
        assert_eq!(effects.headers, [("X-Seen".to_owned(), "yes  X-Not: this".to_owned())]);
        let rcpt = client.rcpt("<bob@ours.example>").await;
        assert_eq!(said(&rcpt), "accept");
        let effects = effects_of(&rcpt);
        assert_eq!(effects.forward_path.unwrap().as_str(), "z@ours.example");
        assert_eq!(effects.recipients.len(), 1);
    });
}

#[test]
fn a_hook_that_raised_has_had_no_effect() {
    worker(async {
        let text = "return { mail = function(session, mail) mail:permit_relay('x'); session:add_score(5, 'X'); error('oh') end }";
        let decision =
            Setup::new().configured("p", text, |p| p.on_error = crate::lua::config::OnError::Skip).client();
        decision.ehlo("c.example").await;
        let mail = decision.mail("<a@b.example>").await;
        assert_eq!(said(&mail), "accept");
        assert!(mail.effects.is_none());
    });
}

#[test]
fn vars_last_as_long_as_the_page_says() {
    worker(async {
        let text = "return {
          connect = function(session) session.vars.n = 1; session.shared.s = 'both' end,
          mail = function(session, mail)
            assert(session.vars.n == 1 and session.transaction.vars.m == nil)
            session.transaction.vars.m = mail.address
          end,
          rcpt = function(session) return reject(session.transaction.vars.m .. ' ' .. session.vars.n) end,
        }";
        let other = "return { rcpt = function(session)
            assert(session.vars.n == nil and session.shared.s == 'both' and session.transaction.vars.m == nil) end }";
        let client = Setup::new().policy("other", other).policy("p", text).client();
        client.connect().await;
        client.ehlo("c.example").await;
        client.mail("<a@b.example>").await;
        assert_eq!(said(&client.rcpt("<x@ours.example>").await), "550 5.7.1 a@b.example 1");
        client.session.borrow_mut().abort();
        assert_eq!(said(&client.mail("<c@d.example>").await), "accept");
        assert_eq!(said(&client.rcpt("<x@ours.example>").await), "550 5.7.1 c@d.example 1");
    });
}

#[test]
fn vars_take_plain_data_of_a_bounded_size() {
    for (body, ok) in [
        ("session.vars.t = { 1, 'a', { true } }", true),
        ("session.vars.f = print", false),
        ("session.vars.t = { { f = function() end } }", false),
        ("session.vars.t = setmetatable({}, {})", false),
        ("session.vars.s = ('x'):rep(70000)", false),
        ("for i = 1, 10000 do session.vars[i] = i end", false),
        ("local t = {} t.t = t session.vars.t = t", false),
        ("session.shared.f = print", false),
    ] {
        let want = if ok { "accept" } else { "451 4.3.0" };
        assert!(heard("mail", body).starts_with(want), "{body}");
    }
}

#[test]
fn each_greeting_has_its_own_table() {
    worker(async {
        let text =
            "return { mail = function(session) return reject { text = session.ehlo.name, code = 550 } end }";
        let client = Setup::new().policy("p", text).client();
        for name in ["one.example", "two.example"] {
            client.ehlo(name).await;
            assert_eq!(said(&client.mail("<a@b.example>").await), format!("550 5.7.1 {name}"));
        }
    });
}

#[test]
fn an_engine_leaves_nothing_behind() {
    worker(async {
        let text = "return { connect = function(session) session.vars.a = { 1 } return reject(session.server.hostname) end }";
        let setup = Setup::new().policy("p", text);
        let engine = setup.load().unwrap();
        let guard = Rc::clone(&engine.sandbox.guard);
        let uses = [crate::policy::mode::PolicyUse { name: "p".into(), mode: None }];
        let client = crate::lua::tests::support::Client::new(Rc::new(Chain::new(&engine, &uses).unwrap()));
        client.connect().await;
        drop(engine);
        assert!(Rc::strong_count(&guard) > 1, "the session keeps its engine");
        drop(client);
        assert_eq!(Rc::strong_count(&guard), 1, "the last session frees the Lua state");
    });
}
