//! `ldap:`, against a real OpenLDAP; Postfix's ldap_table(5) asks it the same.

use std::fs;

use crate::front::{ask, gatepost};
use crate::postmap;
use crate::support::slapd::{SUFFIX, Slapd};

fn slapd() -> Slapd {
    Slapd::start(&[
        ("ann", "ann@ours.example", "pencil"),
        ("bob", "shared@ours.example", "pen"),
        ("cat", "shared@ours.example", "paw"),
        ("*", "star@ours.example", "x"),
        ("a|b", "bar@ours.example", "x"),
    ])
}

/// A map in the directory at `source`, which is searched by the account that may.
fn map(slapd: &Slapd, source: &str, filter: &str, attribute: &str) -> String {
    let password = slapd.directory().join("finder");
    fs::write(&password, "finder\n").unwrap();
    format!(
        "source = \"{source}\"\nbase = \"{SUFFIX}\"\nfilter = \"{filter}\"\nattribute = \"{attribute}\"\n\
         search_dn = \"cn=search,{SUFFIX}\"\nsearch_password_file = \"{}\"\n",
        password.display()
    )
}

/// The same for Postfix.
fn table(slapd: &Slapd, filter: &str, attribute: &str) -> String {
    let path = slapd.directory().join("postfix.cf");
    let text = format!(
        "server_host = {}\nversion = 3\nsearch_base = {SUFFIX}\nquery_filter = {filter}\nresult_attribute = {attribute}\n\
         bind = yes\nbind_dn = cn=search,{SUFFIX}\nbind_pw = finder\n",
        slapd.ldap()
    );
    fs::write(&path, text).unwrap();
    format!("ldap:{}", path.display())
}

#[test]
fn a_directory_is_asked_over_every_way_to_it() {
    let slapd = slapd();
    let ca = format!("ca = \"{}/ca.pem\"\n", slapd.directory().display());
    for (source, more) in [
        (slapd.ldap(), String::new()),
        (slapd.ldap(), format!("{ca}starttls = true\n")),
        (slapd.ldaps(), ca.clone()),
        (slapd.ldapi(), String::new()),
    ] {
        let gatepost = gatepost(&(map(&slapd, &source, "(mail={key})", "uid") + &more));
        assert_eq!(ask(&gatepost, "ann@ours.example"), "value ann", "{source}");
        assert_eq!(ask(&gatepost, "eve@ours.example"), "kind none", "{source}");
        assert!(
            !gatepost.log_lines().iter().any(|line| line.contains("finder\"") || line.contains("pencil"))
        );
    }
}

#[test]
fn we_find_what_postfix_finds() {
    let slapd = slapd();
    let by_mail = gatepost(&map(&slapd, &slapd.ldap(), "(mail={key})", "uid"));
    let theirs = table(&slapd, "(mail=%s)", "uid");
    for key in
        ["ann@ours.example", "ANN@ours.example", "shared@ours.example", "eve@ours.example", "*@ours.example"]
    {
        assert_eq!(ask(&by_mail, key), postmap::query(&theirs, key), "{key}");
    }
    // Several entries fit: their values are joined.
    assert_eq!(ask(&by_mail, "shared@ours.example"), "value bob,cat");
    // Nothing in a key is more than a value. RFC 4515
    let by_uid = gatepost(&map(&slapd, &slapd.ldap(), "(uid={local})", "mail"));
    let theirs = table(&slapd, "(uid=%u)", "mail");
    for (key, want) in [
        ("ann@x.example", "value ann@ours.example"),
        ("*@x.example", "value star@ours.example"),
        ("a|b@x.example", "value bar@ours.example"),
        ("an*@x.example", "kind none"),
    ] {
        assert_eq!(ask(&by_uid, key), want, "{key}");
        assert_eq!(postmap::query(&theirs, key), want, "{key}");
    }
}

#[test]
fn an_outage_of_the_directory_is_not_known_and_ends_with_it() {
    let mut slapd = slapd();
    let gatepost = gatepost(&map(&slapd, &slapd.ldap(), "(mail={key})", "uid"));
    assert_eq!(ask(&gatepost, "ann@ours.example"), "value ann");
    slapd.stop();
    assert_eq!(ask(&gatepost, "ann@ours.example"), "value ann", "it is remembered");
    assert_eq!(ask(&gatepost, "shared@ours.example"), "kind unreachable");
    gatepost.log_line(&["WARN", "a map can't be asked", "map=m"]);
    slapd.start_again();
    assert_eq!(ask(&gatepost, "shared@ours.example"), "value bob,cat");
}

#[test]
fn who_may_not_search_and_who_is_not_meant_is_not_asked() {
    let slapd = slapd();
    let table = map(&slapd, &slapd.ldap(), "(mail={key})", "uid");
    fs::write(slapd.directory().join("finder"), "wrong\n").unwrap();
    let wrong = gatepost(&table);
    assert_eq!(ask(&wrong, "ann@ours.example"), "kind refused");
    wrong.log_line(&["WARN", "a map can't be asked", "`search_dn`", "49 (invalidCredentials)"]);
    let stranger = format!("ca = \"{}/stranger_ca.pem\"\n", slapd.directory().display());
    let strange = gatepost(&(map(&slapd, &slapd.ldaps(), "(mail={key})", "uid") + &stranger));
    assert_eq!(ask(&strange, "ann@ours.example"), "kind unreachable");
    strange.log_line(&["WARN", "a map can't be asked", "TLS: "]);
}
