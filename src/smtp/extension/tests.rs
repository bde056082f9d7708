//! EHLO replies: tables of what is offered.

use proptest::prelude::*;

use super::*;

#[test]
fn an_answer_to_ehlo_is_read() {
    let lines = [
        "mx.example at your service, SIZE 5 is no offer here",
        "PIPELINING",
        "size 10240000",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        "BINARYMIME",
        "DSN",
        "STARTTLS",
        "REQUIRETLS",
        "ETRN",
        "AUTH plain LOGIN PLAIN",
        "AUTH=CRAM-MD5 LOGIN",
        "LIMITS RCPTMAX=100 MAILMAX=7 OTHER=3",
        "XCLIENT NAME ADDR port WHAT NAME",
        "XFORWARD IDENT SOURCE",
        "X-UNKNOWN 1",
        "",
    ];
    let offered = Capabilities::parse(&lines);
    let want = Capabilities {
        pipelining: true,
        size: Some(Some(10_240_000)),
        eight_bit_mime: true,
        smtputf8: true,
        enhanced_status_codes: true,
        chunking: true,
        binary_mime: true,
        dsn: true,
        starttls: true,
        requiretls: true,
        etrn: true,
        auth: vec!["PLAIN".into(), "LOGIN".into(), "CRAM-MD5".into()],
        xclient: vec![Attribute::Name, Attribute::Addr, Attribute::Port],
        xforward: vec![Attribute::Ident, Attribute::Source],
        limits: CommandLimits { mail_max: Some(7), rcpt_max: Some(100), rcpt_domain_max: None },
    };
    assert_eq!(offered, want);
    assert!(Extension::ALL.into_iter().all(|extension| offered.offers(extension)));
}

#[test]
fn a_hostile_answer_offers_nothing() {
    let none = Capabilities::default();
    for line in [
        &b"PIPELINING2"[..],
        b"\xff\xfe",
        b"PIPE LINING",
        b"PIPELINING\0",
        b"AUTH",
        b"AUTH a/b \xff",
        b"AUTH a,b",
        b"AUTH ABCDEFGHIJKLMNOPQRSTU",
        b"LIMITS RCPTMAX=0 MAILMAX=+1 RCPTMAX=1000000 RCPTMAX",
        b"XCLIENT",
        b" ",
    ] {
        assert_eq!(Capabilities::parse(&[b"mx", line]), none, "{}", line.escape_ascii());
    }
    assert_eq!(Capabilities::parse::<&str>(&[]), none);
    let many = (0..100).map(|n| format!("AUTH M{n}")).collect::<Vec<_>>();
    assert_eq!(Capabilities::parse(&many).auth.len(), MAX_MECHANISMS);
}

#[test]
fn size_is_read_as_rfc1870_says() {
    for (line, want) in [
        ("SIZE", Some(None)),
        ("SIZE 0", Some(None)), // no limit
        ("SIZE 1", Some(Some(1))),
        ("SIZE -1", Some(None)),
        ("SIZE 99999999999999999999", Some(None)), // past 64 bits
        ("SIZE=5", None),
    ] {
        assert_eq!(Capabilities::parse(&["mx", line]).size, want, "{line}");
    }
    assert_eq!(Capabilities::parse(&["mx", "SIZE 5", "SIZE 3", "SIZE"]).size, Some(Some(3)));
}

#[test]
fn both_must_offer_and_the_smaller_limit_binds() {
    let one =
        Capabilities::parse(&["mx", "DSN", "CHUNKING", "SIZE 5", "AUTH PLAIN LOGIN", "LIMITS RCPTMAX=9"]);
    let other =
        Capabilities::parse(&["mx", "DSN", "AUTH LOGIN", "LIMITS RCPTMAX=8 MAILMAX=2", "XCLIENT NAME"]);
    let want = Capabilities::parse(&["mx", "DSN", "SIZE 5", "AUTH LOGIN", "LIMITS RCPTMAX=8 MAILMAX=2"]);
    assert_eq!(one.intersect(&other), want);
    assert_eq!(other.intersect(&one), want);
}

#[test]
fn parameters_belong_to_extensions() {
    assert_eq!(Extension::of_mail_parameter("ENVID"), Some(Extension::Dsn));
    assert_eq!(Extension::of_mail_parameter("NOTIFY"), None); // RCPT's
    assert_eq!(Extension::of_rcpt_parameter("NOTIFY"), Some(Extension::Dsn));
    assert_eq!(Extension::of_rcpt_parameter("SIZE"), None);
}

#[test]
fn the_answer_to_ehlo_has_no_enhanced_code() {
    let offered = Capabilities { pipelining: true, size: Some(Some(7)), ..Capabilities::default() };
    let mut out = Vec::new();
    offered.ehlo_reply("mx.example").encode(&mut out);
    assert_eq!(out, b"250-mx.example\r\n250-PIPELINING\r\n250 SIZE 7\r\n");
    out.clear();
    Capabilities::default().ehlo_reply("mx.example").encode(&mut out);
    assert_eq!(out, b"250 mx.example\r\n");
}

proptest! {
    #[test]
    fn what_is_offered_is_read_back(keep: Vec<bool>, limit: Option<u64>, rcpt_max in 1u32..=999_999) {
        let all = [
            "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "DSN", "STARTTLS",
            "AUTH PLAIN LOGIN", "REQUIRETLS", "ETRN", "XCLIENT NAME ADDR", "XFORWARD HELO",
        ];
        let lines = all.iter().zip(keep.iter().chain(std::iter::repeat(&true))).filter(|(_, keep)| **keep);
        let lines: Vec<&str> = std::iter::once("mx").chain(lines.map(|(line, _)| *line)).collect();
        let mut offered = Capabilities::parse(&lines);
        offered.size = Some(limit.filter(|limit| *limit > 0));
        offered.limits.rcpt_max = Some(rcpt_max);
        let reply = offered.ehlo_reply("mx");
        let written: Vec<&str> = reply.lines().collect();
        prop_assert_eq!(Capabilities::parse(&written), offered.clone());
        prop_assert_eq!(offered.intersect(&offered), offered);
    }

    #[test]
    fn any_lines_are_read_without_a_panic(lines: Vec<Vec<u8>>) {
        let _ = Capabilities::parse(&lines);
    }
}
