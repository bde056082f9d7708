//! A real web server behind `auth.verify = "https://…"`.

use crate::client::try_all;
use crate::front::{NO_BACKEND, front};
use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::web::Web;

fn gatepost(url: &str, table: &str) -> Gatepost {
    Gatepost::start(&front(url, &format!("[auth.http]\n{table}"), NO_BACKEND))
}

const LOGINS: [(&str, &str, &str); 4] =
    [("ann", "pencil", "235 "), ("ann", "pen", "535 "), ("a\"b\\c", "p\"w", "535 "), ("ann", "", "50")];

#[test]
fn a_web_server_says_who_logs_in() {
    let web = Web::start(false);
    let gatepost = gatepost(&web.url("/login"), "");
    try_all(&gatepost, &LOGINS);
    gatepost.log_line(&["session ended", "auth=ann@ours.example"]);
    let asked = web.asked();
    for part in [
        r#"[null, {"mechanism": "PLAIN", "user": "ann", "password": "pencil", "session": ""#,
        r#""listener": "front", "client": {"ip": "127.0.0.1", "port": "#,
        r#", "tls": null}]"#,
        r#""user": "a\"b\\c", "password": "p\"w""#,
    ] {
        assert!(asked.contains(part), "{part} in\n{asked}");
    }
    assert!(!gatepost.log_lines().iter().any(|line| line.contains("pencil") || line.contains("WARN login")));
}

#[test]
fn a_web_server_is_known_by_its_certificate_and_we_by_our_token() {
    let mut web = Web::start(true);
    let token = web.directory().join("token");
    std::fs::write(&token, "our-own\n").unwrap();
    let ca = |name: &str| format!("ca = \"{}/{name}\"\n", web.directory().display());
    let table = format!("{}token_file = \"{}\"\n", ca("ca.pem"), token.display());
    let stranger = gatepost(&web.url("/login"), &ca("stranger_ca.pem"));
    try_all(&stranger, &[("ann", "pencil", "454 4.7.0 ")]);
    assert_eq!(web.asked(), "", "a stranger was told a password");
    let gatepost = gatepost(&web.url("/login"), &table);
    try_all(&gatepost, &LOGINS);
    assert!(web.asked().starts_with(r#"["Bearer our-own", {"#), "{}", web.asked());
    web.stop();
    try_all(&gatepost, &[("ann", "pencil", "454 4.7.0 "), ("ann", "pen", "454 4.7.0 ")]);
    gatepost.log_line(&["WARN", "login can't be checked", "the server can't be reached"]);
    web.start_again();
    try_all(&gatepost, &[("ann", "pencil", "235 ")]);
    for secret in ["pencil", "our-own"] {
        assert!(!gatepost.log_lines().iter().any(|line| line.contains(secret)), "{secret} is in the log");
    }
}

#[test]
fn only_a_clear_no_is_535() {
    let web = Web::start(false);
    for (path, code) in [("/forbidden", "535 5.7.8 "), ("/closed", "454 4.7.0 "), ("/moved", "454 4.7.0 ")] {
        try_all(&gatepost(&web.url(path), ""), &[("ann", "pencil", code)]);
    }
}

/// RFC 7628 §3.2.2: a token that doesn't count is told so in a challenge, then refused.
#[test]
fn tokens_are_checked_as_passwords_are() {
    let web = Web::start(false);
    let named = "mechanisms = [\"PLAIN\", \"LOGIN\", \"OAUTHBEARER\", \"XOAUTH2\"]\n";
    let gatepost = Gatepost::start(&front(web.url("/login"), named, NO_BACKEND));
    let mut client = Client::connect(gatepost.address());
    let ehlo = client.must("EHLO client.front.example", 250);
    assert!(ehlo.lines.iter().any(|line| line == "AUTH PLAIN LOGIN OAUTHBEARER XOAUTH2"), "{ehlo:?}");
    // n,,^Aauth=Bearer no^A^A
    client.must("AUTH OAUTHBEARER biwsAWF1dGg9QmVhcmVyIG5vAQE=", 334);
    client.must("AQ==", 535);
    // user=ann^Aauth=Bearer tok^A^A
    client.must("AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgdG9rAQE=", 235);
    client.quit();
    gatepost.log_line(&["session ended", "auth=ann@ours.example"]);
    let asked = web.asked();
    assert!(asked.contains(r#"{"mechanism": "OAUTHBEARER", "user": "", "token": "no","#), "{asked}");
    assert!(asked.contains(r#""ehlo": "client.front.example""#), "{asked}");
}
