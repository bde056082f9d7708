//! The commit rule, stage by stage and fault by fault: what the client hears, what the backend has, and that the next
//! transaction works. The rows are those of the table "The one rule".

use std::time::Duration;

use crate::model::Fault::{Close, Hang, Last, Reset, Say};
use crate::model::Stage::{Content, Data, Dot, Ehlo, Greeting, Mail, Rcpt, SecondEhlo, Xclient};
use crate::model::{Fault, Stage};
use crate::stand::{Client, Stand, run};
use crate::support::floor::settle;

/// No usable address, or the envelope could not be told anew.
const UNREACHABLE: &str = "451 4.4.1 ";
/// The connection ended, or the answer is overdue, after the dot.
const LOST: &str = "451 4.4.2 ";
/// A reply that is none, or that is not due.
const CONFUSED: &str = "451 4.3.0 ";
/// It does not let us say who the client is.
const MISCONFIGURED: &str = "451 4.3.5 ";
/// The backend's own words.
const TAKEN: &str = "250 2.0.0 Ok: queued as 4711";

/// What one fault at `stage` comes to: the reply to RCPT where it is before content, else that to the end of data.
fn check(stage: Stage, fault: Fault, want: &str, why: &str) {
    check_all(stage, &[fault], want, why);
}

/// The same for several faults at one stage, one a connection.
fn check_all(stage: Stage, faults: &[Fault], want: &str, why: &str) {
    run(async {
        let row = format!("{stage:?} {faults:?}: {why}");
        let stand = Stand::new().await;
        stand.model.faults.borrow_mut().extend(faults.iter().map(|fault| (stage, fault.clone())));
        let mut client = stand.greeted().await;
        let hangs = faults.iter().filter(|fault| **fault == Hang).count();
        let dialogue = async {
            let heard = dialogue(&mut client, stage).await;
            assert!(heard.starts_with(want), "{row}: {heard}");
            usize::from(heard.starts_with('2'))
        };
        let clock = async {
            for _ in 0..hangs {
                stand.pass().await;
            }
        };
        let (told, ()) = tokio::join!(dialogue, clock);
        stand.assert_balance(told);
        assert_eq!(
            stand.model.acknowledged(),
            told,
            "{row}: what the client was told is what the backend has"
        );
        if told == 0 {
            // An address rests for 30 s after some of the faults.
            settle().await;
            tokio::time::advance(Duration::from_secs(31)).await;
        }
        assert!(stand.model.faults.borrow().is_empty(), "{row}: it has happened");
        assert!(client.ask("RSET").await.starts_with("250"), "{row}");
        assert!(client.send().await.starts_with(TAKEN), "{row}: the next transaction works");
        stand.assert_balance(told + 1);
        assert_eq!(stand.model.acknowledged(), told + 1, "{row}");
    });
}

/// The reply that the fault leads to.
async fn dialogue(client: &mut Client, stage: Stage) -> String {
    let [mail, rcpt, data] = client.open().await;
    assert!(mail.starts_with("250 2.1.0"), "MAIL is answered by us");
    if !matches!(stage, Data | Content | Dot) {
        assert!(data.starts_with("554 5.5.1"), "without a recipient DATA is refused: {data}");
        return rcpt;
    }
    assert!(rcpt.starts_with("250") && data.starts_with("354"), "{rcpt}{data}");
    let size = if stage == Content { LARGE } else { 10 };
    client.0.send(b"Subject: x\r\n\r\n").await;
    for _ in 0..size {
        client.0.send(&b"0123456789abcdef\r\n".repeat(1000)).await;
    }
    client.0.send(b".\r\n").await;
    client.hear().await
}

/// 18,000 octets as often as this are more than sockets hold.
const LARGE: usize = 1000;

#[test]
fn a_backend_that_can_not_be_had_is_451_4_4_1() {
    for (fault, why) in [
        (Last("554 5.3.2 no\r\n"), "refuses for good"),
        (Last("421 4.3.2 busy\r\n"), "refuses for now"),
        (Hang, "does not greet"),
        (Close, "closes"),
        (Reset, "resets"),
    ] {
        check(Greeting, fault, UNREACHABLE, why);
    }
    for (fault, why) in [
        (Say("502 5.5.1 what?\r\n"), "does not know EHLO"),
        (Last("421 4.3.2 busy\r\n"), "refuses for now"),
        (Hang, "does not answer"),
        (Close, "closes"),
        (Reset, "resets"),
    ] {
        check(Ehlo, fault.clone(), UNREACHABLE, why);
        check(SecondEhlo, fault, UNREACHABLE, why);
    }
    for (fault, why) in [
        (Last("421 4.3.2 busy\r\n"), "421 is the connection's end"),
        (Hang, "hangs"),
        (Close, "closes"),
        (Reset, "resets"),
    ] {
        check(Xclient, fault.clone(), UNREACHABLE, why);
        check(Mail, fault.clone(), UNREACHABLE, why);
        check(Rcpt, fault, UNREACHABLE, why);
    }
}

#[test]
fn without_its_220_to_xclient_the_client_gets_451_4_3_5() {
    for words in ["550 5.7.0 not you\r\n", "450 4.7.0 not now\r\n", "250 2.0.0 fine\r\n"] {
        check(Xclient, Say(words), MISCONFIGURED, "the backend would judge the wrong client");
    }
}

/// What is no reply, or none that is due anywhere but at DATA.
const NONSENSE: [Fault; 8] = [
    Say("hello\r\n"),
    Say("999 2.0.0 Ok\r\n"),
    Say("150 2.0.0 Ok\r\n"),
    Say("25 Ok\r\n"),
    Say("250 2.0.0 Ok\n"),
    Say("250-2.0.0 Ok\r\n251 2.0.0 Ok\r\n"),
    Say("\r\n"),
    Last("250 2.0"),
];

#[test]
fn what_is_no_reply_is_451_4_3_0_at_every_stage() {
    for fault in NONSENSE {
        for stage in [Greeting, Ehlo, Xclient, SecondEhlo, Mail, Rcpt, Data, Dot] {
            check(stage, fault.clone(), CONFUSED, "no reply");
        }
    }
}

#[test]
fn a_reply_of_a_class_that_is_not_due_is_451_4_3_0() {
    for stage in [Greeting, Ehlo, Xclient, SecondEhlo, Mail, Rcpt, Dot] {
        check(stage, Say("354 go on\r\n"), CONFUSED, "3yz where none is due");
        check(stage, Say("334 VXNlcm5hbWU6\r\n"), CONFUSED, "3yz where none is due");
    }
    check(Greeting, Say("250 2.0.0 Ok\r\n"), CONFUSED, "2yz, but no greeting");
    check(Data, Say("250 2.0.0 Ok\r\n"), CONFUSED, "2yz where 354 is due");
    check(Data, Say("350 go on\r\n"), CONFUSED, "3yz, but not 354");
    check(Content, Say("250 2.0.0 Ok\r\n"), CONFUSED, "2yz before the dot");
}

#[test]
fn a_refusal_passes_word_for_word_at_every_stage() {
    for words in ["450 4.2.1 Later", "451 4.7.1 Greylisted", "550 5.1.1 No such user", "554 5.7.1 Spam"] {
        for (stage, said) in [
            (Mail, Say(line(words))),
            (Rcpt, Say(line(words))),
            (Data, Say(line(words))),
            (Dot, Say(line(words))),
        ] {
            check(stage, said, words, "the backend's own words");
        }
    }
    check(
        Mail,
        Say("552 5.3.4 Too big\r\n"),
        "554 5.3.4 Too big",
        "552 at RCPT would be too many recipients",
    );
}

/// `words` as a line that lives as long as the test.
fn line(words: &str) -> &'static str {
    Box::leak(format!("{words}\r\n").into_boxed_str())
}

#[test]
fn a_refusal_that_blames_the_proxy_is_451_4_3_0() {
    for words in
        ["500 5.5.2 What?\r\n", "503 5.5.1 Sequence\r\n", "530 5.7.0 Login\r\n", "538 5.7.11 TLS\r\n"]
    {
        for stage in [Mail, Rcpt, Data, Dot] {
            check(stage, Say(words), CONFUSED, "our fault, not the client's");
        }
    }
}

#[test]
fn a_backend_lost_before_the_dot_is_tried_once_more() {
    for fault in [Close, Reset, Hang, Last("421 4.3.2 down\r\n")] {
        check(Data, fault.clone(), TAKEN, "the envelope is told anew");
        check_all(Data, &[fault.clone(), fault], UNREACHABLE, "once");
    }
    for fault in [Close, Reset, Last("421 4.3.2 down\r\n"), Last("452 4.3.1 full\r\n")] {
        check(Content, fault.clone(), TAKEN, "the envelope is told anew");
        check_all(Content, &[fault.clone(), fault], UNREACHABLE, "once");
    }
}

#[test]
fn a_backend_lost_after_the_dot_is_not_tried_again() {
    for fault in [Close, Reset, Hang] {
        check(Dot, fault, LOST, "a copy may exist, a loss may not");
    }
    check(Dot, Last("421 4.3.2 down\r\n"), "451 4.3.2 down", "421 is no word for the client's connection");
}
