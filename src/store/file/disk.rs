//! The database file: entries by key, and what expires when; each batch is written whole or not at all.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use parking_lot::RwLock;
use redb::backends::FileBackend;
use redb::{
    Database, DatabaseError, Error, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    Table, TableDefinition,
};

use crate::store::clock::Moment;
use crate::store::entry::Entry;
use crate::store::key::Key;

/// The file, open in this process alone.
pub(in crate::store) struct Disk {
    open: Opener,
    /// None while it can't be opened, and once it is closed.
    database: RwLock<Option<Database>>,
}

/// How the database is opened, at first and after a fault.
pub(in crate::store) type Opener =
    Box<dyn Fn() -> std::result::Result<Database, DatabaseError> + Send + Sync>;

/// Entries to be written; none is to be taken away.
pub(in crate::store) type Batch = Vec<(Key, Option<Entry>)>;

/// What the file holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::store) struct Totals {
    /// Entries.
    pub(in crate::store) entries: u64,
    /// Octets of their keys and of themselves.
    pub(in crate::store) octets: u64,
}

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open, or this one has it twice.
    #[error("it is in use already, by another process or by an older configuration of this one")]
    InUse,
    /// It is no store of ours.
    #[error("it was written by another version or another program")]
    Foreign,
    /// The file or the disk is at fault.
    #[error("{0}")]
    Fault(#[from] Error),
}

/// What a read or a write came to.
pub(in crate::store) type Result<T> = std::result::Result<T, Error>;

const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");
const EXPIRES: TableDefinition<'_, (u64, &[u8]), ()> = TableDefinition::new("expires");
const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");

/// The form of what is in the tables.
const FORM: u64 = 1;
/// Octets of the file that are kept in memory.
const CACHE: usize = 32 << 20;
/// Expired entries that one batch takes away.
const SWEEP: usize = 10_000;

impl Disk {
    /// Opens the file at `path`, which is made if it isn't there, for its owner alone.
    pub(in crate::store) fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        let path = path.to_owned();
        Self::with(Box::new(move || {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            Database::builder().set_cache_size(CACHE).create_with_backend(FileBackend::new(file)?)
        }))
    }

    /// Opens what `open` gives.
    pub(in crate::store) fn with(open: Opener) -> std::result::Result<Self, OpenError> {
        let database = match open() {
            Ok(database) => database,
            Err(DatabaseError::DatabaseAlreadyOpen) => return Err(OpenError::InUse),
            Err(DatabaseError::UpgradeRequired(_)) => return Err(OpenError::Foreign),
            Err(error) => return Err(OpenError::Fault(error.into())),
        };
        match prepare(&database) {
            Ok(true) => Ok(Self { open, database: RwLock::new(Some(database)) }),
            Ok(false) => Err(OpenError::Foreign),
            Err(error) => Err(OpenError::Fault(error)),
        }
    }

    /// The entry under `key`, as of the last batch.
    pub(in crate::store) fn read(&self, key: &Key) -> Result<Option<Entry>> {
        let guard = self.database.read();
        let database = guard.as_ref().ok_or(Error::DatabaseClosed)?;
        let entries = database.begin_read()?.open_table(ENTRIES)?;
        let found = entries.get(key.as_octets())?;
        // What can't be read is as if it weren't there: it will be written anew.
        Ok(found.and_then(|octets| Entry::decode(octets.value())))
    }

    /// Writes `batch` and takes away what has expired at `now`; when this ends, it is on the disk.
    ///
    /// *Errors*: nothing of it was written.
    pub(in crate::store) fn write(&self, batch: &Batch, now: Moment) -> Result<Totals> {
        let guard = self.database.read();
        let database = guard.as_ref().ok_or(Error::DatabaseClosed)?;
        let mut transaction = database.begin_write()?;
        // A little slower, but what a crash leaves is usable at once, however large it is.
        transaction.set_quick_repair(true);
        let totals = {
            let mut tables = Tables {
                entries: transaction.open_table(ENTRIES)?,
                expires: transaction.open_table(EXPIRES)?,
                octets: 0,
            };
            let mut facts = transaction.open_table(FACTS)?;
            tables.octets = facts.get("octets")?.map_or(0, |octets| octets.value());
            for (key, entry) in batch {
                tables.put(key.as_octets(), entry.as_ref().filter(|entry| !entry.is_expired(now)))?;
            }
            tables.sweep(now)?;
            facts.insert("octets", tables.octets)?;
            Totals { entries: tables.entries.len()?, octets: tables.octets }
        };
        transaction.commit()?;
        Ok(totals)
    }

    /// Opens the file anew after a fault.
    pub(in crate::store) fn reopen(&self) -> Result<()> {
        let mut database = self.database.write();
        // The old one first: it holds the file's lock.
        *database = None;
        *database = Some((self.open)()?);
        Ok(())
    }

    /// Closes the file.
    pub(in crate::store) fn close(&self) {
        *self.database.write() = None;
    }
}

/// Makes the tables; whether they have our form.
fn prepare(database: &Database) -> Result<bool> {
    let transaction = database.begin_write()?;
    let form = {
        transaction.open_table(ENTRIES)?;
        transaction.open_table(EXPIRES)?;
        let mut facts = transaction.open_table(FACTS)?;
        let known = facts.get("form")?.map(|form| form.value());
        if known.is_none() {
            facts.insert("form", FORM)?;
        }
        known.unwrap_or(FORM)
    };
    transaction.commit()?;
    Ok(form == FORM)
}

/// The tables of one transaction.
struct Tables<'t> {
    entries: Table<'t, &'static [u8], &'static [u8]>,
    expires: Table<'t, (u64, &'static [u8]), ()>,
    octets: u64,
}

impl Tables<'_> {
    fn put(&mut self, key: &[u8], entry: Option<&Entry>) -> Result<()> {
        let octets = entry.map(Entry::encode);
        let before = match &octets {
            Some(octets) => self.entries.insert(key, octets.as_slice())?,
            None => self.entries.remove(key)?,
        };
        let known = before.as_ref().map(|before| before.value());
        let weight = |octets: Option<&[u8]>| octets.map_or(0, |octets| count(octets.len() + key.len()));
        self.octets = (self.octets + weight(octets.as_deref())).saturating_sub(weight(known));
        let lasts = |at: &Moment| *at < Moment::NEVER;
        let known = known.and_then(Entry::expiry_of).filter(lasts);
        let expires = entry.map(|entry| entry.expires).filter(lasts);
        if known != expires {
            if let Some(at) = known {
                self.expires.remove((at.0, key))?;
            }
            if let Some(at) = expires {
                self.expires.insert((at.0, key), ())?;
            }
        }
        Ok(())
    }

    fn sweep(&mut self, now: Moment) -> Result<()> {
        let none: &[u8] = &[];
        let due = self.expires.range((0, none)..(now.0.saturating_add(1), none))?.take(SWEEP);
        let keys: Vec<Vec<u8>> = due.map(|pair| Ok(pair?.0.value().1.to_vec())).collect::<Result<_>>()?;
        keys.iter().try_for_each(|key| self.put(key, None))
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}
