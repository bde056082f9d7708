//! The log file and the metrics page of a running service.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::wait;
use crate::toml;

/// The metrics page, which the configuration has on a port of loopback.
pub fn metrics(gatepost: &Gatepost) -> String {
    let line = gatepost.log_line(&["metrics page", "address="]);
    let address: SocketAddr = line.split("address=").nth(1).unwrap().trim().parse().unwrap();
    let mut page = String::new();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    page
}

#[test]
fn the_metrics_page_tells_of_the_mail_that_passed() {
    let listen = "policies = \"helo\"\n[metrics]\nlisten = \"127.0.0.1:0\"";
    let gatepost = Gatepost::start(&toml(listen, ""));
    Client::greeted(gatepost.address()).deliver("ann@front.example", "ann@ours.example", b"\r\nx\r\n");
    wait::until("the message is counted", || {
        let page = metrics(&gatepost);
        let has = |line: &str| page.lines().any(|one| one == line);
        let counted = has("gatepost_transactions_total{disposition=\"relayed\"} 1")
            && has("gatepost_acknowledgements_total{by=\"store\"} 1")
            && page.contains("policy=\"helo\",hook=\"ehlo\"");
        counted.then_some(())
    });
}

#[test]
fn the_log_file_is_opened_anew_on_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("gatepost.log");
    let toml = toml("", &format!("[log]\nfile = \"{}\"", log.display()));
    // Its lines don't come on standard error, so that nothing is waited for there.
    let toml = toml.replace("[[listener]]", "[[ listener ]]");
    let gatepost = Gatepost::start(&toml);
    wait::until("it listens", || {
        fs::read_to_string(&log).is_ok_and(|log| log.contains("listening")).then_some(())
    });
    let rotated = folder.path().join("gatepost.log.1");
    fs::rename(&log, &rotated).unwrap();
    gatepost.reload();
    wait::until("the new file", || {
        fs::read_to_string(&log).is_ok_and(|log| log.contains("configuration reloaded")).then_some(())
    });
    assert!(!fs::read_to_string(&rotated).unwrap().contains("configuration reloaded"));
}
