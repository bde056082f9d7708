//! `check --probe`: what a backend would do with a stranger's mail, without sending any.

use crate::scripted::{Script, Scripted, TAKEN};
use crate::support::drive::Run;
use crate::support::postfix::{Options, PostfixBackend};
use crate::{check, toml};

const OURS: &str = "domains = \"ours.example\"";
const LEFT_TO_IT: &str = "domains = \"backend\"";

fn probe(relay: &str, address: std::net::SocketAddr, backend: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let whole = toml(relay, &format!("address = \"{address}\"\n{backend}"), "");
    check(folder.path(), &whole, &["--probe", "--probe-recipient", "someone@else.example"])
}

#[test]
fn nothing_is_sent() {
    let backend = Scripted::start(Script { plain: TAKEN, stranger: TAKEN, ..Script::default() });
    probe(OURS, backend.address, "relay_login = \"ann\"");
    let told = backend.told();
    let verbs: Vec<&str> = told.iter().map(|line| line.split(' ').next().unwrap()).collect();
    let once = ["MAIL", "RCPT", "RSET", "QUIT"];
    let by_xclient = [["EHLO", "XCLIENT", "EHLO"].as_slice(), &once].concat();
    assert_eq!(verbs, [["EHLO"].as_slice(), &once, &by_xclient, &by_xclient].concat());
    assert!(told.contains(&"MAIL FROM:<>".to_owned()));
    assert!(told.contains(&"RCPT TO:<someone@else.example>".to_owned()));
    let introduced: Vec<&String> = told.iter().filter(|line| line.starts_with("XCLIENT")).collect();
    assert!(
        introduced[0].contains("ADDR=192.0.2.1") && !introduced[0].contains("LOGIN=ann"),
        "{introduced:?}"
    );
    assert!(introduced[1].contains("LOGIN=ann"), "{introduced:?}");
}

/// Why, what it says, `[relay]`, more of `[[backend]]`, the exit code, words of what is said.
type Row = (&'static str, Script, &'static str, &'static str, i32, &'static str);

fn with_xclient() -> Vec<Row> {
    let script = Script::default;
    let trusting = || Script { plain: TAKEN, ..script() };
    let open = || Script { stranger: TAKEN, ..trusting() };
    let well = "no mistakes, no warnings";
    let limit = "smtpd_client_event_limit_exceptions = $mynetworks 127.0.0.1";
    vec![
        ("all well", script(), OURS, "", 0, well),
        ("all well, left to it", script(), LEFT_TO_IT, "", 0, well),
        ("trusts us, no stranger", trusting(), LEFT_TO_IT, "", 0, "a stranger, told by XCLIENT, is refused"),
        ("open", open(), OURS, "", 0, "is an open relay"),
        ("open, left to it", open(), LEFT_TO_IT, "", 1, "is an open relay"),
        ("a login that helps", script(), OURS, "relay_login = \"ann\"", 0, well),
        (
            "a login that doesn't",
            script(),
            OURS,
            "relay_login = \"bob\"",
            0,
            "does not relay for `relay_login`",
        ),
        ("the ceiling of Postfix", script(), OURS, "", 0, limit),
    ]
}

fn without_xclient() -> Vec<Row> {
    let blind = || Script { plain: TAKEN, xclient: false, ..Script::default() };
    let teasing = Script { greeting: "220-mta\r\n220 mta ESMTP\r\n", ..Script::default() };
    let busy = Script { plain: "450 4.3.2 Service currently unavailable", ..Script::default() };
    let closed = Script { greeting: "554 no\r\n", ..Script::default() };
    let postscreen = "looks like a postscreen port";
    vec![
        ("trusts us", blind(), OURS, "", 0, "127.0.0.1 is in its mynetworks"),
        ("trusts us: a way out", blind(), OURS, "", 0, "smtpd_authorized_xclient_hosts = 127.0.0.1"),
        ("left to it", blind(), LEFT_TO_IT, "", 1, "does not offer XCLIENT"),
        ("postscreen", teasing, OURS, "", 0, postscreen),
        ("postscreen's other face", busy, OURS, "", 0, postscreen),
        ("turns us away", closed, OURS, "", 1, "can't be reached"),
    ]
}

#[test]
fn what_a_backend_answers_is_judged() {
    for (why, script, relay, more, code, words) in with_xclient().into_iter().chain(without_xclient()) {
        let backend = Scripted::start(script);
        let run = probe(relay, backend.address, more);
        let text = run.text();
        assert_eq!(run.code, Some(code), "{why}\n{text}");
        assert!(text.contains(words), "{why}: {words} in\n{text}");
    }
}

#[test]
fn a_dead_backend_is_one_mistake_and_exit_1() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = probe(OURS, gone, "");
    assert_eq!(run.code, Some(1));
    assert!(run.text().contains("can't be reached: "), "{}", run.text());
    assert!(run.text().contains("Connection refused"), "{}", run.text());
}

#[test]
fn a_postfix_that_trusts_loopback_is_found_out() {
    let postfix = PostfixBackend::start(&Options::default());
    let run = probe(OURS, postfix.address(), "");
    let text = run.text();
    assert_eq!(run.code, Some(0), "{text}");
    assert!(text.contains("relays for whoever comes through gatepost"), "{text}");
    assert!(text.contains("in its mynetworks"), "{text}");
}

#[test]
fn a_postfix_that_is_told_who_the_client_is_refuses_the_stranger() {
    let postfix = PostfixBackend::start(&Options { xclient: true, ..Options::default() });
    let run = probe(LEFT_TO_IT, postfix.address(), "xclient = \"required\"");
    let text = run.text();
    assert_eq!(run.code, Some(0), "{text}");
    assert!(
        text.contains("as a stranger (XCLIENT): 554 5.7.1 <someone@else.example>: Relay access denied"),
        "{text}"
    );
    assert!(text.contains("a stranger, told by XCLIENT, is refused"), "{text}");
}
