//! What a crash leaves: a file that opens, with all that was flushed, and each batch whole or not at all.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use redb::{Database, StorageBackend};

use crate::store::clock::{Clock, Moment};
use crate::store::entry::{Datum, Entry};
use crate::store::file::disk::Disk;
use crate::store::file::{FILE, File};
use crate::store::keeper::Keeper as _;
use crate::store::key::{Key, Space};
use crate::store::operation::Operation;
use crate::store::tests::file::{number, run};
use crate::store::value::Value;
use crate::threads::storage::StoragePool;

/// A disk in memory that can be cut off from the mains: what wasn't synced is there in part.
#[derive(Clone, Debug, Default)]
struct Mains(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    /// As it reads.
    seen: Vec<u8>,
    /// As it was when it was last synced.
    synced: Vec<u8>,
    /// Written since.
    loose: Vec<(usize, Vec<u8>)>,
}

impl StorageBackend for Mains {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (start, platter) = (offset as usize, self.0.lock());
        let part = platter.seen.get(start..start + out.len());
        out.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut platter = self.0.lock();
        platter.seen.resize(len as usize, 0);
        platter.synced.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.0.lock();
        platter.synced = platter.seen.clone();
        platter.loose.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (start, mut platter) = (offset as usize, self.0.lock());
        platter.seen[start..start + data.len()].copy_from_slice(data);
        platter.loose.push((start, data.to_vec()));
        Ok(())
    }
}

impl Mains {
    /// The disk after the mains were cut: of what wasn't synced the writes that `survives` says.
    fn cut(&self, survives: impl Fn(usize) -> bool) -> Self {
        let platter = self.0.lock();
        let mut left = platter.synced.clone();
        for (_, (start, data)) in platter.loose.iter().enumerate().filter(|(number, _)| survives(*number)) {
            if let Some(part) = left.get_mut(*start..start + data.len()) {
                part.copy_from_slice(data);
            }
        }
        Self(Arc::new(Mutex::new(Platter { seen: left.clone(), synced: left, loose: Vec::new() })))
    }

    fn open(&self) -> Disk {
        let mains = self.clone();
        Disk::with(Box::new(move || Database::builder().create_with_backend(mains.clone())))
            .unwrap_or_else(|error| panic!("after the cut: {error}"))
    }
}

fn key(number: usize) -> Key {
    Key::new("", Space::Shared, &number.to_le_bytes()).unwrap()
}

/// One batch sets every key to its number.
fn batch(number: u64, keys: usize) -> Vec<(Key, Option<Entry>)> {
    let entry = Entry { expires: Moment(number + 10_000), datum: Datum::Rate(Moment(number)) };
    (0..keys).map(|at| (key(at), Some(entry.clone()))).collect()
}

/// The numbers of the batches that the entries are of.
fn seen(disk: &Disk, keys: usize) -> BTreeMap<u64, usize> {
    let mut seen = BTreeMap::new();
    for at in 0..keys {
        let entry = disk.read(&key(at)).unwrap();
        let number = match entry {
            Some(Entry { datum: Datum::Rate(number), .. }) => number.0,
            None => 0,
            other => panic!("{other:?}"),
        };
        *seen.entry(number).or_default() += 1;
    }
    seen
}

#[test]
fn a_cut_of_the_mains_leaves_the_last_batch_or_the_one_before() {
    const KEYS: usize = 40;
    let mains = Mains::default();
    let disk = mains.open();
    for number in 1..20 {
        // What is left of it when the mains are cut after each of its writes is looked at below.
        disk.write(&batch(number, KEYS), Moment(0)).unwrap();
        assert_eq!(seen(&mains.cut(|_| false).open(), KEYS), BTreeMap::from([(number, KEYS)]));
    }
}

/// Cuts the mains within a batch: the writes of it are those since the last sync, of which any part may survive.
#[test]
fn any_part_of_a_batch_that_survives_does_no_harm() {
    const KEYS: usize = 40;
    for cut_at in 1..12 {
        let mains = Mains::default();
        let disk = mains.open();
        disk.write(&batch(1, KEYS), Moment(0)).unwrap();
        let halted = Halting { mains: mains.clone(), left: Arc::new(Mutex::new(cut_at)) };
        drop(disk);
        let disk = Disk::with(Box::new(move || Database::builder().create_with_backend(halted.clone())));
        // The cut may come while it is opened, or while the batch is written.
        if let Ok(disk) = disk {
            let _ = disk.write(&batch(2, KEYS), Moment(0));
            std::mem::forget(disk); // nobody tidies up after a cut
        }
        for pattern in 0..8_usize {
            let left = mains.cut(|number| (number * 7 + pattern) % 8 < pattern).open();
            let seen = seen(&left, KEYS);
            assert!(
                seen == BTreeMap::from([(1, KEYS)]) || seen == BTreeMap::from([(2, KEYS)]),
                "{cut_at}: {seen:?}"
            );
            left.write(&batch(3, KEYS), Moment(0)).unwrap();
        }
    }
}

/// Lets so many syncs through, then fails.
#[derive(Clone, Debug)]
struct Halting {
    mains: Mains,
    left: Arc<Mutex<u32>>,
}

impl StorageBackend for Halting {
    fn len(&self) -> io::Result<u64> {
        self.mains.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.mains.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.mains.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut left = self.left.lock();
        *left = left.checked_sub(1).ok_or(io::ErrorKind::Other)?;
        self.mains.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        match *self.left.lock() {
            0 => Ok(()), // it never reaches the disk
            _ => self.mains.write(offset, data),
        }
    }
}

/// Names the file that the child writes; set in the child alone.
const CHILD: &str = "GATEPOST_TEST_CRASH";

/// Not a test by itself: the process that is killed.
#[tokio::test]
async fn child_that_writes_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let pool = StoragePool::start(1, 16).unwrap();
    let file = File::open(path.as_ref(), FILE, pool, Clock::standing()).unwrap();
    for round in 1_i64.. {
        for at in 0..50 {
            run(&file, &format!("{at}"), Operation::Incr(Value::Integer(1), None)).await.unwrap();
        }
        if round % 20 == 0 {
            file.flush().await.unwrap();
            println!("\nflushed {round}");
        }
    }
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_all_that_was_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut last = 0;
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::crash::child_that_writes_until_it_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut flushed = lines.filter_map(|line| line.strip_prefix("flushed ")?.parse::<i64>().ok());
        let known = flushed.nth(4).expect("the child writes");
        child.kill().unwrap(); // SIGKILL, in the middle of something
        child.wait().unwrap();
        let pool = StoragePool::start(1, 16).unwrap();
        let file = File::open(&path, FILE, pool, Clock::standing()).unwrap();
        for at in 0..50 {
            let number = number(&file, &at.to_string()).await.unwrap();
            assert!(number >= last + known, "{number} of at least {last} + {known}");
        }
        last = number(&file, "49").await.unwrap();
        file.close().await.unwrap();
    }
}
