//! A test file is loaded, its tests found, and what it does in the world is what the world is asked for.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use crate::lua::tests::support::worker;
use crate::lua::trial::suite::Suite;
use crate::lua::trial::world::{Answer, Asked, Heard, Later, Page, Records, Said, Stub, Taken, Visit, World};

/// A world that notes what it is asked for, and in which every reply is the same.
#[derive(Default)]
struct Notes(RefCell<Vec<String>>);

impl Notes {
    fn note(&self, text: String) {
        self.0.borrow_mut().push(text);
    }
}

fn heard() -> Heard {
    Heard { code: 550, status: Some("5.7.1".into()), lines: vec!["No".into(), "way".into()] }
}

impl World for Notes {
    fn set_up(&self, file: &str) -> Result<(), String> {
        self.note(format!("set_up {file}"));
        Ok(())
    }

    fn connect(self: Rc<Self>, visit: Visit) -> Later<Result<(usize, Heard), String>> {
        self.note(format!("connect {} {} {:?}", visit.ip, visit.port, visit.place));
        Box::pin(async { Ok((1, heard())) })
    }

    fn say(self: Rc<Self>, client: usize, said: Said) -> Later<Result<Heard, String>> {
        let (kind, octets) = match said {
            Said::Line(line) => ("line", line),
            Said::Content(content) => ("content", content),
        };
        self.note(format!("{client} {kind} {}", octets.escape_ascii()));
        Box::pin(async { Ok(heard()) })
    }

    fn leave(self: Rc<Self>, client: usize) -> Later<()> {
        self.note(format!("{client} leaves"));
        Box::pin(async {})
    }

    fn advance(self: Rc<Self>, time: Duration) -> Later<()> {
        self.note(format!("advance {time:?}"));
        Box::pin(async {})
    }

    fn now(&self) -> Duration {
        Duration::from_millis(1500)
    }

    fn stub_name(&self, name: &str, records: &Records) -> Result<(), String> {
        self.note(format!("dns {name} {records:?}"));
        Ok(())
    }

    fn times_asked(&self, _: &str, _: &str) -> Result<usize, String> {
        Ok(3)
    }

    fn stub_url(&self, url: &str, page: Page) -> Result<(), String> {
        self.note(format!("http {url} {page:?}"));
        Ok(())
    }

    fn stub_map(&self, name: &str, stub: Stub) {
        self.note(format!("map {name} {stub:?}"));
    }

    fn web_requests(&self) -> Vec<Asked> {
        Vec::new()
    }

    fn fail_store(&self, kind: Option<&str>) -> Result<(), String> {
        self.note(format!("store {kind:?}"));
        Ok(())
    }

    fn answer(&self, verb: &str, part: &str, answer: Option<Answer>) -> Result<(), String> {
        self.note(format!("answer {verb} {part:?} {answer:?}"));
        Ok(())
    }

    fn messages(&self) -> Vec<Taken> {
        let content = b"X-Spam: =?utf-8?q?n=C3=A4?=\r\nx-spam: two\r\n\r\nbody\r\n".to_vec();
        vec![Taken { backend: "b".into(), from: String::new(), to: vec!["bob@b.example".into()], content }]
    }

    fn commands(&self) -> Vec<String> {
        vec!["EHLO mx".into()]
    }

    fn logged(&self, text: &str) -> Option<String> {
        (text == "there").then(|| "it is there".into())
    }

    fn take_errors(&self) -> Vec<String> {
        Vec::new()
    }

    fn print(&self, text: &str) {
        self.note(format!("print {text}"));
    }

    fn begin_case(self: Rc<Self>) -> Later<()> {
        Box::pin(async {})
    }
}

fn suite(text: &str) -> (tempfile::TempDir, Result<Suite, String>) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("a_test.lua");
    std::fs::write(&path, text).unwrap();
    let suite = Suite::load(&path, 1).map_err(|error| short(&error, &folder));
    (folder, suite)
}

fn short(text: &str, folder: &tempfile::TempDir) -> String {
    text.replace(&format!("{}/", folder.path().display()), "")
}

/// What came of a test with this body, and what the world was asked for.
fn run(body: &str) -> (Result<(), String>, Vec<String>) {
    let (folder, suite) = suite(&format!("test('t', function() {body} end)"));
    let suite = suite.unwrap();
    let world = Rc::new(Notes::default());
    let playing: Rc<dyn World> = Rc::clone(&world) as Rc<dyn World>;
    let ran = worker(suite.run(&suite.tests()[0], playing));
    (ran.map_err(|error| short(&error, &folder)), world.0.take())
}

#[test]
fn what_a_test_does_reaches_the_world() {
    for (body, want) in [
        ("session {}", "connect 203.0.113.9 4711 Place { policies: None, options: None, config: None }"),
        ("session { ip = '::ffff:192.0.2.1', port = 25 }", "connect 192.0.2.1 25 Place {"),
        (
            "session { policies = { 'a', { 'b', x = { 1 } } } }",
            "policies: Some([(\"a\", {}), (\"b\", {\"x\": Array [Number(1)]})])",
        ),
        ("session { options = {} }", "options: Some({})"),
        (
            "session { config = { limits = { errors = 3 } } }",
            "config: Some({\"limits\": Object {\"errors\": Number(3)}})",
        ),
        ("session {}:ehlo('a.example')", "1 line EHLO a.example"),
        ("session {}:helo()", "1 line HELO mail.example.net"),
        (
            "session {}:mail('ann@a.example', { SIZE = 5, SMTPUTF8 = true })",
            "1 line MAIL FROM:<ann@a.example> SIZE=5 SMTPUTF8",
        ),
        ("session {}:mail('')", "1 line MAIL FROM:<>"),
        ("session {}:rcpt('<bob@b.example>', 'NOTIFY=NEVER')", "1 line RCPT TO:<bob@b.example> NOTIFY=NEVER"),
        ("session {}:command('NOOP x')", "1 line NOOP x"),
        ("session {}:vrfy('bob')", "1 line VRFY bob"),
        ("session {}:content('a\\nb\\r\\n.c\\n')", "1 content a\\r\\nb\\r\\n.c\\r\\n"),
        ("session {}:disconnect()", "1 leaves"),
        ("clock.advance('5m')", "advance 300s"),
        ("clock.advance(1.5)", "advance 1.5s"),
        (
            "dns.stub { ['a.example'] = { MX = 'm.example' } }",
            "dns a.example Known([(\"MX\", \"10 m.example\")])",
        ),
        (
            "dns.stub { a = { MX = { { preference = 5, exchange = 'm' } } } }",
            "dns a Known([(\"MX\", \"5 m\")])",
        ),
        ("dns.stub { a = { MX = '.' } }", "dns a Known([(\"MX\", \"0 .\")])"),
        ("dns.stub { a = 'timeout' }", "dns a Trouble(\"timeout\")"),
        (
            "http.stub { ['https://a/'] = { json = { b = 1 } } }",
            "http https://a/ Reply { status: 200, headers: [(\"content-type\", \"application/json\")]",
        ),
        ("http.stub { ['https://a/'] = 'timeout' }", "http https://a/ Trouble(Timeout)"),
        ("store.fail('timeout')", "store Some(\"timeout\")"),
        ("backend.reply('rcpt', '550 5.1.1 No')", "answer rcpt \"\" Some(Reply(\"550 5.1.1 No\"))"),
        ("backend.reply('mail', 'close', 'ann@')", "answer mail \"ann@\" Some(Close)"),
        ("backend.reply('data')", "answer data \"\" None"),
        ("set_up 'x.toml'", "set_up x.toml"),
        ("print('a', 1, { 2 })", "print a\t1\t{ 2 }"),
    ] {
        let (ran, notes) = run(body);
        assert_eq!(ran, Ok(()), "{body}");
        assert!(notes.last().unwrap().contains(want), "{body}: {notes:?}");
    }
}

#[test]
fn expectations_that_are_met_say_nothing_and_others_say_what_came() {
    let got = "got 550 5.7.1 No | way";
    for (body, want) in [
        (
            "session {}.banner:expect(550):expect(5):expect(550, '5.7.1'):expect(550, 'way'):expect(550, '5.7.1', '^No')",
            "",
        ),
        ("session {}.banner:expect(250)", &format!("a_test.lua:1: expected 250, {got}")),
        ("session {}.banner:expect(2)", &format!("a_test.lua:1: expected 2yz, {got}")),
        ("session {}.banner:expect(550, '5.1.1')", &format!("a_test.lua:1: expected 550 5.1.1, {got}")),
        ("session {}.banner:expect(550, 'yes')", &format!("a_test.lua:1: expected 550 \"yes\", {got}")),
        (
            "session {}.banner:expect('550')",
            "a_test.lua:1: expect takes a code first: expect(550), expect(5)",
        ),
        ("session {}.banner.expect(550)", "a_test.lua:1: use `:`: reply:expect(…)"),
        (
            "expect(1):equals(1) expect({ a = { 1 } }):equals { a = { 1 } } expect('ab'):contains('b'):matches('^a')",
            "",
        ),
        (
            "expect({ 1, 2 }):contains(2) expect(nil):is_nil() expect(true):is_true() expect(3):is_at_least(3)",
            "",
        ),
        ("expect(3):is_at_most(3):differs_from(4) expect(false):is_false():is_there()", ""),
        ("expect(function() error('oh no') end):raises('oh')", ""),
        ("expect(1):equals(2)", "a_test.lua:1: expected 2, got 1"),
        ("expect({ 1, b = 'x\\n' }):equals(nil)", "a_test.lua:1: expected nil, got { 1, b = \"x\\n\" }"),
        ("expect('ab'):contains('c')", "a_test.lua:1: expected something that contains \"c\", got \"ab\""),
        ("expect(function() end):raises()", "a_test.lua:1: expected an error, got none"),
        (
            "expect(function() error('oh', 0) end):raises('no')",
            "a_test.lua:1: expected an error with \"no\", got \"oh\"",
        ),
        ("expect(1).equals(1)", "a_test.lua:1: use `:`: expectation:equals(…)"),
        ("expect(backend.messages[1]:header('X-SPAM')):equals('nä')", ""),
        ("expect(#backend.messages[1]:headers('x-spam')):equals(2)", ""),
        ("expect(backend.messages[1].envelope):equals { from = '', to = { 'bob@b.example' } }", ""),
        ("expect(backend.commands):equals { 'EHLO mx' } expect(logged('there')):equals('it is there')", ""),
        ("expect(clock.now()):equals(1.5) expect(dns.asked('a', 'A')):equals(3)", ""),
    ] {
        let (ran, _) = run(body);
        match want {
            "" => assert_eq!(ran, Ok(()), "{body}"),
            want => assert!(ran.clone().unwrap_err().starts_with(want), "{body}\n{want}\n{ran:?}"),
        }
    }
}

#[test]
fn misuse_is_told_at_its_line() {
    for (body, want) in [
        ("session { nosuch = 1 }", "a_test.lua:1: session takes no 'nosuch'; it takes ip, port, tls"),
        ("session { polices = {} }", "a_test.lua:1: session takes no 'polices'; did you mean 'policies'?"),
        ("session { tls = { sno = 1 } }", "a_test.lua:1: tls takes no 'sno'; did you mean 'sni'?"),
        ("session { tls = { version = 'SSLv3' } }", "a_test.lua:1: version: 'SSLv3' is neither"),
        (
            "session { tls = { client_certificate = { sha256 = '00' } } }",
            "a_test.lua:1: sha256: a fingerprint is",
        ),
        ("session { ip = 'x' }", "a_test.lua:1: ip: 'x' is no address"),
        ("session { port = 'x' }", "a_test.lua:1: port: this is a string, which it can't be"),
        ("clock.advance('soon')", "a_test.lua:1: clock.advance takes seconds"),
        ("dns.stub { a = { A = 1 } }", "a_test.lua:1: dns.stub: A = 1 is no record"),
        (
            "dns.stub { a = 1 }",
            "a_test.lua:1: records or a word such as \"timeout\" are wanted, this is an integer",
        ),
        ("http.stub { a = 'never' }", "a_test.lua:1: http.stub: 'never' is none of"),
        ("map.stub 'a'", "a_test.lua:1: map.stub takes a table"),
        ("map.stub { a = 'never' }", "a_test.lua:1: map.stub: 'never' is none of"),
        ("map.stub { a = { b = {} } }", "a_test.lua:1: map.stub: a map's keys and values are wanted"),
        ("backend.messages = {}", "a_test.lua:1: backend.messages can't be assigned"),
        ("nosuch()", "a_test.lua:1: attempt to call a nil value (global 'nosuch')"),
        ("x = 1", "a_test.lua:1: assignment to global 'x'"),
        ("while true do end", "a_test.lua:1: the test doesn't come to an end"),
        ("test('u', function() end)", "a_test.lua:1: a test inside a test"),
        ("before_each(function() end)", "a_test.lua:1: before_each stands at the top of the file"),
    ] {
        let ran = run(body).0.unwrap_err();
        assert!(ran.starts_with(want), "{body}\n{want}\n{ran}");
    }
}

#[test]
fn a_property_is_tried_often_and_its_failure_is_shrunk() {
    let (ran, notes) =
        run("for_all { n = any.integer(0, 100), times = 30, function(case) print(case.n) end }");
    assert_eq!(ran, Ok(()));
    assert_eq!(notes.len(), 30);
    let (again, same) =
        run("for_all { n = any.integer(0, 100), times = 30, function(case) print(case.n) end }");
    assert_eq!((again, same), (Ok(()), notes), "the same seed gives the same values");
    for (body, want) in [
        (
            "for_all { n = any.integer(0, 1000), function(case) expect(case.n):is_at_most(70) end }",
            "{ n = 71 }",
        ),
        ("for_all { s = any.text(), function(case) expect(#case.s):is_at_most(3) end }", "with { s = \""),
        (
            "for_all { a = any.address(), d = any.domain(), function(case) error('x') end }",
            "{ a = \"ann@a.example\", d = \"a.example\" }",
        ),
        (
            "for_all { c = any.choice { 1, 2, 3 }, b = any.boolean(), function(case) expect(case.c):equals(1) end }",
            "{ b = false, c = 2 }",
        ),
        (
            "for_all { l = any.list(any.integer(5, 9)), function(case) expect(#case.l):equals(0) end }",
            "with { l = { ",
        ),
        ("for_all { n = 1, function() end }", "for_all: n = any.…(); this is a number"),
        ("for_all { n = any.ip() }", "for_all { ip = any.ip(), function(case) … end }"),
    ] {
        let ran = run(body).0.unwrap_err();
        assert!(ran.starts_with("a_test.lua:1: ") && ran.contains(want), "{body}\n{ran}");
    }
    let shortest =
        run("for_all { s = any.text(), function(case) expect(#case.s):is_at_most(3) end }").0.unwrap_err();
    assert!(shortest.contains("got 4") && shortest.contains("--seed 1)"), "{shortest}");
}

#[test]
fn addresses_by_chance_are_addresses_in_their_networks() {
    let (ran, notes) =
        run("for_all { a = any.ip { '192.0.2.64/26', '2001:db8::/33', '198.51.100.7' }, times = 300,
         function(case) print(case.a) session { ip = case.a } end }");
    assert_eq!(ran, Ok(()));
    let networks = ["192.0.2.64/26", "2001:db8::/33", "198.51.100.7/32"];
    let set = crate::names::network_set::NetworkSet::parse(networks).unwrap();
    let addresses: Vec<_> = notes.iter().filter_map(|note| note.strip_prefix("print ")).collect();
    assert_eq!(addresses.len(), 300);
    assert!(addresses.iter().all(|address| set.contains(address.parse().unwrap())), "{addresses:?}");
}

#[test]
fn a_file_that_is_no_test_file_says_why() {
    for (text, want) in [
        ("test(", "a_test.lua:1: "),
        ("test('a', 1)", "a_test.lua:1: a test is test(\"what it proves\", function() … end)"),
        (
            "test('a', function() end)\ntest('a', function() end)",
            "a_test.lua:2: line 1 has a test of this name already: a",
        ),
        ("session {}", "a_test.lua:1: this stands inside a test"),
        ("clock.advance(1)", "a_test.lua:1: this stands inside a test"),
        ("require 'nosuch'", "a_test.lua:1: there is no nosuch.lua in the policy folders"),
        ("while true do end", "a_test.lua:1: the test doesn't come to an end"),
    ] {
        let (_folder, suite) = suite(text);
        let problem = suite.err().unwrap_or_default();
        assert!(problem.starts_with(want), "{text}\n{problem}");
    }
    let (_folder, suite) = suite("test('one', function() end)\n\ntest('two', function() end)");
    let tests = suite.unwrap().tests();
    let told: Vec<_> = tests.iter().map(|test| (test.name.as_str(), test.line)).collect();
    assert_eq!(told, [("one", 1), ("two", 3)]);
}

#[test]
fn what_stands_before_each_test_is_done_before_each() {
    let (_folder, suite) = suite(
        "set_up 'all.toml'\nbefore_each(function() print('before') end)\n\
         test('a', function() print('a') end)\ntest('b', function() print('b') end)",
    );
    let suite = suite.unwrap();
    let world = Rc::new(Notes::default());
    for test in suite.tests() {
        let playing: Rc<dyn World> = Rc::clone(&world) as Rc<dyn World>;
        worker(suite.run(&test, playing)).unwrap();
    }
    let want = ["set_up all.toml", "print before", "print a", "set_up all.toml", "print before", "print b"];
    assert_eq!(world.0.take(), want);
}
