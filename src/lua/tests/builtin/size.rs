//! `size`: how much a client may send.

use std::rc::Rc;

use bytes::Bytes;

use super::{Setup, VISIT, Visit, said, text, texts, unserved};
use crate::message::header::Header;
use crate::message::view::MessageView;
use crate::policy::event::Event;

fn setup() -> Setup {
    Setup::new().built_in(
        "size",
        vec![
            text("limit", "1 MB"),
            texts("by_network", &["192.0.2.0/24 2 MB", "192.0.2.128/25 0.5 MB", "2001:DB8::/32   3MiB"]),
        ],
    )
}

const TABLE: &[(&str, u64, &str)] = &[
    ("203.0.113.1", 1_000_000, "in no network"),
    ("192.0.2.1", 2_000_000, "in one"),
    ("192.0.2.200", 500_000, "in two: the narrowest"),
    ("2001:db8::1", 3 << 20, "IPv6, in another spelling"),
];

#[test]
fn a_declared_size_is_judged_at_mail() {
    unserved(|_| async {
        let setup = setup();
        for (from, most, reason) in TABLE {
            let mail = format!("<ann@a.example> SIZE={most}");
            assert_eq!(Visit { from, mail: &mail, ..VISIT }.heard(&setup).await, "accept", "{reason}");
            let mail = format!("<ann@a.example> SIZE={}", most + 1);
            let want = format!("mail 552 5.3.4 Your message may have at most {most} octets");
            assert_eq!(Visit { from, mail: &mail, ..VISIT }.heard(&setup).await, want, "{reason}");
        }
        assert_eq!(VISIT.heard(&setup).await, "accept", "nothing declared");
    });
}

#[test]
fn the_real_size_is_judged_at_the_end() {
    unserved(|_| async {
        let setup = setup();
        for (from, most, reason) in TABLE {
            let client = setup.client_at(from);
            client.begin().await;
            client.rcpt(VISIT.rcpt).await;
            for (size, want) in [
                (*most, "accept".to_owned()),
                (most + 1, format!("552 5.3.4 Your message may have at most {most} octets")),
            ] {
                let header = Header::parse(Bytes::from_static(b"Subject: x\r\n\r\n"));
                let view = MessageView { header, header_size: 12, size, edits: Vec::new(), content: None };
                assert_eq!(said(&client.hooks.decide(Event::Message(Rc::new(view))).await), want, "{reason}");
            }
        }
    });
}

#[test]
fn an_entry_that_is_written_wrongly_is_a_mistake_at_load() {
    for entry in ["192.0.2.0/24", "192.0.2.0/24 big", "192.0.2.0/24 5 mb", "1 MB", "192.0.2.0/24 1.2.3 MB"] {
        let problems = Setup::new().built_in("size", vec![texts("by_network", &[entry])]).problems();
        assert!(problems.contains(&format!("by_network: '{entry}' reads not as")), "{problems}");
    }
    let problems =
        Setup::new().built_in("size", vec![texts("by_network", &["192.0.2.1/24 5 MB"])]).problems();
    assert!(problems.contains("has bits set behind its prefix"), "{problems}");
}
