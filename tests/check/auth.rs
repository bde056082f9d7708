//! Who checks logins: files that can't be used are mistakes, a socket that isn't there is warned of.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::{check, toml};

/// A set-up whose listener takes logins that are checked as `auth` says.
fn logging_in(auth: &str) -> String {
    toml("domains = \"ours.example\"", "address = \"maildir:Maildir\"", auth)
        .replace("policies =", "auth = \"optional\"\nauth_without_tls = true\npolicies =")
}

#[test]
fn what_checks_logins_is_looked_at_before_it_is_used() {
    const SEARCH: &str =
        "base = \"dc=a\"\nfilter = \"(uid={user})\"\nsearch_dn = \"cn=s\"\nsearch_password_file =";
    let ldap = |verify: &str, lines: &str| format!("[auth]\nverify = \"{verify}\"\n[auth.ldap]\n{lines}\n");
    let dn = "bind_dn = \"uid={user},dc=a\"";
    for (auth, code, want) in [
        ("[auth]\nverify = \"file:good\"".to_owned(), 0, "no mistakes, no warnings"),
        ("[auth]\nverify = \"file:absent\"".to_owned(), 2, "absent: No such file"),
        ("[auth]\nverify = \"file:clear\"".to_owned(), 2, "clear, line 1"),
        ("[auth]\nverify = \"dovecot:socket\"".to_owned(), 0, "socket can't be asked now: "),
        (ldap("ldapi:socket", dn), 0, "socket can't be asked now: "),
        (ldap("ldap://127.0.0.1", dn), 0, "no mistakes, no warnings"),
        (ldap("ldaps://127.0.0.1", &format!("{dn}\nca = \"good\"")), 2, "there is no certificate in it"),
        (ldap("ldap://a.example", &format!("{dn}\nca = \"absent.pem\"")), 2, "absent.pem: No such file"),
        (ldap("ldap://127.0.0.1", &format!("{SEARCH} \"good\"")), 0, "no mistakes, no warnings"),
        (ldap("ldap://127.0.0.1", &format!("{SEARCH} \"open\"")), 0, "everybody on this machine can read"),
        (ldap("ldap://127.0.0.1", &format!("{SEARCH} \"empty\"")), 2, "empty: its first line is empty"),
        (ldap("ldap://127.0.0.1", &format!("{SEARCH} \"absent\"")), 2, "absent: No such file"),
        ("[auth]\nverify = \"http://[::1]/\"".to_owned(), 0, "no mistakes, no warnings"),
        ("[auth]\nverify = \"http://[::1]/\"\nhttp.token_file = \"good\"".to_owned(), 0, "no mistakes"),
        (
            "[auth]\nverify = \"http://[::1]/\"\nhttp.token_file = \"absent\"".to_owned(),
            2,
            "absent: No such file",
        ),
        ("[auth]\nverify = \"https://[::1]/\"\nhttp.ca = \"good\"".to_owned(), 2, "no certificate in it"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("good"),
            "ann:$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy\n",
        )
        .unwrap();
        fs::set_permissions(folder.path().join("good"), Permissions::from_mode(0o600)).unwrap();
        fs::write(folder.path().join("open"), "secret\n").unwrap();
        fs::set_permissions(folder.path().join("open"), Permissions::from_mode(0o644)).unwrap();
        fs::write(folder.path().join("clear"), "ann:pencil\n").unwrap();
        fs::write(folder.path().join("empty"), "\n").unwrap();
        let run = check(folder.path(), &logging_in(&auth), &[]);
        let text = run.text();
        assert_eq!(run.code, Some(code), "{auth}\n{text}");
        assert!(text.contains(want), "{auth}\nwanted {want}\n{text}");
        assert!(!text.contains("pencil") && !text.contains("CCCC"), "{text}");
    }
}
