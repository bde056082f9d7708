//! `socketmap:`, Postfix's socketmap_table(5).

use std::fs;

use crate::front::{ask, both, gatepost};
use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::socketmap::{MtaSts, Socketmap};

#[test]
fn a_daemon_that_sites_run_answers_us_as_it_does_postfix() {
    let daemon = MtaSts::start("strict.example", "mx.strict.example");
    let gatepost = gatepost(&format!("source = \"{}\"", daemon.table()));
    let want = "value secure match=mx.strict.example servername=hostname";
    assert_eq!(ask(&gatepost, "domain@strict.example"), want);
    assert_eq!(crate::postmap::query(&daemon.table(), "strict.example"), want);
    // Of what is below a domain, and of addresses, it knows nothing, and asks nobody.
    assert_eq!(both(&gatepost, &daemon.table(), "192.0.2.1"), ("kind none".into(), "kind none".into()));
}

#[test]
fn we_hear_what_postmap_hears() {
    let server = Socketmap::start(&[
        ("people ann", "OK friend"),
        ("people bob", "OK two words, and more"),
        ("people temp", "TEMP come back"),
        ("people slow", "TIMEOUT the database"),
        ("people perm", "PERM go away"),
        ("people bad", "MAYBE"),
        ("other ann", "OK of another map"),
    ]);
    let table = server.table("people");
    let gatepost = gatepost(&format!("source = \"{table}\""));
    for (key, want) in [
        ("ann", "value friend"),
        ("bob", "value two words, and more"),
        ("eve", "kind none"),
        ("temp", "kind servfail"),
        ("slow", "kind timeout"),
        ("perm", "kind refused"),
        ("bad", "kind invalid"),
    ] {
        let (ours, theirs) = both(&gatepost, &table, key);
        assert_eq!(ours, want, "{key}");
        match want.starts_with("value ") || want == "kind none" {
            true => assert_eq!(theirs, ours, "{key}"),
            false => assert!(theirs.starts_with("kind trouble"), "{key}: {theirs}"),
        }
    }
    // Both have asked for the same.
    let asked = server.asked();
    for key in ["ann", "bob", "eve", "temp", "slow", "perm", "bad"] {
        let times = asked.iter().filter(|asked| **asked == format!("people {key}")).count();
        assert!(times >= 2, "{key}: {asked:?}");
    }
    gatepost.log_line(&["WARN", "a map can't be asked", "map=m", "come back"]);
}

#[test]
fn what_is_remembered_bridges_an_outage_and_nothing_else_is_made_up() {
    let server = Socketmap::start(&[("people ann@a.example", "OK friend")]);
    let gatepost = gatepost(&format!(
        "source = \"{}\"\nttl = \"1ms\"\nnegative_ttl = \"1ms\"\nstale = \"1h\"",
        server.table("people")
    ));
    assert_eq!(ask(&gatepost, "ann@a.example"), "value friend");
    assert_eq!(ask(&gatepost, "bob@a.example"), "kind none");
    server.stop();
    for _ in 0..3 {
        assert_eq!(ask(&gatepost, "ann@a.example"), "value friend");
        assert_eq!(ask(&gatepost, "bob@a.example"), "kind none");
    }
    assert_eq!(ask(&gatepost, "eve@a.example"), "kind unreachable");
}

/// Who owns an address may stand on a server: Postfix's smtpd_sender_login_maps.
#[test]
fn a_server_says_who_may_send_as_whom() {
    let server = Socketmap::start(&[
        ("owners ann@b.example", "OK ann@b.example"),
        ("owners @sales.example", "OK bob@b.example, ann@b.example"),
        ("owners eve@b.example", "OK eve@b.example"),
        ("owners sick@b.example", "TEMP later"),
    ]);
    let users = "ann@b.example:{SCRAM-SHA-256}1,c2FsdA==,Otk5kdnAo/6UDUcm0KaO+uESed84FVLF7Qg4N9v1MRA=,\
                 Uc4DDcQRN5WJ44eNiyKPEO+MJvVo84Ucr4WI9nixz60=\n";
    let toml = format!(
        "hostname = \"proxy.front.example\"\n[relay]\ndomains = [\"ours.example\"]\n[auth]\nverify = \"file:users\"\n\
         [[listener]]\nname = \"front\"\nbind = \"127.0.0.1:0\"\nauth = \"required\"\nauth_without_tls = true\n\
         reply_id = false\nsender_login = \"owners\"\n[map.owners]\nsource = \"{}\"\n\
         [[backend]]\naddress = \"127.0.0.1:1\"\n",
        server.table("owners")
    );
    let gatepost = Gatepost::start_with(&toml, |folder, _| fs::write(folder.join("users"), users).unwrap());
    let mut client = Client::greeted(gatepost.address());
    client.must("AUTH PLAIN AGFubkBiLmV4YW1wbGUAcGVuY2ls", 235);
    for (address, want) in [
        ("ann@b.example", "250 2.1.0 "),
        ("ann+list@b.example", "250 2.1.0 "),
        ("info@sales.example", "250 2.1.0 "),
        ("", "250 2.1.0 "),
        ("eve@b.example", "553 5.7.1 "),
        ("nobody@b.example", "553 5.7.1 "),
        ("sick@b.example", "451 4.3.0 "),
    ] {
        let reply = client.command(&format!("MAIL FROM:<{address}>")).text();
        assert!(reply.starts_with(want), "{address}: {reply}");
        client.must("RSET", 250);
    }
    gatepost.log_line(&["WARN", "who owns an address is not known", "the server failed"]);
}
