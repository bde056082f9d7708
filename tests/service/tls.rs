//! Certificates of a running service: new ones are taken, broken ones are not, and nobody is sent away meanwhile.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, ServerConnection, StreamOwned};

use crate::observe::metrics;
use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::tls::{self, Manner};
use crate::support::wait;
use crate::toml;

fn started() -> Gatepost {
    let rest = "[tls]\ncertificate = \"shown.pem\"";
    Gatepost::start_with(&toml("tls = \"implicit\"", rest), |folder, _| {
        tls::write(folder);
        fs::copy(folder.join("mx.pem"), folder.join("shown.pem")).unwrap();
    })
}

/// Shows the certificate in `file` from now on.
fn show(gatepost: &Gatepost, file: &str) {
    fs::copy(gatepost.directory().join(file), gatepost.directory().join("shown.pem")).unwrap();
}

/// A connection that was greeted; none if the handshake fails.
fn greeted(
    gatepost: &Gatepost,
    config: &Arc<ClientConfig>,
) -> Option<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::try_from("mx.b.example").unwrap();
    let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(gatepost.address()).unwrap());
    let mut banner = String::new();
    BufReader::new(&mut stream).read_line(&mut banner).ok()?;
    assert!(banner.starts_with("220 "), "{banner}");
    Some(stream)
}

/// SHA-256 of the certificate that a connection is shown, in hex.
fn shown(gatepost: &Gatepost) -> String {
    let stream = greeted(gatepost, &Arc::new(tls::client(&Manner::default()))).unwrap();
    let sum = gatepost::net::tls::certificate::sha256(&stream.conn.peer_certificates().unwrap()[0]);
    sum.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Whether a client with the certificate in `file` is let in.
fn lets_in(gatepost: &Gatepost, file: &str) -> bool {
    let manner = Manner { certificate: Some(file.to_owned()), ..Manner::default() };
    greeted(gatepost, &Arc::new(tls::client(&manner))).is_some()
}

#[test]
fn a_reload_takes_a_new_certificate_and_keeps_the_old_one_when_that_is_broken() {
    let gatepost = started();
    assert_eq!(shown(&gatepost), tls::fingerprint("mx.pem"));
    show(&gatepost, "other.pem");
    gatepost.reload();
    gatepost.log_line(&["configuration reloaded"]);
    assert_eq!(shown(&gatepost), tls::fingerprint("other.pem"));
    fs::write(gatepost.directory().join("shown.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
    gatepost.reload();
    gatepost.log_line(&["ERROR", "configuration not reloaded", "count=1"]);
    gatepost.log_line(&["ERROR", "mistake in the configuration", "key=tls.certificate", "column="]);
    assert_eq!(shown(&gatepost), tls::fingerprint("other.pem"));
}

#[test]
fn certificates_are_read_again_when_their_files_change() {
    let gatepost = started();
    fs::write(gatepost.directory().join("shown.pem"), tls::pem("ca.pem")).unwrap();
    gatepost.log_line(&["ERROR", "certificates not read again", "shown.pem", "no private key"]);
    assert_eq!(shown(&gatepost), tls::fingerprint("mx.pem"));
    show(&gatepost, "other.pem");
    gatepost.log_line(&["certificates read again"]);
    assert_eq!(shown(&gatepost), tls::fingerprint("other.pem"));
}

#[test]
fn sessions_are_resumed_over_a_reload_that_changes_nothing() {
    let gatepost = started();
    let config = Arc::new(tls::client(&Manner::default()));
    let kind = || {
        let stream = greeted(&gatepost, &config).unwrap();
        stream.conn.handshake_kind().unwrap()
    };
    assert_eq!(kind(), HandshakeKind::Full);
    gatepost.reload();
    gatepost.log_line(&["configuration reloaded"]);
    assert_eq!(kind(), HandshakeKind::Resumed);
    show(&gatepost, "other.pem");
    gatepost.reload();
    wait::until("the other certificate", || {
        (shown(&gatepost) == tls::fingerprint("other.pem")).then_some(())
    });
    assert_eq!(kind(), HandshakeKind::Full);
}

#[test]
fn authorities_for_clients_are_read_again_when_their_file_changes() {
    let rest = "[tls]\ncertificate = \"mx.pem\"\nclient_ca = \"clients.pem\"";
    let toml = toml("tls = \"implicit\"\nclient_certificate = \"verify\"", rest);
    let gatepost = Gatepost::start_with(&toml, |folder, _| {
        tls::write(folder);
        fs::copy(folder.join("ca.pem"), folder.join("clients.pem")).unwrap();
    });
    let clients = gatepost.directory().join("clients.pem");
    assert!(lets_in(&gatepost, "client.pem") && !lets_in(&gatepost, "stranger.pem"));
    fs::write(&clients, "-----BEGIN CERTIFICATE-----\n").unwrap();
    gatepost.log_line(&["ERROR", "certificates not read again", "what=tls.client_ca", "clients.pem"]);
    assert!(lets_in(&gatepost, "client.pem"));
    fs::write(&clients, tls::pem("stranger_ca.pem")).unwrap();
    gatepost.log_line(&["certificates read again", "what=tls.client_ca"]);
    assert!(!lets_in(&gatepost, "client.pem") && lets_in(&gatepost, "stranger.pem"));
}

/// A mail server behind TLS that takes every recipient and no message.
fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::new(tls::server(&Manner::default()));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || {
                let stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                let mut stream = BufReader::new(stream);
                let mut answer = "220 backend.b.example ESMTP\r\n";
                let mut line = String::new();
                while stream.get_mut().write_all(answer.as_bytes()).is_ok() {
                    line.clear();
                    if stream.read_line(&mut line).unwrap_or(0) == 0 {
                        return;
                    }
                    answer = "250 2.0.0 Ok\r\n";
                }
            });
        }
    });
    address
}

#[test]
fn authorities_for_backends_are_read_again_when_their_file_changes() {
    let toml = format!(
        "hostname = \"mx.ours.example\"\n[relay]\ndomains = \"ours.example\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n\
         [[listener]]\nname = \"front\"\nbind = \"127.0.0.1:0\"\n\
         [[backend]]\nname = \"inner\"\naddress = \"{}\"\ntls = \"verified\"\ntls_mode = \"implicit\"\nca = \"inner.pem\"\n",
        backend()
    );
    let gatepost = Gatepost::start_with(&toml, |folder, _| {
        tls::write(folder);
        fs::copy(folder.join("ca.pem"), folder.join("inner.pem")).unwrap();
    });
    let inner = gatepost.directory().join("inner.pem");
    let rcpt = |code| {
        let mut client = Client::greeted(gatepost.address());
        client.must("MAIL FROM:<ann@front.example>", 250);
        client.must("RCPT TO:<ann@ours.example>", code);
    };
    rcpt(250);
    fs::write(&inner, "-----BEGIN CERTIFICATE-----\n").unwrap();
    gatepost.log_line(&["ERROR", "certificates not read again", "what=\"backend inner\"", "inner.pem"]);
    rcpt(250);
    fs::write(&inner, tls::pem("stranger_ca.pem")).unwrap();
    gatepost.log_line(&["certificates read again", "what=\"backend inner\""]);
    let count = |result: &str| {
        let start =
            format!("gatepost_backend_tls_handshakes_total{{backend=\"inner\",result=\"{result}\"}} ");
        let page = metrics(&gatepost);
        page.lines().find_map(|line| line.strip_prefix(&start)?.parse::<u64>().ok()).unwrap()
    };
    assert!(count("full") >= 1 && count("failed") == 0);
    rcpt(451);
    assert!(count("failed") >= 1);
}

/// Whoever comes to port 465 has heard nothing in clear text, least of all why there is no place for it.
#[test]
fn a_client_that_is_turned_away_where_tls_comes_first_hears_nothing() {
    let rest = "[tls]\ncertificate = \"mx.pem\"\n[limits]\nconnections_per_client = 1";
    let toml = toml("tls = \"implicit\"", rest);
    let gatepost = Gatepost::start_with(&toml, |folder, _| tls::write(folder));
    let first = greeted(&gatepost, &Arc::new(tls::client(&Manner::default()))).unwrap();
    let mut octets = Vec::new();
    TcpStream::connect(gatepost.address()).unwrap().read_to_end(&mut octets).unwrap();
    assert_eq!(octets, b"");
    gatepost.log_line(&["connection refused", "code=421"]);
    drop(first);
}
