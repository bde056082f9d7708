//! Commands: tables of lines, and what parses prints back.

use proptest::prelude::*;

use super::*;

const LENIENT: Syntax = Syntax { strict: false };
const STRICT: Syntax = Syntax { strict: true };

fn lenient(line: &str) -> Result<Command, ParseError> {
    Command::parse(line.as_bytes(), LENIENT)
}

fn strict(line: &str) -> Result<Command, ParseError> {
    Command::parse(line.as_bytes(), STRICT)
}

/// The command as we would write it; only those that hold more than words.
fn printed(command: &Command) -> Option<String> {
    let raw = |params: &Params| params.iter().map(|param| format!(" {}", param.raw())).collect::<String>();
    match command {
        Command::Mail(mail) => Some(format!("MAIL FROM:{}{}", mail.reverse_path, raw(&mail.params.all))),
        Command::Rcpt(rcpt) => Some(format!("RCPT TO:{}{}", rcpt.forward_path, raw(&rcpt.params.all))),
        Command::Ehlo(host) => Some(format!("EHLO {host}")),
        Command::Bdat { size, last } => Some(format!("BDAT {size}{}", if *last { " LAST" } else { "" })),
        Command::Vrfy(text) => Some(format!("VRFY {text}")),
        _ => None,
    }
}

#[test]
fn each_verb_is_known_in_any_case() {
    for verb in Verb::KNOWN {
        assert_eq!(Verb::parse(verb.as_str().to_lowercase().as_bytes()), verb);
    }
    for (line, verb) in [
        ("ehlo a", Verb::Ehlo),
        ("HeLo a", Verb::Helo),
        ("LHLO a", Verb::Lhlo),
        ("mail from:<>", Verb::Mail),
        ("Rcpt To:<a@b>", Verb::Rcpt),
        ("DATA", Verb::Data),
        ("BDAT 1", Verb::Bdat),
        ("RSET", Verb::Rset),
        ("NOOP", Verb::Noop),
        ("QUIT", Verb::Quit),
        ("HELP", Verb::Help),
        ("VRFY a", Verb::Vrfy),
        ("EXPN a", Verb::Expn),
        ("StartTLS", Verb::StartTls),
        ("AUTH PLAIN", Verb::Auth),
        ("ETRN a", Verb::Etrn),
        ("XCLIENT NAME=a", Verb::Xclient),
        ("XFORWARD NAME=a", Verb::Xforward),
        ("GET / HTTP/1.1", Verb::Unknown),
    ] {
        assert_eq!(lenient(line).map(|command| command.verb()), Ok(verb), "{line}");
    }
}

#[test]
fn mail_and_rcpt_are_read_with_their_parameters() {
    let Ok(Command::Mail(mail)) = strict("MAIL FROM:<ann@a.example> SIZE=7 BODY=8BITMIME X=1") else {
        panic!()
    };
    assert_eq!(mail.reverse_path.as_str(), "ann@a.example");
    assert_eq!(mail.params.size, Some(7));
    assert_eq!(mail.params.all.len(), 3);
    let Ok(Command::Rcpt(rcpt)) = strict("RCPT TO:<@r:bob@b> NOTIFY=NEVER") else { panic!() };
    assert_eq!(rcpt.forward_path.to_string(), "<bob@b>");
    assert!(rcpt.params.notify.is_some());
}

#[test]
fn courtesies_are_off_when_strict() {
    for line in [
        "MAIL FROM: <a@b>",
        "MAIL FROM:<a@b> ",
        "MAIL FROM:a@b",
        "MAIL FROM: a@b SIZE=1",
        "MAIL  FROM:<a@b>",
        "MAIL FROM:<a@b>  SIZE=1",
        "RCPT TO:  <a@b>",
        "RCPT TO:postmaster",
        "EHLO  a",
        "EHLO a ",
        "EHLO a_b",
        "DATA ",
        "BDAT 1  LAST",
        "BDAT 1 ",
    ] {
        assert!(lenient(line).is_ok(), "{line}");
        assert!(strict(line).is_err(), "{line}");
    }
}

#[test]
fn lines_that_make_no_sense_are_errors() {
    use ParseError::*;
    let reverse = ReversePath;
    let forward = ForwardPath;
    for (line, want) in [
        ("MAIL FROM:<a@b>SIZE=1", BadParameter), // the space is missing
        ("MAIL FROM:<a@b>>", BadParameter),
        ("MAIL FROM:<a@b> SIZE=1 size=2", DuplicateParameter),
        ("MAIL FROM:<a@b>\tSIZE=1", BadParameter),
        ("MAIL", Syntax(Verb::Mail)),
        ("MAIL <a@b>", Syntax(Verb::Mail)),
        ("MAIL TO:<a@b>", Syntax(Verb::Mail)),
        ("MAIL FROM <a@b>", Syntax(Verb::Mail)),
        ("MAIL FROM :<a@b>", Syntax(Verb::Mail)),
        ("MAIL \u{e4}\u{e4}\u{e4}", Syntax(Verb::Mail)), // no cut within a character
        ("MAIL FROM:", reverse(PathError::Empty)),
        ("MAIL FROM:<a>", reverse(PathError::NoDomain)),
        ("MAIL FROM:SIZE=1", reverse(PathError::NoDomain)),
        ("RCPT TO:<>", forward(PathError::Empty)),
        ("RCPT TO:<a>", forward(PathError::NoDomain)),
        ("RCPT TO:<a@b.>", forward(PathError::EmptyLabel)),
        ("RCPT FROM:<a@b>", Syntax(Verb::Rcpt)),
        ("EHLO", MissingArgument(Verb::Ehlo)),
        ("HELO ", MissingArgument(Verb::Helo)),
        ("EHLO a b", Host(HostError::BadLabel)),
        ("EHLO a\tb", Host(HostError::BadLabel)),
        ("VRFY", MissingArgument(Verb::Vrfy)),
        ("AUTH", MissingArgument(Verb::Auth)),
        ("DATA x", UnexpectedArgument(Verb::Data)),
        ("RSET x", UnexpectedArgument(Verb::Rset)),
        ("QUIT x", UnexpectedArgument(Verb::Quit)),
        ("STARTTLS x", UnexpectedArgument(Verb::StartTls)),
        ("NOOP a\0b", Nul),
        ("\0", Nul),
        ("RCPT TO:<a@b>\rX", BareNewline),
        ("NOOP\nRSET", BareNewline),
    ] {
        assert_eq!(lenient(line), Err(want), "{line:?}");
    }
}

#[test]
fn octets_that_are_no_utf8_are_refused_where_they_count() {
    for (line, want) in [
        (&b"MAIL FROM:<\xff@b>"[..], Err(ParseError::ReversePath(PathError::NotUtf8))),
        (b"RCPT TO:<a@\xc3>", Err(ParseError::ForwardPath(PathError::NotUtf8))),
        (b"EHLO \xff", Err(ParseError::Syntax(Verb::Ehlo))),
        (b"BDAT \xff", Err(ParseError::BadChunk)),
        (b"NOOP \xff", Ok(Command::Noop)),
        (b"\xffoo x", Ok(Command::Unknown("\\XFFOO".into()))),
    ] {
        assert_eq!(Command::parse(line, LENIENT), want, "{}", line.escape_ascii());
    }
}

#[test]
fn bdat_follows_rfc3030_2() {
    let chunk = |size, last| Ok(Command::Bdat { size, last });
    let bad = || Err(ParseError::BadChunk);
    for (line, want) in [
        ("BDAT 0", chunk(0, false)),
        ("bdat 0 last", chunk(0, true)),
        ("BDAT 0010", chunk(10, false)),
        ("BDAT 18446744073709551615 LAST", chunk(u64::MAX, true)),
        ("BDAT 18446744073709551616", bad()),  // past 64 bits
        ("BDAT 000000000000000000001", bad()), // 21 digits
        ("BDAT", bad()),
        ("BDAT LAST", bad()),
        ("BDAT +1", bad()),
        ("BDAT -1", bad()),
        ("BDAT 1a", bad()),
        ("BDAT 0x10", bad()),
        ("BDAT 1 LAST LAST", bad()),
        ("BDAT 1 FIRST", bad()),
        ("BDAT 1\tLAST", bad()),
        ("BDAT 1\0", bad()), // not Nul: the connection must be closed
        ("BDAT 1\r", bad()),
        ("BDAT \u{661}", bad()),
    ] {
        assert_eq!(lenient(line), want, "{line:?}");
    }
}

#[test]
fn unknown_verbs_are_shown_without_harm() {
    for (line, want) in
        [("", ""), (" MAIL", ""), ("mail\tfrom:<>", "MAIL\\TFROM:<>"), ("\u{1b}[2J", "\\X1B[2J")]
    {
        assert_eq!(lenient(line), Ok(Command::Unknown(want.into())), "{line:?}");
    }
    let long = lenient(&"x".repeat(2000));
    assert_eq!(long, Ok(Command::Unknown("X".repeat(32))));
}

#[test]
fn no_log_shows_what_auth_carries() {
    let auth = lenient("AUTH PLAIN c2VjcmV0").unwrap();
    assert!(!format!("{auth:?}").contains("c2VjcmV0"));
    let Command::Auth(argument) = auth else { panic!() };
    assert_eq!((argument.mechanism(), argument.initial()), (Some("PLAIN"), Some("c2VjcmV0")));
}

/// Lines made of what matters to the parser.
fn odd_line() -> impl Strategy<Value = String> {
    let start = prop_oneof![
        Just("MAIL FROM:"),
        Just("RCPT TO:"),
        Just("EHLO "),
        Just("BDAT "),
        Just("VRFY "),
        Just("DATA"),
        Just("")
    ];
    let piece = prop_oneof![
        Just("<"),
        Just(">"),
        Just("@"),
        Just("\""),
        Just("\\"),
        Just(" "),
        Just("a"),
        Just("<a@b>"),
        Just("=1"),
        Just(" SIZE=1"),
        Just(" X=y"),
        Just(" ORCPT=rfc822;a"),
        Just("7"),
        Just(" LAST"),
        Just("\u{e4}"),
        Just("\0"),
    ];
    (start, prop::collection::vec(piece, 0..8))
        .prop_map(|(start, pieces)| start.to_owned() + &pieces.concat())
}

proptest! {
    #[test]
    fn what_parses_prints_and_parses_to_the_same(line in odd_line(), strict: bool) {
        let syntax = Syntax { strict };
        let command = Command::parse(line.as_bytes(), syntax);
        if let Some(again) = command.as_ref().ok().and_then(printed) {
            prop_assert!(!again.contains(['\0', '\r', '\n']));
            prop_assert_eq!(Command::parse(again.as_bytes(), syntax), command);
        }
    }

    #[test]
    fn any_octets_are_a_command_or_an_error(line: Vec<u8>, strict: bool) {
        let _ = Command::parse(&line, Syntax { strict });
    }

    #[test]
    fn what_is_strict_is_lenient_too(line in odd_line()) {
        if let Ok(command) = strict(&line) {
            prop_assert_eq!(lenient(&line), Ok(command));
        }
    }
}
