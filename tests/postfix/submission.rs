//! examples/submission as it stands, with people's mail programs before it and a real Postfix behind it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::client::Client;
use crate::support::drive::{self, Run};
use crate::support::gatepost::{Gatepost, Lines, binary};
use crate::support::names::UNNAMED_CLIENT;
use crate::support::postfix::{Options, PostfixBackend};

/// A Postfix that relays for those alone of whom XCLIENT tells a login, as the example's README has it.
fn postfix(with_sasl: bool) -> PostfixBackend {
    let mut main_cf = vec![
        "smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination".to_owned(),
        "smtpd_sasl_security_options = noanonymous".to_owned(),
    ];
    main_cf.extend(with_sasl.then(|| "smtpd_sasl_auth_enable = yes".to_owned()));
    PostfixBackend::start(&Options { xclient: true, main_cf, ..Options::default() })
}

/// The example in front of `postfix`: as it stands, but for its addresses.
struct Example {
    gatepost: Gatepost,
    /// Its certificate, to be trusted.
    certificate: String,
}

impl Example {
    fn start(postfix: &PostfixBackend) -> Example {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/submission");
        let toml = fs::read_to_string(example.join("gatepost.toml")).unwrap();
        let toml = toml
            .replace("[\"0.0.0.0:587\", \"[::]:587\"]", "\"127.0.0.1:0\"")
            .replace("[\"0.0.0.0:465\", \"[::]:465\"]", "\"127.0.0.1:0\"")
            .replace("127.0.0.1:10026", &postfix.address().to_string());
        let mut certificate = String::new();
        let gatepost = Gatepost::start_with(&toml, |folder, _| {
            for file in ["senders", "limits.lua", "certificate.sh"] {
                fs::copy(example.join(file), folder.join(file)).unwrap();
            }
            let made = drive::run(Command::new(folder.join("certificate.sh")), &[]);
            assert!(made.succeeded(), "{}", made.text());
            let mut users = String::new();
            for user in ["ann@example.org", "bob@example.org"] {
                let mut passwd = binary();
                passwd.args(["passwd", "--scram", user]);
                let line = drive::run(passwd, b"pencil\npencil\n");
                assert!(line.succeeded(), "{}", line.text());
                users.push_str(&String::from_utf8_lossy(&line.stdout));
            }
            fs::write(folder.join("users"), users).unwrap();
            certificate = folder.join("certificate.pem").display().to_string();
        });
        Example { gatepost, certificate }
    }

    /// The ports of the two listeners: STARTTLS, and TLS at once.
    fn ports(&self) -> [u16; 2] {
        ["submission", "submissions"].map(|name| self.gatepost.address_of(name).port())
    }
}

const MESSAGE: &[u8] =
    b"From: Ann <ann@example.org>\r\nTo: zoe@else.example\r\nSubject: hello\r\n\r\nHello\r\n";

/// Holds a run to have sent one message to zoe, which Postfix relays for a login and sees from the real client.
fn assert_sent(what: &str, run: &Run, example: &Example, postfix: &PostfixBackend) {
    assert!(run.succeeded(), "{what}: {}", run.text());
    postfix.log_line(&["smtpd[", "sasl_username=ann@example.org"]);
    postfix.log_line(&["to=<zoe@else.example>", "status=sent"]);
    example.gatepost.log_line(&[
        "disposition=relayed",
        "auth=ann@example.org",
        "relay_grant=relay.authenticated",
    ]);
}

fn curl(example: &Example, url: &str, file: &Path) -> Run {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--ssl-reqd", "--cacert", &example.certificate, "--url", url]);
    curl.args(["--user", "ann@example.org:pencil", "--mail-from", "ann@example.org"]);
    curl.args(["--mail-rcpt", "zoe@else.example", "--upload-file"]).arg(file);
    drive::run(curl, &[])
}

#[test]
fn swaks_sends_through_the_example() {
    let postfix = postfix(true);
    let example = Example::start(&postfix);
    let [starttls, implicit] = example.ports().map(|port| port.to_string());
    for (port, tls) in [(&starttls, "--tls"), (&implicit, "--tls-on-connect")] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let mut swaks = Command::new("swaks");
            swaks.args(["--server", "127.0.0.1", "--port", port, tls, "--auth", mechanism]);
            swaks.args(["--auth-user", "ann@example.org", "--auth-password", "pencil"]);
            swaks.args(["--from", "ann@example.org", "--to", "zoe@else.example", "--timeout", "30"]);
            let run = drive::run(swaks, &[]);
            assert_sent(&format!("swaks {tls} {mechanism}"), &run, &example, &postfix);
        }
    }
}

#[test]
fn python_and_curl_send_through_the_example() {
    let postfix = postfix(true);
    let example = Example::start(&postfix);
    let [starttls, implicit] = example.ports();
    for connect in [
        format!("smtp = smtplib.SMTP('localhost', {starttls}, timeout=50); smtp.starttls(context=trusting)"),
        format!("smtp = smtplib.SMTP_SSL('localhost', {implicit}, timeout=50, context=trusting)"),
    ] {
        let script = format!(
            "import smtplib, ssl, sys\n\
             trusting = ssl.create_default_context(cafile=sys.argv[1])\n\
             {connect}\n\
             smtp.login('ann@example.org', 'pencil')\n\
             smtp.sendmail('ann@example.org', ['zoe@else.example'], sys.stdin.buffer.read())\n\
             smtp.quit()\n"
        );
        let mut python = Command::new("python3");
        python.args(["-c", &script, &example.certificate]);
        assert_sent(&connect, &drive::run(python, MESSAGE), &example, &postfix);
    }
    let file = example.gatepost.directory().join("message");
    fs::write(&file, MESSAGE).unwrap();
    for url in [format!("smtp://localhost:{starttls}"), format!("smtps://localhost:{implicit}")] {
        assert_sent(&url, &curl(&example, &url, &file), &example, &postfix);
    }
}

#[test]
fn openssl_talks_to_both_ports_of_the_example() {
    let postfix = postfix(true);
    let example = Example::start(&postfix);
    let [starttls, implicit] = example.ports();
    let said = "EHLO laptop.example.org\r\nAUTH PLAIN AGFubkBleGFtcGxlLm9yZwBwZW5jaWw=\r\n\
                MAIL FROM:<ann@example.org>\r\nRCPT TO:<zoe@else.example>\r\nDATA\r\nFrom: ann@example.org\r\n\r\nhi\r\n.\r\nQUIT\r\n";
    for (port, more) in [(starttls, &["-starttls", "smtp"][..]), (implicit, &[])] {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "s_client",
            "-quiet",
            "-verify_return_error",
            "-ign_eof",
            "-CAfile",
            &example.certificate,
        ]);
        openssl.args(["-connect", &format!("localhost:{port}")]).args(more);
        let run = drive::run(openssl, said.as_bytes());
        assert!(run.text().contains("235 2.7.0") && run.text().contains("221 2.0.0"), "{}", run.text());
        assert_sent("openssl", &run, &example, &postfix);
    }
}

#[test]
fn the_probe_tells_where_postfix_does_not_count_logins() {
    for with_sasl in [true, false] {
        let postfix = postfix(with_sasl);
        let example = Example::start(&postfix);
        let said = probe(&example.gatepost);
        assert_eq!(said.contains("does not relay for clients that have logged in"), !with_sasl, "{said}");
        assert_eq!(said.contains("smtpd_sasl_auth_enable = yes"), !with_sasl, "{said}");
    }
}

/// What `check --probe` says of the set-up of `gatepost`.
fn probe(gatepost: &Gatepost) -> String {
    let mut probe = binary();
    probe.args(["check", "--probe", "--probe-recipient", "zoe@else.example", "-c"]);
    probe.arg(gatepost.directory().join("gatepost.toml"));
    drive::run(probe, &[]).text()
}

#[test]
fn who_has_not_logged_in_or_is_somebody_else_sends_nothing() {
    let postfix = postfix(true);
    let example = Example::start(&postfix);
    let [_, implicit] = example.ports();
    let file = example.gatepost.directory().join("message");
    fs::write(&file, b"From: bob@example.org\r\n\r\nnot his\r\n").unwrap();
    let foreign = curl(&example, &format!("smtps://localhost:{implicit}"), &file);
    assert!(!foreign.succeeded(), "{}", foreign.text());
    example.gatepost.log_line(&["disposition=refused", "code=550", "auth=ann@example.org"]);
    let mut swaks = Command::new("swaks");
    swaks.args([
        "--server",
        "127.0.0.1",
        "--port",
        &implicit.to_string(),
        "--tls-on-connect",
        "--timeout",
        "30",
    ]);
    swaks.args(["--from", "ann@example.org", "--to", "zoe@else.example"]);
    let run = drive::run(swaks, &[]);
    assert!(run.text().contains("530 5.7.0 Authentication required"), "{}", run.text());
    assert!(!postfix.log().contains("zoe@else.example"), "{}", postfix.log());
}

#[test]
fn a_grant_relays_by_relay_login_where_postfix_counts_logins_and_only_there() {
    for with_sasl in [true, false] {
        let postfix = postfix(with_sasl);
        let lines = Lines {
            relay: Some("domains = [\"ours.example\"]\nnetworks = [\"127.0.0.2/32\"]"),
            backend: Some("xclient = \"required\"\nrelay_login = \"relay@front.example\""),
        };
        let gatepost = Gatepost::with(&postfix, &lines);
        let mut client = Client::connect_from(UNNAMED_CLIENT, gatepost.address());
        client.must("EHLO client.front.example", 250);
        client.must("MAIL FROM:<ann@ours.example>", 250);
        let reply = client.command("RCPT TO:<zoe@else.example>");
        if with_sasl {
            assert_eq!(reply.code, 250, "{reply:?}");
            assert_eq!(client.data(b"Subject: out\r\n\r\n").code, 250);
            postfix.log_line(&["client=unknown[127.0.0.2]", "sasl_username=relay@front.example"]);
            postfix.log_line(&["to=<zoe@else.example>", "status=sent"]);
        } else {
            assert_eq!(reply.text(), "554 5.7.1 <zoe@else.example>: Relay access denied");
        }
        let said = probe(&gatepost);
        let complaint = "does not relay for `relay_login`";
        assert_eq!(said.contains(complaint), !with_sasl, "{said}");
        assert_eq!(said.contains("smtpd_sasl_auth_enable = yes"), !with_sasl, "{said}");
    }
}

#[test]
fn postfix_holds_its_own_client_restrictions_to_the_real_client() {
    let main_cf =
        vec!["smtpd_client_restrictions = check_client_access inline:{127.0.0.2=REJECT}".to_owned()];
    let postfix = PostfixBackend::start(&Options { xclient: true, main_cf, ..Options::default() });
    let gatepost = Gatepost::in_front_of(&postfix);
    for (source, code) in [(UNNAMED_CLIENT, 554), ([127, 0, 0, 3].into(), 250)] {
        let mut client = Client::connect_from(source, gatepost.address());
        client.must("EHLO client.front.example", 250);
        client.must("MAIL FROM:<ann@front.example>", 250);
        client.must("RCPT TO:<ann@ours.example>", code);
    }
    postfix.log_line(&["reject: RCPT from unknown[127.0.0.2]: 554 5.7.1", "Client host rejected"]);
}
