//! What intermediaries tell, attribute by attribute, and what they may not.

use proptest::prelude::*;

use super::*;
use crate::smtp::xclient::{XCLIENT, XFORWARD};

fn told(text: &str) -> Result<Particulars, ParticularsError> {
    Particulars::parse(text, &XCLIENT)
}

#[test]
fn all_attributes_are_read() {
    let known = |text: &str| Value::Known(text.to_owned());
    assert_eq!(
        told(
            "NAME=mail.client.example ADDR=IPV6:2001:db8::9 PORT=4711 PROTO=ESMTP HELO=mail.client.example \
             LOGIN=ann+40a.example DESTADDR=198.51.100.2 DESTPORT=25"
        ),
        Ok(Particulars {
            name: known("mail.client.example"),
            address: Value::Known("2001:db8::9".parse().unwrap()),
            port: Value::Known(4711),
            protocol: known("ESMTP"),
            helo: known("mail.client.example"),
            login: known("ann@a.example"),
            destination_address: Value::Known("198.51.100.2".parse().unwrap()),
            destination_port: Value::Known(25),
            ..Particulars::default()
        })
    );
    let forwarded = Particulars::parse("ident=4ABC  source=local proto=qmqp", &XFORWARD).unwrap();
    let want = (known("4ABC"), known("LOCAL"), known("QMQP"));
    assert_eq!((forwarded.ident, forwarded.source, forwarded.protocol), want);
}

#[test]
fn what_is_not_known_is_told_apart_from_what_is_not_told() {
    let told = told("NAME=[TEMPUNAVAIL] ADDR=[unavailable] HELO=[UNAVAILABLE]").unwrap();
    assert_eq!(told.name, Value::TemporarilyUnavailable);
    assert_eq!((told.address, told.helo), (Value::Unavailable, Value::Unavailable));
    assert_eq!(told.login, Value::Untold);
}

#[test]
fn addresses_are_in_postfix_form() {
    for (text, want) in [
        ("192.0.2.1", Some("192.0.2.1")),
        ("IPV6:2001:db8::1", Some("2001:db8::1")),
        ("ipv6:::1", Some("::1")),
        ("IPV6:::ffff:192.0.2.1", Some("192.0.2.1")), // is its IPv4 everywhere
        ("2001:db8::1", None),                        // no prefix
        ("IPV6:192.0.2.1", None),
        ("192.0.2.01", None),
        ("192.0.2", None),
        ("mail.client.example", None),
        ("[192.0.2.1]", None),
    ] {
        let found = told(&format!("ADDR={text}")).ok().map(|told| told.address.known().unwrap().to_string());
        assert_eq!(found.as_deref(), want, "{text}");
    }
}

#[test]
fn what_postfix_refuses_is_refused() {
    let long = format!("HELO={}", "a".repeat(256));
    for (text, error) in [
        ("NAME", ParticularsError::Form),
        ("NAME=", ParticularsError::Form),
        ("NAME = mail.client.example", ParticularsError::Form),
        ("REVERSE_NAME=mail.client.example", ParticularsError::Name),
        ("IDENT=x", ParticularsError::Name), // XFORWARD's
        ("NAME=mail..example", ParticularsError::Value(Attribute::Name)),
        ("NAME=192.0.2.1", ParticularsError::Value(Attribute::Name)),
        ("NAME=a+20b.example", ParticularsError::Value(Attribute::Name)),
        ("PORT=65536", ParticularsError::Value(Attribute::Port)),
        ("PORT=-1", ParticularsError::Value(Attribute::Port)),
        ("DESTPORT=25a", ParticularsError::Value(Attribute::DestPort)),
        ("DESTADDR=a", ParticularsError::Value(Attribute::DestAddr)),
        ("PROTO=E+20SMTP", ParticularsError::Value(Attribute::Proto)),
        ("HELO=+", ParticularsError::Value(Attribute::Helo)), // cut
        ("HELO=a+0D+0AQUIT", ParticularsError::Value(Attribute::Helo)), // controls
        ("LOGIN=+00", ParticularsError::Value(Attribute::Login)),
        ("LOGIN=+FF", ParticularsError::Value(Attribute::Login)), // no UTF-8
        (&long, ParticularsError::Value(Attribute::Helo)),
        ("ADDR=192.0.2.1 BAD=1", ParticularsError::Name), // one wrong is all wrong
    ] {
        assert_eq!(told(text), Err(error), "{text}");
    }
    let source = Particulars::parse("SOURCE=NEARBY", &XFORWARD);
    assert_eq!(source, Err(ParticularsError::Value(Attribute::Source)));
}

#[test]
fn the_last_word_holds() {
    let first = told("NAME=a.example ADDR=192.0.2.1 ADDR=192.0.2.2").unwrap();
    assert_eq!(first.address, Value::Known("192.0.2.2".parse().unwrap()));
    let both = first.overlaid(told("NAME=[UNAVAILABLE] PORT=1").unwrap());
    assert_eq!((both.name, both.port), (Value::Unavailable, Value::Known(1)));
    assert_eq!(both.address, Value::Known("192.0.2.2".parse().unwrap()));
}

proptest! {
    #[test]
    fn no_value_holds_a_control(
        words in proptest::collection::vec(("(NAME|HELO|LOGIN|PROTO|IDENT)", "[!-~]{0,20}(\\+0[0-9A-F])?"), 0..5),
    ) {
        let text: Vec<String> = words.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if let Ok(told) = told(&text.join(" ")) {
            for value in [&told.name, &told.helo, &told.login, &told.protocol, &told.ident] {
                let text = value.known().map_or("", String::as_str);
                prop_assert!(!text.chars().any(char::is_control) && text.len() <= 255);
            }
        }
    }
}
