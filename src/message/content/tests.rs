//! Tests of content in memory and in the spool's file.

use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::threads::storage::StoragePool;

fn spool(memory: u64, limit: u64) -> (Arc<Spool>, StoragePool) {
    let pool = StoragePool::start(2, 8).unwrap();
    (Spool::new(std::env::temp_dir(), memory, limit, pool.clone()), pool)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Octets in which every place is different from its neighbours.
fn octets(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
}

async fn taken(spool: &Arc<Spool>, header_bound: u64, octets: &[u8], cuts: &[usize]) -> Content {
    let mut intake = Intake::new(spool, header_bound);
    let mut rest = octets;
    for cut in cuts.iter().cycle() {
        let (now, later) = rest.split_at((*cut).clamp(1, rest.len().max(1)).min(rest.len()));
        intake.append(now).await.unwrap();
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(intake.len(), octets.len() as u64);
    let head = intake.head(header_bound);
    assert!(octets.starts_with(&head));
    assert_eq!(head.len() as u64, header_bound.min(octets.len() as u64), "the header is at hand");
    intake.finish().await.unwrap()
}

async fn whole(content: &Content, range: Range<u64>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut at = range.start;
    loop {
        let piece = content.piece(at..range.end).await.unwrap();
        assert!(piece.len() <= CHUNK);
        if piece.is_empty() {
            return all;
        }
        at += piece.len() as u64;
        all.extend_from_slice(&piece);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn content_comes_out_as_it_went_in(
        size in prop_oneof![0..100usize, 8000..9000usize, 0..900_000usize],
        memory in prop_oneof![Just(0u64), 0..600_000u64, Just(1 << 20)],
        header_bound in prop_oneof![Just(0u64), 0..300_000u64],
        cuts in prop::collection::vec(1..70_000usize, 1..8),
        from in any::<prop::sample::Index>(),
        length in 0..500_000usize,
    ) {
        let octets = octets(size);
        run(async {
            let (spool, _pool) = spool(memory, u64::MAX);
            let content = taken(&spool, header_bound, &octets, &cuts).await;
            prop_assert_eq!(content.size(), size as u64);
            prop_assert!(whole(&content, 0..u64::MAX).await == octets);
            let from = from.index(size + 1);
            let to = (from + length).min(size);
            prop_assert!(whole(&content, from as u64..to as u64).await == octets[from..to]);
            prop_assert!(content.head(length as u64).await.unwrap()[..] == octets[..length.min(size)]);
            prop_assert_eq!(spool.used(), size as u64);
            let kept: usize = content.parts.memory.iter().map(Bytes::len).sum();
            let bound = memory.max(header_bound).max(FIRST_CHUNK as u64);
            prop_assert!(kept as u64 <= bound, "{kept} octets in memory, {bound} are allowed");
            drop(content);
            prop_assert_eq!(spool.used(), 0);
            Ok::<(), TestCaseError>(())
        })?;
    }

    #[test]
    fn the_digest_is_that_of_the_unstuffed_content(lines in prop::collection::vec("[.a]{0,300}", 0..200)) {
        let plain: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let wire: String = lines.iter().map(|line| {
            let dot = if line.starts_with('.') { "." } else { "" };
            format!("{dot}{line}\r\n")
        }).collect();
        run(async {
            let (spool, _pool) = spool(0, u64::MAX);
            let content = taken(&spool, 0, wire.as_bytes(), &[7000]).await;
            let want: [u8; 32] = Sha256::digest(plain.as_bytes()).into();
            prop_assert_eq!(content.sha256().await.unwrap(), want);
            Ok::<(), TestCaseError>(())
        })?;
    }
}

#[test]
fn a_spool_past_its_limit_takes_nothing_and_has_room_again_later() {
    run(async {
        let (spool, _pool) = spool(0, 100_000);
        let first = taken(&spool, 0, &octets(60_000), &[9000]).await;
        let mut second = Intake::new(&spool, 0);
        let refused = second.append(&octets(600_000)).await;
        assert!(matches!(refused, Err(SpoolError::Full)));
        assert!(spool.used() <= 100_000, "a refusal takes no room: others still have it");
        assert!(matches!(second.append(b"more").await, Err(SpoolError::Full)), "and stays one");
        drop(second);
        assert_eq!(spool.used(), 60_000);
        drop(first);
        assert_eq!(taken(&spool, 0, &octets(100_000), &[5000]).await.size(), 100_000);
        assert_eq!(spool.used(), 0);
    });
}

#[test]
fn a_folder_that_is_gone_is_an_error_of_storage_from_then_on() {
    run(async {
        let pool = StoragePool::start(1, 1).unwrap();
        let spool = Spool::new(PathBuf::from("/nonexistent/folder"), 0, u64::MAX, pool);
        let mut intake = Intake::new(&spool, 0);
        assert!(matches!(intake.append(&octets(10_000)).await, Err(SpoolError::Storage { .. })));
        // Nobody gets a content with a hole for a whole one.
        assert!(matches!(intake.finish().await, Err(SpoolError::Storage { .. })));
        assert_eq!(spool.used(), 0);
    });
}

#[test]
fn a_wait_that_was_given_up_leaves_no_content() {
    run(async {
        let pool = StoragePool::start(1, 4).unwrap();
        let spool = Spool::new(std::env::temp_dir(), 0, u64::MAX, pool.clone());
        let mut intake = Intake::new(&spool, 0);
        let (go, gate) = std::sync::mpsc::channel::<()>();
        pool.leave(move || assert!(gate.recv().is_err()));
        let octets = octets(10_000);
        let mut append = Box::pin(intake.append(&octets));
        assert!(futures_util::poll!(&mut append).is_pending());
        drop(append);
        drop(go);
        assert!(matches!(intake.finish().await, Err(SpoolError::Stopped)));
    });
}

#[test]
fn the_file_has_no_name() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let pool = StoragePool::start(1, 1).unwrap();
        let spool = Spool::new(folder.path().to_owned(), 0, u64::MAX, pool);
        let content = taken(&spool, 0, &octets(600_000), &[65_536]).await;
        assert!(content.parts.file.is_some());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(whole(&content, 0..u64::MAX).await == octets(600_000));
    });
}
