//! What a file does beyond the contract: it is there again, it is bounded, it waits for nobody, its faults are told.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use futures_util::poll;

use crate::store::clock::Clock;
use crate::store::error::StoreError;
use crate::store::file::{FILE, File, OpenError};
use crate::store::keeper::{Answer, Bounds, Keeper};
use crate::store::key::{Key, Space};
use crate::store::operation::{Operation, Outcome};
use crate::store::value::Value;
use crate::threads::storage::StoragePool;

fn key(name: &str) -> Key {
    Key::new("", Space::Policy("p"), name.as_bytes()).unwrap()
}

pub(super) async fn run(file: &File, name: &str, operation: Operation) -> Result<Outcome, StoreError> {
    match file.perform(key(name), operation) {
        Answer::Now(result) => result,
        Answer::Later(answer) => answer.await,
    }
}

fn set(number: i64, ttl: Option<u64>) -> Operation {
    Operation::Set(Value::Integer(number).encode().unwrap(), ttl.map(Duration::from_secs))
}

pub(super) async fn number(file: &File, name: &str) -> Option<i64> {
    match run(file, name, Operation::Get).await {
        Ok(Outcome::Value(value)) => match value.and_then(|value| value.decode()) {
            Some(Value::Integer(number)) => Some(number),
            None => None,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn open(path: &Path, bounds: Bounds, clock: &Clock) -> Result<File, OpenError> {
    File::open(path, bounds, StoragePool::start(1, 16).unwrap(), clock.clone())
}

#[tokio::test]
async fn what_was_kept_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let clock = Clock::standing();
    let file = open(&path, FILE, &clock).unwrap();
    for (at, ttl) in [(1, None), (2, Some(60)), (3, Some(6000))] {
        run(&file, &at.to_string(), set(at, ttl)).await.unwrap();
    }
    run(&file, "gone", set(4, None)).await.unwrap();
    file.flush().await.unwrap();
    run(&file, "gone", Operation::Delete).await.unwrap();
    run(&file, "3", Operation::Incr(Value::Integer(30), None)).await.unwrap();
    assert!(matches!(open(&path, FILE, &clock), Err(OpenError::InUse)));
    file.close().await.unwrap();
    clock.advance(Duration::from_secs(60));
    let file = open(&path, FILE, &clock).unwrap();
    assert_eq!(number(&file, "1").await, Some(1));
    assert_eq!(number(&file, "2").await, None, "it has expired meanwhile");
    assert_eq!(number(&file, "3").await, Some(33));
    assert_eq!(number(&file, "gone").await, None);
    assert_eq!(file.entries(), 2, "the expired are swept out");
    clock.advance(Duration::from_secs(6000));
    assert_eq!(number(&file, "3").await, None, "it still lives from its creation");
}

#[tokio::test]
async fn a_file_that_is_none_of_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    std::fs::write(&path, "# a file of somebody else's\n".repeat(1000)).unwrap();
    let clock = Clock::standing();
    assert!(open(&path, FILE, &clock).is_err());
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("# a file"), "and left alone");
    let nowhere = folder.path().join("nowhere/store");
    assert!(open(&nowhere, FILE, &clock).err().unwrap().to_string().contains("No such file"));
}

#[tokio::test]
async fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    open(&path, FILE, &Clock::standing()).unwrap().close().await.unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_full_file_takes_nothing_new_and_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing();
    let bounds = Bounds { entries: 100, octets: 1 << 20 };
    let file = open(&folder.path().join("store"), bounds, &clock).unwrap();
    for at in 0..100 {
        run(&file, &at.to_string(), set(at, Some(60))).await.unwrap();
    }
    file.flush().await.unwrap();
    assert_eq!(run(&file, "more", set(1, None)).await, Err(StoreError::Unavailable));
    assert_eq!(run(&file, "5", set(50, Some(60))).await, Ok(Outcome::Done(true)), "what is there can change");
    assert_eq!(run(&file, "5", Operation::Delete).await, Ok(Outcome::Done(true)));
    file.flush().await.unwrap();
    assert_eq!(run(&file, "more", set(1, None)).await, Ok(Outcome::Done(true)), "there is room again");
    clock.advance(Duration::from_secs(60));
    file.flush().await.unwrap();
    assert_eq!(file.entries(), 1, "the expired make room");
}

#[tokio::test]
async fn what_is_not_at_hand_is_read_elsewhere_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let clock = Clock::standing();
    let file = open(&path, FILE, &clock).unwrap();
    run(&file, "1", set(1, None)).await.unwrap();
    file.close().await.unwrap();
    let pool = StoragePool::start(1, 16).unwrap();
    let file = File::open(&path, FILE, pool.clone(), clock).unwrap();
    let (go, gate) = channel::<()>();
    let mut busy = Box::pin(pool.run(move || gate.recv()));
    assert!(poll!(&mut busy).is_pending());
    let Answer::Later(mut first) = file.perform(key("1"), Operation::Get) else { panic!("it isn't at hand") };
    assert!(poll!(&mut first).is_pending(), "the worker isn't held up by the disk");
    // Meanwhile it is set: what the disk has is old.
    assert!(matches!(file.perform(key("1"), set(2, None)), Answer::Now(Ok(_))));
    go.send(()).unwrap();
    assert_eq!(first.await, Ok(Outcome::Value(Some(Value::Integer(2).encode().unwrap()))));
    assert!(matches!(file.perform(key("1"), Operation::Get), Answer::Now(Ok(_))), "now it is at hand");
    assert!(matches!(busy.await, Ok(Ok(()))));
}

#[tokio::test]
async fn more_than_is_at_hand_is_found_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(&folder.path().join("store"), FILE, &Clock::standing()).unwrap();
    let large = Value::Text(vec![b'x'; 60_000].into()).encode().unwrap();
    for at in 0..800 {
        run(&file, &format!("large {at}"), Operation::Set(large.clone(), None)).await.unwrap();
        run(&file, &at.to_string(), set(at, None)).await.unwrap();
        if at % 200 == 199 {
            file.flush().await.unwrap();
        }
    }
    for at in 0..800 {
        assert_eq!(number(&file, &at.to_string()).await, Some(at));
    }
    assert_eq!(file.entries(), 1600);
}
