//! `check --probe` of those who check logins: a real OpenLDAP, Dovecot and web server, and none at all. Nobody logs in.

use std::fs;
use std::net::TcpListener;

use crate::scripted::{Script, Scripted};
use crate::support::dovecot::Dovecot;
use crate::support::drive::Run;
use crate::support::slapd::{SUFFIX, Slapd};
use crate::support::web::Web;
use crate::{check, toml};

/// `check --probe` of a listener whose logins are checked as `auth` says; the backend is well.
fn probe(auth: &str, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let backend = Scripted::start(Script::default());
    let whole = toml("domains = \"ours.example\"", &format!("address = \"{}\"", backend.address), auth)
        .replace("policies =", "name = \"front\"\nauth = \"optional\"\nauth_without_tls = true\npolicies =");
    let always = ["--probe", "--probe-recipient", "someone@else.example"];
    check(folder.path(), &whole, &[always.as_slice(), arguments].concat())
}

/// What is asked about, the exit code, words of what is said.
type Row<'a> = (String, i32, &'a [&'a str]);

fn judge(rows: &[Row<'_>]) {
    for (auth, code, words) in rows {
        let text = probe(auth, &[]);
        let (text, found) = (text.text(), text.code);
        assert_eq!(found, Some(*code), "{auth}\n{text}");
        for word in *words {
            assert!(text.contains(word), "{auth}\nwanted {word} in\n{text}");
        }
        assert!(!text.contains("finder\n") && !text.contains("pencil"), "{text}");
    }
}

#[test]
fn a_directory_is_asked_who_it_is_what_it_holds_and_whether_we_may_search() {
    let slapd = Slapd::start(&[("ann", "ann@ours.example", "pencil")]);
    let at = slapd.directory().display().to_string();
    fs::write(slapd.directory().join("right"), "finder\n").unwrap();
    fs::write(slapd.directory().join("wrong"), "pen\n").unwrap();
    let ldap = |verify: String, lines: &str| format!("[auth]\nverify = \"{verify}\"\n[auth.ldap]\n{lines}\n");
    let dn = format!("bind_dn = \"uid={{user}},ou=people,{SUFFIX}\"\n");
    let search = |base: &str, password: &str| {
        format!(
            "base = \"{base}\"\nfilter = \"(uid={{user}})\"\nsearch_dn = \"cn=search,{SUFFIX}\"\n\
             search_password_file = \"{at}/{password}\"\n"
        )
    };
    let holds: &str = &format!("holds: {SUFFIX}");
    let ca = format!("ca = \"{at}/ca.pem\"\n");
    judge(&[
        (
            ldap(slapd.ldap(), &dn),
            0,
            &["# probe: logins of listener \"front\" by ldap://127.0.0.1:", "open, in clear text", holds],
        ),
        (ldap(slapd.ldap(), &format!("{dn}{ca}starttls = true")), 0, &["under TLS by STARTTLS"]),
        (ldap(slapd.ldaps(), &format!("{dn}{ca}")), 0, &["open, under TLS\n"]),
        (ldap(slapd.ldapi(), &dn), 0, &["by a socket of this machine"]),
        (
            ldap(slapd.ldaps(), &format!("{dn}ca = \"{at}/stranger_ca.pem\"")),
            1,
            &["connection: TLS: ", "`ca`"],
        ),
        (ldap(slapd.ldap(), &search(SUFFIX, "right")), 0, &["may bind", "is there", "no mistakes"]),
        (ldap(slapd.ldap(), &search(SUFFIX, "wrong")), 1, &["49 (invalidCredentials)", "first line of"]),
        (
            ldap(slapd.ldap(), &search(&format!("ou=poeple,{SUFFIX}"), "right")),
            1,
            &["32 (noSuchObject)", "there is no such entry, or cn=search"],
        ),
        (
            ldap(slapd.ldap(), &search("dc=ours,dc=exmaple", "right")),
            1,
            &["the directory holds nothing of dc=ours,dc=exmaple", "it holds dc=ours,dc=example"],
        ),
        (
            ldap(slapd.ldap(), &format!("base = \"{SUFFIX}\"\nfilter = \"(uid={{user}})\"")),
            1,
            &["strangers may not search there: give it `search_dn`", "454 4.7.0"],
        ),
        (
            ldap(slapd.ldap(), "bind_dn = \"uid={user},dc=exmaple\""),
            0,
            &["the directory holds nothing of dc=exmaple", "1 warning"],
        ),
    ]);
}

#[test]
fn a_web_server_is_reached_and_no_login_is_sent_to_it() {
    let (clear, secure) = (Web::start(false), Web::start(true));
    let http = |url: String, lines: &str| format!("[auth]\nverify = \"{url}\"\n{lines}\n");
    let ca = |name: &str| format!("http.ca = \"{}/{name}\"", secure.directory().display());
    let mail = Scripted::start(Script::default());
    judge(&[
        (http(clear.url("/login?key=hidden"), ""), 0, &["open, in clear text", "it answers 501"]),
        (http(secure.url("/login"), &ca("ca.pem")), 0, &["open, under TLS", "it answers 501"]),
        (http(secure.url("/login"), &ca("stranger_ca.pem")), 1, &["connection: TLS: ", "`ca` names"]),
        (http(format!("http://{}/", mail.address), ""), 1, &["what it speaks is no HTTP"]),
    ]);
    assert_eq!(clear.asked() + &secure.asked(), "", "a login was tried");
    let run = probe(&http(clear.url("/login?key=hidden"), ""), &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(json["logins"][0]["verify"].is_string() && !json["logins"].to_string().contains("hidden"));
}

#[test]
fn dovecot_is_greeted_and_tells_its_mechanisms() {
    let mut dovecot = Dovecot::start(&[("ann", "pencil")]);
    let auth =
        |lines: &str| format!("[auth]\nverify = \"dovecot:{}\"\n{lines}\n", dovecot.socket().display());
    let (all, none, away) = (auth(""), auth("mechanisms = [\"OAUTHBEARER\"]"), auth(""));
    judge(&[
        (all, 0, &["handshake: it speaks version 1", "PLAIN", "SCRAM-SHA-256", "(it knows"]),
        (none, 1, &["mechanisms: it offers ", "auth_mechanisms = plain login"]),
    ]);
    dovecot.stop();
    judge(&[(away, 1, &["handshake: No such file or directory", "unix_listener"])]);
}

#[test]
fn whoever_is_away_is_told_of_with_all_others_and_exit_1() {
    let gone = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (ldap, http) = (gone(), gone());
    let auth = format!(
        "[auth]\nverify = \"ldap://{ldap}\"\nldap.bind_dn = \"uid={{user}},dc=a\"\n\
         [[listener]]\nname = \"second\"\nbind = \"127.0.0.1:0\"\nauth = \"optional\"\nauth_without_tls = true\n\
         logins = {{ verify = \"http://{http}/\" }}\n"
    );
    let run = probe(&auth, &[]);
    let text = run.text();
    assert_eq!(run.code, Some(1), "{text}");
    for word in [
        format!("logins of listener \"front\" by ldap://{ldap}: connection: {ldap}: Connection refused"),
        format!("logins of listener \"second\" by http://{http}: connection: {http}: Connection refused"),
        "2 mistakes".to_owned(),
    ] {
        assert!(text.contains(&word), "wanted {word} in\n{text}");
    }
    let json: serde_json::Value = serde_json::from_slice(&probe(&auth, &["--json"]).stdout).unwrap();
    assert_eq!(json["logins"][1]["listeners"][0], "second");
    assert_eq!(json["logins"][1]["steps"][0]["judgement"], "failed");
}
