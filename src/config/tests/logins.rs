//! What is said of listeners where nobody can log in, or where a login is worth nothing.

use super::{LEAST, good, read};
use crate::config::error::{Diagnostic, Severity};

/// Everything that is said of a set-up.
fn said(text: &str) -> Vec<Diagnostic> {
    match read(text) {
        Ok(loaded) => loaded.warnings,
        Err(broken) => broken.problems,
    }
}

/// A listener with these lines, and users to log in.
fn text(lines: &str) -> String {
    format!("{LEAST}{lines}\n[auth]\nverify = \"file:users\"\n")
}

const CERTIFICATE: &str = "\n[tls]\ncertificate = \"mx.pem\"";

#[test]
fn logins_need_tls_unless_that_is_said() {
    let no_tls = "listener \"2525\" takes logins and speaks no TLS";
    let with = |lines: &str| format!("{lines}{CERTIFICATE}");
    let relayed = "auth = \"required\"\nrelay.authenticated = true\n";
    let (error, warning) = (Some(Severity::Error), Some(Severity::Warning));
    for (lines, want) in [
        (relayed.to_owned(), error),
        (format!("{relayed}tls = \"none\""), error),
        (with(&format!("{relayed}tls = \"none\"")), error),
        ("protocol = \"submission\"\ntls = \"none\"".to_owned(), error),
        // What a balancer tells of the client's TLS makes nothing of ours private: AUTH is 538 there too.
        (format!("{relayed}proxy_protocol = \"required\"\nproxy_protocol_networks = \"192.0.2.7\""), error),
        ("auth = \"optional\"".to_owned(), warning),
        (with("auth = \"optional\"\ntls = \"none\""), warning),
        (with(relayed), None),
        (with("auth = \"optional\""), None),
        (format!("{relayed}auth_without_tls = true"), None),
        (
            format!("{relayed}xclient_networks = \"192.0.2.7\"\nxclient_login = true"),
            None, // nginx has checked them
        ),
        (format!("{relayed}xclient_login = true"), error), // nobody is believed
    ] {
        let said = said(&text(&lines));
        let found = said.iter().find(|one| one.message == no_tls);
        assert_eq!(found.map(|one| one.severity), want, "{lines}\n{said:#?}");
        assert_eq!(said.len(), usize::from(want.is_some()), "{lines}\n{said:#?}");
        if let Some(found) = found {
            assert!(found.span.is_some() && found.help[0].contains("auth_without_tls = true"), "{found:?}");
            assert_eq!(found.help[0].contains("[tls] certificate"), !lines.contains("[tls]"), "{found:?}");
        }
    }
}

#[test]
fn who_must_log_in_and_may_not_relay_is_warned_of() {
    let required = "auth = \"required\"\nauth_without_tls = true\n";
    let warned = |text: &str| -> Vec<String> { good(text).warnings.into_iter().map(|w| w.message).collect() };
    let message = "listener \"2525\" takes logins that may not relay";
    assert_eq!(warned(&text(required)), [message]);
    for lines in [
        format!("{required}relay.authenticated = true"),
        format!("{required}relay.authenticated = false"), // so it is meant
        format!("{required}protocol = \"submission\"\ntls = \"none\""),
        format!("{required}relay.domains = \"backend\""), // which decides
        required.replace("required", "optional"),
    ] {
        assert_eq!(warned(&text(&lines)), [""; 0], "{lines}");
    }
    let everywhere = text(required).replace("[relay]", "[relay]\nauthenticated = true");
    assert_eq!(warned(&everywhere), [""; 0]);
}

#[test]
fn a_verifier_may_take_25_s() {
    let listener = "auth = \"optional\"\nauth_without_tls = true\n";
    let ldap = "verify = \"ldap://[::1]\"\nldap.bind_dn = \"uid={user},dc=a\"";
    for (table, verify) in [("ldap", ldap), ("http", "verify = \"http://[::1]/\"")] {
        for (timeout, is_good) in [("25s", true), ("26s", false), ("1m", false)] {
            let auth = format!("[auth]\n{verify}\n{table}.timeout = \"{timeout}\"\n");
            let said = said(&format!("{LEAST}{listener}{auth}"));
            assert_eq!(said.is_empty(), is_good, "{auth}\n{said:#?}");
            let Some(one) = said.first() else { continue };
            assert_eq!((one.severity, one.key.clone()), (Severity::Error, format!("auth.{table}.timeout")));
            assert!(one.message.contains("at most 25 s") && one.span.is_some(), "{one:?}");
        }
    }
    let own = "logins.verify = \"http://[::1]/\"\nlogins.http.timeout = 26\n";
    let said = said(&format!("{LEAST}{listener}{own}"));
    assert!(said.len() == 1 && said[0].key == "listener.logins.http.timeout", "{said:#?}");
}

#[test]
fn a_search_dn_without_its_password_is_told_where_that_is() {
    let lines = "auth = \"optional\"\nauth_without_tls = true\n[auth]\nverify = \"ldap://[::1]\"\n[auth.ldap]\n\
                 base = \"dc=a\"\nfilter = \"(uid={user})\"\nsearch_dn = \"cn=s\"\n";
    let said = said(&format!("{LEAST}{lines}"));
    assert_eq!(said.len(), 1, "{said:#?}");
    assert_eq!(said[0].message, "`auth.ldap.search_password_file` is missing");
    assert_eq!(said[0].help, ["the password of search_dn is in its first line"]);
}
