//! Replies: codes, texts and lines, and what is written is one reply.

use proptest::prelude::*;

use super::*;

fn encoded(reply: &Reply) -> String {
    let mut out = Vec::new();
    reply.encode(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn codes_are_from_200_to_599() {
    for number in [0, 99, 100, 199, 600, 999, u16::MAX] {
        assert_eq!(Code::new(number), None, "{number}");
    }
    for (number, class) in [(200, 2), (354, 3), (421, 4), (599, 5)] {
        let code = Code::new(number).unwrap();
        assert_eq!(code.class(), class);
        let claims = [code.is_positive(), code.is_intermediate(), code.is_transient(), code.is_permanent()];
        let want: [bool; 4] = std::array::from_fn(|at| at + 2 == usize::from(class));
        assert_eq!(claims, want, "{number}");
    }
}

#[test]
fn enhanced_codes_follow_rfc3463_2() {
    for (text, want) in [
        ("2.0.0", Some((2, 0, 0))),
        ("5.7.26", Some((5, 7, 26))),
        ("4.999.999", Some((4, 999, 999))),
        ("3.0.0", None), // no such class
        ("5.7", None),
        ("5.7.1.1", None),
        ("5.7.", None),
        ("5.7.1000", None),
        ("05.7.1", None),
        ("5.+7.1", None),
        ("5.7.1 ", None),
        ("192.0.2.1", None),
        ("", None),
    ] {
        let found = EnhancedCode::parse(text).map(|e| (e.class(), e.subject(), e.detail()));
        assert_eq!(found, want, "{text:?}");
    }
    let (code, rest) = EnhancedCode::split("5.1.1 No such user").unwrap();
    assert_eq!((code.to_string().as_str(), rest), ("5.1.1", "No such user"));
    assert_eq!(EnhancedCode::split("5.7.2").unwrap().1, "");
    assert_eq!(EnhancedCode::split("5.7.2x y"), None);
}

#[test]
fn replies_are_written_as_rfc5321_4_2_and_rfc2034_4_say() {
    let lines = ["one", "", "three"];
    for (reply, want) in [
        (Reply::HELO_FIRST, "503 5.5.1 Send EHLO first\r\n"),
        (Reply::START_DATA, "354 End data with <CR><LF>.<CR><LF>\r\n"),
        (Reply::plain(220, "mx.example ESMTP"), "220 mx.example ESMTP\r\n"),
        (Reply::plain(250, ""), "250 \r\n"),
        (Reply::new(550, (5, 7, 2), ""), "550 5.7.2\r\n"),
        (Reply::new(550, (4, 7, 2), "x"), "550 5.0.0 x\r\n"), // of another class
        (Reply::new(999, (9, 9, 9), "x"), "451 4.0.0 x\r\n"), // no code at all
        (Reply::multiline(250, None, lines), "250-one\r\n250-\r\n250 three\r\n"),
        (
            Reply::multiline(550, EnhancedCode::new(5, 7, 1), lines),
            "550-5.7.1 one\r\n550-5.7.1\r\n550 5.7.1 three\r\n",
        ),
        (Reply::multiline(250, None, [""; 0]), "250 \r\n"),
        (Reply::new(550, (5, 7, 1), "a\r\n250 b\0\t\u{e4}\u{85}"), "550 5.7.1 a??250 b?\t??\r\n"),
    ] {
        assert_eq!(encoded(&reply), want);
    }
}

#[test]
fn utf8_is_written_only_where_it_was_asked_for() {
    let reply = Reply::new(550, (5, 1, 1), "no \u{e4}\n");
    let mut out = Vec::new();
    reply.encode_utf8(&mut out);
    assert_eq!(out, "550 5.1.1 no \u{e4}?\r\n".as_bytes());
    assert_eq!(encoded(&reply), "550 5.1.1 no ??\r\n");
}

#[test]
fn long_text_is_split_at_a_space() {
    let text = format!("{} {}", "a".repeat(400), "b".repeat(400));
    let want = format!("250-2.0.0 {}\r\n250 2.0.0 {}\r\n", "a".repeat(400), "b".repeat(400));
    assert_eq!(encoded(&Reply::new(250, (2, 0, 0), text)), want);
    let unbroken = encoded(&Reply::plain(250, "a".repeat(507)));
    assert_eq!(unbroken, format!("250-{}\r\n250 a\r\n", "a".repeat(506)));
    assert_eq!(encoded(&Reply::plain(250, "a".repeat(506))).lines().count(), 1);
}

#[test]
fn a_suffix_goes_to_the_last_line() {
    let mut one = Reply::RELAY_DENIED;
    one.with_text_suffix(" [x]");
    assert_eq!(one.text(), "Relaying denied [x]");
    let mut two = Reply::multiline(550, None, ["a", "b"]);
    two.with_text_suffix(" [x]");
    assert_eq!(two.lines().collect::<Vec<_>>(), ["a", "b [x]"]);
    assert_eq!(two.to_string(), "550 a b [x]");
}

#[test]
fn the_backends_text_is_kept_and_its_enhanced_code_fits() {
    let cases: &[(u16, &[&str], &str)] = &[
        (550, &["5.1.1 No such user"], "550 5.1.1 No such user\r\n"),
        (550, &["No such user"], "550 5.0.0 No such user\r\n"), // none
        (550, &[""], "550 5.0.0\r\n"),
        (550, &[], "550 5.0.0\r\n"),
        (550, &["5.7.2"], "550 5.7.2\r\n"),         // no text
        (451, &["5.1.1 odd"], "451 4.0.0 odd\r\n"), // of another class
        (550, &["5.1.1 a", "5.1.1 b"], "550-5.1.1 a\r\n550 5.1.1 b\r\n"),
        (550, &["5.1.1 a", "b"], "550-5.1.1 a\r\n550 5.1.1 b\r\n"),
        (550, &["5.1.1 a", "5.7.1 b"], "550-5.1.1 a\r\n550 5.1.1 5.7.1 b\r\n"),
        (250, &["2.0.0 Ok: queued as 4F"], "250 2.0.0 Ok: queued as 4F\r\n"),
    ];
    for (code, lines, want) in cases {
        let code = Code::new(*code).unwrap();
        assert_eq!(encoded(&Reply::relayed(code, *lines, false)), *want);
    }
    let code = Code::new(550).unwrap();
    let raw: &[&[u8]] = &[b"5.1.1 a\rb\xff\xc3\xa4"];
    assert_eq!(Reply::relayed(code, raw, false).text(), "a?b??");
    assert_eq!(Reply::relayed(code, raw, true).text(), "a?b?\u{e4}");
}

#[test]
fn each_parse_error_has_its_reply() {
    use crate::smtp::host::HostError;
    use crate::smtp::path::PathError;
    for (error, want) in [
        (ParseError::Nul, "500 5.5.2"),
        (ParseError::BareNewline, "500 5.5.2"),
        (ParseError::Syntax(Verb::Mail), "501 5.5.4"),
        (ParseError::MissingArgument(Verb::Ehlo), "501 5.5.4"),
        (ParseError::UnexpectedArgument(Verb::Data), "501 5.5.4"),
        (ParseError::Host(HostError::BadLabel), "501 5.5.4"),
        (ParseError::ReversePath(PathError::NoDomain), "501 5.1.7"),
        (ParseError::ForwardPath(PathError::Empty), "501 5.1.3"),
        (ParseError::BadParameter, "501 5.5.4"),
        (ParseError::DuplicateParameter, "501 5.5.4"),
        (ParseError::BadChunk, "501 5.5.4"),
    ] {
        assert!(Reply::from(error).to_string().starts_with(want), "{error:?}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_one_reply(
        code in 200u16..600,
        lines in prop::collection::vec("(\\PC|[ \r\n\0\t]){0,1200}", 0..4),
        utf8: bool,
    ) {
        let reply = Reply::relayed(Code::new(code).unwrap(), &lines, utf8);
        let mut out = Vec::new();
        if utf8 { reply.encode_utf8(&mut out) } else { reply.encode(&mut out) }
        let out = String::from_utf8(out).unwrap();
        let written: Vec<&str> = out.strip_suffix("\r\n").unwrap().split("\r\n").collect();
        for (at, line) in written.iter().enumerate() {
            let mark = if at + 1 == written.len() { ' ' } else { '-' };
            let head = format!("{code}{mark}");
            prop_assert!(line.len() <= 510);
            prop_assert!(line.starts_with(&head));
            prop_assert!(line.chars().all(|c| c == '\t' || !c.is_control() && (utf8 || c.is_ascii())));
        }
        prop_assert!(out.len() <= lines.iter().map(|line| 2 * line.len() + 20).sum::<usize>() + 20);
    }
}
