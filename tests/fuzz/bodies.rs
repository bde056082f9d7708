//! What each fuzz target does with its input. `fuzz_corpus.rs` does the same with the committed corpus.

use std::net::{IpAddr, Ipv6Addr};

use crate::ldap::answer::{Answer, LONGEST, Said, decode};
use crate::lookup::map::netstring::{self, NetstringError};
use crate::lookup::map::socketmap;
use crate::net::proxy_protocol::{Header, HeaderDecoder, HeaderError};
use crate::smtp::chunk::Chunk;
use crate::smtp::command::{Command, Syntax};
use crate::smtp::data_decoder::{ContentFacts, DataDecoder};
use crate::smtp::data_encoder::{Normalizer, Stuffer, Unstuffer};
use crate::smtp::line_decoder::{LineDecoder, LineError};
use crate::smtp::particulars::Particulars;
use crate::smtp::path::{ForwardPath, ReversePath};
use crate::smtp::reply::Reply;
use crate::smtp::reply_decoder::{BackendReply, ReplyDecoder, ReplyError};
use crate::smtp::xclient::{Attribute, ClientFacts, Name, XCLIENT, XFORWARD, xclient_line, xforward_lines};

/// A body, by the name of its target.
pub(crate) type Body = fn(&[u8]);

/// All of them.
pub(crate) const ALL: [(&str, Body); 11] = [
    ("chunk", chunk),
    ("command", command),
    ("data", data),
    ("ldap", ldap),
    ("line", line),
    ("particulars", particulars),
    ("path", path),
    ("proxy_protocol", proxy_protocol),
    ("reply", reply),
    ("socketmap", socketmap),
    ("xclient", xclient),
];

/// Sizes of the pieces that an input is cut into; the last is "not at all".
const CUTS: [usize; 4] = [1, 2, 5, usize::MAX];

/// A command line: whatever it is, there is an answer, and nothing in it can break a line of ours.
pub(crate) fn command(input: &[u8]) {
    for strict in [false, true] {
        match Command::parse(input, Syntax { strict }) {
            Ok(command) => {
                assert!(!input.iter().any(|octet| b"\r\n\0".contains(octet)));
                assert!(!command.verb().as_str().contains(['\r', '\n']));
                if let Command::Mail(mail) = &command {
                    assert_path_is_stable(&mail.reverse_path.to_string(), ReversePath::parse);
                }
                if let Command::Rcpt(rcpt) = &command {
                    assert_path_is_stable(&rcpt.forward_path.to_string(), ForwardPath::parse);
                }
            }
            Err(error) => assert_reply_is_framed(&Reply::from(error)),
        }
    }
}

/// What a server of socketmaps says: a netstring is what it would be written as, its beginning is none yet, and too long
/// a one stays that. What is in it is a reply or none.
pub(crate) fn socketmap(input: &[u8]) {
    const MOST: usize = 300;
    match netstring::decode(input, MOST) {
        Ok(Some((inside, length))) => {
            assert!(inside.len() <= MOST);
            let whole = &input[..length];
            if let Ok(text) = std::str::from_utf8(inside) {
                assert_eq!(netstring::encode(&[text]), whole);
            }
            for end in 0..length {
                assert_eq!(netstring::decode(&whole[..end], MOST), Ok(None), "not whole yet");
            }
            socketmap::Reply::parse(inside);
        }
        Ok(None) => assert!(input.len() <= MOST + "300:".len()),
        Err(error) => {
            assert!(matches!(error, NetstringError::TooLong(MOST) | NetstringError::Malformed));
            let more = [input, b"0:,".as_slice()].concat();
            assert_eq!(netstring::decode(&more, MOST), Err(error), "what comes later mends nothing");
        }
    }
}

/// A path: what was taken is written as it can be read again, in one line.
pub(crate) fn path(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for strict in [false, true] {
        if let Ok(path) = ReversePath::parse(text, strict) {
            assert_path_is_stable(&path.to_string(), ReversePath::parse);
            if let Some(mailbox) = path.mailbox() {
                assert!(!mailbox.address().chars().any(|char| char == '\0' || char == '\r' || char == '\n'));
                assert!(mailbox.as_str().ends_with(mailbox.domain().as_str()));
                assert!(mailbox.as_str().starts_with(mailbox.local_part()));
            }
        }
        if let Ok(path) = ForwardPath::parse(text, strict) {
            assert!(!path.as_str().is_empty());
            assert_path_is_stable(&path.to_string(), ForwardPath::parse);
        }
    }
}

/// What a client sends as commands: the same lines in every cut.
pub(crate) fn line(input: &[u8]) {
    type Lines = Vec<Result<Vec<u8>, LineError>>;
    let decode = |cut: usize| -> (Lines, usize) {
        let mut decoder = LineDecoder::new(64);
        let mut lines = Vec::new();
        for mut piece in input.chunks(cut) {
            while let Some(line) = decoder.decode(&mut piece) {
                lines.push(line.map(<[u8]>::to_vec));
            }
            assert!(piece.is_empty());
        }
        (lines, decoder.pending())
    };
    let whole = decode(usize::MAX);
    for line in whole.0.iter().flatten() {
        assert!(line.len() + 2 <= 64 && !line.iter().any(|octet| b"\r\n\0".contains(octet)));
    }
    for cut in CUTS {
        assert_eq!(decode(cut), whole, "cut {cut}");
    }
}

/// What a backend sends: the same replies in every cut, bounded, and nothing after an error.
pub(crate) fn reply(input: &[u8]) {
    let decode = |cut: usize| -> (Vec<BackendReply>, Option<ReplyError>) {
        let mut decoder = ReplyDecoder::new();
        let mut replies = Vec::new();
        for mut piece in input.chunks(cut) {
            while let Some(result) = decoder.decode(&mut piece) {
                match result {
                    Ok(reply) => replies.push(reply),
                    Err(error) => return (replies, Some(error)),
                }
            }
        }
        (replies, None)
    };
    let whole = decode(usize::MAX);
    for reply in &whole.0 {
        assert!((1..=128).contains(&reply.lines().count()) && (200..600).contains(&reply.code.get()));
        assert!(reply.lines().all(|line| line.len() < 4096 && !line.contains(&b'\n')));
        assert_reply_is_framed(&Reply::relayed(reply.code, reply.lines(), true));
        assert_reply_is_framed(&Reply::relayed(reply.code, reply.lines(), false));
    }
    for cut in CUTS {
        assert_eq!(decode(cut), whole, "cut {cut}");
    }
}

/// Content after DATA: one end in every cut, and what is kept carries no second one for anybody.
pub(crate) fn data(input: &[u8]) {
    let decode = |cut: usize| -> (Vec<u8>, usize, ContentFacts) {
        let mut decoder = DataDecoder::new();
        let (mut wire, mut consumed) = (Vec::new(), 0);
        for piece in input.chunks(cut) {
            let progress = decoder.feed(piece);
            wire.extend_from_slice(progress.before);
            wire.extend_from_slice(progress.kept(piece));
            consumed += progress.consumed;
            assert!(progress.end == decoder.is_ended() && (progress.end || progress.consumed == piece.len()));
        }
        (wire, consumed, *decoder.facts())
    };
    let (wire, consumed, facts) = decode(usize::MAX);
    for cut in CUTS {
        assert_eq!(decode(cut), (wire.clone(), consumed, facts), "cut {cut}");
    }
    let prefixed = [b"\r\n", input].concat();
    let end = prefixed.windows(5).position(|window| window == b"\r\n.\r\n");
    assert_eq!(consumed, end.map_or(input.len(), |end| end + 3));
    if end.is_some() {
        assert_eq!(wire, input[..consumed - 3]);
        let content = unstuffed(&wire);
        assert_eq!(content.len() as u64, facts.size);
        let mut normalizer = Normalizer::new();
        let mut mended = Vec::new();
        normalizer.feed(&wire, |piece| mended.extend_from_slice(piece));
        normalizer.finish(|piece| mended.extend_from_slice(piece));
        assert_is_canonical(&mended);
        if facts.bare_newline.is_none() {
            assert_is_canonical(&wire);
            assert_eq!(unstuffed(&mended), content);
        }
    }
}

/// What a directory says: the same answers in every cut, bounded by what was said, and nothing after an error.
pub(crate) fn ldap(input: &[u8]) {
    for attribute in [None, Some("uid")] {
        let decode_all = |cut: usize| -> (Vec<Answer>, usize, bool) {
            let (mut answers, mut waiting, mut taken) = (Vec::new(), Vec::new(), 0);
            for piece in input.chunks(cut) {
                waiting.extend_from_slice(piece);
                loop {
                    match decode(&waiting, attribute) {
                        Ok(Some((answer, length))) => {
                            assert!((5..=LONGEST + 6).contains(&length) && length <= waiting.len());
                            waiting.drain(..length);
                            taken += length;
                            answers.push(answer);
                        }
                        Ok(None) => break,
                        Err(_) => return (answers, taken, true),
                    }
                }
                assert!(waiting.len() < LONGEST + 6);
            }
            (answers, taken, false)
        };
        let whole = decode_all(usize::MAX);
        for answer in &whole.0 {
            assert!(answer.id < 1 << 31);
            if let Said::Entry(entry) = &answer.said {
                let octets: usize = entry.values.iter().map(String::len).sum();
                assert!(entry.dn.len() + octets <= input.len());
                assert!(attribute.is_some() || entry.values.is_empty());
            }
        }
        for cut in CUTS {
            assert_eq!(decode_all(cut), whole, "cut {cut}");
        }
    }
}

/// What a balancer sends first: the same header in every cut, bounded, and nothing taken that is behind it.
pub(crate) fn proxy_protocol(input: &[u8]) {
    let decode = |cut: usize| -> (Option<Result<Header, HeaderError>>, usize) {
        let mut decoder = HeaderDecoder::new();
        let mut taken = 0;
        for piece in input.chunks(cut) {
            let mut rest = piece;
            let answer = decoder.decode(&mut rest);
            taken += piece.len() - rest.len();
            if answer.is_some() {
                return (answer, taken);
            }
            assert!(rest.is_empty() && decoder.wants() > 0);
        }
        (None, taken)
    };
    let whole = decode(usize::MAX);
    assert!(whole.1 <= 4096);
    if let Some(Ok(Header::Carried { fields, .. })) = &whole.0 {
        let tls = fields.tls.clone().unwrap_or_default();
        let texts =
            [&fields.authority, &fields.alpn, &fields.unique_id, &tls.version, &tls.cipher, &tls.subject];
        for text in texts.into_iter().flatten() {
            assert!((1..=256).contains(&text.len()) && !text.chars().any(char::is_control), "{text:?}");
        }
    }
    for cut in CUTS {
        let pieces = decode(cut);
        assert_eq!(pieces.0, whole.0, "cut {cut}");
        assert!(pieces.1 == whole.1 || !matches!(whole.0, Some(Ok(_))), "cut {cut}");
    }
}

/// BDAT: a size in the first octet, then octets. The chunk takes its own, and they come through as they are.
pub(crate) fn chunk(input: &[u8]) {
    let Some((&size, octets)) = input.split_first() else { return };
    let due = usize::from(size).min(octets.len());
    for cut in CUTS {
        let mut chunk = Chunk::new(u64::from(size), true);
        let (mut raw, mut mending) = (Stuffer::new(), Stuffer::normalizing());
        let (mut content, mut wire, mut mended) = (Vec::new(), Vec::new(), Vec::new());
        for mut piece in octets.chunks(cut) {
            let taken = chunk.take(&mut piece);
            assert!(chunk.is_done() || piece.is_empty());
            content.extend_from_slice(taken);
            raw.feed(taken, |piece| wire.extend_from_slice(piece));
            mending.feed(taken, |piece| mended.extend_from_slice(piece));
        }
        assert_eq!(content, octets[..due], "cut {cut}");
        let facts = raw.finish(|piece| wire.extend_from_slice(piece));
        let told = mending.finish(|piece| mended.extend_from_slice(piece));
        assert_is_canonical(&mended);
        assert_eq!(facts.bare_newline.is_some(), told.bare_newline.is_some());
        assert_eq!(facts.wire_size, wire.len() as u64);
        if facts.bare_newline.is_none() {
            assert_eq!(wire, mended, "cut {cut}");
        }
        if !content.is_empty() && !content.ends_with(b"\r\n") {
            content.extend_from_slice(b"\r\n");
        }
        assert_eq!(unstuffed(&wire), content, "cut {cut}");
    }
}

/// What an intermediary tells: no value of it can break a line.
pub(crate) fn particulars(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for offered in [&XCLIENT[..], &XFORWARD] {
        if let Ok(told) = Particulars::parse(&text, offered) {
            let again = told.clone().overlaid(Particulars::parse(&text, offered).expect("the same again"));
            assert_eq!(told, again);
            let texts = [&told.name, &told.protocol, &told.helo, &told.login, &told.ident, &told.source];
            for text in texts.into_iter().filter_map(|value| value.known()) {
                assert!((1..=255).contains(&text.len()) && !text.chars().any(char::is_control), "{text:?}");
            }
        }
    }
}

/// A client's particulars, from whatever source: each line is one, within its limit, and of our attributes only.
pub(crate) fn xclient(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut words = text.splitn(4, '|');
    let mut next = || words.next().filter(|word| !word.is_empty());
    let (name, helo, login, ident) = (next(), next(), next(), next());
    let mut address = [0; 16];
    address.iter_mut().zip(input).for_each(|(to, from)| *to = *from);
    let address = IpAddr::V6(Ipv6Addr::from(address));
    let facts = ClientFacts {
        name: name.map_or(Name::Unavailable, Name::Known),
        address: Some(address),
        port: Some(25),
        protocol: Some("ESMTP"),
        helo,
        login,
        destination: Some((address, 25)),
        ident,
        source: "REMOTE",
    };
    let keywords =
        ["NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT", "IDENT", "SOURCE"];
    let offered: Vec<Attribute> = keywords.into_iter().filter_map(Attribute::parse).collect();
    assert_eq!(offered.len(), keywords.len());
    let lines = xforward_lines(&facts, &offered).into_iter().chain(xclient_line(&facts, &offered));
    for line in lines {
        // What we tell is read by us as it is by Postfix.
        let (verb, told) = line.split_once(' ').expect("a verb");
        let known: &[Attribute] = if verb == "XCLIENT" { &XCLIENT } else { &XFORWARD };
        assert!(Particulars::parse(told, known).is_ok(), "{line:?}");
        assert!(line.len() + 2 <= 512, "{line:?}");
        assert!(line.bytes().all(|octet| octet == b' ' || octet.is_ascii_graphic()), "{line:?}");
        for pair in line.split(' ').skip(1) {
            let (keyword, value) = pair.split_once('=').expect("an attribute has a value");
            assert!(keywords.contains(&keyword) && !value.is_empty() && !value.contains('='), "{line:?}");
        }
    }
}

fn assert_path_is_stable<P: ToString, E>(written: &str, parse: impl Fn(&str, bool) -> Result<P, E>) {
    assert!(!written.contains(['\r', '\n', '\0']), "{written:?}");
    let again = parse(written, false).ok().map(|path| path.to_string());
    assert_eq!(again.as_deref(), Some(written));
}

/// A reply of ours is lines of at most 512 octets with one code, and nothing in its text ends a line.
fn assert_reply_is_framed(reply: &Reply) {
    let mut out = Vec::new();
    reply.encode(&mut out);
    assert!(
        out.split_inclusive(|octet| *octet == b'\n').all(|line| line.len() <= 512 && line.ends_with(b"\r\n"))
    );
    let mut decoder = ReplyDecoder::new();
    let mut rest = &out[..];
    let read = decoder.decode(&mut rest).expect("a whole reply").expect("a good reply");
    assert!(rest.is_empty() && decoder.is_empty());
    assert_eq!(read.code, reply.code);
}

fn unstuffed(wire: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    Unstuffer::new().feed(wire, |piece| content.extend_from_slice(piece));
    content
}

/// Nothing in `wire` ends the data, whoever reads it, and with ".CRLF" after it it is one content.
fn assert_is_canonical(wire: &[u8]) {
    let sent = [wire, b".\r\n"].concat();
    let mut decoder = DataDecoder::new();
    let progress = decoder.feed(&sent);
    assert!(progress.end && progress.consumed == sent.len() && decoder.facts().bare_newline.is_none());
    assert!(wire.is_empty() || wire.ends_with(b"\r\n"));
    assert!(!wire.split(|octet| b"\r\n".contains(octet)).any(|line| line == b"."));
}
