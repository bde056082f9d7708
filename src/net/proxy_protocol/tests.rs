//! Tests of the decoder of balancers' headers, word for word and cut for cut.

use proptest::prelude::*;

use super::checksum::crc32c;
use super::*;

/// What a decoder makes of `octets` in pieces of `cut`, and how many of them it took.
fn decode(octets: &[u8], cut: usize) -> (Option<Result<Header, HeaderError>>, usize) {
    let mut decoder = HeaderDecoder::new();
    let mut taken = 0;
    for piece in octets.chunks(cut) {
        let mut rest = piece;
        let answer = decoder.decode(&mut rest);
        taken += piece.len() - rest.len();
        if answer.is_some() {
            return (answer, taken);
        }
        assert!(rest.is_empty(), "all is taken where more is due");
    }
    (None, taken)
}

fn carried(ends: Option<(&str, &str)>, fields: Fields) -> Option<Result<Header, HeaderError>> {
    let ends = ends.map(|(source, destination)| Ends {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
    });
    Some(Ok(Header::Carried { ends, fields: Box::new(fields) }))
}

/// A header of version 2.
fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [BINARY, &[command, family], &length, block].concat()
}

fn field(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind], &u16::try_from(value.len()).unwrap().to_be_bytes()[..], value].concat()
}

/// 203.0.113.9:4711 to 192.0.2.25:25.
const V4: &[u8] = &[203, 0, 113, 9, 192, 0, 2, 25, 0x12, 0x67, 0, 25];

#[test]
fn version_1_is_read_to_the_letter() {
    let malformed = Some(Err(HeaderError::Malformed));
    let long = |octets: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(octets - 16));
    for (line, want) in [
        (
            "PROXY TCP4 203.0.113.9 192.0.2.25 4711 25\r\n",
            carried(Some(("203.0.113.9:4711", "192.0.2.25:25")), Fields::default()),
        ),
        (
            "PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n",
            carried(Some(("[2001:db8::1]:65535", "[2001:db8::2]:0")), Fields::default()),
        ),
        ("PROXY UNKNOWN\r\n", carried(None, Fields::default())),
        ("PROXY UNKNOWN ffff::1 whatever\r\n", carried(None, Fields::default())), // to be passed over
        (&long(107), carried(None, Fields::default())),
        (&long(108), Some(Err(HeaderError::TooLong))),
        ("PROXY TCP4 203.0.113.9 192.0.2.25 4711 25\n", malformed.clone()), // no CR
        ("PROXY TCP4 203.0.113.9 192.0.2.25 4711 25\r \n", malformed.clone()), // CR alone
        ("PROXY TCP4 203.0.113.9 192.0.2.25 4711\r\n", malformed.clone()),  // a word is missing
        ("PROXY TCP4 203.0.113.9 192.0.2.25 4711 25 \r\n", malformed.clone()), // one too many
        ("PROXY  TCP4 203.0.113.9 192.0.2.25 4711 25\r\n", malformed.clone()), // two blanks
        ("PROXY TCP4 203.0.113.9 192.0.2.25 04711 25\r\n", malformed.clone()), // a leading zero
        ("PROXY TCP4 203.0.113.9 192.0.2.25 65536 25\r\n", malformed.clone()), // no port
        ("PROXY TCP4 203.0.113.9 192.0.2.25 +1 25\r\n", malformed.clone()), // no port
        ("PROXY TCP4 203.0.113.09 192.0.2.25 1 25\r\n", malformed.clone()), // octal for some
        ("PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n", malformed.clone()), // the other family
        ("PROXY TCP6 203.0.113.9 192.0.2.25 1 25\r\n", malformed.clone()),  // the other family
        ("PROXY UDP4 203.0.113.9 192.0.2.25 1 25\r\n", malformed.clone()),  // not known
        ("PROXY tcp4 203.0.113.9 192.0.2.25 1 25\r\n", malformed.clone()),  // in capitals only
        ("PROXY TCP4 a.example 192.0.2.25 1 25\r\n", malformed.clone()),    // a name
        ("PROXY TCP4\0 203.0.113.9 192.0.2.25 1 25\r\n", malformed),        // NUL
        ("PROXY\r\n", Some(Err(HeaderError::Absent))),
        ("EHLO a.example\r\n", Some(Err(HeaderError::Absent))),
        ("P", None),
        ("PROXY TCP4 203.0.113.9 192.0.2.25 4711 25\r", None),
    ] {
        for cut in [1, 2, 7, 200] {
            assert_eq!(decode(line.as_bytes(), cut).0, want, "{line:?} in pieces of {cut}");
        }
    }
}

#[test]
fn version_2_is_read_to_the_letter() {
    let unix = [0; 216];
    let v6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[1], &[0; 15], &[1], &[0, 1], &[0, 25]].concat();
    let tcp = Some(("203.0.113.9:4711", "192.0.2.25:25"));
    for (what, octets, want) in [
        ("TCP over IPv4", binary(0x21, 0x11, V4), carried(tcp, Fields::default())),
        (
            "TCP over IPv6",
            binary(0x21, 0x21, &v6),
            carried(Some(("[2001:db8::1]:1", "[::1]:25")), Fields::default()),
        ),
        ("unix sockets", binary(0x21, 0x31, &unix), carried(None, Fields::default())),
        ("nothing known", binary(0x21, 0, b"to be passed over"), carried(None, Fields::default())),
        ("LOCAL", binary(0x20, 0, b""), Some(Ok(Header::Local))),
        ("LOCAL with addresses, to be passed over", binary(0x20, 0x11, V4), Some(Ok(Header::Local))),
        ("datagrams", binary(0x21, 0x12, V4), Some(Err(HeaderError::Malformed))),
        ("version 3", binary(0x31, 0x11, V4), Some(Err(HeaderError::Malformed))),
        ("another command", binary(0x22, 0x11, V4), Some(Err(HeaderError::Malformed))),
        ("addresses cut short", binary(0x21, 0x11, &V4[..11]), Some(Err(HeaderError::Malformed))),
        ("unix sockets cut short", binary(0x21, 0x31, &unix[1..]), Some(Err(HeaderError::Malformed))),
        (
            "a field cut short",
            binary(0x21, 0x11, &[V4, &[4, 0, 2, 0]].concat()),
            Some(Err(HeaderError::Malformed)),
        ),
        ("the longest", binary(0x20, 0, &[0; 4080]), Some(Ok(Header::Local))),
        ("longer", binary(0x20, 0, &[0; 4081]), Some(Err(HeaderError::TooLong))),
        ("the start of one", binary(0x21, 0x11, V4)[..27].to_vec(), None),
        ("another signature", b"\r\n\r\n\0\r\nQUIT!".to_vec(), Some(Err(HeaderError::Absent))),
    ] {
        for cut in [1, 2, 7, 5000] {
            assert_eq!(decode(&octets, cut).0, want, "{what} in pieces of {cut}");
        }
    }
}

#[test]
fn what_is_too_long_is_known_from_its_start() {
    let octets = [BINARY, &[0x21, 0x11, 0xFF, 0xFF]].concat();
    assert_eq!(decode(&octets, 5000).0, Some(Err(HeaderError::TooLong)));
}

#[test]
fn fields_are_read_and_unknown_ones_passed_over() {
    let tls = [
        &[0x01 | 0x02, 0, 0, 0, 0][..],
        &field(0x21, b"TLSv1.3"),
        &field(0x22, b"ann"),
        &field(0x23, b"TLS_AES_128_GCM_SHA256"),
        &field(0x24, b"SHA256"),
    ]
    .concat();
    let fields = [
        field(0x01, b"smtp"),
        field(0x02, "m\u{fc}ller.example".as_bytes()),
        field(0x04, b"padding"),
        field(0x05, b"7F000001:1234"),
        field(0x20, &tls),
        field(0xE0, b"\x00anything"),
    ];
    let want = Fields {
        authority: Some("m\u{fc}ller.example".into()),
        alpn: Some("smtp".into()),
        unique_id: Some("7F000001:1234".into()),
        tls: Some(Tls {
            version: Some("TLSv1.3".into()),
            cipher: Some("TLS_AES_128_GCM_SHA256".into()),
            subject: Some("ann".into()),
            is_verified: true,
        }),
    };
    let octets = binary(0x21, 0x11, &[V4, &fields.concat()].concat());
    assert_eq!(decode(&octets, 3).0, carried(Some(("203.0.113.9:4711", "192.0.2.25:25")), want));
}

#[test]
fn nothing_that_could_break_a_line_comes_out_of_a_field() {
    for (kind, value, want) in [
        (0x02, &b"a\r\nb"[..], Fields::default()),
        (0x02, b"a\0b", Fields::default()),
        (0x02, b"\xFF", Fields::default()), // no UTF-8
        (0x02, &[b'a'; 256], Fields::default()),
        (0x05, b"\x00\r\xFF", Fields { unique_id: Some("000dff".into()), ..Fields::default() }),
        (0x05, &[0; 129], Fields::default()),
        (0x05, b"", Fields::default()),
        (0x20, &[0, 0, 0, 0, 0], Fields::default()), // the client spoke no TLS
        // A certificate that could not be verified, and none at all.
        (0x20, &[3, 0, 0, 0, 1], Fields { tls: Some(Tls::default()), ..Fields::default() }),
        (0x20, &[1, 0, 0, 0, 0], Fields { tls: Some(Tls::default()), ..Fields::default() }),
    ] {
        let octets = binary(0x21, 0x31, &[&[0; 216], &field(kind, value)[..]].concat());
        assert_eq!(decode(&octets, 500).0, carried(None, want), "{value:?}");
    }
    for cut_short in [&[1, 0, 0, 0][..], &[1, 0, 0, 0, 0, 0x21, 0, 9], b""] {
        let octets = binary(0x21, 0x31, &[&[0; 216], &field(0x20, cut_short)[..]].concat());
        assert_eq!(decode(&octets, 500).0, Some(Err(HeaderError::Malformed)), "{cut_short:?}");
    }
}

#[test]
fn a_checksum_that_is_there_is_held_to() {
    let fields = |sum: u32| {
        let sum = field(0x03, &sum.to_be_bytes());
        binary(0x21, 0x11, &[V4, &field(0x02, b"a.example"), &sum, &field(0x04, b"")].concat())
    };
    let right = crc32c(fields(0));
    let want = Fields { authority: Some("a.example".into()), ..Fields::default() };
    assert_eq!(decode(&fields(right), 9).0, carried(Some(("203.0.113.9:4711", "192.0.2.25:25")), want));
    assert_eq!(decode(&fields(right ^ 1), 9).0, Some(Err(HeaderError::Checksum)));
    let cut_short = binary(0x21, 0x11, &[V4, &field(0x03, &[0; 3])].concat());
    assert_eq!(decode(&cut_short, 9).0, Some(Err(HeaderError::Malformed)));
}

/// Found by the property below: the answer was another one where octet 107 came with the one before it.
#[test]
fn a_line_without_an_end_is_too_long_whatever_comes_then() {
    for last in [b'\0', b'\r', b'\n', b'x'] {
        let octets = [b"PROXY TCP4 ".repeat(10)[..106].to_vec(), vec![last; 5]].concat();
        for cut in [1, 2, 200] {
            assert_eq!(decode(&octets, cut).0, Some(Err(HeaderError::TooLong)), "{last} in pieces of {cut}");
        }
    }
}

proptest! {
    #[test]
    fn every_cut_gives_the_same_and_takes_nothing_that_is_behind(
        is_text: bool,
        block in proptest::collection::vec(any::<u8>(), 0..300),
        words in "(PROXY )?(TCP4|TCP6|UNKNOWN) [0-9a-f:. ]{0,90}(\r\n|\n)?",
        behind in proptest::collection::vec(any::<u8>(), 0..40),
        command in 0x20u8..0x23,
        family in prop::sample::select(vec![0u8, 0x11, 0x21, 0x31, 0x12]),
    ) {
        let header = if is_text { words.into_bytes() } else { binary(command, family, &block) };
        let octets = [&header[..], &behind].concat();
        let whole = decode(&octets, octets.len().max(1));
        if let (Some(Ok(_)), taken) = &whole {
            prop_assert!(octets[..*taken].ends_with(&header[header.len() - 2..]));
            prop_assert_eq!(decode(&octets[..*taken - 1], 1).0, None);
        }
        for cut in [1, 2, 5, 17] {
            let pieces = decode(&octets, cut);
            prop_assert_eq!(&pieces.0, &whole.0);
            if matches!(whole.0, Some(Ok(_))) {
                prop_assert_eq!(pieces.1, whole.1);
            }
        }
    }

    #[test]
    fn anything_is_answered_within_the_longest_header(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        for start in [TEXT, BINARY, b""] {
            let octets = [start, &octets].concat();
            let (answer, taken) = decode(&octets, 3);
            prop_assert!(taken <= 4096);
            prop_assert!(answer.is_some() || taken == octets.len());
        }
    }
}
