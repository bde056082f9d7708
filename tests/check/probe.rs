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

#[test]
fn what_a_backend_answers_is_judged() {
    let script = Script::default;
    for (why, script, relay, more, code, words) in [
        ("all well", script(), OURS, "", 0, "no mistakes, no warnings"),
        ("all well, left to it", script(), LEFT_TO_IT, "", 0, "no mistakes, no warnings"),
        (
            "trusts us, not the stranger that it is told",
            Script { plain: TAKEN, ..script() },
            LEFT_TO_IT,
            "",
            0,
            "a stranger, told by XCLIENT, is refused",
        ),
        (
            "trusts us and can't be told who the client is",
            Script { plain: TAKEN, xclient: false, ..script() },
            OURS,
            "",
            0,
            "127.0.0.1 is in its mynetworks",
        ),
        (
            "the same, with what main.cf needs",
            Script { plain: TAKEN, xclient: false, ..script() },
            OURS,
            "",
            0,
            "smtpd_authorized_xclient_hosts = 127.0.0.1",
        ),
        ("open", Script { plain: TAKEN, stranger: TAKEN, ..script() }, OURS, "", 0, "is an open relay"),
        ("open, left to it", Script { stranger: TAKEN, ..script() }, LEFT_TO_IT, "", 1, "is an open relay"),
        (
            "no XCLIENT, left to it",
            Script { plain: TAKEN, xclient: false, ..script() },
            LEFT_TO_IT,
            "",
            1,
            "does not offer XCLIENT",
        ),
        ("a login that helps", script(), OURS, "relay_login = \"ann\"", 0, "no mistakes, no warnings"),
        (
            "a login that does not",
            script(),
            OURS,
            "relay_login = \"bob\"",
            0,
            "does not relay for `relay_login`",
        ),
        (
            "postscreen",
            Script { greeting: "220-mta\r\n220 mta ESMTP\r\n", ..script() },
            OURS,
            "",
            0,
            "looks like a postscreen port",
        ),
        (
            "postscreen's other face",
            Script { plain: "450 4.3.2 Service currently unavailable", ..script() },
            OURS,
            "",
            0,
            "looks like a postscreen port",
        ),
        ("turns us away", Script { greeting: "554 no\r\n", ..script() }, OURS, "", 1, "can't be reached"),
        (
            "the ceiling of Postfix",
            script(),
            OURS,
            "",
            0,
            "smtpd_client_event_limit_exceptions = $mynetworks 127.0.0.1",
        ),
    ] {
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
