//! Tests of the message as the backend gets it.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::message::content::Intake;
use crate::message::edit::NewField;
use crate::message::spool::Spool;
use crate::smtp::data_decoder::DataDecoder;
use crate::threads::storage::StoragePool;

const TRACE: &[u8] = b"Received: from x\r\n\tby us\r\n";

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

async fn content(spool: &Arc<Spool>, wire: &[u8]) -> Content {
    let mut intake = Intake::new(spool, 0);
    intake.append(wire).await.unwrap();
    intake.finish().await.unwrap()
}

async fn read(outgoing: &Outgoing) -> Vec<u8> {
    let mut all = Vec::new();
    let mut reader = outgoing.reader();
    while let Some(piece) = reader.next().await.unwrap() {
        assert!(!piece.is_empty() && piece.len() <= 256 * 1024);
        all.extend_from_slice(&piece);
    }
    assert!(reader.next().await.unwrap().is_none());
    assert_eq!(outgoing.size(), all.len() as u64);
    all
}

/// `wire` as it goes out after `edits`, in a spool that keeps `memory` octets.
async fn sent(memory: u64, wire: &[u8], edits: &[Edit], trace: &[u8]) -> Vec<u8> {
    let spool = Spool::new(std::env::temp_dir(), memory, u64::MAX, StoragePool::start(1, 4).unwrap());
    let content = content(&spool, wire).await;
    let header = Header::parse(content.head(u64::MAX).await.unwrap());
    let outgoing = Outgoing::edited(content, &facts(wire), &header, edits, trace.to_vec(), false);
    let all = read(&outgoing).await;
    assert_eq!(outgoing.has_8bit(), !all.is_ascii());
    all
}

fn facts(wire: &[u8]) -> ContentFacts {
    let mut decoder = DataDecoder::new();
    decoder.feed(wire);
    *decoder.facts()
}

fn field(name: &str, value: &str) -> NewField {
    NewField::new(name, value).unwrap()
}

#[test]
fn edits_go_where_they_belong() {
    let wire = b"A: 1\r\nB: 2\r\n 3\r\n\r\n..body\r\n";
    for (edits, want, why) in [
        (vec![], "T\r\nA: 1\r\nB: 2\r\n 3\r\n\r\n..body\r\n", "nothing to do"),
        (vec![Edit::Add(field("C", "4"))], "T\r\nA: 1\r\nB: 2\r\n 3\r\nC: 4\r\n\r\n..body\r\n", "at the end"),
        (
            vec![Edit::Prepend(field("C", "4"))],
            "C: 4\r\nT\r\nA: 1\r\nB: 2\r\n 3\r\n\r\n..body\r\n",
            "above ours",
        ),
        (vec![Edit::Replace(field("b", "4"))], "T\r\nA: 1\r\nb: 4\r\n\r\n..body\r\n", "with its folds"),
        (vec![Edit::RemoveNumbered(1)], "T\r\nB: 2\r\n 3\r\n\r\n..body\r\n", "the first"),
        (vec![Edit::RemoveNamed("A".into()), Edit::RemoveNamed("B".into())], "T\r\n\r\n..body\r\n", "all"),
    ] {
        let got = run(sent(1 << 20, wire, &edits, b"T\r\n"));
        assert_eq!(String::from_utf8(got).unwrap(), want, "{why}");
    }
}

/// Otherwise a blank in front would make the client's body a header that no policy has seen.
#[test]
fn a_body_that_begins_with_a_blank_never_continues_our_fields() {
    let add = vec![Edit::Add(field("C", "4"))];
    for (wire, edits, trace, want, why) in [
        (" x\r\nSubject: y\r\n", vec![], "T\r\n", "T\r\n\r\n x\r\nSubject: y\r\n", "below our trace"),
        ("\tx\r\nSubject: y\r\n", vec![], "T\r\n", "T\r\n\r\n\tx\r\nSubject: y\r\n", "a tab"),
        (" x\r\nSubject: y\r\n", add.clone(), "", "C: 4\r\n\r\n x\r\nSubject: y\r\n", "below a new field"),
        (" x\r\nSubject: y\r\n", add, "T\r\n", "T\r\nC: 4\r\n\r\n x\r\nSubject: y\r\n", "below both"),
        (" x\r\nSubject: y\r\n", vec![], "", " x\r\nSubject: y\r\n", "nothing above it"),
        ("A: b\r\n c\r\n", vec![], "T\r\n", "T\r\nA: b\r\n c\r\n", "a fold is no body"),
        ("x\r\n y\r\n", vec![], "T\r\n", "T\r\nx\r\n y\r\n", "nor is a later blank at the start"),
        ("", vec![], "T\r\n", "T\r\n", "nothing at all"),
    ] {
        for memory in [0, 1 << 20] {
            let got = run(sent(memory, wire.as_bytes(), &edits, trace.as_bytes()));
            assert_eq!(String::from_utf8(got).unwrap(), want, "{why}");
        }
        if edits.is_empty() {
            let got = run(async {
                let spool = Spool::new(std::env::temp_dir(), 0, u64::MAX, StoragePool::start(1, 4).unwrap());
                let content = content(&spool, wire.as_bytes()).await;
                read(&Outgoing::untouched(content, &facts(wire.as_bytes()), trace.as_bytes().to_vec())).await
            });
            assert_eq!(String::from_utf8(got).unwrap(), want, "untouched: {why}");
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let new = ("[A-D]", "[ -~]{0,100}").prop_map(|(name, value)| field(&name, &value));
    prop_oneof![
        new.clone().prop_map(Edit::Add),
        new.clone().prop_map(Edit::Prepend),
        new.prop_map(Edit::Replace),
        "[A-Da-d]".prop_map(Edit::RemoveNamed),
        (1..6usize).prop_map(Edit::RemoveNumbered),
    ]
}

/// A field with odd spelling, in wire form.
fn original() -> impl Strategy<Value = (String, String)> {
    ("[A-Fa-f]", "[ \t]{0,2}:[ -~]{0,60}(\r\n[ \t][!-~]{1,60}){0,2}").prop_map(|(name, rest)| {
        let whole = format!("{name}{rest}\r\n");
        (name, whole)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The fields that no edit names, and all of the body, come out octet for octet and in their order.
    #[test]
    fn what_no_edit_names_stays_octet_for_octet(
        fields in prop::collection::vec(original(), 1..6),
        edits in prop::collection::vec(edit(), 0..5),
        body in prop::collection::vec(any::<u8>(), 0..20_000),
        memory in prop_oneof![Just(0u64), Just(1 << 20)],
    ) {
        let mut wire: Vec<u8> = fields.iter().flat_map(|(_, whole)| whole.bytes()).collect();
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(&body);
        let got = run(sent(memory, &wire, &edits, TRACE));
        let is_touched = |at: usize, name: &str| edits.iter().any(|edit| match edit {
            Edit::Replace(new) => new.name().eq_ignore_ascii_case(name),
            Edit::RemoveNamed(gone) => gone.eq_ignore_ascii_case(name),
            Edit::RemoveNumbered(number) => *number == at + 1,
            _ => false,
        });
        let mut rest = &got[..];
        let untouched = fields.iter().enumerate().filter(|(at, (name, _))| !is_touched(*at, name));
        for needle in std::iter::once(TRACE).chain(untouched.map(|(_, (_, whole))| whole.as_bytes())) {
            let found = memchr::memmem::find(rest, needle);
            prop_assert!(found.is_some(), "{:?} is gone", String::from_utf8_lossy(needle));
            rest = &rest[found.unwrap() + needle.len()..];
        }
        let mut end = b"\r\n".to_vec();
        end.extend_from_slice(&body);
        prop_assert!(got.ends_with(&end));
        // What came of the header is a header to its end.
        let header = Header::parse(Bytes::from(got.clone()));
        prop_assert_eq!(header.end(), got.len() - end.len());
        Ok::<(), TestCaseError>(())?;
    }

    #[test]
    fn without_edits_the_whole_content_is_untouched(wire in "([A-C.]: [a-z]{0,9}\r\n){0,4}(\r\n)?[a-z:\r\n.]{0,200}") {
        let got = run(sent(0, wire.as_bytes(), &[], TRACE));
        prop_assert!(got.strip_prefix(TRACE) == Some(wire.as_bytes()));
    }
}
