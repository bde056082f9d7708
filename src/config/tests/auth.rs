//! `[auth]`: what it comes to, and what in it doesn't fit together.

use std::time::Duration;

use super::{LEAST, bad, good};
use crate::auth::config::{Config as Auth, Place};
use crate::auth::http::config::Settings as Http;
use crate::auth::ldap::config::Settings;
use crate::ldap::server::Server;
use crate::smtp::mechanism::{Mechanism, Mechanisms};

/// A listener that takes logins, and the rest of the file.
fn text(rest: &str) -> String {
    format!("{LEAST}auth = \"optional\"\nauth_without_tls = true\n{rest}\n")
}

fn auth(rest: &str) -> Auth {
    good(&text(rest)).config.auth
}

fn told(rest: &str) -> Vec<(String, String)> {
    bad(&text(rest)).problems.iter().map(|one| (one.key.clone(), one.message.clone())).collect()
}

const DN: &str = "[auth.ldap]\nbind_dn = \"uid={user},dc=a\"";

#[test]
fn every_key_of_a_directory_arrives() {
    let found = auth(
        r#"
        [auth]
        verify = "ldap://ldap.example.org"
        [auth.ldap]
        base = "dc=example,dc=org"
        filter = "(mail={user})"
        scope = "one"
        search_dn = "cn=search"
        search_password_file = "/etc/gatepost/password"
        user_attribute = "uid"
        ca = "/etc/gatepost/ca.pem"
        starttls = true
        without_tls = true
        timeout = "3s"
        connections = 4
        "#,
    );
    let search = found.ldap.search.clone().unwrap();
    assert_eq!((search.base.as_str(), search.is_one_level), ("dc=example,dc=org", true));
    assert_eq!(search.filter, "(mail={user})".parse().unwrap());
    assert_eq!(search.account, Some(("cn=search".into(), "/etc/gatepost/password".into())));
    let want = Settings {
        bind_dn: None,
        search: Some(search),
        user_attribute: Some("uid".into()),
        ca: Some("/etc/gatepost/ca.pem".into()),
        starttls: Some(true),
        without_tls: true,
        timeout: Duration::from_secs(3),
        connections: 4,
    };
    assert_eq!(found.ldap, want);
}

#[test]
fn a_directory_is_named_by_its_url() {
    let tcp = |host: &str, port, is_ldaps| Server::Tcp { host: host.into(), port, is_ldaps };
    for (url, want) in [
        ("ldap://127.0.0.1", tcp("127.0.0.1", 389, false)),
        ("ldap://LDAP.example.org/", tcp("ldap.example.org", 389, false)),
        ("ldap://localhost:3890", tcp("localhost", 3890, false)),
        ("ldaps://ldap.example.org", tcp("ldap.example.org", 636, true)),
        ("ldaps://[2001:db8::1]:1636", tcp("2001:db8::1", 1636, true)),
        ("ldap://[::1]", tcp("::1", 389, false)),
        ("ldapi:/run/slapd/ldapi", Server::Unix("/run/slapd/ldapi".into())),
        ("ldapi://%2Frun%2Fslapd%2fldapi/", Server::Unix("/run/slapd/ldapi".into())),
    ] {
        let found = auth(&format!("[auth]\nverify = \"{url}\"\n{DN}"));
        assert_eq!(found.verify, Some(Place::Ldap(want)), "{url}");
    }
    for (url, message) in [
        ("ldap://ldap.example.org/dc=a", "the DN and the filter stand in [auth.ldap]"),
        ("ldap://ldap.example.org?sub", "the DN and the filter stand in [auth.ldap]"),
        ("ldap://", "names no server"),
        ("ldap://user@ldap.example.org", "names no server"),
        ("ldap://ldap.example.org:0", "names no server"),
        ("ldap://::1", "names no server"),
        ("ldap:ldap.example.org", "must say who checks logins"),
        ("ldapi:", "must say who checks logins"),
    ] {
        let told = told(&format!("[auth]\nverify = \"{url}\"\n{DN}"));
        assert!(
            told.iter().any(|(key, said)| key == "auth.verify" && said.contains(message)),
            "{url}: {told:?}"
        );
    }
}

#[test]
fn a_directory_in_which_nobody_is_found_is_a_mistake() {
    let at = |server: &str, lines: &str| format!("[auth]\nverify = \"{server}\"\n[auth.ldap]\n{lines}");
    let dn = "bind_dn = \"uid={user},dc=a\"\n";
    let search = "base = \"dc=a\"\nfilter = \"(uid={user})\"\n";
    let here = "ldap://127.0.0.1";
    for (rest, key, message) in [
        ("[auth]\nverify = \"ldap://a\"".into(), "auth.ldap.bind_dn", "nothing says how users are found"),
        (at(here, ""), "auth.ldap.bind_dn", "nothing says how users are found"),
        (at(here, &format!("{dn}{search}")), "auth.ldap.bind_dn", "either searched, or have a DN"),
        (at(here, "base = \"dc=a\""), "auth.ldap.base", "`auth.ldap.filter` is missing"),
        (at(here, "filter = \"(uid={user})\""), "auth.ldap.filter", "`auth.ldap.base` is missing"),
        (at(here, &format!("{search}search_dn = \"cn=s\"")), "auth.ldap.search_dn", "file` is missing"),
        (
            at(here, &format!("{search}search_password_file = \"s\"")),
            "auth.ldap.search_password_file",
            "dn` is missing",
        ),
        (at(here, &format!("{dn}scope = \"one\"")), "auth.ldap.scope", "says nothing here"),
        (at(here, "bind_dn = \"uid=ann,dc=a\""), "auth.ldap.bind_dn", "the user's name has no place in it"),
        (at(here, "bind_dn = \"uid={name},dc=a\""), "auth.ldap.bind_dn", "and nothing else"),
        (at(here, "base = \"\"\nfilter = \"uid={user}\""), "auth.ldap.filter", "a `(` is missing here"),
        (
            at(here, "base = \"dc=a\"\nfilter = \"(|(uid={local})(mail={user}))\""),
            "auth.ldap.filter",
            "may be another than who was typed",
        ),
        (at(here, "bind_dn = 5"), "auth.ldap.bind_dn", "must be text"),
        (
            at(here, &format!("{dn}user_attribute = \"a b\"")),
            "auth.ldap.user_attribute",
            "the name of an attribute",
        ),
        (at(here, &format!("{dn}connections = 0")), "auth.ldap.connections", "can't be 0"),
        (
            at(here, &format!("{dn}ca = \"ca.pem\"")),
            "auth.ldap.ca",
            "no TLS is spoken to ldap://127.0.0.1:389",
        ),
        (at("ldapi:x", &format!("{dn}starttls = true")), "auth.ldap.starttls", "there is no STARTTLS"),
        (at("ldaps://a", &format!("{dn}starttls = true")), "auth.ldap.starttls", "there is no STARTTLS"),
        (
            at("ldap://a", &format!("{dn}starttls = false")),
            "auth.ldap.starttls",
            "go to ldap://a:389 in clear text",
        ),
        (
            format!("[auth]\nverify = \"{here}\"\nmechanisms = \"SCRAM-SHA-256\"\n{DN}"),
            "auth.mechanisms",
            "there is no way to log in",
        ),
    ] {
        let told = told(&rest);
        let found = told.iter().any(|(k, m)| k == key && m.contains(message));
        assert!(found, "{rest}\nwanted {key}: {message}\ngot {told:#?}");
    }
    good(&text(&at("ldap://a", &format!("{dn}starttls = false\nwithout_tls = true"))));
    let mixed = "base = \"dc=a\"\nfilter = \"(|(uid={local})(mail={user}))\"\nuser_attribute = \"mail\"";
    good(&text(&at(here, mixed)));
}

const USERS: &str = "[auth]\nverify = \"file:users\"\nmax_failures = 9\nldap.bind_dn = \"uid={user},dc=a\"";

/// A second listener that lays `lines` over `[auth]`.
fn second(lines: &str) -> String {
    let listener = "[[listener]]\nbind = \"127.0.0.1:2526\"\npolicies = \"access\"\nauth = \"required\"\n";
    text(&format!("{USERS}\n{listener}auth_without_tls = true\nrelay.authenticated = true\n{lines}"))
}

#[test]
fn a_listener_lays_its_own_over_auth_key_by_key() {
    let loaded = good(&second(
        "logins = { verify = \"ldap://[::1]\", mechanisms = \"PLAIN\", failure_delay = \"1s\" }",
    ));
    assert_eq!(loaded.warnings, []);
    let [first, second] = &loaded.config.listeners[..] else { panic!("two listeners") };
    assert_eq!(first.auth, loaded.config.auth);
    assert_eq!(first.auth.verify, Some(Place::File("users".into())));
    let server = Server::Tcp { host: "::1".into(), port: 389, is_ldaps: false };
    assert_eq!(second.auth.verify, Some(Place::Ldap(server)));
    assert_eq!((second.auth.max_failures, second.auth.failure_delay), (9, Duration::from_secs(1)));
    assert_eq!(second.auth.mechanisms, Mechanisms::NONE.with(Mechanism::Plain));
    assert_eq!(second.auth.ldap, first.auth.ldap); // the common table's
    let listing = loaded.effective.text();
    assert!(listing.contains("logins.verify = \"ldap://[::1]\""), "{listing}");
}

/// A table in it is one thing: half of two directories is none.
#[test]
fn a_listener_has_a_directory_of_its_own_as_a_whole() {
    let own = "logins.ldap = { base = \"dc=b\", filter = \"(uid={user})\" }";
    let loaded = good(&second(&format!("logins.verify = \"ldap://[::1]\"\n{own}")));
    let ldap = &loaded.config.listeners[1].auth.ldap;
    assert!(ldap.bind_dn.is_none() && ldap.search.is_some(), "{ldap:?}");
}

#[test]
fn a_listener_may_be_the_only_one_to_say_who_checks_logins() {
    let listener = "auth = \"optional\"\nauth_without_tls = true\nlogins.verify = \"policy:helo\"\n";
    let loaded = good(&format!("{LEAST}{listener}"));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.listeners[0].auth.verify, Some(Place::Policy("helo".into())));
    assert!(loaded.config.policy.iter().any(|policy| policy.name == "helo"), "it is loaded");
}

#[test]
fn what_a_listener_says_of_logins_must_fit_too() {
    for (lines, key, message) in [
        ("logins = \"file:users\"", "listener.logins", "must be a table"),
        ("logins.verfy = \"file:x\"", "listener.logins.verfy", "unknown key"),
        ("logins.verify = \"ldap://a/b\"", "listener.logins.verify", "names more than a server"),
        ("logins.verify = \"http://a.example/\"", "listener.logins.verify", "in clear text"),
        ("logins.max_failures = 0", "listener.logins.max_failures", "can't be 0"),
        (
            "logins.verify = \"ldap://[::1]\"\nlogins.ldap.base = \"dc=b\"",
            "listener.logins.ldap.base",
            "`listener.logins.ldap.filter` is missing",
        ),
        (
            "logins.verify = \"ldap://[::1]\"\nlogins.mechanisms = \"CRAM-MD5\"",
            "listener.logins.mechanisms",
            "no way to log in",
        ),
    ] {
        let broken = bad(&second(lines));
        let found = broken.problems.iter().any(|one| one.key == key && one.message.contains(message));
        assert!(found, "{lines}\nwanted {key}: {message}\ngot {:#?}", broken.problems);
    }
    let off = good(&format!("{LEAST}logins.max_failures = 3\n")).warnings;
    assert!(off.len() == 1 && off[0].message == "listener \"2525\" takes no logins", "{off:?}");
    let unused = good(&second("logins.http.timeout = 1")).warnings;
    assert!(unused.iter().any(|one| one.key == "listener.logins.http"), "{unused:?}");
}

#[test]
fn every_key_of_a_web_server_arrives() {
    let found = auth(
        r#"
        [auth]
        verify = "https://users.example.org/login"
        [auth.http]
        token_file = "/etc/gatepost/token"
        ca = "/etc/gatepost/ca.pem"
        without_tls = true
        timeout = "3s"
        "#,
    );
    assert_eq!(found.verify, Some(Place::Http("https://users.example.org/login".parse().unwrap())));
    let want = Http {
        token_file: Some("/etc/gatepost/token".into()),
        ca: Some("/etc/gatepost/ca.pem".into()),
        without_tls: true,
        timeout: Duration::from_secs(3),
    };
    assert_eq!(found.http, want);
}

/// One that knows passwords alone would be asked without one.
#[test]
fn a_web_server_is_asked_about_tokens_only_if_they_are_named() {
    let tokens = Mechanisms::NONE.with(Mechanism::OauthBearer).with(Mechanism::Xoauth2);
    for (verify, named, want) in [
        ("https://a.example/", "", Mechanisms::NONE),
        ("https://a.example/", "mechanisms = [\"PLAIN\", \"OAUTHBEARER\", \"XOAUTH2\"]", tokens),
        ("backend", "", tokens),
        ("policy:helo", "", tokens),
    ] {
        let found = auth(&format!("[auth]\nverify = \"{verify}\"\n{named}\n"));
        assert_eq!(found.mechanisms.intersect(tokens), want, "{verify} {named}");
        assert!(found.mechanisms.contains(Mechanism::Plain));
    }
}

#[test]
fn a_web_server_that_cant_be_asked_is_a_mistake() {
    for (rest, key, message) in [
        ("[auth]\nverify = \"http://192.0.2.1/\"", "auth.verify", "go to http://192.0.2.1 in clear text"),
        ("[auth]\nverify = \"https://ann:pw@a.example/\"", "auth.verify", "it has a user in it"),
        ("[auth]\nverify = \"https:///\"", "auth.verify", "can't be asked"),
        ("[auth]\nverify = \"http:a\"", "auth.verify", "can't be asked"),
        ("[auth]\nverify = \"http://[::1]/\"\nhttp.ca = \"ca.pem\"", "auth.http.ca", "no TLS is spoken"),
        ("[auth]\nverify = \"http://[::1]/\"\nhttp.token = \"x\"", "auth.http.token", "unknown key"),
        (
            "[auth]\nverify = \"http://[::1]/\"\nmechanisms = \"CRAM-MD5\"",
            "auth.mechanisms",
            "no way to log in",
        ),
    ] {
        let told = told(rest);
        let found = told.iter().any(|(k, m)| k == key && m.contains(message));
        assert!(found, "{rest}\nwanted {key}: {message}\ngot {told:#?}");
    }
    good(&text("[auth]\nverify = \"http://192.0.2.1/\"\nhttp.without_tls = true"));
    let warnings = good(&text("[auth]\nverify = \"file:users\"\nhttp.timeout = 1")).warnings;
    assert!(warnings.len() == 1 && warnings[0].message == "no web server is asked", "{warnings:?}");
}

#[test]
fn a_directory_that_nobody_asks_is_warned_of() {
    let warnings = good(&text(&format!("[auth]\nverify = \"file:users\"\n{DN}"))).warnings;
    assert!(warnings.len() == 1 && warnings[0].message == "no directory is asked", "{warnings:?}");
}
