//! Tests of filters, with the octets that ldapsearch sends for them.

use super::*;

fn hex(text: &str, name: &str) -> String {
    let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    let asked = filter.about(&Name::new(name)).unwrap();
    asked.octets().iter().map(|octet| format!("{octet:02x}")).collect()
}

/// RFC 4515 §4 and RFC 4511 §4.5.1.7.
#[test]
fn filters_are_asked_as_rfc4511_writes_them() {
    for (text, want) in [
        ("(uid={user})", "a30a 0403756964 0403616e6e"),
        ("(!(uid={user}))", "a20c a30a0403756964 0403616e6e"),
        ("(&(uid={user})(cn=*))", "a010 a30a 0403756964 0403616e6e 8702636e"),
        (
            "(|(uid={user})(a>=1)(a<=1)(a~=1))",
            "a124 a30a0403756964 0403616e6e a506040161040131 a606040161040131 a806040161040131",
        ),
        ("(cn={user}*)", "a40b 0402636e 3005 8003616e6e"),
        ("(cn=*{user})", "a40b 0402636e 3005 8203616e6e"),
        ("(cn=a*{user}*c*d)", "a414 0402636e 300e 800161 8103616e6e 810163 820164"),
        ("(cn=\\2a{user}\\5c)", "a30b 0402636e 0405 2a616e6e5c"),
        ("(o=Ö{user})", "a30a 04016f 0405 c396616e6e"),
        ("(m:1.2.3:={user})", "a90f 8105312e322e33 82016d 8303616e6e"),
        ("(m:dn:r:={user})", "a90e 810172 82016d 8303616e6e 8401ff"),
        ("(:r:={user})", "a908 810172 8303616e6e"),
        ("(m:={user})", "a908 82016d 8303616e6e"),
    ] {
        assert_eq!(hex(text, "ann"), want.replace(' ', ""), "{text}");
    }
}

/// The name is a value and nothing else, so that it needs no escapes: RFC 4515 §3 has them for those who write texts.
#[test]
fn no_name_changes_what_is_asked() {
    for name in ["*", "ann*", "a)(uid=*", "*)(|(uid=*", "\\2a", "a\\", "&", "{user}", "a(b", "ann)\u{0}"] {
        let value: String = name.bytes().map(|octet| format!("{octet:02x}")).collect();
        let length = name.len();
        let want = format!("a3{:02x}040375696404{length:02x}{value}", length + 7);
        assert_eq!(hex("(uid={user})", name), want, "{name:?}");
    }
}

/// Why, and what of the text shows it.
#[test]
fn what_is_no_filter_is_refused_at_its_place() {
    use Slip::*;
    for (text, at, shown, why) in [
        ("", 0, "", NotOpened),
        ("uid={user}", 0, "", NotOpened),
        ("(uid={user}", 11, "", NotClosed),
        ("(&(uid={user})(cn=a)", 20, "", NotClosed),
        ("(uid={user}))", 12, ")", Behind),
        ("(uid={user})(cn=*)", 12, "(cn=*)", Behind),
        ("(uid)", 1, "uid", NoEquals),
        ("(&(uid={user})(cn))", 15, "cn", NoEquals),
        ("((uid={user}))", 1, "", NoEquals),
        ("(!)", 2, "", NotOpened),
        ("(={user})", 1, "", Attribute),
        ("(u id={user})", 1, "u id", Attribute),
        ("(&(uid={user})(c n=a))", 15, "c n", Attribute),
        ("(:={user})", 1, "", Attribute),
        ("(a:b:c:d:={user})", 1, "a:b:c:d", Attribute),
        ("(uid=\\zz{user})", 5, "\\zz", Escape),
        ("(uid=\\+1{user})", 5, "\\+1", Escape),
        ("(uid=\\2{user})", 5, "\\2{", Escape),
        ("(uid=a*\\2*{user})", 7, "\\2", Escape),
        ("(!(uid={user})(cn=a))", 14, "", NotClosed),
        ("(uid=({user}))", 5, "", NotClosed),
        ("(&(uid={user})x)", 14, "", NotClosed),
        ("(mail=*)", 0, "(mail=*)", Template(TemplateError::Nameless)),
        ("(dc={domain})", 0, "(dc={domain})", Template(TemplateError::Nameless)),
        ("(&(cn=a)(mail=x{u}))", 15, "{u}", Template(TemplateError::Unknown)),
        ("(mail=a*{user)", 8, "{user", Template(TemplateError::Unknown)),
        ("(mail={user}a})", 13, "}", Template(TemplateError::Unknown)),
    ] {
        let error = text.parse::<Filter>().unwrap_err();
        let found = text.get(error.at..error.at + error.length).unwrap();
        assert_eq!((error.at, found, error.why), (at, shown, why), "{text}");
    }
    let deep = format!("{}(uid={{user}}){}", "(!".repeat(20), ")".repeat(20));
    assert_eq!(deep.parse::<Filter>().unwrap_err().why, Deep);
}

#[test]
fn a_name_without_a_part_that_is_needed_is_nobodys() {
    let filter: Filter = "(&(uid={local})(dc={domain}))".parse().unwrap();
    assert!(filter.about(&Name::new("ann")).is_none());
    assert!(filter.about(&Name::new("@a.example")).is_none());
}

/// Who is found by one branch is not who is found by another: ann, who types ann@b and her own password, is not ann@b.
#[test]
fn a_filter_says_who_the_user_is_or_that_it_cannot() {
    for (text, want) in [
        ("(uid={local})", Some("ann")),
        ("(mail={user})", Some("ann@b")),
        ("(mail={local}@a)", Some("ann")),
        ("(uid:caseExactMatch:={user})", Some("ann@b")),
        ("(&(uid={local})(dc={domain}))", Some("ann@b")), // both have to fit
        ("(&(uid={local})(objectClass=person))", Some("ann")),
        ("(|(mail={user})(alias={user}))", Some("ann@b")),
        ("(|(uid={local})(cn={local}))", Some("ann")),
        ("(|(uid={local})(mail={user}))", None),
        ("(|(objectClass=*)(mail={user}))", None),
        ("(&(objectClass=person)(|(uid={local})(mail={user})))", None),
        ("(&(mail={user})(|(uid={local})(mail={user})))", Some("ann@b")),
        ("(|(&(uid={local})(dc={domain}))(mail={user}))", Some("ann@b")),
        ("(&(uid={local})(!(mail={user})))", Some("ann")), // what doesn't fit shows nothing
        ("(|(!(mail={user}))(mail={user}))", None),
        ("(mail={user}*)", None), // half of a name fits as well
        ("(cn=*{local}*)", None),
        ("(mail~={user})", None),
        ("(&(mail={user})(cn=A*))", Some("ann@b")),
        ("(|(dc={domain})(mail={user}))", None), // everybody of a domain
        ("(&(uid={local})(|(dc={domain})(cn=x)))", None),
        ("(!(mail={user}))", None),
    ] {
        let filter: Filter = text.parse().unwrap();
        assert_eq!(filter.user(&Name::new("ann@b")), want, "{text}");
        assert_eq!(filter.says_who(), want.is_some(), "{text}");
        let by_local = want == Some("ann") || want.is_none() && text.contains("{local}");
        assert_eq!(filter.counted_as(&Name::new("ann@b")), if by_local { "ann" } else { "ann@b" }, "{text}");
    }
}
