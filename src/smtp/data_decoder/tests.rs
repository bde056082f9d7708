//! The end of data, and only it: smuggling in all its forms, in every cut.

use proptest::prelude::*;

use super::*;
use crate::smtp::data_encoder::Normalizer;

#[derive(Clone, Debug, Default, PartialEq)]
struct Outcome {
    wire: Vec<u8>,
    consumed: usize,
    end: bool,
    facts: ContentFacts,
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    decode_with(DataDecoder::measuring_lines(), pieces)
}

fn decode_with<'a>(mut decoder: DataDecoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut outcome = Outcome::default();
    for piece in pieces {
        let progress = decoder.feed(piece);
        outcome.wire.extend_from_slice(progress.before);
        outcome.wire.extend_from_slice(progress.kept(piece));
        outcome.consumed += progress.consumed;
        outcome.end = progress.end;
        assert_eq!(decoder.facts().wire_size, outcome.wire.len() as u64);
        assert!(progress.end || progress.consumed == piece.len());
    }
    Outcome { facts: *decoder.facts(), ..outcome }
}

/// What must come out, said in another way: by looking at all octets at once.
fn model(input: &[u8]) -> Outcome {
    let prefixed = [b"\r\n", input].concat();
    let found = prefixed.windows(5).position(|window| window == b"\r\n.\r\n");
    let mut wire = &input[..found.unwrap_or(input.len())];
    if found.is_none() {
        // What may become an end of data is held back.
        let held = [&b"\r\n.\r"[..], b"\r\n."].into_iter().find(|tail| prefixed.ends_with(tail));
        wire = &input[..input.len() - held.map_or(0, |tail| tail.len() - 2)];
    }
    let text: Vec<u8> = wire.to_vec();
    let mut lines: Vec<&[u8]> = Vec::new();
    let (mut start, mut offset, mut header_end) = (0, 0, None);
    while offset < text.len() {
        if text[offset..].starts_with(b"\r\n") {
            if offset == start && header_end.is_none() {
                header_end = Some(start as u64);
            }
            lines.push(&text[start..offset]);
            offset += 2;
            start = offset;
        } else {
            offset += 1;
        }
    }
    let ends_in_cr = text.ends_with(b"\r") && found.is_none();
    lines.push(&text[start..text.len() - usize::from(ends_in_cr)]);
    let dots = lines.iter().filter(|line| line.starts_with(b".")).count() as u64;
    let bare = (0..text.len()).find(|&at| match text[at] {
        b'\r' => text.get(at + 1) != Some(&b'\n') && !(ends_in_cr && at + 1 == text.len()),
        b'\n' => at == 0 || text[at - 1] != b'\r',
        _ => false,
    });
    let longest = lines.iter().map(|line| line.len() - usize::from(line.starts_with(b".")));
    Outcome {
        consumed: found.map_or(input.len(), |found| found + 3),
        end: found.is_some(),
        facts: ContentFacts {
            size: text.len() as u64 - dots,
            wire_size: text.len() as u64,
            bare_newline: bare.map(|at| at as u64),
            longest_line: longest.max().unwrap_or(0) as u64,
            header_end,
            has_8bit: !text.is_ascii(),
            has_8bit_body: header_end.is_some_and(|end| !text[end as usize..].is_ascii()),
            has_nul: text.contains(&0),
        },
        wire: text,
    }
}

#[test]
fn content_is_kept_as_it_came_and_its_end_is_found() {
    for (input, wire, size, header_end, longest) in [
        (".\r\n", "", 0, None, 0),                                         // an empty content
        ("\r\n.\r\n", "\r\n", 2, Some(0), 0),                              // an empty line alone
        ("A: b\r\n\r\nhi\r\n.\r\n", "A: b\r\n\r\nhi\r\n", 12, Some(6), 4), // header and body
        ("..\r\n.\r\n", "..\r\n", 3, None, 1),                             // a stuffed dot stays stuffed
        (".x\r\n.\r\n", ".x\r\n", 3, None, 1), // a dot that nobody stuffed goes all the same
        ("a\r\n.\r\n.\r\n", "a\r\n", 3, None, 1), // the first end counts
        ("\r\n\r\n.\r\n", "\r\n\r\n", 4, Some(0), 0), // the first empty line counts
        ("a.\r\n.\r\n", "a.\r\n", 4, None, 2), // a dot at the end of a line
    ] {
        let outcome = decode([input.as_bytes()]);
        let facts = ContentFacts {
            size,
            wire_size: wire.len() as u64,
            longest_line: longest,
            header_end,
            ..ContentFacts::default()
        };
        assert!(outcome.end, "input {input:?}");
        assert_eq!(outcome.wire, wire.as_bytes(), "input {input:?}");
        assert_eq!(outcome.facts, facts, "input {input:?}");
    }
}

#[test]
fn what_follows_the_end_of_data_is_left_alone() {
    let mut decoder = DataDecoder::new();
    let progress = decoder.feed(b"a\r\n.\r\nQUIT\r\n");
    assert_eq!(progress, Progress { before: b"", keep: 3, consumed: 6, end: true });
    assert_eq!(decoder.feed(b"QUIT\r\n"), Progress { before: b"", keep: 0, consumed: 0, end: true });
}

#[test]
fn a_possible_end_of_data_is_held_back_and_given_if_it_is_none() {
    let mut decoder = DataDecoder::new();
    assert_eq!(decoder.feed(b"a\r\n.\r"), Progress { before: b"", keep: 3, consumed: 5, end: false });
    assert_eq!(decoder.feed(b"b"), Progress { before: b".\r", keep: 1, consumed: 1, end: false });
    assert_eq!(decoder.facts().bare_newline, Some(4));
}

/// What stands for a line's end somewhere.
const NEWLINES: [&str; 14] = [
    "\r\n", "\n", "\r", "\r\r\n", "\r\r", "\n\n", "\n\r", "\r\0\n", "\0\n", "\r\n\0", "\0", "\x0b", "\u{85}",
    "\u{2028}",
];

#[test]
fn nothing_but_crlf_dot_crlf_ends_the_data_in_any_cut() {
    let mut variants = 0;
    for before in NEWLINES {
        for after in NEWLINES {
            let head = format!("Subject: x\r\n\r\nfirst{before}");
            let input = format!("{head}.{after}MAIL FROM:<m@evil.example>\r\n.\r\nQUIT\r\n");
            let ends_there = before.ends_with("\r\n") && after.starts_with("\r\n");
            let kept = if ends_there { head.len() } else { input.len() - "QUIT\r\n.\r\n".len() };
            let name = format!("before {before:?}, after {after:?}");
            variants += usize::from(!ends_there);
            let whole = decode([input.as_bytes()]);
            assert_eq!(whole, model(input.as_bytes()), "{name}");
            assert_eq!((whole.end, whole.wire.len()), (true, kept), "{name}");
            for cut in 0..=input.len() {
                let (left, right) = input.as_bytes().split_at(cut);
                assert_eq!(decode([left, right]), whole, "{name}, cut at {cut}");
            }
            assert_eq!(decode(input.as_bytes().chunks(1)), whole, "{name}, octet by octet");
            assert_is_harmless(&whole, &name);
            // The same far into a body, which is looked at in blocks.
            let lines = "a usual line of text\r\n".repeat(100);
            let far = input.replacen("first", &format!("{lines}first"), 1);
            let quick = decode_with(DataDecoder::new(), [far.as_bytes()]);
            assert_eq!((quick.end, quick.wire.len()), (true, kept + lines.len()), "{name}, far into a body");
            let bare = whole.facts.bare_newline.map(|at| at + lines.len() as u64);
            assert_eq!(quick.facts.bare_newline, bare, "{name}, far into a body");
        }
    }
    assert!(variants >= 45, "{variants}");
}

/// Nobody, however lax with newlines, finds an end of data in what is forwarded.
fn assert_is_harmless(outcome: &Outcome, name: &str) {
    let wire = &outcome.wire;
    let mut mended = Vec::new();
    let mut normalizer = Normalizer::new();
    normalizer.feed(wire, |piece| mended.extend_from_slice(piece));
    normalizer.finish(|piece| mended.extend_from_slice(piece));
    for forwarded in
        [Some(wire).filter(|_| outcome.facts.bare_newline.is_none()), Some(&mended)].into_iter().flatten()
    {
        let lax = String::from_utf8_lossy(forwarded).replace("\r\n", "\n").replace('\r', "\n");
        assert!(!lax.split('\n').any(|line| line == "."), "{name}: {lax:?}");
        assert_eq!(decode([&forwarded[..]]).facts.bare_newline, None, "{name}");
    }
}

#[test]
fn lone_dots_with_company_do_not_end_the_data() {
    for line in ["..", ". ", " .", ".\t", ".\0", "\0.", ".\x08", ".x", "=2E", "．", "\u{feff}.", ".\u{a0}"] {
        let input = format!("{line}\r\n.\r\n");
        assert_eq!(decode([input.as_bytes()]).wire, input.as_bytes()[..input.len() - 3], "line {line:?}");
    }
}

#[test]
fn runs_of_cr_before_lf_hold_a_bare_newline() {
    for input in ["a\r\r\nb\r\n.\r\n", "\r\r\r\n.\r\n", "a\r\n.\r\r\nb\r\n.\r\n", ".\r\r\n.\r\n"] {
        let outcome = decode([input.as_bytes()]);
        assert!(outcome.end && outcome.facts.bare_newline.is_some(), "input {input:?}");
        assert_eq!(outcome, model(input.as_bytes()), "input {input:?}");
    }
}

/// Content made of what matters.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()), 3 => Just(b".".to_vec()), 1 => Just(b"\r".to_vec()), 1 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n.".to_vec()), 1 => Just(b"\0".to_vec()), 2 => prop::collection::vec(any::<u8>(), 0..9),
        2 => Just(b"text".to_vec()),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Content long enough that most of it is looked at in blocks.
fn long_content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => (1_usize..40).prop_map(|lines| b"a usual line of text\r\n".repeat(lines)),
        1 => prop::collection::vec(any::<u8>(), 0..9), 1 => Just(b"\r\n.".to_vec()), 1 => Just(b"\r".to_vec()),
        1 => Just(b"\n".to_vec()), 1 => (0_usize..600).prop_map(|length| b"x".repeat(length)),
    ];
    let body = prop::collection::vec(piece, 0..24);
    body.prop_map(|pieces| [&b"A: b\r\n\r\n"[..], &pieces.concat()].concat())
}

proptest! {
    #[test]
    fn blocks_give_what_octets_give(input in long_content(), size in 1_usize..3000) {
        let slow = decode([&input[..]]);
        prop_assert_eq!(&slow, &model(&input));
        for pieces in [vec![&input[..]], input.chunks(size).collect()] {
            let mut quick = decode_with(DataDecoder::new(), pieces);
            prop_assert!(quick.facts.longest_line <= slow.facts.longest_line);
            quick.facts.longest_line = slow.facts.longest_line;
            prop_assert_eq!(&quick, &slow);
        }
    }

    #[test]
    fn every_cut_gives_what_the_model_gives(input in content(), sizes in prop::collection::vec(1_usize..9, 1..9)) {
        let want = model(&input);
        prop_assert_eq!(&decode([&input[..]]), &want);
        prop_assert_eq!(&decode(input.chunks(1)), &want);
        let mut rest = &input[..];
        let mut pieces = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (piece, next) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = next;
        }
        prop_assert_eq!(&decode(pieces), &want);
    }
}
