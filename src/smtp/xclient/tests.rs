//! Who the client is, told so that nothing but values can be in it.

use proptest::prelude::*;

use super::*;

fn facts() -> ClientFacts<'static> {
    ClientFacts {
        name: Name::Known("mail.client.example"),
        address: Some("192.0.2.1".parse().unwrap()),
        port: Some(4711),
        protocol: Some("ESMTP"),
        helo: Some("mail.client.example"),
        login: None,
        destination: Some(("198.51.100.2".parse().unwrap(), 25)),
        ident: Some("0c1f.3"),
        source: "REMOTE",
    }
}

fn one(facts: &ClientFacts<'_>, attribute: Attribute) -> String {
    let line =
        xclient_line(facts, &[attribute]).or_else(|| xforward_lines(facts, &[attribute]).pop()).unwrap();
    line.split_once('=').unwrap().1.to_owned()
}

#[test]
fn all_that_is_offered_is_told_in_one_line() {
    assert_eq!(
        xclient_line(&facts(), &ALL).unwrap(),
        "XCLIENT NAME=mail.client.example ADDR=192.0.2.1 PORT=4711 PROTO=ESMTP HELO=mail.client.example \
         LOGIN=[UNAVAILABLE] DESTADDR=198.51.100.2 DESTPORT=25"
    );
    assert_eq!(
        xforward_lines(&facts(), &ALL),
        ["XFORWARD NAME=mail.client.example ADDR=192.0.2.1 PORT=4711 PROTO=ESMTP HELO=mail.client.example \
          IDENT=0c1f.3 SOURCE=REMOTE"]
    );
}

#[test]
fn only_what_is_offered_is_told() {
    let offered = [Attribute::Addr, Attribute::Ident, Attribute::Name, Attribute::Addr];
    assert_eq!(xclient_line(&facts(), &offered).unwrap(), "XCLIENT NAME=mail.client.example ADDR=192.0.2.1");
    assert_eq!(xclient_line(&facts(), &[Attribute::Source]), None);
    assert_eq!(xclient_line(&facts(), &[]), None);
    assert_eq!(xforward_lines(&facts(), &[Attribute::Login]), Vec::<String>::new());
}

#[test]
fn names_are_hosts_or_unavailable() {
    for (name, want) in [
        (Name::Known("mail.client.example"), "mail.client.example"),
        (Name::Known("mail.client.example."), "mail.client.example"), // as DNS writes it
        (Name::Known("a_b.example"), "a_b.example"),
        (Name::Unavailable, "[UNAVAILABLE]"),
        (Name::TempUnavailable, "[TEMPUNAVAIL]"),
        (Name::Known("a.example\r\nRSET"), "[UNAVAILABLE]"), // CVE-2026-28753
        (Name::Known("a b.example"), "[UNAVAILABLE]"),
        (Name::Known("a=b.example"), "[UNAVAILABLE]"),
        (Name::Known("192.0.2.7"), "[UNAVAILABLE]"),
        (Name::Known("-a.example"), "[UNAVAILABLE]"),
        (Name::Known("a..example"), "[UNAVAILABLE]"),
        (Name::Known("[TEMPUNAVAIL]"), "[UNAVAILABLE]"),
        (Name::Known(""), "[UNAVAILABLE]"),
    ] {
        assert_eq!(one(&ClientFacts { name, ..facts() }, Attribute::Name), want, "name {name:?}");
    }
}

#[test]
fn other_values_are_xtext_or_unavailable() {
    let (long, too_long) = ("x".repeat(255), "x".repeat(256));
    for (login, want) in [
        ("ann", "ann"),
        ("ann+list=x y", "ann+2Blist+3Dx+20y"),
        ("änn", "+C3+A4nn"),
        ("[192.0.2.1]", "[192.0.2.1]"), // an address literal in EHLO
        ("[unavailable]", "[UNAVAILABLE]"),
        ("a\r\nRCPT TO:<x>", "[UNAVAILABLE]"), // not even encoded
        ("a\0", "[UNAVAILABLE]"),
        ("a\u{85}b", "[UNAVAILABLE]"),
        ("", "[UNAVAILABLE]"),
        (&long, &long),
        (&too_long, "[UNAVAILABLE]"),
    ] {
        let facts = ClientFacts { login: Some(login), helo: Some(login), ..facts() };
        assert_eq!(one(&facts, Attribute::Login), want, "login {login:?}");
        assert_eq!(one(&facts, Attribute::Helo), want, "helo {login:?}");
    }
}

#[test]
fn addresses_are_told_as_what_they_are() {
    for (address, want) in
        [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "IPV6:2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1")]
    {
        let address = address.parse().unwrap();
        assert_eq!(one(&ClientFacts { address: Some(address), ..facts() }, Attribute::Addr), want);
        assert_eq!(
            one(&ClientFacts { destination: Some((address, 25)), ..facts() }, Attribute::DestAddr),
            want
        );
    }
    assert_eq!(one(&ClientFacts { destination: None, ..facts() }, Attribute::DestPort), "[UNAVAILABLE]");
}

#[test]
fn protocols_that_xclient_does_not_know_are_esmtp() {
    for (protocol, want) in [("SMTP", "SMTP"), ("ESMTP", "ESMTP"), ("ESMTPSA", "ESMTP"), ("LMTP", "ESMTP")] {
        assert_eq!(one(&ClientFacts { protocol: Some(protocol), ..facts() }, Attribute::Proto), want);
    }
}

#[test]
fn what_does_not_fit_in_one_line_is_left_out_by_size() {
    let name = ["a".repeat(60).as_str(); 4].join(".");
    let plus = "+".repeat(100);
    for (helo, login, gone) in [
        ("h", "l", &[][..]),
        (&plus, "l", &["HELO"][..]), // the longer of the two
        (&"h".repeat(200), "l", &["NAME"][..]),
        (&plus, &plus, &["NAME", "HELO"][..]),
        (&plus, &"+".repeat(150), &["NAME", "HELO", "LOGIN"][..]),
    ] {
        let facts = ClientFacts { name: Name::Known(&name), helo: Some(helo), login: Some(login), ..facts() };
        let line = xclient_line(&facts, &ALL).unwrap();
        let missing: Vec<&str> =
            line.split(' ').filter_map(|pair| pair.strip_suffix("=[UNAVAILABLE]")).collect();
        assert_eq!(missing, gone, "helo {helo}, login {login}");
        assert!(line.len() + 2 <= 512);
    }
}

#[test]
fn xforward_takes_more_lines_when_it_must() {
    let name = ["a".repeat(60).as_str(); 4].join(".");
    let (helo, ident) = ("h".repeat(255), "+".repeat(200));
    let facts = ClientFacts { name: Name::Known(&name), helo: Some(&helo), ident: Some(&ident), ..facts() };
    let lines = xforward_lines(&facts, &ALL);
    assert_eq!(lines.len(), 2);
    assert!(lines[1].ends_with("IDENT=[UNAVAILABLE] SOURCE=REMOTE"), "{lines:?}");
}

proptest! {
    #[test]
    fn no_value_can_be_more_than_a_value(
        name in any::<String>(), helo in any::<String>(), login in "[ -~\r\n\0+=]{0,300}", ident in any::<String>(),
        address in any::<[u8; 16]>(),
    ) {
        let facts = ClientFacts {
            name: Name::Known(&name), helo: Some(&helo), login: Some(&login), ident: Some(&ident),
            address: Some(address.into()), ..facts()
        };
        for (line, due) in xforward_lines(&facts, &ALL).iter().map(|line| (line, "XFORWARD"))
            .chain(xclient_line(&facts, &ALL).iter().map(|line| (line, "XCLIENT"))) {
            prop_assert!(line.len() + 2 <= 512);
            prop_assert!(line.bytes().all(|octet| octet == b' ' || octet.is_ascii_graphic()), "{line:?}");
            let mut words = line.split(' ');
            prop_assert_eq!(words.next(), Some(due));
            for word in words {
                let (keyword, value) = word.split_once('=').unwrap();
                prop_assert!(Attribute::parse(keyword).is_some() && !value.is_empty() && !value.contains('='), "{line:?}");
            }
        }
    }
}
