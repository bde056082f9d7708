//! The lines of sessions and transactions, field by field.

use tracing::dispatcher::with_default;

use super::*;
use crate::observe::config::{Format, Log};
use crate::observe::log::LogHandle;

fn written(format: Format, log: impl FnOnce()) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let config = Log { format, file: Some(file.clone()), ..Log::default() };
    let (dispatch, handle) = LogHandle::start(&config).unwrap();
    with_default(&dispatch, log);
    drop(handle);
    let log = std::fs::read_to_string(file).unwrap();
    if format == Format::Text { log.split_once(' ').unwrap().1.to_owned() } else { log }
}

/// Notes, one of them hostile.
fn notes() -> [(String, String); 2] {
    [("greylist", "first seen"), ("a=b\u{1f}\u{1e} session", "x\u{1e}y")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
}

fn whole(notes: &[(String, String)]) -> TransactionRecord<'_> {
    const PATHS: &[(&str, u16)] = &[("bob@b.example", 250), ("\"x>:250,<y\"@b.example", 550)];
    TransactionRecord {
        session: "3q7m2k9d4x8w1z5v",
        transaction: 1,
        client_ip: Some("192.0.2.7".parse().unwrap()),
        client_name: Some("mail.a.example"),
        peer: None,
        forwarded_ip: None,
        forwarded_name: None,
        forwarded_ident: None,
        ehlo: Some("mail.a.example"),
        tls: Some("TLSv1.3 TLS_AES_256_GCM_SHA384"),
        auth: Some("ann"),
        reverse_path: Some("ann@a.example"),
        forward_paths: PATHS,
        message_id: Some("<1@a.example>"),
        octets: Some(1234),
        disposition: "relayed",
        stage: Some("message"),
        code: Some(250),
        policy: Some("site"),
        discarded: &[("\"x>:250,<y\"@b.example", "site")],
        why: Some("a trap"),
        relay_grant: Some("relay.networks"),
        backend: Some("mta1"),
        backend_reply: Some("250 2.0.0 Ok: queued as 4XyZ"),
        elapsed_ms: Some(31),
        score: Some(2.0),
        notes,
    }
}

#[test]
fn a_transaction_is_one_line_with_all_its_fields() {
    assert_eq!(
        written(Format::Text, || whole(&notes()).log()),
        "INFO transaction ended session=3q7m2k9d4x8w1z5v transaction=1 stage=message code=250 disposition=relayed \
         policy=site why=\"a trap\" client_ip=192.0.2.7 client_name=mail.a.example ehlo=mail.a.example \
         tls=\"TLSv1.3 TLS_AES_256_GCM_SHA384\" auth=ann relay_grant=relay.networks \
         reverse_path=<ann@a.example> message_id=<1@a.example> octets=1234 backend=mta1 \
         backend_reply=\"250 2.0.0 Ok: queued as 4XyZ\" elapsed_ms=31 score=2 \
         forward_paths=\"<bob@b.example>:250,<\\\"x>:250\\\\,<y\\\"@b.example>:550\" \
         discarded=\"<\\\"x>:250\\\\,<y\\\"@b.example>:site\" \
         note.greylist=\"first seen\" note.a_b___session=x?y\n"
    );
}

#[test]
fn every_field_of_a_record_is_on_the_page() {
    let log = written(Format::Json, || whole(&notes()).log());
    let object: serde_json::Value = serde_json::from_str(log.trim_end()).unwrap();
    for name in object.as_object().unwrap().keys() {
        let is_known = fields::ALL.iter().any(|field| field.name == name);
        assert!(is_known || name.starts_with("note."), "{name}");
    }
}

#[test]
fn what_a_record_does_not_have_is_left_out() {
    let record =
        TransactionRecord { session: "s", transaction: 3, disposition: "aborted", ..Default::default() };
    assert_eq!(
        written(Format::Text, || record.log()),
        "INFO transaction ended session=s transaction=3 disposition=aborted\n"
    );
}

#[test]
fn the_null_reverse_path_is_seen() {
    let record = TransactionRecord { session: "s", reverse_path: Some(""), ..Default::default() };
    let log = written(Format::Text, || record.log());
    assert!(log.contains(" reverse_path=<>"), "{log}");
}

#[test]
fn a_session_is_one_line() {
    let record = SessionRecord {
        session: "s",
        listener: Some("25"),
        client_ip: Some("2001:db8::1".parse().unwrap()),
        client_port: Some(40_000),
        ehlo: Some("x"),
        stage: Some("ehlo"),
        code: Some(550),
        policy: Some("site"),
        reply: Some("550 5.7.1 no"),
        reason: Some("quit"),
        by: Some("client"),
        last_verb: Some("QUIT"),
        messages: Some(1),
        octets: Some(10),
        elapsed_ms: Some(5),
        ..Default::default()
    };
    assert_eq!(
        written(Format::Text, || record.log()),
        "INFO session ended session=s listener=25 client_ip=2001:db8::1 client_port=40000 ehlo=x stage=ehlo \
         code=550 policy=site reply=\"550 5.7.1 no\" reason=quit by=client last_verb=QUIT messages=1 octets=10 elapsed_ms=5\n"
    );
}

#[test]
fn a_thousand_recipients_are_counted_where_they_do_not_fit() {
    let paths: Vec<_> = (0..1000).map(|n| format!("recipient{n:04}@b.example")).collect();
    let paths: Vec<_> = paths.iter().map(|path| (path.as_str(), 250)).collect();
    let record = TransactionRecord { session: "s", forward_paths: &paths, ..Default::default() };
    let log = written(Format::Text, || record.log());
    let fitted = log.matches(">:250").count();
    assert!((100..1000).contains(&fitted), "{fitted}");
    assert!(log.trim_end().ends_with(&format!(",...+{}", 1000 - fitted)), "{log}");
    assert!(log.len() < 20 * 1024);
}
