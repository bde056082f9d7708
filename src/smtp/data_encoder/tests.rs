//! Stuffing and unstuffing, in every cut.

use proptest::prelude::*;

use super::*;

fn stuff<'a>(mut stuffer: Stuffer, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, ContentFacts) {
    let mut wire = Vec::new();
    for piece in pieces {
        stuffer.feed(piece, |piece| wire.extend_from_slice(piece));
    }
    let facts = stuffer.finish(|piece| wire.extend_from_slice(piece));
    (wire, facts)
}

fn unstuff<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut content = Vec::new();
    let mut unstuffer = Unstuffer::new();
    for piece in pieces {
        unstuffer.feed(piece, |piece| content.extend_from_slice(piece));
    }
    content
}

fn normalize<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, ContentFacts) {
    let mut wire = Vec::new();
    let mut normalizer = Normalizer::new();
    for piece in pieces {
        normalizer.feed(piece, |piece| wire.extend_from_slice(piece));
    }
    let facts = normalizer.finish(|piece| wire.extend_from_slice(piece));
    (wire, facts)
}

#[test]
fn chunks_become_wire_form() {
    for (content, wire) in [
        ("", ""),                       // nothing stays nothing
        ("a", "a\r\n"),                 // the CRLF that ends the content is added
        ("a\r\n", "a\r\n"),             // or is there
        (".", "..\r\n"),                // a lone dot
        (".\r\n.\r\n", "..\r\n..\r\n"), // an end of data in BDAT is content: RFC 3030 §2
        ("a\r\n..b", "a\r\n...b\r\n"),  // each dot is stuffed, stuffed or not
        ("a.\r\nb", "a.\r\nb\r\n"),     // only at the start of a line
        ("a\n.\r\n", "a\n.\r\n"),       // bare newlines are not mended here; the facts tell
        ("a\r", "a\r\r\n"),             // nor a CR at the end
    ] {
        assert_eq!(stuff(Stuffer::new(), [content.as_bytes()]).0, wire.as_bytes(), "content {content:?}");
    }
}

#[test]
fn a_bare_newline_in_chunks_is_told() {
    for (pieces, want) in [
        (&["a\r", "\nb"][..], None),  // a CRLF over two chunks
        (&["a\r", "b"][..], Some(1)), // none
        (&["a", "\nb"][..], Some(1)),
        (&[".\r\n\n"][..], Some(4)),    // in the wire form, a dot further
        (&["a\r"][..], Some(1)),        // at the very end
        (&["a\r", "", "\n"][..], None), // an empty chunk between
    ] {
        let pieces = || pieces.iter().map(|piece| piece.as_bytes());
        assert_eq!(
            stuff(Stuffer::new(), pieces()).1.bare_newline,
            want,
            "{pieces:?}",
            pieces = pieces().collect::<Vec<_>>()
        );
        assert_eq!(stuff(Stuffer::normalizing(), pieces()).1.bare_newline, want, "normalizing");
    }
}

#[test]
fn bare_newlines_in_content_become_crlf() {
    for (content, wire) in [
        ("a\nb\rc\r\nd", "a\r\nb\r\nc\r\nd\r\n"),
        ("a\n.\nb", "a\r\n..\r\nb\r\n"), // the lone dot that a smuggler wants
        ("a\r.\rb", "a\r\n..\r\nb\r\n"),
        ("a\r\r\nb", "a\r\n\r\nb\r\n"), // CR, then CRLF: two line ends, not one
        ("a\n\rb", "a\r\n\r\nb\r\n"),
        ("a\r", "a\r\n"),
        ("\r\0\n", "\r\n\0\r\n"),
    ] {
        assert_eq!(
            stuff(Stuffer::normalizing(), [content.as_bytes()]).0,
            wire.as_bytes(),
            "content {content:?}"
        );
    }
}

#[test]
fn bare_newlines_on_the_wire_become_crlf() {
    for (input, wire) in [
        ("a\n.\r\nb\r\n", "a\r\n..\r\nb\r\n"), // no line started at the dot: it is content, now stuffed
        ("a\r\n.\nb\r\n", "a\r\n\r\nb\r\n"), // the line that starts here has a dot too many, as the RFC says
        ("a\r\n..\nb\r\n", "a\r\n..\r\nb\r\n"),
        ("a\r\n..b\r\n", "a\r\n..b\r\n"), // canonical already
        ("a\r\n.\r\r\n", "a\r\n\r\n\r\n"),
    ] {
        assert_eq!(normalize([input.as_bytes()]).0, wire.as_bytes(), "input {input:?}");
    }
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()), 3 => Just(b".".to_vec()), 1 => Just(b"\r".to_vec()), 1 => Just(b"\n".to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..9),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_was_stuffed_unstuffs_to_what_it_was(content in content()) {
        let (wire, facts) = stuff(Stuffer::new(), [&content[..]]);
        let added: &[u8] = if content.is_empty() || content.ends_with(b"\r\n") { b"" } else { b"\r\n" };
        let want = [&content, added].concat();
        prop_assert_eq!(facts.size, want.len() as u64);
        prop_assert_eq!(unstuff([&wire[..]]), want);
    }

    #[test]
    fn every_cut_gives_the_same(content in content(), size in 1_usize..7) {
        prop_assert_eq!(stuff(Stuffer::new(), content.chunks(size)), stuff(Stuffer::new(), [&content[..]]));
        prop_assert_eq!(stuff(Stuffer::normalizing(), content.chunks(size)), stuff(Stuffer::normalizing(), [&content[..]]));
        prop_assert_eq!(normalize(content.chunks(size)), normalize([&content[..]]));
        prop_assert_eq!(unstuff(content.chunks(size)), unstuff([&content[..]]));
    }

    #[test]
    fn what_the_decoder_accepted_the_stuffer_gives_back(content in content()) {
        let input = [&content[..], b"\r\n.\r\n"].concat();
        let mut decoder = DataDecoder::new();
        let wire = decoder.feed(&input).kept(&input).to_vec();
        let content = unstuff([&wire[..]]);
        prop_assert_eq!(decoder.facts().size, content.len() as u64);
        // A lone stuffed dot (".x" for "x") is the only thing that has two wire forms.
        prop_assert_eq!(unstuff([&stuff(Stuffer::new(), [&content[..]]).0[..]]), content);
    }

    #[test]
    fn what_the_normalizer_gives_is_canonical_and_never_ends_early(input in content()) {
        for wire in [normalize([&input[..]]).0, stuff(Stuffer::normalizing(), [&input[..]]).0] {
            let sent = [&wire[..], b".\r\n"].concat();
            let mut decoder = DataDecoder::new();
            let progress = decoder.feed(&sent);
            prop_assert!(progress.end && progress.consumed == sent.len());
            prop_assert_eq!(decoder.facts().bare_newline, None);
            prop_assert_eq!(&normalize([&wire[..]]).0, &wire);
        }
    }
}
