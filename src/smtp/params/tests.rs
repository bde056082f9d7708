//! Parameters: tables of values, and what parses prints back.

use proptest::prelude::*;

use super::*;

fn mail(text: &str) -> Result<MailParams, ParamsError> {
    let mail = MailParams::read(Params::parse(text, false)?);
    if mail.is_unreadable { Err(ParamsError::Bad) } else { Ok(mail) }
}

fn rcpt(text: &str) -> Result<RcptParams, ParamsError> {
    let rcpt = RcptParams::read(Params::parse(text, false)?);
    if rcpt.is_unreadable { Err(ParamsError::Bad) } else { Ok(rcpt) }
}

#[test]
fn parameters_follow_rfc5321_4_1_2() {
    let bad = Err(ParamsError::Bad);
    for (text, lenient, strict) in [
        ("", Ok(0), Ok(0)),
        ("A", Ok(1), Ok(1)),
        ("A=b C-D=e 8X", Ok(3), Ok(3)),
        ("A=\u{e4}", Ok(1), Ok(1)), // RFC 6531 §3.3
        ("A=b=c", Ok(1), bad),      // common in ORCPT
        ("A  B", Ok(2), bad),
        ("A ", Ok(1), bad),
        ("A=", bad, bad),
        ("=A", bad, bad),
        ("-A", bad, bad),
        ("A_B", bad, bad),
        ("\u{e4}=b", bad, bad),
        ("A=b\tc", bad, bad),
        ("A=b\0", bad, bad),
        ("A=b\u{85}", bad, bad),
        (">", bad, bad),
        ("a=1 A=2", Err(ParamsError::Duplicate), Err(ParamsError::Duplicate)),
    ] {
        assert_eq!(Params::parse(text, false).map(|all| all.len()), lenient, "lenient {text:?}");
        assert_eq!(Params::parse(text, true).map(|all| all.len()), strict, "strict {text:?}");
    }
    let many = (0..33).map(|n| format!("X{n}")).collect::<Vec<_>>().join(" ");
    assert_eq!(Params::parse(&many, false), Err(ParamsError::Bad));
}

#[test]
fn keywords_are_folded_and_the_rest_is_kept() {
    let all = Params::parse("Size=10 x-Y=aB", false).unwrap();
    let size = all.get("sIZE").unwrap();
    assert_eq!((size.keyword(), size.value(), size.raw()), ("SIZE", Some("10"), "Size=10"));
    assert_eq!(all.get("X-Y").unwrap().value(), Some("aB"));
    assert_eq!(all.iter().map(Param::keyword).collect::<Vec<_>>(), ["SIZE", "X-Y"]);
}

#[test]
fn size_follows_rfc1870() {
    for (text, want) in [
        ("SIZE=0", Ok(0)),
        ("size=0001", Ok(1)),
        ("SIZE=18446744073709551615", Ok(u64::MAX)),
        ("SIZE=18446744073709551616", Ok(u64::MAX)), // past 64 bits
        ("SIZE=99999999999999999999", Ok(u64::MAX)), // 20 digits
        ("SIZE=100000000000000000000", Err(ParamsError::Bad)), // 21 digits
        ("SIZE", Err(ParamsError::Bad)),
        ("SIZE=+1", Err(ParamsError::Bad)),
        ("SIZE=-1", Err(ParamsError::Bad)),
        ("SIZE=1k", Err(ParamsError::Bad)),
        ("SIZE=\u{661}", Err(ParamsError::Bad)), // a digit, not ours
    ] {
        assert_eq!(mail(text).map(|mail| mail.size.unwrap()), want, "{text}");
    }
}

#[test]
fn known_values_of_mail_are_read() {
    let all = mail("BODY=8bitmime SMTPUTF8 RET=hdrs ENVID=a+2Bb AUTH=<> REQUIRETLS X=y").unwrap();
    assert_eq!(all.body, Some(Body::EightBitMime));
    assert!(all.smtputf8 && all.requiretls);
    assert_eq!(all.ret, Some(Ret::Header));
    assert_eq!(all.envid.as_deref(), Some("a+b"));
    assert_eq!(all.auth, Some(Submitter::Unknown));
    assert_eq!(all.all.len(), 7);
    let named = mail("AUTH=e+3Dmc2@a.example BODY=7BIT RET=FULL").unwrap();
    assert_eq!(named.auth, Some(Submitter::Mailbox("e=mc2@a.example".into())));
    let long = format!("ENVID={}", "a".repeat(101));
    for bad in [
        "BODY",
        "BODY=9BIT",
        "SMTPUTF8=1",
        "RET",
        "RET=ALL",
        "ENVID",
        "ENVID=a+",
        "ENVID=a+0D+0AB",
        "ENVID=+C3+A4",
        "ENVID=\u{e4}",
        "AUTH",
        "AUTH=a+00b",
        "AUTH=a+FF",
        "REQUIRETLS=yes",
        &long,
    ] {
        assert_eq!(mail(bad), Err(ParamsError::Bad), "{bad}");
    }
}

#[test]
fn known_values_of_rcpt_are_read() {
    let of = |success, failure, delay| Some(Notify { success, failure, delay });
    assert_eq!(rcpt("NOTIFY=never").unwrap().notify, of(false, false, false));
    assert_eq!(rcpt("NOTIFY=Success,DELAY").unwrap().notify, of(true, false, true));
    for (text, kind, address) in [
        ("ORCPT=RFC822;ann@a.example", "rfc822", "ann@a.example"),
        ("ORCPT=rfc822;a+2Bb@c", "rfc822", "a+b@c"),
        ("ORCPT=rfc822;SRS0=x@c", "rfc822", "SRS0=x@c"), // let through
        ("ORCPT=utf-8;\u{e4}@c", "utf-8", "\u{e4}@c"),
        ("ORCPT=utf-8;\\x{E4}@c", "utf-8", "\\x{E4}@c"), // RFC 6533: not decoded
    ] {
        let want = OriginalRecipient { address_type: kind.into(), address: address.into() };
        assert_eq!(rcpt(text).unwrap().orcpt, Some(want), "{text}");
    }
    let long = format!("ORCPT=rfc822;{}", "a".repeat(500));
    for bad in [
        "NOTIFY",
        "NOTIFY=",
        "NOTIFY=NEVER,DELAY",
        "NOTIFY=SUCCESS,",
        "NOTIFY=LATER",
        "ORCPT",
        "ORCPT=ann@a",
        "ORCPT=;ann@a",
        "ORCPT=rfc822;",
        "ORCPT=rfc822;a+0Ab",
        "ORCPT=rfc822;\u{e4}",
        "ORCPT=a/b;c",
        &long,
    ] {
        assert_eq!(rcpt(bad), Err(ParamsError::Bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn what_parses_prints_and_parses_to_the_same(text in "([A-Za-z0-9-]{0,3}=?[ -~\u{e4}]{0,3} ){0,4}", strict: bool) {
        if let Ok(all) = Params::parse(&text, strict) {
            let printed = all.iter().map(Param::raw).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(Params::parse(&printed, strict), Ok(all));
        }
    }

    #[test]
    fn no_decoded_value_holds_a_control(octets: Vec<u8>) {
        let text = xtext::encode(&octets);
        let mail = mail(&format!("ENVID={text} AUTH={text}"));
        let rcpt = rcpt(&format!("ORCPT=rfc822;{text}"));
        let envid = mail.as_ref().ok().and_then(|mail| mail.envid.clone());
        let orcpt = rcpt.ok().and_then(|rcpt| rcpt.orcpt).map(|orcpt| orcpt.address);
        for value in envid.into_iter().chain(orcpt) {
            prop_assert!(!value.chars().any(char::is_control));
        }
    }
}
