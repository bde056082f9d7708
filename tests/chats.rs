//! Dialogues with the proxy, both its sides at once, one rule of SMTP in each: see tests/chats/README.md.
//!
//! `CHATS=rcpt/` plays those alone whose names hold that; `CHATS_PATIENCE=2` waits 2 s for what does not come.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "support/chat/mod.rs"]
mod chat;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use chat::player::play;
use chat::script::Chat;
use chat::transcript::Transcript;

#[test]
fn every_chat_goes_as_it_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chats");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let (chats, wrong): (Vec<_>, Vec<_>) =
        paths.iter().map(|path| Chat::read(&root, path)).partition(Result::is_ok);
    let mut failures: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
    let only = std::env::var("CHATS").ok();
    let chats: Vec<Chat> = chats.into_iter().filter_map(Result::ok).collect();
    let chosen: Vec<&Chat> =
        chats.iter().filter(|chat| only.as_ref().is_none_or(|only| chat.name.contains(only))).collect();
    failures.extend(play_all(&chosen));
    println!("{}", told(&by_stage(&chosen)));
    assert!(failures.is_empty(), "{} went otherwise:\n\n{}", failures.len(), failures.join("\n\n"));
    if only.is_none() {
        let (found, wanted) = (by_stage(&chosen), BTreeMap::from(THERE));
        let folders: BTreeSet<&str> = found.keys().chain(wanted.keys()).copied().collect();
        for folder in folders {
            let count = |of: &BTreeMap<&str, usize>| of.get(folder).copied().unwrap_or_default();
            let (have, want) = (count(&found), count(&wanted));
            assert!(
                have >= want,
                "{folder} has {have} chats of {want}: some are lost, or THERE is to be changed"
            );
            assert!(have <= want + MORE, "{folder} has {have} chats by now: write so in THERE, not {want}");
        }
    }
}

/// Plays `chats` on several threads; what went otherwise.
fn play_all(chats: &[&Chat]) -> Vec<String> {
    let left = Mutex::new(chats.iter());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some(chat) = left.lock().unwrap().next() else { return };
                    for cut in &chat.setup.cuts {
                        if let Err(failure) = watch(chat, *cut) {
                            failures.lock().unwrap().push(failure);
                            break;
                        }
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

/// Plays `chat` on a thread of its own, which is left behind if it waits for ever.
fn watch(chat: &Chat, cut: usize) -> Result<(), String> {
    let patience =
        std::env::var("CHATS_PATIENCE").ok().and_then(|text| text.parse().ok()).unwrap_or(PATIENCE);
    let transcript = Transcript::default();
    let (tell, told) = channel();
    let (playing, noted) = (chat.clone(), transcript.clone());
    let thread = std::thread::Builder::new().name(chat.name.clone());
    thread.spawn(move || tell.send(play(&playing, cut, &noted))).unwrap();
    let outcome = told.recv_timeout(Duration::from_secs(patience));
    let failure = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(failure)) => failure,
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => format!("nothing came within {patience} s"),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => "the player panicked".to_owned(),
    };
    let cut = if cut == 0 { "in one piece".to_owned() } else { format!("in pieces of {cut}") };
    Err(format!("{}, {cut}: {}\n{}\n{failure}", chat.name, chat.sentence, transcript.text()))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "chat") {
            paths.push(path);
        }
    }
}

fn by_stage<'a>(chats: &[&'a Chat]) -> BTreeMap<&'a str, usize> {
    let mut stages: BTreeMap<&str, usize> = BTreeMap::new();
    for chat in chats {
        *stages.entry(chat.name.split('/').next().unwrap_or_default()).or_default() += 1;
    }
    stages
}

fn told(stages: &BTreeMap<&str, usize>) -> String {
    let each: Vec<String> = stages.iter().map(|(stage, count)| format!("{stage} {count}")).collect();
    format!("{} chats: {}", stages.values().sum::<usize>(), each.join(", "))
}

/// Chats in each folder: with fewer, some are lost.
const THERE: [(&str, usize); 20] = [
    ("auth", 64),
    ("backend", 69),
    ("backend_tls", 22),
    ("bdat", 17),
    ("closing", 12),
    ("connect", 13),
    ("data", 45),
    ("drain", 15),
    ("ehlo", 21),
    ("limits", 18),
    ("log", 42),
    ("mail", 27),
    ("policy", 62),
    ("proxy_protocol", 31),
    ("rcpt", 23),
    ("relay", 1),
    ("submission", 14),
    ("tls", 31),
    ("xclient", 22),
    ("xforward", 7),
];
/// Chats that may be added to a folder before its number here is to be changed.
const MORE: usize = 5;
/// Chats at once.
const THREADS: usize = 8;
/// Seconds of real time after which nothing will come any more.
const PATIENCE: u64 = 30;
