//! Block lists are served on loopback, by a zone that can fail.

use super::*;
use crate::lookup::config::Config;
use crate::lookup::name_server::NameServer;
use crate::lookup::zone::Zone;
use crate::threads::helper::HelperHandle;

/// What the lists `zones`, held by `lines`, say about `subject`.
async fn listing(lines: &str, zones: &[&str], subject: &str, threshold: Option<f64>) -> (Listing, Zone) {
    let zone = Zone::parse(lines).expect("lines");
    let server = NameServer::start(zone.clone()).await.expect("a port");
    let config = Config {
        servers: vec![server.address()],
        timeout: Duration::from_secs(2),
        attempts: 1,
        ..Config::default()
    };
    let resolver = Resolver::new(&config, HelperHandle::of_caller().expect("runtime")).expect("parts");
    let zones: Vec<DnsblZone> = zones.iter().map(|zone| zone.parse().expect("zone")).collect();
    let listing =
        query(&resolver, &zones, &Subject::parse(subject), threshold, Duration::from_millis(500)).await;
    (listing, zone)
}

fn codes(listing: &Listing) -> Vec<(&str, i32, Vec<String>)> {
    let mut codes: Vec<_> = listing
        .hits
        .iter()
        .map(|hit| (hit.zone.as_str(), hit.weight, hit.codes.iter().map(ToString::to_string).collect()))
        .collect();
    codes.sort();
    codes
}

fn unknown(listing: &Listing) -> Vec<(&str, &str)> {
    listing.unknown.iter().map(|unknown| (unknown.zone.as_str(), unknown.error.kind())).collect()
}

#[tokio::test]
async fn hits_are_added_up() {
    let (listing, _) = listing(
        "9.113.0.203.zen.example A 127.0.0.4\n\
         9.113.0.203.zen.example TXT \"https://zen.example/203.0.113.9\"\n\
         9.113.0.203.other.example A 127.0.0.2\n\
         9.113.0.203.good.example A 127.0.5.1\n\
         9.113.0.203.else.example A 127.0.0.9\n",
        &[
            "zen.example*3",
            "other.example",
            "good.example=127.0.[0..9].1*-2",
            "else.example=127.0.0.2",
            "none.example",
        ],
        "203.0.113.9",
        None,
    )
    .await;
    assert_eq!(listing.score, 2);
    assert_eq!(
        codes(&listing),
        [
            ("good.example", -2, vec!["127.0.5.1".to_owned()]),
            ("other.example", 1, vec!["127.0.0.2".to_owned()]),
            ("zen.example", 3, vec!["127.0.0.4".to_owned()]),
        ]
    );
    assert!(listing.unknown.is_empty());
    let text = listing.hits.iter().find(|hit| hit.zone == "zen.example").and_then(|hit| hit.text.as_deref());
    assert_eq!(text, Some("https://zen.example/203.0.113.9"));
}

#[tokio::test]
async fn addresses_of_both_families_and_names_can_be_asked_about() {
    for (subject, name) in [
        ("192.0.2.1", "1.2.0.192.bl.example"),
        ("::ffff:192.0.2.1", "1.2.0.192.bl.example"),
        ("2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example"),
        ("Spam.example.", "spam.example.bl.example"),
        ("bücher.example", "xn--bcher-kva.example.bl.example"),
    ] {
        let (listing, _) = listing(&format!("{name} A 127.0.0.2"), &["bl.example"], subject, None).await;
        assert_eq!(listing.score, 1, "subject {subject}");
    }
}

#[tokio::test]
async fn what_is_not_known_is_no_hit() {
    let (listing, _) = listing(
        "9.113.0.203.sold.example A 192.0.2.80\n\
         9.113.0.203.quota.example A 127.255.255.254\n\
         9.113.0.203.mixed.example A 127.0.0.2\n\
         9.113.0.203.mixed.example A 192.0.2.80\n\
         9.113.0.203.broken.example SERVFAIL\n\
         9.113.0.203.closed.example REFUSE\n\
         9.113.0.203.dead.example DROP\n",
        &[
            "sold.example",
            "quota.example",
            "mixed.example",
            "broken.example",
            "closed.example",
            "dead.example",
        ],
        "203.0.113.9",
        None,
    )
    .await;
    assert_eq!((listing.score, codes(&listing)), (0, vec![]));
    assert_eq!(
        unknown(&listing),
        [
            ("sold.example", "invalid"), // whoever bought the domain answers everything
            ("quota.example", "refused"),
            ("mixed.example", "invalid"),
            ("broken.example", "servfail"),
            ("closed.example", "refused"),
            ("dead.example", "timeout"),
        ]
    );
}

#[tokio::test]
async fn it_ends_when_the_threshold_is_decided() {
    // The slow list would be unknown if it had been waited for.
    let lines = "9.113.0.203.zen.example A 127.0.0.2\n9.113.0.203.slow.example DROP\n";
    for (zones, threshold, hits, unknowns, reason) in [
        (&["zen.example*3", "slow.example*2"][..], 3.0, 1, 0, "reached"),
        (&["zen.example*3", "slow.example*2"], 5.5, 0, 0, "out of reach from the start: nobody is asked"),
        (&["zen.example=127.0.0.9*3", "slow.example*2"], 3.0, 0, 0, "out of reach once the first is clear"),
        (&["zen.example*3", "slow.example*2"], 4.0, 1, 1, "open until the last"),
        (&["zen.example*3", "slow.example*-2"], 3.0, 1, 1, "a good list may still take it back"),
        (&["zen.example*3", "slow.example*-2"], 1.0, 1, 0, "reached even so"),
    ] {
        let (listing, _) = listing(lines, zones, "203.0.113.9", Some(threshold)).await;
        assert_eq!((listing.hits.len(), listing.unknown.len()), (hits, unknowns), "{reason}");
    }
}

#[tokio::test]
async fn a_zone_with_several_patterns_is_asked_once() {
    let (listing, zone) = listing(
        "9.113.0.203.zen.example A 127.0.0.2\n9.113.0.203.zen.example A 127.0.0.10\n",
        &["zen.example=127.0.0.2*3", "zen.example=127.0.0.[10..11]*2", "zen.example=127.0.0.4*7"],
        "203.0.113.9",
        None,
    )
    .await;
    assert_eq!((listing.score, listing.hits.len()), (5, 1));
    assert_eq!(zone.asked("9.113.0.203.zen.example", RecordKind::A), 1);
}

#[tokio::test]
async fn a_hit_whose_text_does_not_come_is_a_hit() {
    let (listing, _) = listing(
        "9.113.0.203.zen.example A 127.0.0.2\n9.113.0.203.zen.example TXT a\tb\u{7f}\u{fc}\n",
        &["zen.example"],
        "203.0.113.9",
        Some(1.0),
    )
    .await;
    assert_eq!(listing.hits.first().and_then(|hit| hit.text.as_deref()), Some("a?b???"));
    let (listing, _) =
        self::listing("9.113.0.203.zen.example A 127.0.0.2\n", &["zen.example"], "203.0.113.9", Some(1.0))
            .await;
    assert_eq!((listing.score, listing.hits.first().and_then(|hit| hit.text.as_deref())), (1, None));
}

#[tokio::test]
async fn subjects_that_are_no_names_are_not_known() {
    for subject in ["", "a b", "a..b", "x\r\n", &"a.".repeat(130)] {
        let (listing, _) = listing("*.bl.example A 127.0.0.2", &["bl.example"], subject, None).await;
        assert_eq!(unknown(&listing), [("bl.example", "invalid")], "subject {subject:?}");
    }
}
