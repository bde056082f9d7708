//! A server of socketmaps that the test plays. Real ones, and a real client, are in tests/maps.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::lookup::map::bounds::Bounds;
use crate::lookup::map::config::Times;
use crate::lookup::map::kept::Kept;
use crate::lookup::map::oracle::{Oracle as _, Outcome};
use crate::lookup::map::remote::RemoteMap;
use crate::net::names::Nowhere;
use crate::threads::helper::HelperHandle;

/// What is said to a request; then the connection is closed, or not.
type Said = (Vec<u8>, bool);

/// How much was asked, of a server that counts.
#[derive(Default)]
struct Count {
    connections: AtomicUsize,
    requests: AtomicUsize,
    /// Connections at once, and the most of them.
    open: AtomicUsize,
    most: AtomicUsize,
}

/// A server that answers each request as `answer` says, which is given its text.
async fn serve(answer: impl Fn(&str) -> Said + Send + Sync + 'static) -> (SocketAddr, Arc<Count>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (count, answer) = (Arc::new(Count::default()), Arc::new(answer));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (count, answer) = (Arc::clone(&counted), Arc::clone(&answer));
            count.connections.fetch_add(1, Ordering::SeqCst);
            let open = count.open.fetch_add(1, Ordering::SeqCst) + 1;
            count.most.fetch_max(open, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut input = Vec::new();
                loop {
                    if let Some((inside, length)) = netstring::decode(&input, 10_000).unwrap() {
                        count.requests.fetch_add(1, Ordering::SeqCst);
                        let (octets, is_end) = answer(std::str::from_utf8(inside).unwrap());
                        input.drain(..length);
                        stream.write_all(&octets).await.unwrap();
                        if is_end {
                            break;
                        }
                    } else if stream.read_buf(&mut input).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                count.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (address, count)
}

/// Finds nobody, and needn't: hosts are addresses.
struct Literal;

impl Names for Literal {
    fn client_name(
        &self,
        address: std::net::IpAddr,
    ) -> crate::net::names::Pending<crate::net::names::ClientName> {
        Nowhere.client_name(address)
    }

    fn addresses(
        &self,
        host: &str,
        port: u16,
    ) -> crate::net::names::Pending<Result<Vec<SocketAddr>, String>> {
        let address = format!("{host}:{port}").parse().map_err(|_| format!("{host}: no address"));
        Box::pin(async move { address.map(|address| vec![address]) })
    }
}

fn asked(address: SocketAddr, bounds: Bounds) -> Kept<Socketmap> {
    let server = Server::Inet { host: address.ip().to_string(), port: address.port() };
    let place = Place { server, name: "people".into() };
    Kept::new("m", Socketmap { place, names: Arc::new(Literal), patience: bounds.timeout }, bounds)
}

const SOON: Bounds = Bounds { timeout: Duration::from_millis(100), connections: 3 };

async fn heard(octets: &[u8], is_end: bool) -> Outcome {
    let octets = octets.to_vec();
    let (address, _) = serve(move |_| (octets.clone(), is_end)).await;
    asked(address, SOON).ask("ann").await
}

fn found(value: &str) -> Outcome {
    Ok(Some(value.into()))
}

#[tokio::test]
async fn replies_are_taken_as_socketmap_table_has_them() {
    let too_long = format!("{}:OK ", LONGEST + 1);
    for (reply, is_end, want) in [
        (&b"9:OK friend,"[..], false, found("friend")),
        (b"9:OK friend,", true, found("friend")),
        (b"14:OK two  blanks,", false, found("two  blanks")),
        (b"3:OK ,", false, found("")),
        (b"9:NOTFOUND ,", false, Ok(None)),
        (b"8:NOTFOUND,", false, Ok(None)),
        (b"10:TEMP later,", false, Err(LookupError::ServFail)),
        (b"12:TIMEOUT slow,", false, Err(LookupError::Timeout)),
        (b"11:PERM access,", false, Err(LookupError::Refused)),
        // What is no UTF-8 is shown as such.
        (b"6:OK a\xff\n,", false, found("a\u{fffd}\n")),
        // And what isn't of the protocol.
        (b"2:OK,", false, Err(LookupError::Invalid)),
        (b"9:ok friend,", false, Err(LookupError::Invalid)),
        (b"0:,", false, Err(LookupError::Invalid)),
        (b"OK friend\n", false, Err(LookupError::Invalid)),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", false, Err(LookupError::Invalid)),
        (b"9:OK friend,9:OK friend,", false, Err(LookupError::Invalid)),
        (b"9:OK friend;", false, Err(LookupError::Invalid)),
        (b"9:OK fri", true, Err(LookupError::Unreachable)),
        (b"9:OK fri", false, Err(LookupError::Timeout)),
        (b"", true, Err(LookupError::Unreachable)),
        (b"", false, Err(LookupError::Timeout)),
        (too_long.as_bytes(), false, Err(LookupError::TooLarge)),
    ] {
        assert_eq!(heard(reply, is_end).await, want, "{:?}", String::from_utf8_lossy(reply));
    }
}

#[tokio::test]
async fn the_largest_value_is_taken_and_no_larger_one() {
    for (length, want) in [(LONGEST_VALUE, true), (LONGEST_VALUE + 1, false)] {
        let reply = format!("{}:OK {},", length + 3, "x".repeat(length));
        let outcome = heard(reply.as_bytes(), false).await;
        assert_eq!(outcome.is_ok(), want, "{length}");
        assert!(want || outcome == Err(LookupError::TooLarge));
    }
}

#[tokio::test]
async fn a_request_is_the_maps_name_and_the_key_whatever_is_in_it() {
    let (address, count) = serve(|request| {
        let value = format!("OK {}", request.strip_prefix("people ").unwrap());
        (netstring::encode(&[&value]), false)
    })
    .await;
    let server = asked(address, SOON);
    for key in ["ann@a.example", "", "a b", "5:x,", "é\r\n\0", "NOTFOUND "] {
        assert_eq!(server.ask(key).await, found(key), "{key:?}");
    }
    assert_eq!(count.connections.load(Ordering::SeqCst), 1, "it is kept");
}

#[tokio::test]
async fn a_kept_connection_that_was_lost_is_replaced_once() {
    // It answers once on each connection, and closes after the next request without a word.
    let (address, count) = serve({
        let number = AtomicUsize::new(0);
        move |_| match number.fetch_add(1, Ordering::SeqCst) {
            1 | 3 | 4 => (Vec::new(), true),
            _ => (b"4:OK x,".to_vec(), false),
        }
    })
    .await;
    let server = asked(address, SOON);
    assert_eq!(server.ask("a").await, found("x"));
    assert_eq!(server.ask("b").await, found("x"), "over a new one");
    assert_eq!(count.requests.load(Ordering::SeqCst), 3);
    assert_eq!(
        server.ask("c").await,
        Err(LookupError::Unreachable),
        "a new one that is lost is not tried again"
    );
    assert_eq!(count.requests.load(Ordering::SeqCst), 5);
    assert_eq!(count.connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_server_that_ends_each_connection_after_its_reply_is_no_outage() {
    let (address, count) = serve(|_| (b"4:OK x,".to_vec(), true)).await;
    let server = asked(address, SOON);
    for _ in 0..20 {
        assert_eq!(server.ask("a").await, found("x"));
    }
    assert_eq!(count.requests.load(Ordering::SeqCst), 20);
}

#[tokio::test]
async fn a_server_that_is_down_is_left_alone() {
    let (address, count) = serve(|_| (Vec::new(), true)).await;
    let server = asked(address, SOON);
    let mut outcomes = Vec::new();
    for _ in 0..30 {
        outcomes.push(server.ask("a").await);
    }
    assert_eq!(outcomes.first(), Some(&Err(LookupError::Unreachable)));
    assert_eq!(outcomes.last(), Some(&Err(LookupError::Unavailable)));
    assert_eq!(count.requests.load(Ordering::SeqCst), 10, "as many as the breaker lets through");
}

#[tokio::test]
async fn what_the_server_says_itself_is_no_outage() {
    let (address, count) = serve(|_| (b"10:TEMP later,".to_vec(), false)).await;
    let server = asked(address, SOON);
    for _ in 0..30 {
        assert_eq!(server.ask("a").await, Err(LookupError::ServFail));
    }
    assert_eq!(count.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_crowd_has_no_more_connections_than_it_may() {
    let (address, count) = serve(|_| (b"4:OK x,".to_vec(), false)).await;
    let server = asked(address, Bounds { timeout: Duration::from_secs(10), connections: 3 });
    let keys: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let outcomes = join_all(keys.iter().map(|key| server.ask(key))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == found("x")));
    assert!(count.most.load(Ordering::SeqCst) <= 3);
}

#[tokio::test]
async fn a_crowd_with_one_key_asks_once_and_the_answer_is_remembered() {
    let (address, count) = serve(|_| (b"4:OK x,".to_vec(), false)).await;
    let map =
        RemoteMap::new(Arc::new(asked(address, SOON)), Times::default(), HelperHandle::of_caller().unwrap());
    for _ in 0..2 {
        let outcomes = join_all((0..100).map(|_| map.get("ann"))).await;
        assert!(outcomes.into_iter().all(|outcome| outcome == Ok("x".into())));
    }
    assert_eq!(count.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(asked(free, SOON).ask("ann").await, Err(LookupError::Unreachable));
    let place = Place { server: Server::Unix("/nowhere/socket".into()), name: "m".into() };
    assert_eq!(place.to_string(), "socketmap:unix:/nowhere/socket:m");
    let server = Socketmap { place, names: Arc::new(Nowhere), patience: SOON.timeout };
    assert_eq!(Kept::new("m", server, SOON).ask("ann").await, Err(LookupError::Unreachable));
}

proptest! {
    #[test]
    fn no_reply_panics(octets in proptest::collection::vec(any::<u8>(), 0..50)) {
        let _ = Reply::parse(&octets);
        let _ = Reply::parse(&[b"OK ", octets.as_slice()].concat());
    }
}
