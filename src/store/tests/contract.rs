//! The contract of every store: each keeper passes it, as one across the network will have to.

use std::sync::Arc;
use std::time::Duration;

use crate::store::calls::Store;
use crate::store::clock::Clock;
use crate::store::error::StoreError;
use crate::store::file::{FILE, File};
use crate::store::key::{Key, Space};
use crate::store::memory::{MEMORY, Memory};
use crate::store::operation::MEMBERS;
use crate::store::rate::Quota;
use crate::store::value::{Encoded, Value};
use crate::threads::storage::StoragePool;

/// A store to be tried, and the clock that it reads; a keeper whose clock can't be moved waits in `advance`.
struct Tried {
    store: Store,
    clock: Clock,
}

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

impl Tried {
    fn key(&self, name: &str) -> Key {
        self.store.key(Space::Policy("p"), name.as_bytes()).unwrap()
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn value(&self, name: &str) -> Option<Value> {
        self.store.get(self.key(name)).await.unwrap()
    }
}

fn whole(number: i64) -> Encoded {
    Value::Integer(number).encode().unwrap()
}

fn memory() -> Tried {
    let clock = Clock::standing();
    let keeper = Memory::new(MEMORY, clock.clone());
    Tried { store: Store::new(Arc::new(keeper), "x", Duration::from_secs(5)), clock }
}

fn file(folder: &tempfile::TempDir) -> Tried {
    let clock = Clock::standing();
    let pool = StoragePool::start(2, 16).unwrap();
    let keeper = File::open(&folder.path().join("store"), FILE, pool, clock.clone()).unwrap();
    Tried { store: Store::new(Arc::new(keeper), "x", Duration::from_secs(5)), clock }
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    contract(&memory()).await;
}

#[tokio::test]
async fn a_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    contract(&file(&folder)).await;
}

/// Everything that a store has to do.
async fn contract(tried: &Tried) {
    values_are_what_they_were(tried).await;
    entries_live_as_long_as_said(tried).await;
    add_is_for_the_first(tried).await;
    numbers_are_added(tried).await;
    members_are_counted_once(tried).await;
    rates_are_kept(tried).await;
    answers_are_remembered(tried).await;
    kinds_are_not_mixed(tried).await;
    together_they_are_exact(tried).await;
}

async fn values_are_what_they_were(tried: &Tried) {
    let table = Value::Table(vec![
        (Value::Text("list".into()), Value::Table(vec![(Value::Integer(1), Value::Number(1.0))])),
        (Value::Integer(1), Value::Integer(1)),
    ]);
    for value in [
        Value::Boolean(false),
        Value::Integer(i64::MIN),
        Value::Number(-0.5),
        Value::Text(bytes::Bytes::from_static(b"\xff\0octets")),
        Value::Text(vec![7; 60_000].into()),
        table,
    ] {
        let encoded = value.encode().unwrap();
        assert_eq!(tried.store.set(tried.key("v"), encoded, None).await, Ok(true));
        assert_eq!(tried.value("v").await, Some(value));
    }
    assert_eq!(tried.store.delete(tried.key("v")).await, Ok(true));
    assert_eq!(tried.store.delete(tried.key("v")).await, Ok(false));
    assert_eq!(tried.value("v").await, None);
    let other = tried.store.key(Space::Shared, b"v").unwrap();
    tried.store.set(other, whole(1), None).await.unwrap();
    assert_eq!(tried.value("v").await, None, "another's key");
}

async fn entries_live_as_long_as_said(tried: &Tried) {
    tried.store.set(tried.key("short"), whole(1), MINUTE).await.unwrap();
    tried.store.set(tried.key("long"), whole(1), None).await.unwrap();
    tried.advance(59);
    assert!(tried.value("short").await.is_some());
    tried.store.set(tried.key("again"), whole(1), MINUTE).await.unwrap();
    tried.advance(1);
    assert_eq!(tried.value("short").await, None, "its minute is over");
    assert_eq!(tried.store.delete(tried.key("short")).await, Ok(false));
    tried.store.set(tried.key("again"), whole(2), MINUTE).await.unwrap();
    tried.advance(59);
    assert!(tried.value("again").await.is_some(), "set again, its minute begins again");
    tried.advance(1_000_000);
    assert!(tried.value("long").await.is_some());
}

async fn add_is_for_the_first(tried: &Tried) {
    assert_eq!(tried.store.add(tried.key("a"), whole(1), MINUTE).await, Ok(true));
    tried.advance(30);
    assert_eq!(tried.store.add(tried.key("a"), whole(2), MINUTE).await, Ok(false));
    assert_eq!(tried.value("a").await, Some(Value::Integer(1)));
    tried.advance(30);
    assert_eq!(tried.store.add(tried.key("a"), whole(3), MINUTE).await, Ok(true), "the first has expired");
}

async fn numbers_are_added(tried: &Tried) {
    let add = |by| tried.store.incr(tried.key("n"), by, MINUTE);
    assert_eq!(add(Value::Integer(1)).await, Ok(Value::Integer(1)));
    tried.advance(40);
    assert_eq!(add(Value::Integer(-3)).await, Ok(Value::Integer(-2)));
    assert_eq!(add(Value::Number(0.5)).await, Ok(Value::Number(-1.5)));
    tried.advance(20);
    assert_eq!(
        add(Value::Integer(1)).await,
        Ok(Value::Integer(1)),
        "it lived from the first, not from the last"
    );
    tried.store.set(tried.key("n"), whole(i64::MAX), None).await.unwrap();
    assert_eq!(add(Value::Integer(1)).await, Err(StoreError::Invalid), "past what a number holds");
    assert_eq!(tried.value("n").await, Some(Value::Integer(i64::MAX)));
}

async fn members_are_counted_once(tried: &Tried) {
    let count = |member: &'static str| tried.store.count_distinct(tried.key("m"), member.as_bytes(), MINUTE);
    for (member, want) in [("a", 1), ("b", 2), ("a", 2)] {
        assert_eq!(count(member).await, Ok(want));
    }
    tried.advance(59);
    assert_eq!(count("c").await, Ok(3));
    tried.advance(1);
    assert_eq!(count("d").await, Ok(2), "a and b were last seen a minute ago");
    for number in 0..MEMBERS + 10 {
        tried.store.count_distinct(tried.key("many"), &number.to_le_bytes(), MINUTE).await.unwrap();
    }
    let most = tried.store.count_distinct(tried.key("many"), b"one more", MINUTE).await;
    assert_eq!(most, Ok(MEMBERS as u64), "there the count ends");
}

async fn rates_are_kept(tried: &Tried) {
    let quota = Quota::new(2, Duration::from_secs(10)).unwrap();
    let key = |name: &[u8]| tried.store.key(Space::Rate("p", name), b"192.0.2.1").unwrap();
    for (cost, peek, allowed, remaining) in [
        (1, true, true, 1),
        (1, false, true, 1),
        (1, false, true, 0),
        (1, true, false, 0),
        (1, false, false, 0),
    ] {
        let judgement = tried.store.check(key(b"r"), quota, cost, peek).await.unwrap();
        assert_eq!((judgement.allowed, judgement.remaining), (allowed, remaining));
    }
    assert!(tried.store.check(key(b"other"), quota, 2, false).await.unwrap().allowed);
    assert_eq!(tried.store.refund(key(b"r"), quota, 1).await, Ok(true));
    assert!(tried.store.check(key(b"r"), quota, 1, false).await.unwrap().allowed);
    tried.advance(10);
    assert_eq!(tried.store.check(key(b"r"), quota, 1, true).await.unwrap().remaining, 1, "all leaked out");
    assert_eq!(tried.store.refund(key(b"never"), quota, 1).await, Ok(false));
}

async fn answers_are_remembered(tried: &Tried) {
    let (fresh, stale) = (Duration::from_secs(60), Duration::from_secs(600));
    let recalled = || async {
        let recalled = tried.store.recall(tried.key("q")).await.unwrap();
        recalled.map(|recalled| (recalled.value.and_then(|value| value.decode()), recalled.is_fresh))
    };
    assert_eq!(recalled().await, None);
    tried.store.remember(tried.key("q"), Some(whole(1)), fresh, stale).await.unwrap();
    assert_eq!(recalled().await, Some((Some(Value::Integer(1)), true)));
    assert_eq!(tried.value("q").await, Some(Value::Integer(1)));
    tried.advance(60);
    assert_eq!(recalled().await, Some((Some(Value::Integer(1)), false)), "stale");
    assert_eq!(tried.value("q").await, None);
    tried.advance(600);
    assert_eq!(recalled().await, None, "not even stale");
    tried.store.remember(tried.key("q"), None, fresh, Duration::ZERO).await.unwrap();
    assert_eq!(recalled().await, Some((None, true)), "that there is none is remembered as well");
}

async fn kinds_are_not_mixed(tried: &Tried) {
    tried.store.count_distinct(tried.key("k"), b"a", MINUTE).await.unwrap();
    assert_eq!(tried.store.get(tried.key("k")).await, Err(StoreError::Invalid));
    assert_eq!(tried.store.incr(tried.key("k"), Value::Integer(1), None).await, Err(StoreError::Invalid));
    tried.store.set(tried.key("k"), Value::Text("x".into()).encode().unwrap(), None).await.unwrap();
    assert_eq!(tried.store.incr(tried.key("k"), Value::Integer(1), None).await, Err(StoreError::Invalid));
    assert_eq!(tried.store.count_distinct(tried.key("k"), b"a", None).await, Err(StoreError::Invalid));
    assert_eq!(tried.value("k").await, Some(Value::Text("x".into())), "as it was");
}

/// Threads as workers have them, all at the same keys.
async fn together_they_are_exact(tried: &Tried) {
    const THREADS: i64 = 4;
    const EACH: i64 = 250;
    let quota = Quota::new(100, Duration::from_secs(3600)).unwrap();
    let hammer = move |store: Store| async move {
        let key = |name: &str| store.key(Space::Policy("p"), name.as_bytes()).unwrap();
        let rate = || store.key(Space::Rate("p", b"hammered"), b"").unwrap();
        let (mut added, mut allowed) = (0, 0);
        for turn in 0..EACH {
            store.incr(key("sum"), Value::Integer(1), MINUTE).await.unwrap();
            added += i64::from(store.add(key(&format!("first {turn}")), whole(1), MINUTE).await.unwrap());
            allowed += i64::from(store.check(rate(), quota, 1, false).await.unwrap().allowed);
        }
        (added, allowed)
    };
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let store = tried.store.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(hammer(store))
            })
        })
        .collect();
    let (mut added, mut allowed) = (0, 0);
    for thread in threads {
        let (of_thread, allowed_there) = thread.join().unwrap();
        (added, allowed) = (added + of_thread, allowed + allowed_there);
    }
    assert_eq!(tried.value("sum").await, Some(Value::Integer(THREADS * EACH)));
    assert_eq!(added, EACH, "each key has one first");
    assert_eq!(allowed, 100, "the limit, not one more and not one less");
}
