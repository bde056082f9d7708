//! A real OpenLDAP behind `auth.verify = "ldap://…"`.

use crate::client::try_all;
use crate::front::{NO_BACKEND, front};
use crate::support::gatepost::Gatepost;
use crate::support::slapd::{SUFFIX, Slapd};

/// Names that would be more than a name, were they not escaped: each is a user, and its password is its own.
const HOSTILE: [&str; 8] =
    ["*", "a,ou=people", "b)(uid=*", "c\\2c", "d+cn=x", "#e", "f\"<g>;h=i", "j&(|k!/l"];

fn people() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut people = vec![
        ("ann", "ann@ours.example", "pencil"),
        ("bob", "shared@ours.example", "pen"),
        ("cat", "shared@ours.example", "paw"),
    ];
    people.extend(HOSTILE.map(|name| (name, "h@ours.example", name)));
    people
}

fn gatepost(verify: &str, table: &str) -> Gatepost {
    Gatepost::start(&front(verify, &format!("[auth.ldap]\n{table}"), NO_BACKEND))
}

fn by_dn() -> String {
    format!("bind_dn = \"uid={{user}},ou=people,{SUFFIX}\"\n")
}

fn by_search(slapd: &Slapd) -> String {
    let password = slapd.directory().join("finder");
    std::fs::write(&password, "finder\n").unwrap();
    format!(
        "base = \"{SUFFIX}\"\nfilter = \"(&(objectClass=inetOrgPerson)(|(uid={{user}})(mail={{user}})))\"\n\
         search_dn = \"cn=search,{SUFFIX}\"\nsearch_password_file = \"{}\"\n",
        password.display()
    )
}

const LOGINS: [(&str, &str, &str); 4] =
    [("ann", "pencil", "235 "), ("ann", "pen", "535 "), ("nobody", "pencil", "535 "), ("ann", "", "50")];

#[test]
fn users_with_a_dn_log_in_over_every_way_to_the_directory() {
    let slapd = Slapd::start(&people());
    let ca = format!("ca = \"{}/ca.pem\"\n", slapd.directory().display());
    for (verify, table) in [
        (slapd.ldap(), by_dn()),
        (slapd.ldap(), format!("{}{ca}starttls = true\n", by_dn())),
        (slapd.ldaps(), by_dn() + &ca),
        (slapd.ldapi(), by_dn()),
    ] {
        let gatepost = gatepost(&verify, &table);
        try_all(&gatepost, &LOGINS);
        gatepost.log_line(&["session ended", "auth=ann"]);
        let lines = gatepost.log_lines();
        assert!(
            !lines.iter().any(|line| line.contains("pencil") || line.contains("WARN login")),
            "{lines:?}"
        );
    }
}

#[test]
fn users_who_are_searched_log_in_by_any_of_their_names() {
    let slapd = Slapd::start(&people());
    let gatepost = gatepost(&slapd.ldap(), &(by_search(&slapd) + "user_attribute = \"uid\"\n"));
    try_all(&gatepost, &LOGINS);
    try_all(&gatepost, &[("ANN@ours.example", "pencil", "235 ")]);
    gatepost.log_line(&["session ended", "auth=ann"]);
    // Two have that address: nobody can say whose password it would be.
    try_all(&gatepost, &[("shared@ours.example", "pen", "454 4.7.0 ")]);
    gatepost.log_line(&["WARN", "login can't be checked", "several entries fit the name"]);
    let lines = gatepost.log_lines();
    for secret in ["pencil", "finder", "shared@", "nobody"] {
        assert!(!lines.iter().any(|line| line.contains(secret)), "{secret} is in the log");
    }
}

/// RFC 4514, RFC 4515: a name is a value, whatever is in it.
#[test]
fn no_name_is_more_than_a_name() {
    let slapd = Slapd::start(&people());
    for table in [by_dn(), by_search(&slapd)] {
        let gatepost = gatepost(&slapd.ldap(), &table);
        for name in HOSTILE {
            try_all(&gatepost, &[(name, name, "235 ")]);
            gatepost.log_line(&["session ended", "auth="]);
        }
        try_all(
            &gatepost,
            &[
                ("*", "pencil", "535 "),
                ("an*", "pencil", "535 "),
                ("ann,ou=people", "pencil", "535 "),
                ("ann)(uid=ann", "pencil", "535 "),
                ("x)(|(uid=ann)", "pencil", "535 "),
                ("ann\\2a", "pencil", "535 "),
            ],
        );
        assert!(
            !gatepost.log_lines().iter().any(|line| line.contains("can't be checked")),
            "a name is an outage"
        );
    }
}

#[test]
fn an_outage_of_the_directory_is_454_and_ends_with_it() {
    let mut slapd = Slapd::start(&people());
    let gatepost = gatepost(&slapd.ldap(), &by_dn());
    try_all(&gatepost, &[("ann", "pencil", "235 ")]);
    slapd.stop();
    try_all(&gatepost, &[("ann", "pencil", "454 4.7.0 "), ("ann", "pen", "454 4.7.0 ")]);
    gatepost.log_line(&["WARN", "login can't be checked"]);
    slapd.start_again();
    try_all(&gatepost, &LOGINS);
}

/// A server that can't show who it is is not asked.
#[test]
fn a_directory_that_is_not_the_one_that_is_meant_is_an_outage() {
    let slapd = Slapd::start(&people());
    let stranger = format!("{}ca = \"{}/stranger_ca.pem\"\n", by_dn(), slapd.directory().display());
    for (verify, table) in [(slapd.ldaps(), stranger.clone()), (slapd.ldap(), stranger + "starttls = true\n")]
    {
        let gatepost = gatepost(&verify, &table);
        try_all(&gatepost, &[("ann", "pencil", "454 4.7.0 ")]);
        gatepost.log_line(&["WARN", "login can't be checked", "TLS: "]);
    }
}

/// The account that searches has another password than its file says.
#[test]
fn a_search_that_is_refused_is_an_outage() {
    let slapd = Slapd::start(&people());
    let table = by_search(&slapd);
    std::fs::write(slapd.directory().join("finder"), "wrong\n").unwrap();
    let gatepost = gatepost(&slapd.ldap(), &table);
    try_all(&gatepost, &[("ann", "pencil", "454 4.7.0 ")]);
    gatepost.log_line(&["WARN", "login can't be checked", "`search_dn`", "49 (invalidCredentials)"]);
    std::fs::write(slapd.directory().join("finder"), "finder\n").unwrap();
    gatepost.reload();
    gatepost.log_line(&["reload"]);
    try_all(&gatepost, &[("ann", "pencil", "235 ")]);
}
