//! Replies of every shape, short, cut and hostile.

use proptest::prelude::*;

use super::*;

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<BackendReply>, Option<ReplyError>, bool) {
    let mut decoder = ReplyDecoder::new();
    let mut replies = Vec::new();
    for piece in pieces {
        let mut input = piece;
        while let Some(result) = decoder.decode(&mut input) {
            match result {
                Ok(reply) => replies.push(reply),
                Err(error) => return (replies, Some(error), decoder.is_empty()),
            }
        }
        assert!(input.is_empty());
    }
    (replies, None, decoder.is_empty())
}

fn reply(code: u16, lines: &[&str]) -> BackendReply {
    BackendReply::new(Code::new(code).unwrap(), lines)
}

#[test]
fn every_shape_of_reply_is_taken() {
    for (input, want) in [
        ("250 2.0.0 Ok\r\n", reply(250, &["2.0.0 Ok"])),
        ("550\r\n", reply(550, &[""])), // no text: RFC 5321 §4.2 asks us to take it
        ("550 \r\n", reply(550, &[""])),
        ("550 5.7.2\r\n", reply(550, &["5.7.2"])), // what crashed Postfix, CVE-2026-43964
        ("250-a\r\n250-\r\n250 b\r\n", reply(250, &["a", "", "b"])),
        ("250-a\r\n250\r\n", reply(250, &["a", ""])),
        ("200 x\r\n", reply(200, &["x"])),
        ("599 x\r\n", reply(599, &["x"])),
        ("354 \u{e9}\x07\r\n", reply(354, &["\u{e9}\x07"])), // screened where it is passed on
    ] {
        assert_eq!(decode([input.as_bytes()]), (vec![want.clone()], None, true), "input {input:?}");
        assert_eq!(decode(input.as_bytes().chunks(1)), (vec![want], None, true), "input {input:?}");
    }
}

#[test]
fn what_is_no_reply_is_an_error() {
    for (input, want) in [
        ("\r\n", ReplyError::Malformed),
        ("25\r\n", ReplyError::Malformed),
        ("250Ok\r\n", ReplyError::Malformed),
        ("250_Ok\r\n", ReplyError::Malformed),
        ("2500 Ok\r\n", ReplyError::Malformed),
        ("150 x\r\n", ReplyError::Malformed), // 1yz: what Haraka took for a 250
        ("999 x\r\n", ReplyError::Malformed),
        ("600 x\r\n", ReplyError::Malformed),
        ("+50 x\r\n", ReplyError::Malformed),
        (" 250 x\r\n", ReplyError::Malformed),
        ("\u{662}50 x\r\n", ReplyError::Malformed), // a digit, but no ASCII one
        ("250 a\0b\r\n", ReplyError::Malformed),
        ("250 Ok\n", ReplyError::BareNewline),
        ("250 Ok\r250 Ok\r\n", ReplyError::BareNewline),
        ("250 Ok\r\r\n", ReplyError::BareNewline),
        ("250-a\r\n251 b\r\n", ReplyError::CodeChanged),
        ("250-a\r\nb\r\n", ReplyError::Malformed),
    ] {
        assert_eq!(decode([input.as_bytes()]), (vec![], Some(want), false), "input {input:?}");
        assert_eq!(decode(input.as_bytes().chunks(1)), (vec![], Some(want), false), "input {input:?}");
    }
}

#[test]
fn a_reply_that_was_cut_is_none() {
    for input in ["250 2.0", "250 Ok\r", "250-a\r\n", "2"] {
        assert_eq!(decode([input.as_bytes()]), (vec![], None, false), "input {input:?}");
    }
}

#[test]
fn replies_are_bounded() {
    let lines = |count: usize, text: usize| [b"250-", &b"x".repeat(text)[..], b"\r\n"].concat().repeat(count);
    for (input, want) in [
        (lines(128, 1), None),
        (lines(129, 1), Some(ReplyError::TooLong)),
        (lines(1, MAX_LINE - 6), None),
        (lines(1, MAX_LINE - 5), Some(ReplyError::TooLong)),
        (lines(16, MAX_LINE - 6), None),
        (lines(17, MAX_LINE - 6), Some(ReplyError::TooLong)),
    ] {
        assert_eq!(decode([&input[..]]).1, want, "{} octets", input.len());
    }
}

#[test]
fn nothing_comes_after_an_error() {
    let mut decoder = ReplyDecoder::new();
    let mut input = &b"bad\r\n250 2.0.0 Ok\r\n"[..];
    assert_eq!(decoder.decode(&mut input), Some(Err(ReplyError::Malformed)));
    assert_eq!(decoder.decode(&mut input), Some(Err(ReplyError::Malformed)));
    assert!(!decoder.is_empty());
}

#[test]
fn the_next_reply_has_the_whole_limit() {
    let one = [&b"250-"[..], &b"x".repeat(4000), b"\r\n250 \r\n"].concat();
    assert_eq!(decode([&one.repeat(40)[..]]).0.len(), 40);
}

proptest! {
    #[test]
    fn every_cut_gives_the_same(
        pieces in prop::collection::vec(prop_oneof![
            4 => Just(b"250-a\r\n".to_vec()), 4 => Just(b"250 b\r\n".to_vec()), 2 => Just(b"550\r\n".to_vec()),
            1 => Just(b"\r".to_vec()), 1 => Just(b"\n".to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..5),
        ], 0..12),
        size in 1_usize..9,
    ) {
        let input = pieces.concat();
        prop_assert_eq!(decode(input.chunks(size)), decode([&input[..]]));
    }

    #[test]
    fn a_reply_comes_back_as_it_was_written(
        code in 200_u16..600, texts in prop::collection::vec("[ -~\u{80}-\u{ff}]{0,40}", 1..20),
    ) {
        let last = texts.len() - 1;
        let written: String = texts.iter().enumerate()
            .map(|(n, text)| format!("{code}{}{text}\r\n", if n == last { ' ' } else { '-' })).collect();
        let lines: Vec<&str> = texts.iter().map(String::as_str).collect();
        prop_assert_eq!(decode([written.as_bytes()]), (vec![reply(code, &lines)], None, true));
    }
}
