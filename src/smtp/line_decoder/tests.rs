//! Lines, in every cut, with hostile ends.

use proptest::prelude::*;

use super::*;

const MAX: usize = 8;

type Line = Result<Vec<u8>, LineError>;

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Line>, usize) {
    let mut decoder = LineDecoder::new(MAX);
    let mut lines = Vec::new();
    for piece in pieces {
        let mut input = piece;
        while let Some(line) = decoder.decode(&mut input) {
            lines.push(line.map(<[u8]>::to_vec));
        }
        assert!(input.is_empty() && decoder.partial.capacity() <= 2 * MAX);
    }
    (lines, decoder.pending())
}

#[test]
fn only_crlf_ends_a_line() {
    let line = |text: &str| Ok(text.as_bytes().to_vec());
    for (input, want) in [
        ("NOOP\r\n", vec![line("NOOP")]),
        ("\r\n", vec![line("")]),                    // an empty line is a line
        ("A\r\nB\r\nC", vec![line("A"), line("B")]), // pipelined
        ("A\nB\r\n", vec![Err(LineError::BareLf), line("B")]),
        ("A\rB\r\n", vec![Err(LineError::BareCr), line("B")]),
        ("A\r\r\n", vec![Err(LineError::BareCr), line("")]), // the second CR is half of a CRLF
        ("A\r\0\n", vec![Err(LineError::BareCr), Err(LineError::BareLf)]),
        ("A\0B\r\n", vec![Err(LineError::Nul)]),
        ("123456\r\n", vec![line("123456")]), // the limit, with CRLF
        ("1234567\r\nA\r\n", vec![Err(LineError::TooLong), line("A")]),
        ("1234567\0\r\n", vec![Err(LineError::TooLong)]),
        ("123456789\nA\r\n", vec![Err(LineError::BareLf), line("A")]),
    ] {
        assert_eq!(decode([input.as_bytes()]).0, want, "input {input:?}");
        for cut in 0..input.len() {
            let (left, right) = input.as_bytes().split_at(cut);
            assert_eq!(decode([left, right]).0, want, "input {input:?} cut at {cut}");
        }
    }
}

#[test]
fn a_line_that_arrives_whole_is_not_copied() {
    let whole = b"NOOP\r\nQUIT\r\n";
    let mut input = &whole[..];
    let mut decoder = LineDecoder::new(512);
    let line = decoder.decode(&mut input).unwrap().unwrap();
    assert_eq!(line.as_ptr(), whole.as_ptr());
    assert_eq!(decoder.partial.capacity(), 0);
    assert_eq!(input, b"QUIT\r\n");
}

#[test]
fn an_endless_line_takes_no_memory() {
    let mut decoder = LineDecoder::new(2048);
    for _ in 0..1000 {
        assert_eq!(decoder.decode(&mut &[b'x'; 4096][..]), None);
        assert!(decoder.partial.capacity() <= 4096);
    }
    assert_eq!(decoder.pending(), 4_096_000);
    assert_eq!(decoder.decode(&mut &b"\r\n"[..]), Some(Err(LineError::TooLong)));
    assert!(decoder.is_empty());
}

#[test]
fn a_line_that_was_cut_stays_too_long_when_the_limit_grows() {
    let mut decoder = LineDecoder::new(8);
    assert_eq!(decoder.decode(&mut &b"MAIL FROM:"[..]), None);
    decoder.set_max(512);
    assert_eq!(decoder.decode(&mut &b"<>\r\n"[..]), Some(Err(LineError::TooLong)));
    assert_eq!(decoder.decode(&mut &b"MAIL FROM:<>\r\n"[..]), Some(Ok(&b"MAIL FROM:<>"[..])));
}

#[test]
fn a_partial_line_waits_until_it_is_cleared() {
    let mut decoder = LineDecoder::new(512);
    assert_eq!(decoder.decode(&mut &b"NO\r"[..]), None);
    assert_eq!(decoder.pending(), 3);
    decoder.clear();
    assert!(decoder.is_empty());
    assert_eq!(decoder.decode(&mut &b"QUIT\r\n"[..]), Some(Ok(&b"QUIT"[..])));
}

#[test]
fn an_idle_decoder_holds_no_heap() {
    let mut decoder = LineDecoder::new(512);
    assert_eq!(decoder.decode(&mut &b"NO"[..]), None);
    assert_eq!(decoder.decode(&mut &b"OP\r\n"[..]), Some(Ok(&b"NOOP"[..])));
    assert!(decoder.is_empty());
    assert_eq!(decoder.decode(&mut &b""[..]), None);
    assert_eq!(decoder.partial.capacity(), 0);
}

proptest! {
    #[test]
    fn every_cut_gives_the_same(
        pieces in prop::collection::vec(prop_oneof![
            4 => Just(b"\r\n".to_vec()), 1 => Just(b"\r".to_vec()), 1 => Just(b"\n".to_vec()), 1 => Just(b"\0".to_vec()),
            4 => prop::collection::vec(any::<u8>(), 0..6),
        ], 0..16),
        size in 1_usize..9,
    ) {
        let input = pieces.concat();
        let whole = decode([&input[..]]);
        prop_assert_eq!(&decode(input.chunks(size)), &whole);
        prop_assert_eq!(&decode(pieces.iter().map(|piece| &piece[..])), &whole);
        for line in whole.0.into_iter().flatten() {
            prop_assert!(line.len() + 2 <= MAX && !line.iter().any(|octet| b"\r\n\0".contains(octet)));
        }
    }
}
