//! `dnsbl`: listed clients are refused, and nobody for a list's silence.

use super::{Setup, VISIT, Visit, number, served, text, texts};
use crate::lookup::answer::RecordKind;
use crate::lookup::name_server::NameServer;
use crate::lookup::zone::Zone;

const ZONE: &str = "7.2.0.192.bl.example A 127.0.0.2
    7.2.0.192.bl.example TXT \"see bl.example\"
    8.2.0.192.bl.example A 127.0.0.10
    8.2.0.192.good.example A 127.0.0.1
    7.2.0.192.two.example A 127.0.0.2
    9.2.0.192.bl.example SERVFAIL
    9.2.0.192.we.example A 127.255.255.254
    1.0.0.10.bl.example A 127.0.0.2
    1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example A 127.0.0.2";

const LISTED: &str = "rcpt 550 5.7.1 Your address 192.0.2.7 is listed by bl.example: see bl.example";

#[test]
fn listed_clients_are_refused_at_rcpt() {
    served(ZONE, |server| async move {
        for (zones, threshold, from, want, reason) in [
            (&["bl.example"][..], 1, "192.0.2.7", LISTED, "listed, with the list's own words"),
            (&["bl.example"], 1, "192.0.2.1", "accept", "not listed"),
            (
                &["bl.example"],
                1,
                "2001:db8::1",
                "rcpt 550 5.7.1 Your address 2001:db8::1 is listed by bl.example",
                "IPv6",
            ),
            (&["bl.example"], 2, "192.0.2.7", "accept", "below the threshold"),
            (
                &["bl.example", "two.example*3"],
                4,
                "192.0.2.7",
                "rcpt 550 5.7.1 Your address 192.0.2.7 is listed by two.example",
                "together; the heaviest is named",
            ),
            (&["bl.example=127.0.0.[2..9]"], 1, "192.0.2.8", "accept", "an answer that doesn't count"),
            (&["bl.example", "good.example*-2"], 1, "192.0.2.8", "accept", "a good one outweighs"),
            (&["bl.example", "we.example"], 1, "192.0.2.9", "accept", "lists that fail say nothing"),
            (&["bl.example"], 1, "10.0.0.1", "accept", "a private address isn't asked about"),
        ] {
            let options = vec![texts("zones", zones), number("threshold", threshold)];
            let setup = Setup::new().asking(&server).built_in("dnsbl", options);
            assert_eq!(Visit { from, ..VISIT }.heard(&setup).await, want, "{zones:?} {from}: {reason}");
        }
    });
}

#[test]
fn postmaster_is_reachable_from_a_listed_address() {
    served(ZONE, |server| async move {
        let setup = Setup::new().asking(&server).built_in("dnsbl", vec![texts("zones", &["bl.example"])]);
        let client = setup.client();
        client.connect().await;
        client.begin().await;
        for (rcpt, want) in [
            ("<postmaster@ours.example>", "accept"),
            ("<bob@ours.example>", LISTED.trim_start_matches("rcpt ")),
            ("<Postmaster>", "accept"),
            ("<abuse@ours.example>", "accept"),
        ] {
            assert_eq!(super::said(&client.rcpt(rcpt).await), want, "{rcpt}");
        }
    });
}

#[test]
fn a_session_is_asked_about_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let zone = Zone::parse(ZONE).unwrap();
        let server = NameServer::start(zone.clone()).await.unwrap();
        let options = vec![texts("zones", &["bl.example"])];
        let setup = Setup::new().asking(&server).built_in("dnsbl", options);
        let client = setup.client();
        client.begin().await;
        // Were it asked again, this would be the answer; the resolver's own memory is told by its name.
        zone.remove("7.2.0.192.bl.example");
        client.ehlo("client.example").await;
        client.mail(VISIT.mail).await;
        assert_eq!(super::said(&client.rcpt(VISIT.rcpt).await), LISTED.trim_start_matches("rcpt "));
        assert_eq!(zone.asked("7.2.0.192.bl.example", RecordKind::A), 1);
    });
}

#[test]
fn who_may_relay_or_is_exempt_is_not_asked_about() {
    served(ZONE, |server| async move {
        let zones = || texts("zones", &["bl.example"]);
        let grant = "return { connect = function(session) session:permit_relay('ours') end }";
        let setup = Setup::new().asking(&server).policy("grant", grant).built_in("dnsbl", vec![zones()]);
        assert_eq!(VISIT.heard(&setup).await, "accept");
        let options = vec![zones(), texts("exempt", &["192.0.2.0/24"])];
        let setup = Setup::new().asking(&server).built_in("dnsbl", options);
        assert_eq!(VISIT.heard(&setup).await, "accept");
    });
}

#[test]
fn a_list_that_is_written_wrongly_is_a_mistake_at_load() {
    for zone in ["a..b", "bl.example=", "bl.example=x", "bl.example*", "bl.example*x", "=127.0.0.2", ""] {
        let problems = Setup::new().built_in("dnsbl", vec![texts("zones", &[zone])]).problems();
        assert!(problems.contains(&format!("zones: '{zone}' is no block list")), "{problems}");
    }
    let problems = Setup::new()
        .built_in("dnsbl", vec![texts("zones", &["a.example"]), text("timeout", "9s")])
        .problems();
    assert!(problems.contains("at most 8"), "the hook's own time is 10 s: {problems}");
}
