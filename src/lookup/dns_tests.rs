//! Look-ups are answered on loopback, by a zone that can fail.

use futures_util::future::{join, join_all};
use futures_util::poll;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::PTR;

use super::*;
use crate::lookup::name_server::NameServer;
use crate::lookup::zone::Zone;
use crate::threads::helper::HelperRuntime;

/// A resolver that asks `zone`, and what must live as long.
struct SetUp {
    resolver: Resolver,
    zone: Zone,
    _server: NameServer,
    helper: HelperRuntime,
}

impl SetUp {
    async fn new(lines: &str, change: impl FnOnce(&mut Config)) -> Self {
        let zone = Zone::parse(lines).expect("lines");
        let server = NameServer::start(zone.clone()).await.expect("a port");
        let helper = HelperRuntime::start().expect("thread");
        let mut config = Config { servers: vec![server.address()], ..Config::default() };
        change(&mut config);
        let resolver = Resolver::new(&config, helper.handle()).expect("parts");
        Self { resolver, zone, _server: server, helper }
    }
}

fn quick(config: &mut Config) {
    config.timeout = Duration::from_millis(500);
    config.attempts = 1;
}

#[tokio::test]
async fn each_kind_of_record_is_found() {
    let dns = SetUp::new(
        "mail.example.org A 192.0.2.1\n\
         mail.example.org A 192.0.2.2\n\
         mail.example.org AAAA 2001:db8::1\n\
         example.org MX 20 backup.example.org\n\
         example.org MX 10 Mail.example.org\n\
         example.org TXT v=spf1 -all\n\
         www.example.org CNAME mail.example.org\n\
         192.0.2.1 PTR mail.example.org\n\
         2001:db8::1 PTR mail.example.org\n",
        |_| (),
    )
    .await;
    let dns = &dns.resolver;
    let mut addresses = dns.a("Mail.Example.org.").await.expect("found");
    addresses.sort();
    assert_eq!(addresses, [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)]);
    assert_eq!(dns.a("www.example.org").await.map(|addresses| addresses.len()), Ok(2), "behind a CNAME");
    assert_eq!(dns.aaaa("mail.example.org").await, Ok(vec!["2001:db8::1".parse().expect("address")]));
    let mx = |preference, exchange: &str| Mx { preference, exchange: exchange.into() };
    assert_eq!(
        dns.mx("example.org").await,
        Ok(vec![mx(10, "mail.example.org"), mx(20, "backup.example.org")])
    );
    assert_eq!(dns.txt("example.org").await, Ok(vec![b"v=spf1 -all".to_vec()]));
    for address in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
        assert_eq!(
            dns.ptr(address.parse().expect("address")).await,
            Ok(vec!["mail.example.org".into()]),
            "{address}"
        );
    }
}

#[tokio::test]
async fn each_failure_has_its_kind() {
    let mut lines = String::from(
        "refuse.example REFUSE\n\
         servfail.example SERVFAIL\n\
         drop.example DROP\n\
         text.example TXT x\n\
         loop.example CNAME loop.example\n",
    );
    (0..=255).for_each(|n| {
        lines.push_str(&format!("many.example A 192.0.2.{n}\nmany.example A 198.51.100.{n}\n"))
    });
    let dns = SetUp::new(&lines, quick).await;
    for (name, want) in [
        ("nothing.example", LookupError::Absent),
        ("text.example", LookupError::Absent), // the name, but not the type
        ("loop.example", LookupError::Absent),
        ("refuse.example", LookupError::Refused),
        ("servfail.example", LookupError::ServFail),
        ("drop.example", LookupError::Timeout),
        ("many.example", LookupError::TooLarge),
        ("", LookupError::Invalid),
        ("a..example", LookupError::Invalid),
        ("a b.example", LookupError::Invalid),
        ("a\r\n.example", LookupError::Invalid),
        ("a\u{3002}example", LookupError::Invalid),
    ] {
        assert_eq!(dns.resolver.a(name).await, Err(want), "name {name:?}");
    }
    assert_eq!(dns.resolver.in_flight(), 0);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_said_to_be_so() {
    // The system itself forbids the broadcast address.
    let broadcast = SocketAddr::from(([255, 255, 255, 255], 53));
    let dns = SetUp::new("", |config| config.servers = vec![broadcast]).await;
    assert_eq!(dns.resolver.a("example.org").await, Err(LookupError::Unreachable));
}

#[tokio::test]
async fn answers_are_remembered_the_negative_ones_too() {
    let dns = SetUp::new("mail.example.org A 192.0.2.1", |_| ()).await;
    for _ in 0..3 {
        assert!(dns.resolver.a("mail.example.org").await.is_ok());
        assert_eq!(dns.resolver.a("no.example.org").await, Err(LookupError::Absent));
    }
    assert_eq!(dns.zone.asked("mail.example.org", RecordKind::A), 1);
    assert_eq!(dns.zone.asked("no.example.org", RecordKind::A), 1);
}

#[tokio::test]
async fn answers_are_remembered_no_longer_than_they_allow() {
    let dns = SetUp::new("mail.example.org A 192.0.2.1", |_| ()).await;
    dns.zone.set_ttl(0);
    for _ in 0..2 {
        assert!(dns.resolver.a("mail.example.org").await.is_ok());
        assert_eq!(dns.resolver.a("no.example.org").await, Err(LookupError::Absent)); // no such name
        assert_eq!(dns.resolver.txt("mail.example.org").await, Err(LookupError::Absent)); // no such record
    }
    assert_eq!(dns.zone.asked("mail.example.org", RecordKind::A), 2);
    assert_eq!(dns.zone.asked("no.example.org", RecordKind::A), 2);
    assert_eq!(dns.zone.asked("mail.example.org", RecordKind::Txt), 2);
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let dns = SetUp::new("mail.example SERVFAIL", quick).await;
    assert_eq!(dns.resolver.a("mail.example").await, Err(LookupError::ServFail));
    dns.zone.remove("mail.example");
    dns.zone.add("mail.example A 192.0.2.1").expect("line");
    assert!(dns.resolver.a("mail.example").await.is_ok());
}

#[tokio::test]
async fn a_crowd_with_one_question_asks_it_once() {
    let dns = SetUp::new("slow.example A 192.0.2.1\nslow.example DELAY 50", |_| ()).await;
    let outcomes = join_all((0..1000).map(|_| dns.resolver.a("slow.example"))).await;
    assert!(outcomes.into_iter().all(|outcome| outcome == Ok(vec![Ipv4Addr::new(192, 0, 2, 1)])));
    assert_eq!(dns.zone.asked("slow.example", RecordKind::A), 1);
    assert_eq!(dns.resolver.in_flight(), 0);
}

#[tokio::test]
async fn equal_questions_are_asked_once() {
    let dns = SetUp::new("slow.example A 192.0.2.1\nslow.example DELAY 50", |_| ()).await;
    let (mut one, mut two) =
        (Box::pin(dns.resolver.a("slow.example")), Box::pin(dns.resolver.a("SLOW.example.")));
    assert!(poll!(&mut one).is_pending() && poll!(&mut two).is_pending());
    assert_eq!(dns.resolver.in_flight(), 1);
    let (one, two) = join(one, two).await;
    assert!(one.is_ok());
    assert_eq!(one, two);
    assert_eq!(dns.zone.asked("slow.example", RecordKind::A), 1);
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_over_tcp() {
    let dns = SetUp::new("big.example TXT x\nbig.example TRUNCATE", |_| ()).await;
    assert_eq!(dns.resolver.txt("big.example").await, Ok(vec![b"x".to_vec()]));
    assert_eq!(dns.zone.asked("big.example", RecordKind::Txt), 2);
}

#[tokio::test]
async fn questions_past_the_bound_are_not_asked() {
    let dns =
        SetUp::new("mail.example A 192.0.2.1\nslow.example DELAY 100", |config| config.in_flight = 1).await;
    let mut slow = Box::pin(dns.resolver.a("slow.example"));
    assert!(poll!(&mut slow).is_pending());
    assert_eq!(dns.resolver.a("mail.example").await, Err(LookupError::Unavailable));
    assert_eq!(slow.await, Err(LookupError::Absent));
    assert!(dns.resolver.a("mail.example").await.is_ok());
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_end_the_question() {
    let dns = SetUp::new("slow.example A 192.0.2.1\nslow.example DELAY 30", |_| ()).await;
    let mut slow = Box::pin(dns.resolver.a("slow.example"));
    assert!(poll!(&mut slow).is_pending());
    drop(slow);
    assert!(dns.resolver.a("slow.example").await.is_ok());
    assert_eq!(dns.zone.asked("slow.example", RecordKind::A), 1);
}

#[tokio::test]
async fn a_look_up_ends_after_all_attempts() {
    let dns = SetUp::new("drop.example DROP", |config| {
        quick(config);
        config.attempts = 3;
    })
    .await;
    let start = std::time::Instant::now();
    assert_eq!(dns.resolver.a("drop.example").await, Err(LookupError::Timeout));
    assert!(start.elapsed() >= Duration::from_millis(1_400), "{:?}", start.elapsed());
    assert!(dns.zone.asked("drop.example", RecordKind::A) >= 2);
}

#[tokio::test]
async fn a_dead_server_is_left_alone_and_tried_again() {
    let dns = SetUp::new("*.example A 192.0.2.1", quick).await;
    let dead: Vec<String> = (0..10).map(|n| format!("host{n}.example")).collect();
    for name in &dead {
        dns.zone.add(&format!("{name} DROP")).expect("line");
    }
    let outcomes = join_all(dead.iter().map(|name| dns.resolver.a(name))).await;
    assert!(outcomes.into_iter().all(|outcome| outcome == Err(LookupError::Timeout)));
    assert_eq!(dns.resolver.a("well.example").await, Err(LookupError::Unavailable));
    assert_eq!(dns.zone.asked("well.example", RecordKind::A), 0);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    assert!(dns.resolver.a("well.example").await.is_ok());
    assert!(dns.resolver.a("other.example").await.is_ok());
}

#[tokio::test]
async fn nothing_is_asked_once_the_helper_has_stopped() {
    let dns = SetUp::new("mail.example A 192.0.2.1", |_| ()).await;
    dns.helper.stop();
    assert_eq!(dns.resolver.a("mail.example").await, Err(LookupError::Unavailable));
    assert_eq!(dns.resolver.in_flight(), 0);
}

#[tokio::test]
async fn hostile_names_arrive_as_harmless_text() {
    let dns = SetUp::new("", |_| ()).await;
    let name = |labels: &[&[u8]]| {
        let mut name = Name::from_labels(labels.iter().copied()).expect("labels");
        name.set_fqdn(true);
        name
    };
    let evil = name(&[b"evil\r\nRCPT TO:<x@y>", b"example"]);
    dns.zone.insert(name(&[b"9", b"113", b"0", b"203", b"in-addr", b"arpa"]), RData::PTR(PTR(evil)));
    let names = dns.resolver.ptr("203.0.113.9".parse().expect("address")).await.expect("found");
    assert_eq!(names, [r"evil\015\012rcpt\040to\:\<x\@y\>.example"]);
}
