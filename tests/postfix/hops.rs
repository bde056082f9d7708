//! What stands in front of gatepost and tells who the client is: a real haproxy, another gatepost.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::names::UNNAMED_CLIENT;
use crate::support::postfix::{Options, PostfixBackend};
use crate::support::wait;

/// A running haproxy; killed on drop.
struct Haproxy {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Haproxy {
    /// One that tells `server` of its clients by `words`.
    fn start(server: SocketAddr, words: &str) -> Haproxy {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let file = folder.path().join("haproxy.cfg");
        let text = format!(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
             frontend smtp\n bind {address}\n default_backend gatepost\n\
             backend gatepost\n option smtpchk EHLO haproxy.front.example\n server mx {server} {words}\n"
        );
        fs::write(&file, text).unwrap();
        let mut haproxy = Command::new("haproxy");
        haproxy
            .args(["-db", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = haproxy.spawn().expect("tests/needs installs haproxy");
        let mut haproxy = Haproxy { child, address, _folder: folder };
        let is_up = wait::until("haproxy listens", || match haproxy.child.try_wait().unwrap() {
            Some(_) => Some(false), // the port was taken meanwhile
            None => std::net::TcpStream::connect(address).is_ok().then_some(true),
        });
        if is_up { haproxy } else { Haproxy::start(server, words) }
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn behind(postfix: &PostfixBackend, xclient: &str, listener: &str) -> Gatepost {
    Gatepost::start(&format!(
        "hostname = \"proxy.front.example\"\n[relay]\ndomains = [\"ours.example\"]\n[log]\nlevel = \"debug\"\n\
         [[backend]]\naddress = \"{}\"\nxclient = \"{xclient}\"\n\
         [[listener]]\nname = \"front\"\nbind = \"127.0.0.1:0\"\n{listener}\n",
        postfix.address()
    ))
}

#[test]
fn haproxy_tells_the_client_by_both_versions() {
    let postfix = PostfixBackend::start(&Options { xclient: true, ..Options::default() });
    let required = "proxy_protocol = \"required\"\nproxy_protocol_networks = \"127.0.0.1\"";
    let gatepost = behind(&postfix, "required", required);
    for (words, source) in [("send-proxy", UNNAMED_CLIENT), ("send-proxy-v2", [127, 0, 0, 3].into())] {
        let haproxy = Haproxy::start(gatepost.address(), words);
        let mut client = Client::connect_from(source, haproxy.address);
        client.must("EHLO client.front.example", 250);
        client.deliver("ann@front.example", "ann@ours.example", b"Subject: x\r\n\r\n");
        client.quit();
        let client_ip = format!("client_ip={source}");
        gatepost.log_line(&["transaction ended", &client_ip, "peer_ip=127.0.0.1", "disposition=relayed"]);
        gatepost.log_line(&["session ended", &client_ip, "peer_ip=127.0.0.1"]);
        postfix.log_line(&["smtpd[", &format!(": client=unknown[{source}]")]);
    }
}

#[test]
fn haproxy_finds_gatepost_well_and_leaves_no_session() {
    let postfix = PostfixBackend::start(&Options { xclient: true, ..Options::default() });
    let required = "proxy_protocol = \"required\"\nproxy_protocol_networks = \"127.0.0.1\"";
    let gatepost = behind(&postfix, "required", required);
    let haproxy = Haproxy::start(gatepost.address(), "send-proxy-v2 check inter 200");
    for _ in 0..2 {
        gatepost.log_line(&["a balancer asked whether we are well", "quit"]);
    }
    // It goes on to send clients, so it was content with what it heard.
    let client = Client::connect_from(UNNAMED_CLIENT, haproxy.address);
    client.quit();
    gatepost.log_line(&["session ended", "client_ip=127.0.0.2"]);
    let sessions = gatepost.log_lines().into_iter().filter(|line| line.contains("session ended"));
    let probes: Vec<String> = sessions.filter(|line| !line.contains("peer_ip=127.0.0.1")).collect();
    assert!(probes.is_empty(), "{probes:?}");
}

#[test]
fn two_gateposts_in_a_row_know_the_same_client() {
    let postfix = PostfixBackend::start(&Options { xclient: true, ..Options::default() });
    let second = behind(&postfix, "required", "xclient_networks = \"127.0.0.1\"");
    let first = Gatepost::start(&format!(
        "hostname = \"first.front.example\"\n[relay]\ndomains = [\"ours.example\"]\n\
         [[backend]]\naddress = \"{}\"\nxclient = \"required\"\n\
         [[listener]]\nname = \"front\"\nbind = \"127.0.0.1:0\"\n\
         proxy_protocol = \"required\"\nproxy_protocol_networks = \"127.0.0.1\"\n",
        second.address()
    ));
    let haproxy = Haproxy::start(first.address(), "send-proxy-v2");
    let mut client = Client::connect_from(UNNAMED_CLIENT, haproxy.address);
    client.must("EHLO client.front.example", 250);
    client.deliver("ann@front.example", "ann@ours.example", b"Subject: two\r\n\r\n");
    client.must("MAIL FROM:<ann@front.example>", 250);
    let reply = client.command("RCPT TO:<user@else.example>");
    assert!(reply.text().starts_with("550 5.7.1 "), "{reply:?}");
    for gatepost in [&first, &second] {
        gatepost.log_line(&[
            "transaction ended",
            "client_ip=127.0.0.2",
            "peer_ip=127.0.0.1",
            "disposition=relayed",
        ]);
    }
    postfix.log_line(&["smtpd[", ": client=unknown[127.0.0.2]"]);
    let line = postfix.log_line(&["cleanup[", "info: header Subject: two"]);
    assert!(line.contains("helo=<client.front.example>"), "{line}");
}

#[test]
fn what_xforward_tells_reaches_postfix() {
    let postfix = PostfixBackend::start(&Options { xforward: true, ..Options::default() });
    let gatepost = behind(&postfix, "auto", "xforward_networks = \"127.0.0.1\"");
    let mut front = Client::connect(gatepost.address());
    let ehlo = front.must("EHLO front.front.example", 250);
    assert!(ehlo.offers("XFORWARD") && !ehlo.offers("XCLIENT"), "{ehlo:?}");
    front.must("XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.9 PORT=4711 PROTO=ESMTP", 250);
    front.must("XFORWARD HELO=laptop.front.example IDENT=4ABCdef SOURCE=REMOTE", 250);
    front.deliver("ann@front.example", "ann@ours.example", b"Subject: forwarded\r\n\r\n");
    gatepost.log_line(&[
        "transaction ended",
        "client_ip=127.0.0.1",
        "forwarded_ip=192.0.2.9",
        "forwarded_ident=4ABCdef",
    ]);
    postfix.log_line(&["smtpd[", "orig_queue_id=4ABCdef", "orig_client=unknown[192.0.2.9]"]);
}
