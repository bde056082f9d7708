//! Paths: tables of addresses, and what parses prints back.

use proptest::prelude::*;

use super::*;

use PathError::*;

/// The local part and the domain of a path in brackets, lenient and strict.
fn parsed(text: &str, strict: bool) -> Result<(String, String), PathError> {
    match ForwardPath::parse(text, strict)? {
        ForwardPath::Postmaster(text) => Ok((text, String::new())),
        ForwardPath::Mailbox(mailbox) => Ok((mailbox.local_part().into(), mailbox.domain().as_str().into())),
    }
}

#[test]
fn forward_path_follows_rfc5321_4_1_2() {
    for (text, want) in [
        ("<ann@a.example>", ("ann", "a.example")),
        ("<Ann+x=y!z%w@A.example>", ("Ann+x=y!z%w", "A.example")), // all atext, case kept
        ("<\"a b\"@c>", ("\"a b\"", "c")),
        ("<\"a\\\"b\"@c>", ("\"a\\\"b\"", "c")),
        ("<\"a\\\\\"@c>", ("\"a\\\\\"", "c")), // the backslash doesn't escape the quote
        ("<\"a>b\"@c>", ("\"a>b\"", "c")),     // a bracket in quotes ends nothing
        ("<\"a@evil.example\"@c>", ("\"a@evil.example\"", "c")),
        ("<\"\"@c>", ("\"\"", "c")),
        ("<a@[127.0.0.1]>", ("a", "[127.0.0.1]")),
        ("<a@[IPv6:::1]>", ("a", "[IPv6:::1]")),
        ("<@a,@b:c@d>", ("c", "d")), // source route, appendix C
        ("<@[IPv6:::1],@b:c@d>", ("c", "d")),
        ("<@a:\"b:c\"@d>", ("\"b:c\"", "d")),
        ("<\u{e4}@\u{f6}.example>", ("\u{e4}", "\u{f6}.example")), // RFC 6531
        ("<postmaster>", ("postmaster", "")),
        ("<PostMaster>", ("PostMaster", "")),
    ] {
        let want = Ok((want.0.to_owned(), want.1.to_owned()));
        assert_eq!(parsed(text, false), want, "lenient {text:?}");
        assert_eq!(parsed(text, true), want, "strict {text:?}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_no_path() {
    for (text, want) in [
        ("<>", Empty),
        ("", Empty),
        ("<", NoBrackets),
        ("<a@b", NoBrackets),
        ("<\"a@b>", NoBrackets), // the quotes are never closed
        ("<a>", NoDomain),
        ("<\"postmaster\">", NoDomain),
        ("<a@>", EmptyLabel),
        ("<a@b.>", EmptyLabel),
        ("<a@.b>", EmptyLabel),
        ("<a@b..c>", EmptyLabel),
        ("<@b>", BadSourceRoute),
        ("<@a,b:c@d>", BadSourceRoute),
        ("<@a@b:c@d>", BadSourceRoute),
        ("<@:c@d>", BadSourceRoute),
        ("<@[a:c@d>", BadSourceRoute),
        ("<@a:>", Empty),
        ("<@a:postmaster>", NoDomain),
        ("<@a:@b:c@d>", BadLocalPart), // a route behind the route
        ("<<a@b>>", BadLocalPart),
        ("<a b@c>", BadLocalPart),
        ("<a(b)@c>", BadLocalPart),   // a comment to some
        ("<a@b,c@d>", BadLocalPart),  // a list to some
        ("<a;b@c>", BadLocalPart),    // the end of a group to some
        ("<a\\@b@c>", BadLocalPart),  // a backslash outside quotes
        ("<a\"b\"@c>", BadLocalPart), // quotes in the middle
        ("<\"a\"b@c>", BadLocalPart),
        ("<\"a\".\"b\"@c>", BadLocalPart),
        ("<\"a\tb\"@c>", BadLocalPart),
        ("<\"a\\\tb\"@c>", BadLocalPart),
        ("<a\0b@c>", BadLocalPart),
        ("<a\rb@c>", BadLocalPart),
        ("<\"a\nb\"@c>", BadLocalPart),
        ("<a\u{85}@c>", BadLocalPart),   // a control beyond ASCII
        ("<a\u{2028}@c>", BadLocalPart), // a line's end beyond ASCII
        ("<\"a\"@b@c>", BadDomain),
        ("<a@b c>", BadDomain),
        ("<a@b\0>", BadDomain),
        ("<a@[1.2.3]>", BadDomain),
        ("<a@[127.0.0.1>", BadDomain),
        ("<a@b>x", BadDomain),
    ] {
        assert_eq!(parsed(text, false), Err(want), "lenient {text:?}");
        assert_eq!(parsed(text, true), Err(want), "strict {text:?}");
    }
}

#[test]
fn courtesies_end_where_strict_begins() {
    for (text, want, strict) in [
        ("a@b", ("a", "b"), NoBrackets),
        ("postmaster", ("postmaster", ""), NoBrackets),
        ("\"a b\"@c", ("\"a b\"", "c"), NoBrackets),
        ("  <a@b>", ("a", "b"), NoBrackets),
        ("<a@b_c>", ("a", "b_c"), BadDomain),
        ("<a..b@c>", ("a..b", "c"), BadLocalPart),
        ("<.a.@c>", (".a.", "c"), BadLocalPart),
        // The relay guard refuses these: the domain is what stands after the last `@`.
        ("<a@evil.example@ours>", ("a@evil.example", "ours"), BadLocalPart),
        ("<evil.example:a@ours>", ("evil.example:a", "ours"), BadLocalPart),
    ] {
        let want = (want.0.to_owned(), want.1.to_owned());
        assert_eq!(parsed(text, false), Ok(want), "lenient {text:?}");
        assert_eq!(parsed(text, true), Err(strict), "strict {text:?}");
    }
}

#[test]
fn limits_of_rfc5321_4_5_3_1_hold_when_strict() {
    let of = |local: usize, domain: usize| format!("<{}@{}a>", "l".repeat(local), "a.".repeat(domain / 2));
    for (text, lenient, strict) in [
        (of(64, 11), Ok(()), Ok(())),
        (of(65, 11), Ok(()), Err(TooLong)),
        (of(64, 189), Ok(()), Ok(())), // 256 with the brackets
        (of(64, 191), Ok(()), Err(TooLong)),
        (of(300, 255), Ok(()), Err(TooLong)),
        (of(1, 257), Err(TooLong), Err(TooLong)), // no domain is so long
        (of(900, 97), Ok(()), Err(TooLong)),      // 998
        (of(900, 99), Err(TooLong), Err(TooLong)),
    ] {
        assert_eq!(parsed(&text, false).map(|_| ()), lenient, "lenient {text}");
        assert_eq!(parsed(&text, true).map(|_| ()), strict, "strict {text}");
    }
}

#[test]
fn reverse_path_may_be_null() {
    assert_eq!(ReversePath::parse("<>", true), Ok(ReversePath::Null));
    assert_eq!(ReversePath::parse("", false), Err(Empty));
    assert_eq!(ReversePath::parse("<ann>", false), Err(NoDomain));
    assert_eq!(ReversePath::parse("<postmaster>", false), Err(NoDomain)); // only as a forward-path
    assert_eq!(ReversePath::parse("<ann@a>", true).unwrap().to_string(), "<ann@a>");
    assert_eq!(ReversePath::Null.to_string(), "<>");
}

#[test]
fn what_stands_behind_a_path_is_given_back() {
    for (text, path, rest) in [
        ("<a@b> SIZE=1", "a@b", " SIZE=1"),
        ("<a@b>SIZE=1", "a@b", "SIZE=1"), // the caller refuses it
        ("<a@b>", "a@b", ""),
        ("<\"> \"@b> X", "\"> \"@b", " X"),
        ("a@b SIZE=1", "a@b", " SIZE=1"),
        ("\"a b\"@c X", "\"a b\"@c", " X"),
    ] {
        let (found, behind) = ReversePath::split(text, false).unwrap();
        assert_eq!((found.as_str(), behind), (path, rest), "{text:?}");
    }
}

#[test]
fn addresses_are_quoted_only_where_they_must_be() {
    for (text, plain, address) in [
        ("Ann@A.Example", "Ann", "Ann@a.example"),
        ("\"ann\"@a", "ann", "ann@a"),
        ("\"a\\nn\"@a", "ann", "ann@a"), // a needless backslash
        ("\"a b\"@c", "a b", "\"a b\"@c"),
        ("\"a\\\"b\\\\\"@c", "a\"b\\", "\"a\\\"b\\\\\"@c"),
        ("a..b@c", "a..b", "\"a..b\"@c"),
        ("a@b@c", "a@b", "\"a@b\"@c"),
        ("\"a%b\"@c", "a%b", "a%b@c"),
        ("\"\"@c", "", "\"\"@c"),
        ("\u{c4}@\u{d6}", "\u{c4}", "\u{c4}@\u{f6}"),
    ] {
        let mailbox = Mailbox::parse(text, false).unwrap();
        assert_eq!(mailbox.unquoted_local_part(), plain, "{text:?}");
        assert_eq!(mailbox.address(), address, "{text:?}");
    }
}

/// Text made of what matters to the parser.
fn odd_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("@"),
        Just("\""),
        Just("\\"),
        Just("<"),
        Just(">"),
        Just(":"),
        Just(","),
        Just("."),
        Just(" "),
        Just("a"),
        Just("b.example"),
        Just("[IPv6:::1]"),
        Just("%"),
        Just("\u{e4}"),
        Just("\0"),
        Just("\r\n"),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_parses_prints_and_parses_to_the_same(text in odd_text(), strict: bool) {
        if let Ok(path) = ForwardPath::parse(&text, strict) {
            prop_assert_eq!(ForwardPath::parse(&path.to_string(), strict), Ok(path.clone()));
        }
        if let Ok(path) = ReversePath::parse(&text, strict) {
            prop_assert_eq!(ReversePath::parse(&path.to_string(), strict), Ok(path.clone()));
        }
    }

    #[test]
    fn a_mailbox_is_made_of_its_parts_and_holds_no_line_end(text in odd_text(), strict: bool) {
        if let Ok(mailbox) = Mailbox::parse(&text, strict) {
            prop_assert_eq!(format!("{}@{}", mailbox.local_part(), mailbox.domain()), mailbox.as_str());
            prop_assert!(!mailbox.domain().as_str().contains('@'));
            prop_assert!(!mailbox.as_str().chars().any(char::is_control));
        }
    }

    #[test]
    fn an_address_means_the_same_mailbox(text in odd_text()) {
        if let Ok(mailbox) = Mailbox::parse(&text, false) {
            let again = Mailbox::parse(&mailbox.address(), true).unwrap();
            prop_assert_eq!(again.unquoted_local_part(), mailbox.unquoted_local_part());
            prop_assert_eq!(again.address(), mailbox.address());
        }
    }

    #[test]
    fn any_quoted_text_is_one_mailbox(plain in "[ -~\u{e4}]{0,20}") {
        let quoted: String = plain.chars().flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])).collect();
        let path = ForwardPath::parse(&format!("<\"{quoted}\"@a.example>"), true).unwrap();
        let mailbox = path.mailbox().unwrap();
        prop_assert_eq!(mailbox.unquoted_local_part(), plain);
        prop_assert_eq!(mailbox.domain().as_str(), "a.example");
    }
}
