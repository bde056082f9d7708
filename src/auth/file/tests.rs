//! Tests of users in a file.

use super::*;
use crate::auth::file::hash::Hash;

const BOB: &str = "bob:{SCRAM-SHA-256}1,W22ZaJ0SNY7soEsUEjb6gQ==,\
    WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n";

fn attempt() -> Attempt {
    Attempt::new(Mechanism::Plain, "192.0.2.1:25".parse().unwrap())
}

fn line(user: &str, password: &str) -> String {
    let record = Record::of(&Secret::from(password), b"salt".to_vec(), 1.try_into().unwrap());
    format!("{user}:{}\n", Hash::Scram(Box::new(record)))
}

async fn asked(file: &Arc<File>, user: &str, password: &str) -> Found {
    file.password(&attempt(), user, &Secret::from(password)).await
}

fn user(name: &str) -> Found {
    Found::User(name.to_owned())
}

#[tokio::test]
async fn users_are_those_of_the_file_as_it_is_now() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::fs::write(&path, line("ann", "one")).unwrap();
    let file = Arc::new(File::open(&path, StoragePool::here()).unwrap());
    assert_eq!(asked(&file, "ann", "one").await, user("ann"));
    assert_eq!(asked(&file, "ann", "two").await, Found::Nobody);
    assert_eq!(asked(&file, "bob", "one").await, Found::Nobody);
    std::fs::write(&path, line("ann", "second") + BOB).unwrap();
    assert_eq!(asked(&file, "ann", "second").await, user("ann"), "it is read anew");
    assert_eq!(asked(&file, "ann", "one").await, Found::Nobody);
    std::fs::write(&path, "ann:plain text\n").unwrap();
    assert_eq!(asked(&file, "ann", "second").await, user("ann"), "a broken file leaves the old users");
    assert!(file.is_stale(), "and that shows");
    std::fs::write(&path, line("ann", "second") + BOB + "# well again\n").unwrap();
    assert_eq!(asked(&file, "ann", "second").await, user("ann"));
    assert!(!file.is_stale());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(asked(&file, "ann", "second").await, user("ann"), "and so does one that is gone");
    assert!(file.is_stale());
}

#[tokio::test]
async fn scram_is_offered_when_somebody_has_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::fs::write(&path, "ann:$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n").unwrap();
    let without = Arc::new(File::open(&path, StoragePool::here()).unwrap());
    assert!(!without.mechanisms().contains(Mechanism::ScramSha256));
    assert!(
        without.mechanisms().contains(Mechanism::Plain) && without.mechanisms().contains(Mechanism::Login)
    );
    assert!(without.record("ann").await.is_err());
    std::fs::write(&path, BOB).unwrap();
    let with = Arc::new(File::open(&path, StoragePool::here()).unwrap());
    assert!(with.mechanisms().contains(Mechanism::ScramSha256));
    assert!(!with.mechanisms().contains(Mechanism::CramMd5), "nobody's password is known");
    assert!(with.record("nobody").await.is_ok(), "who is not there can't be told from who is");
}

#[tokio::test]
async fn hashing_is_not_done_by_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::fs::write(&path, line("ann", "one")).unwrap();
    let pool = StoragePool::start(1, 1).unwrap();
    let file = Arc::new(File::open(&path, pool.clone()).unwrap());
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let busy = tokio::spawn(async move { pool.run(move || gate.recv()).await });
    tokio::task::yield_now().await;
    let mut asking = Box::pin(asked(&file, "ann", "one"));
    assert!(futures_util::poll!(&mut asking).is_pending(), "the worker is free meanwhile");
    go.send(()).unwrap();
    assert_eq!(asking.await, user("ann"));
    busy.await.unwrap().unwrap().unwrap();
}

/// Those who guess take turns, so that a thread is left for the others.
#[tokio::test]
async fn who_guesses_waits_for_others_who_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::fs::write(&path, line("ann", "one")).unwrap();
    let file = Arc::new(File::open(&path, StoragePool::here()).unwrap());
    let held = Arc::clone(&file.guessing).try_acquire_owned().unwrap();
    let (guess, password) = (Attempt { is_suspect: true, ..attempt() }, Secret::from("one"));
    let mut guessing = file.password(&guess, "ann", &password);
    assert!(futures_util::poll!(&mut guessing).is_pending());
    assert_eq!(asked(&file, "ann", "one").await, user("ann"), "the others don't");
    drop(held);
    assert_eq!(guessing.await, user("ann"));
}

#[test]
fn a_file_that_cant_be_used_is_told_by_name_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::fs::write(&path, "\nann:hunter2\n").unwrap();
    let wrong = File::open(&path, StoragePool::here()).unwrap_err().to_string();
    assert!(wrong.contains("users, line 2: the hash") && !wrong.contains("hunter2"), "{wrong}");
    assert!(File::open(&folder.path().join("none"), StoragePool::here()).is_err());
}
