//! A Maildir on a disk that is watched: nothing is acknowledged that a power cut could take away.

use std::collections::BTreeSet;
use std::fs::File;

use parking_lot::Mutex;

use super::*;
use crate::backend::folders::Disk;
use crate::message::content::Intake;
use crate::message::spool::Spool;
use crate::session::envelope::Transaction;
use crate::smtp::command::{Command, Syntax};
use crate::smtp::data_decoder::ContentFacts;

#[test]
fn sessions_that_deliver_in_the_same_microsecond_have_names_of_their_own() {
    let now = SystemTime::now();
    let names = [("A", 0), ("B", 0), ("A", 1)].map(|(session, count)| name(now, session, count));
    assert!(names[0] != names[1] && names[0] != names[2] && names[1] != names[2], "{names:?}");
    assert!(names.iter().all(|name| !name.contains(['/', ':'])), "{names:?}");
}

/// What a disk keeps when the power is cut: names whose folder was flushed behind them, octets that were flushed.
#[derive(Clone, Default)]
struct Watched(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    /// Names that would be lost.
    names: BTreeSet<PathBuf>,
    /// Files whose octets are on disk, and how many.
    files: Vec<(PathBuf, u64)>,
}

impl Disk for Watched {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.lock().names.insert(folder.to_owned());
        fs::create_dir(folder)
    }

    fn sync_file(&self, file: &File, path: &Path) -> io::Result<()> {
        self.0.lock().files.push((path.to_owned(), file.metadata()?.len()));
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?;
        self.0.lock().names.retain(|name| name.parent() != Some(folder));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut kept = self.0.lock();
        let length = fs::metadata(from)?.len();
        let is_flushed = kept.files.iter().any(|file| *file == (from.to_owned(), length));
        assert!(is_flushed, "{} has a name before its octets are on disk", from.display());
        kept.names.insert(to.to_owned());
        fs::rename(from, to)
    }
}

/// Delivers a message to the Maildir `folder` on `disk`; how many octets it has there.
async fn deliver(folder: &Path, folders: &Arc<Folders>) -> Result<u64, Fault> {
    let pool = StoragePool::here();
    let spool = Spool::new(std::env::temp_dir(), 1 << 20, u64::MAX, pool.clone());
    let mut intake = Intake::new(&spool, 0);
    intake.append(b"Subject: x\r\n\r\nhello\r\n").await.unwrap();
    let content = intake.finish().await.unwrap();
    let outgoing = Outgoing::untouched(content, &ContentFacts::default(), Vec::new());
    let Ok(Command::Mail(mail)) = Command::parse(b"MAIL FROM:<a@a.example>", Syntax::default()) else {
        panic!("no MAIL")
    };
    let envelope = Envelope::new(&Transaction::new(1, mail));
    let maildir = Maildir::new(folder.to_owned(), Arc::clone(folders), pool);
    let deadline = Instant::now() + std::time::Duration::from_secs(60);
    let Delivery::Acknowledged(_) = maildir.deliver(&envelope, &outgoing, "S", deadline).await? else {
        panic!("refused")
    };
    let found =
        fs::read_dir(folder.join("new")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    Ok(found.max().unwrap())
}

#[tokio::test]
async fn what_is_acknowledged_outlasts_a_power_cut() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("mail/of/everybody");
    let disk = Watched::default();
    let folders = Arc::new(Folders::on(Box::new(disk.clone())));
    for _ in 0..2 {
        let length = deliver(&folder, &folders).await.unwrap();
        let kept = disk.0.lock();
        assert_eq!(kept.names, BTreeSet::new(), "names that nobody has flushed");
        assert_eq!(kept.files.last().unwrap().1, length, "octets that nobody has flushed");
    }
}

#[tokio::test]
async fn a_maildir_that_somebody_removes_is_made_anew() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("mail");
    let disk = Watched::default();
    let folders = Arc::new(Folders::on(Box::new(disk.clone())));
    deliver(&folder, &folders).await.unwrap();
    fs::remove_dir_all(&folder).unwrap();
    deliver(&folder, &folders).await.unwrap();
    fs::remove_dir_all(folder.join("new")).unwrap();
    assert!(deliver(&folder, &folders).await.is_err(), "the client comes again");
    deliver(&folder, &folders).await.unwrap();
    assert_eq!(disk.0.lock().names, BTreeSet::new());
}

#[tokio::test]
async fn a_disk_that_does_not_flush_acknowledges_nothing() {
    struct Broken(&'static str);
    impl Disk for Broken {
        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            if folder.ends_with(self.0) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
        fn sync_file(&self, _: &File, _: &Path) -> io::Result<()> {
            if self.0 == "file" { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }
    for broken in ["mail", "new", "file"] {
        let root = tempfile::tempdir().unwrap();
        let folders = Arc::new(Folders::on(Box::new(Broken(broken))));
        let delivered = deliver(&root.path().join("mail"), &folders).await;
        assert!(delivered.is_err(), "{broken}");
    }
}
