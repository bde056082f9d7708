//! The log file and the metrics page of a running service.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

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
fn the_metrics_page_tells_of_reloads_and_of_a_backend_that_is_away() {
    let listen = "policies = \"helo\"\n[metrics]\nlisten = \"127.0.0.1:0\"";
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = toml(listen, "").replace("maildir:Maildir", &gone.to_string());
    let gatepost = Gatepost::start(&away);
    let shows = |wanted: &[&str]| {
        wait::until("the page shows it", || {
            let page = metrics(&gatepost);
            wanted.iter().all(|line| page.lines().any(|one| one == *line)).then_some(())
        });
    };
    let at = || {
        let page = metrics(&gatepost);
        let line = page.lines().find(|line| line.starts_with("gatepost_last_reload_timestamp_seconds "));
        line.unwrap().split(' ').nth(1).unwrap().parse::<f64>().unwrap()
    };
    // It is asked what it offers as soon as the service runs.
    shows(&["gatepost_backend_usable{backend=\"backend\"} 0", "gatepost_reloads_total{result=\"ok\"} 0"]);
    assert!(at() > 1_700_000_000.0);
    gatepost.rewrite_configuration(|text| text.replace("30s", "soon"));
    gatepost.reload();
    shows(&["gatepost_reloads_total{result=\"ok\"} 0", "gatepost_reloads_total{result=\"refused\"} 1"]);
    gatepost.rewrite_configuration(|text| {
        text.replace("soon", "30s").replace(&gone.to_string(), "maildir:Maildir")
    });
    gatepost.reload();
    shows(&["gatepost_backend_usable{backend=\"backend\"} 1", "gatepost_reloads_total{result=\"ok\"} 1"]);
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
