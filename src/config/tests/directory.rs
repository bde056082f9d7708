//! Who checks logins, and DNs and filters of a directory: mistakes with their place and what was probably meant.

use super::{Broken, LEAST, bad};
use crate::config::error::Diagnostic;

fn broken(auth: &str) -> Box<Broken> {
    bad(&format!("{LEAST}auth = \"optional\"\nauth_without_tls = true\n{auth}\n"))
}

/// The mistake with `key`, and what the caret stands below.
fn told(auth: &str, key: &str) -> (Diagnostic, String) {
    let broken = broken(auth);
    let found =
        broken.problems.iter().find(|problem| problem.key == key && !problem.message.ends_with("is missing"));
    let found = found.unwrap_or_else(|| panic!("{auth}: {:?}", broken.problems)).clone();
    let shown = found.span.as_ref().and_then(|span| broken.sources.slice(span));
    let shown = shown.unwrap_or_else(|| panic!("{auth}: no place")).to_owned();
    (found, shown)
}

#[test]
fn who_was_meant_to_check_logins_is_guessed() {
    for (verify, want) in [
        ("users", Some("file:users")),
        ("/etc/gatepost/users", Some("file:/etc/gatepost/users")),
        ("file:", Some("file:/etc/gatepost/users")),
        ("flie:users", Some("file:users")),
        ("FILE:users", Some("file:users")),
        ("backnd", Some("backend")),
        ("/run/dovecot/auth-client", Some("dovecot:/run/dovecot/auth-client")),
        ("dovcot:auth", Some("dovecot:auth")),
        ("ldap:/ldap.example.org", Some("ldap://ldap.example.org")),
        ("ldap:ldap.example.org", Some("ldap://ldap.example.org")),
        ("ldap.example.org", Some("ldap://ldap.example.org")),
        ("ldap:/run/slapd/ldapi", Some("ldapi:/run/slapd/ldapi")),
        ("/run/slapd/ldapi", Some("ldapi:/run/slapd/ldapi")),
        ("ldasp://a.example", Some("ldaps://a.example")),
        ("https:/a.example/login", Some("https://a.example/login")),
        ("polcy:site", Some("policy:site")),
        ("mysql:users", None),
        ("policy:a b", None),
        ("", None),
    ] {
        let (problem, _) = told(&format!("[auth]\nverify = \"{verify}\""), "auth.verify");
        let want: Vec<String> = want.iter().map(|want| format!("did you mean `{want}`?")).collect();
        assert_eq!(problem.help, want, "{verify}: {}", problem.message);
    }
}

#[test]
fn a_policy_that_checks_logins_and_is_not_there_is_told_at_verify() {
    let (problem, shown) = told("[auth]\nverify = \"policy:site\"", "policy.site");
    assert_eq!(
        (problem.message.as_str(), shown.as_str()),
        ("there is no policy \"site\"", "\"policy:site\"")
    );
    assert!(problem.help.iter().any(|help| help.contains("[policy.site] script = \"site.lua\"")));
    let near = "[policy.site]\nscript = \"/dev/null\"\n[auth]\nverify = \"policy:stie\"";
    let (problem, _) = told(near, "policy.stie");
    assert!(problem.help.contains(&"did you mean `site`?".to_owned()), "{problem:?}");
    let own = "logins = { verify = \"policy:own\" }";
    assert_eq!(told(own, "policy.own").1, "\"policy:own\"");
}

#[test]
fn what_is_no_dn_is_told_at_its_place() {
    let ldap = |lines: &str| format!("[auth]\nverify = \"ldap://127.0.0.1\"\n[auth.ldap]\n{lines}");
    for (lines, key, shown, message) in [
        ("base = \"example.org\"", "base", "example.org", "no ATTRIBUTE=VALUE"),
        ("base = \"ou=people,example.org\"", "base", "example.org", "no ATTRIBUTE=VALUE"),
        ("base = \"dc=example,,dc=org\"", "base", ",", "a part is empty"),
        ("base = 'ou=people, org'", "base", "org", "no ATTRIBUTE=VALUE"),
        ("base = \"\"", "base", "\"\"", "can't be empty"),
        ("base = \"o=\\u0041,org\"", "base", "\"o=\\u0041,org\"", "no ATTRIBUTE=VALUE"), // escapes in between
        ("search_dn = \"gatepost\"", "search_dn", "gatepost", "no ATTRIBUTE=VALUE"),
        ("bind_dn = \"{user},dc=example\"", "bind_dn", "{user}", "no ATTRIBUTE=VALUE"),
        ("bind_dn = \"uid={user},example\"", "bind_dn", "example", "no ATTRIBUTE=VALUE"),
        ("bind_dn = \"uid={name},dc=a\"", "bind_dn", "{name}", "in braces stand"),
        ("filter = \"(&(uid={user})(cn=a)\"", "filter", "", "a `)` is missing here"),
        (
            "filter = \"(uid=\\\\2a{user}\\\\)\"",
            "filter",
            "\"(uid=\\\\2a{user}\\\\)\"",
            "two hexadecimal digits",
        ),
        ("filter = '(uid=\\2a{user}\\)'", "filter", "\\", "two hexadecimal digits"),
    ] {
        let (problem, found) = told(&ldap(lines), &format!("auth.ldap.{key}"));
        assert_eq!(found, shown, "{lines}: {problem:?}");
        assert!(problem.message.contains(message), "{lines}: {problem:?}");
    }
    let (problem, _) = told(&ldap("base = \"example.org\""), "auth.ldap.base");
    assert_eq!(problem.help, ["did you mean `dc=example,dc=org`?"]);
}

/// Active Directory takes these in a bind.
#[test]
fn names_that_are_bound_as_need_not_be_dns() {
    for bind_dn in ["{user}@ad.example.org", "AD\\\\{user}", "{user}"] {
        let text = format!("[auth]\nverify = \"ldap://127.0.0.1\"\nldap.bind_dn = \"{bind_dn}\"");
        super::good(&format!("{LEAST}auth = \"optional\"\nauth_without_tls = true\n{text}\n"));
    }
}
