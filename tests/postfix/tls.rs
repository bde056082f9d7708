//! TLS on both sides of the proxy, with programs that others wrote: Postfix behind it; swaks, openssl and curl before it.

use std::process::Command;

use crate::support::client::Client;
use crate::support::drive;
use crate::support::gatepost::{Gatepost, Lines};
use crate::support::names::{CLIENT_NAME, NAMED_CLIENT};
use crate::support::postfix::{Options, PostfixBackend};
use crate::support::tls;

/// A Postfix that speaks to nobody without TLS, and shows the certificate in `file` of `folder`.
fn strict(folder: &std::path::Path, file: &str) -> PostfixBackend {
    tls::write(folder);
    let file = folder.join(file).display().to_string();
    PostfixBackend::start(&Options {
        xclient: true,
        main_cf: vec![
            "smtpd_tls_security_level = encrypt".to_owned(),
            format!("smtpd_tls_cert_file = {file}"),
            format!("smtpd_tls_key_file = {file}"),
            "smtpd_tls_loglevel = 1".to_owned(),
        ],
        ..Options::default()
    })
}

/// In front of `postfix`, which is verified by `ca.pem`, with a certificate of its own.
fn verifying(postfix: &PostfixBackend, folder: &std::path::Path) -> Gatepost {
    let folder = folder.display();
    let lines = format!(
        "tls = \"verified\"\nca = \"{folder}/ca.pem\"\nserver_name = \"backend.b.example\"\n\
         xclient = \"required\"\n[tls]\ncertificate = \"{folder}/mx.pem\""
    );
    Gatepost::with(postfix, &Lines { backend: Some(&lines), ..Lines::default() })
}

#[test]
fn postfix_is_told_of_the_client_under_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let postfix = strict(folder.path(), "backend.pem");
    let gatepost = verifying(&postfix, folder.path());
    let mut client = Client::connect_from(NAMED_CLIENT, gatepost.address());
    client.must("EHLO helo.front.example", 250);
    client.deliver("ann@front.example", "ann@ours.example", b"Subject: hidden\r\n\r\nHello\r\n");
    client.deliver("ann@front.example", "ann@ours.example", b"Subject: again\r\n\r\nHello\r\n");
    postfix.log_line(&["TLS connection established from", "TLSv1.3"]);
    postfix.log_line(&["smtpd[", &format!(": client={CLIENT_NAME}[{NAMED_CLIENT}]")]);
    assert_eq!(postfix.maildir("ann", 2).len(), 2);
}

#[test]
fn a_postfix_that_proves_nothing_gets_no_mail() {
    for file in ["stranger.pem", "expired.pem", "mx.pem"] {
        let folder = tempfile::tempdir().unwrap();
        let postfix = strict(folder.path(), file);
        let gatepost = verifying(&postfix, folder.path());
        let mut client = Client::greeted(gatepost.address());
        client.must("MAIL FROM:<ann@front.example>", 250);
        client.must("RCPT TO:<ann@ours.example>", 451);
        gatepost.log_line(&["backend not usable", "invalid peer certificate"]);
        assert_eq!(postfix.delivered_count("ann"), 0);
    }
}

#[test]
fn a_postfix_without_tls_gets_no_mail_where_it_is_required() {
    let postfix = PostfixBackend::start(&Options { xclient: true, ..Options::default() });
    let lines = Lines { backend: Some("tls = \"required\""), ..Lines::default() };
    let gatepost = Gatepost::with(&postfix, &lines);
    let mut client = Client::greeted(gatepost.address());
    client.must("MAIL FROM:<ann@front.example>", 250);
    client.must("RCPT TO:<ann@ours.example>", 451);
    gatepost.log_line(&["backend not usable", "it offers no STARTTLS"]);
}

#[test]
fn other_peoples_clients_speak_tls() {
    let folder = tempfile::tempdir().unwrap();
    let postfix = strict(folder.path(), "backend.pem");
    let gatepost = verifying(&postfix, folder.path());
    let (server, ca) = (gatepost.address().to_string(), folder.path().join("ca.pem"));

    let mut swaks = Command::new("swaks");
    swaks.args(["--server", &server, "--tls"]);
    swaks.args(["--from", "ann@front.example", "--to", "bob@ours.example", "--body", "by swaks"]);
    let run = drive::run(swaks, &[]);
    assert!(run.succeeded(), "{run:?}");

    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-connect", &server, "-starttls", "smtp", "-verify_return_error", "-CAfile"]);
    openssl.arg(&ca).args(["-servername", "mx.b.example", "-verify_hostname", "mx.b.example", "-quiet"]);
    let run = drive::run(openssl, b"QUIT\r\n");
    assert!(String::from_utf8_lossy(&run.stdout).contains("221 2.0.0 Bye"), "{run:?}");

    let mail = folder.path().join("mail");
    std::fs::write(&mail, "Subject: by curl\r\n\r\nHello\r\n").unwrap();
    let mut curl = Command::new("curl");
    let port = gatepost.address().port();
    curl.args(["--silent", "--show-error", "--ssl-reqd", "--cacert"]).arg(&ca);
    curl.arg("--url").arg(format!("smtp://mx.b.example:{port}/client.front.example"));
    curl.arg("--resolve").arg(format!("mx.b.example:{port}:127.0.0.1"));
    curl.args(["--mail-from", "ann@front.example", "--mail-rcpt", "ann@ours.example", "--upload-file"]);
    let run = drive::run(
        {
            curl.arg(&mail);
            curl
        },
        &[],
    );
    assert!(run.succeeded(), "{run:?}");

    for user in ["bob", "ann"] {
        let message = String::from_utf8_lossy(&postfix.maildir(user, 1)[0]).into_owned();
        assert!(message.contains("(gatepost) with ESMTPS id "), "{message}");
    }
}
