//! A map on a web server on loopback that can be slow and go away.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;
use crate::lookup::http::raw_server::{Raw, client};
use crate::lookup::map::web::Web;

/// A map whose server answers as `status` and the key say.
struct SetUp {
    map: RemoteMap,
    server: Raw,
    status: Arc<AtomicUsize>,
}

async fn set_up() -> SetUp {
    let status = Arc::new(AtomicUsize::new(200));
    let now = Arc::clone(&status);
    let server = Raw::start(move |head| {
        let status = now.load(Ordering::SeqCst);
        let key = head.split(' ').nth(1).unwrap().rsplit('/').next().unwrap().to_owned();
        let status = if key == "none" { 404 } else { status };
        let body = format!("value of {key}\r\n");
        let head =
            format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        format!("{head}{body}").into_bytes()
    })
    .await;
    let template = format!("http://{}/{{key}}", server.address).parse().unwrap();
    let times = Times { ttl: minutes(5), negative_ttl: minutes(1), stale: minutes(60) };
    let web = Web { template, http: client().await, timeout: Duration::from_secs(5) };
    let map = RemoteMap::new(Arc::new(web), times, HelperHandle::of_caller().unwrap());
    SetUp { map, server, status }
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

impl SetUp {
    /// Waits until what is asked for in the background is there.
    async fn settle(&self) {
        while !self.map.inner.state.lock().flights.is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn answers_are_remembered_as_long_as_was_said() {
    let SetUp { map, server, .. } = set_up().await;
    for _ in 0..3 {
        assert_eq!(map.get("ann").await, Ok("value of ann".into()));
        assert_eq!(map.get("none").await, Err(LookupError::Absent));
    }
    assert_eq!(server.connections(), 2);
    assert_eq!(map.get("..").await, Err(LookupError::Invalid));
    assert_eq!(map.get(&"x".repeat(LONGEST_KEY + 1)).await, Err(LookupError::TooLarge));
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn what_is_a_little_old_is_given_while_the_server_is_asked_anew() {
    let set_up = set_up().await;
    assert!(set_up.map.get("ann").await.is_ok());
    set_up.status.store(404, Ordering::SeqCst);
    later(minutes(6)).await;
    assert_eq!(set_up.map.get("ann").await, Ok("value of ann".into()), "at once, and once more");
    set_up.settle().await;
    assert_eq!(set_up.map.get("ann").await, Err(LookupError::Absent), "what the server says now");
    assert_eq!(set_up.server.connections(), 2);
}

#[tokio::test]
async fn a_server_that_fails_is_bridged_for_a_while_and_never_a_no() {
    let set_up = set_up().await;
    assert!(set_up.map.get("ann").await.is_ok());
    set_up.status.store(500, Ordering::SeqCst);
    assert_eq!(set_up.map.get("bob").await, Err(LookupError::ServFail), "never asked before");
    later(minutes(30)).await;
    for _ in 0..2 {
        assert_eq!(set_up.map.get("ann").await, Ok("value of ann".into()));
        set_up.settle().await;
    }
    later(minutes(36)).await;
    assert_eq!(set_up.map.get("ann").await, Err(LookupError::ServFail), "past its bound");
}

#[tokio::test]
async fn a_crowd_with_one_key_asks_once() {
    let SetUp { map, server, .. } = set_up().await;
    let outcomes = join_all((0..500).map(|_| map.get("ann"))).await;
    assert!(outcomes.into_iter().all(|outcome| outcome == Ok("value of ann".into())));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let SetUp { map, .. } = set_up().await;
    for number in 0..2 * MOST_ENTRIES {
        let entry = Entry { value: None, since: Instant::now() };
        assert_eq!(map.inner.keep(&number.to_string(), entry), Ok(None));
    }
    assert!(map.inner.state.lock().entries.len() <= MOST_ENTRIES);
}
