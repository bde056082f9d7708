//! Tests of SCRAM: the example of RFC 7677, and messages that are not what they should be.

use super::*;

const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const OURS: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const LAST: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                    p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

fn record() -> Record {
    let salt = decode(b"W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().octets().to_vec();
    Record::of(&Secret::from("pencil"), salt, NonZeroU32::new(4096).unwrap())
}

fn open(first: &str, channel: Channel) -> Open {
    let first = First::read(&Secret::from(first), &channel).unwrap();
    Open::with_nonce(first, record(), channel, OURS)
}

#[test]
fn the_example_of_rfc7677_goes_as_it_is_written() {
    let open = open(FIRST, Channel::default());
    assert_eq!(
        open.challenge().text(),
        Some("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    );
    let Some(Shown::Right(last)) = open.judge(&Secret::from(LAST)) else { panic!("refused") };
    assert_eq!(last.text(), Some("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    assert!(record().is_of(&Secret::from("pencil")) && !record().is_of(&Secret::from("pencils")));
}

/// RFC 5802 §2.2: the client prepares the password, so a record is made of what is prepared; Dovecot's are not.
#[test]
fn a_password_is_the_same_however_its_letters_are_put_together() {
    let rounds = NonZeroU32::MIN;
    let (one, other) = (Secret::from("caf\u{e9}"), Secret::from("cafe\u{301}"));
    let record = Record::of(&other, b"salt".to_vec(), rounds);
    assert!(record == Record::of(&one, b"salt".to_vec(), rounds));
    assert!(record.is_of(&one) && record.is_of(&other) && !record.is_of(&Secret::from("cafe")));
    let raw = Record::of_octets(&other, b"salt".to_vec(), rounds);
    assert!(raw.is_of(&other) && !raw.is_of(&one));
    let first = First::read(&Secret::from("n,,n=jose\u{301},r=abc"), &Channel::default()).unwrap();
    assert_eq!(first.user, "jos\u{e9}");
}

#[test]
fn a_first_message_that_is_none_is_not_taken() {
    let channel = Channel::default();
    for first in [
        "",
        "n,,",
        "n,,n=user",
        "n,,n=,r=abc",
        "n,,r=abc,n=user",
        "n,,n=us=er,r=abc",
        "n,,n=user,r=",
        "n,,m=ext,n=user,r=abc",
        "n,a=other,n=user,r=abc",
        "p=tls-exporter,,n=user,r=abc",
        "x,,n=user,r=abc",
        "n,,n=us\x01er,r=abc",
    ] {
        assert!(First::read(&Secret::from(first), &channel).is_none(), "{first:?}");
    }
    assert_eq!(First::read(&Secret::from("n,a=a=2Cb,n=a=2Cb,r=x"), &channel).unwrap().user, "a,b");
    assert!(First::read(&Secret::from("y,,n=user,r=abc"), &channel).is_some());
}

#[test]
fn a_last_message_that_is_none_is_not_taken() {
    let open = open(FIRST, Channel::default());
    for last in [
        "",
        "c=biws",
        "c=biws,r=other,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        &LAST.replace("biws", "eSws"), // another header than the first message had
        &LAST.replace("biws", "b"),
        &LAST.replace("dHzb", ""),
        &LAST.replace("dHzb", "dHz"),
    ] {
        assert!(open.judge(&Secret::from(last)).is_none(), "{last:?}");
    }
    let wrong = LAST.replace("dHzb", "dHza");
    assert!(matches!(open.judge(&Secret::from(wrong.as_str())), Some(Shown::Wrong)));
}

/// RFC 5802 §6: who is bound must be bound to this channel, and who says that we have none was told so.
#[test]
fn the_channel_is_the_one_that_is_bound() {
    let channel = |is_bound| Channel {
        bindings: vec![("tls-exporter", b"this one".to_vec()), ("tls-server-end-point", b"ours".to_vec())],
        is_bound,
        is_offered: true,
    };
    assert!(First::read(&Secret::from("y,,n=user,r=abc"), &channel(false)).is_none());
    assert!(First::read(&Secret::from("n,,n=user,r=abc"), &channel(false)).is_some());
    assert!(First::read(&Secret::from("n,,n=user,r=abc"), &channel(true)).is_none());
    assert!(First::read(&Secret::from("p=tls-unique,,n=user,r=abc"), &channel(true)).is_none());
    for (kind, data, is_right) in [
        ("tls-exporter", "this one", true),
        ("tls-exporter", "another", false),
        ("tls-exporter", "", false),
        ("tls-exporter", "ours", false), // of another kind
        ("tls-server-end-point", "ours", true),
        ("tls-server-end-point", "this one", false),
    ] {
        let bound = open(&format!("p={kind},,n=user,r=abc"), channel(true));
        let binding = format!("p={kind},,{data}");
        let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let last = format!("c={},r={},p={proof}", encode(binding.as_bytes()).text().unwrap(), bound.nonce);
        assert_eq!(bound.judge(&Secret::from(last.as_str())).is_some(), is_right, "{kind} {data}");
    }
}
