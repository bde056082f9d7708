//! Tests of the spool.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;

use super::*;

/// A file with `octets`, and a connection that doesn't block.
async fn file_and_pair(octets: &[u8]) -> (SpoolFile, Arc<OwnedFd>, UnixStream, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().to_owned(), 0, 1 << 30, StoragePool::start(1, 8).unwrap());
    let file = SpoolFile::create(&spool).await.unwrap();
    file.write(0, octets.to_vec()).await.unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    (file, Arc::new(near.into()), far, folder)
}

#[tokio::test]
async fn a_connection_gets_all_of_a_range_though_it_takes_little_at_once() {
    let octets: Vec<u8> = (0..2_000_000_u32).flat_map(|number| number.to_be_bytes()).collect();
    let (file, near, mut far, _folder) = file_and_pair(&octets).await;
    let (mut at, end, mut times) = (1000, octets.len() as u64 - 1000, 0);
    let mut got = Vec::new();
    while at < end {
        let sent = file.send(&near, at, end - at).await.unwrap();
        assert!(sent > 0, "it was emptied before");
        assert_eq!(file.send(&near, at + sent, 0).await.unwrap(), 0);
        (at, times) = (at + sent, times + 1);
        let mut room = vec![0; usize::try_from(sent).unwrap()];
        far.read_exact(&mut room).unwrap();
        got.append(&mut room);
    }
    assert!(times > 1, "it took all at once");
    assert!(got == octets[1000..octets.len() - 1000]);
}

#[tokio::test]
async fn a_file_that_ends_and_a_connection_that_is_gone_are_told_apart() {
    let (file, near, far, _folder) = file_and_pair(b"octets").await;
    assert!(matches!(file.send(&near, 0, 7).await, Err(SendError::Spool(SpoolError::Storage { .. }))));
    drop(far);
    assert!(matches!(file.send(&near, 0, 6).await, Err(SendError::Connection(_))));
}

/// Which file of the system it is.
fn number(file: &SpoolFile) -> u64 {
    use std::os::unix::fs::MetadataExt;
    file.file.file().unwrap().metadata().unwrap().ino()
}

#[tokio::test]
async fn a_file_serves_the_next_message_unless_a_connection_may_still_read_from_it() {
    let (first, near, _far, _folder) = file_and_pair(b"of the first").await;
    let (spool, known) = (Arc::clone(&first.spool), number(&first));
    first.sets_out();
    assert_eq!(first.send(&near, 0, 12).await.unwrap(), 12);
    first.has_arrived();
    drop(first);
    let second = SpoolFile::create(&spool).await.unwrap();
    assert_eq!(number(&second), known, "the connection has read it");
    second.write(0, b"of the 2nd".to_vec()).await.unwrap();
    assert_eq!(second.read(0, 10).await.unwrap(), b"of the 2nd"[..]);
    second.sets_out();
    assert_eq!(second.send(&near, 0, 10).await.unwrap(), 10);
    let still = second.clone();
    drop(second);
    drop(still);
    assert!(spool.spares.take().is_none(), "nobody has said that it arrived");
}

#[tokio::test]
async fn spare_files_go_when_the_disk_says_no() {
    let (file, _near, _far, _folder) = file_and_pair(b"octets").await;
    let spool = Arc::clone(&file.spool);
    let other = SpoolFile::create(&spool).await.unwrap();
    drop(file);
    // Past what any file system holds.
    assert!(matches!(other.write(u64::MAX / 2, b"octets".to_vec()).await, Err(SpoolError::Storage { .. })));
    assert!(spool.spares.take().is_none());
}

#[tokio::test]
async fn a_disk_that_hangs_is_an_error_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let pool = StoragePool::start(1, 8).unwrap();
    let spool = Spool::new(folder.path().to_owned(), 0, 1000, pool.clone());
    let file = SpoolFile::create(&spool).await.unwrap();
    let (release, gate) = channel::<()>();
    pool.leave(move || {
        let _ = gate.recv();
    });
    tokio::time::pause(); // from here on it goes on when nothing else does
    let is_overdue = |error: SpoolError| matches!(error, SpoolError::Storage { cause, .. } if cause.kind() == io::ErrorKind::TimedOut);
    assert!(is_overdue(SpoolFile::create(&spool).await.unwrap_err()));
    assert!(is_overdue(file.write(0, b"octets".to_vec()).await.unwrap_err()));
    // What is not there yet is not in the system's memory either: it would have to be fetched.
    assert!(is_overdue(file.read(0, 6).await.unwrap_err()));
    drop(release);
}
