//! Certificates of a running service: new ones are taken, broken ones are not, and nobody is sent away meanwhile.

use std::fs;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::support::gatepost::Gatepost;
use crate::support::tls::{self, Manner};
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

/// A connection's greeting, and SHA-256 of the certificate that it was shown, in hex.
fn shown(gatepost: &Gatepost) -> String {
    let name = ServerName::try_from("mx.b.example").unwrap();
    let connection = ClientConnection::new(Arc::new(tls::client(&Manner::default())), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(gatepost.address()).unwrap());
    let mut banner = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(&mut stream), &mut banner).unwrap();
    assert!(banner.starts_with("220 "), "{banner}");
    let sum = gatepost::net::tls::certificate::sha256(&stream.conn.peer_certificates().unwrap()[0]);
    sum.iter().map(|octet| format!("{octet:02x}")).collect()
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
    gatepost.log_line(&["ERROR", "configuration not reloaded", "[tls]"]);
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
