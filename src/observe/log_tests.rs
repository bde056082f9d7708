//! The log as a postmaster finds it: one line an event, whatever clients say and whatever breaks.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};

use serde_json::Value;
use tracing::dispatcher::with_default;

use super::*;
use crate::observe::config::{Format, Level};

/// What `speak` leaves in a log of that form and level.
fn written(format: Format, level: Level, speak: impl FnOnce(&LogHandle)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let (dispatch, handle) = LogHandle::start(&Log { format, level, file: Some(file.clone()) }).unwrap();
    with_default(&dispatch, || speak(&handle));
    drop(handle);
    std::fs::read_to_string(file).unwrap()
}

/// The lines without their times.
fn untimed(log: &str) -> Vec<&str> {
    log.lines().map(|line| line.split_once(' ').unwrap().1).collect()
}

#[test]
fn an_event_is_one_line_of_time_level_message_and_fields() {
    let log = written(Format::Text, Level::Info, |_| {
        tracing::info!(session = "abc", code = 250_u16, score = 1.5, open = true, "transaction ended");
        tracing::warn!(error = %io::Error::other("no route"), "backend lost");
    });
    assert_eq!(
        untimed(&log),
        [
            "INFO transaction ended session=abc code=250 score=1.5 open=true",
            "WARN backend lost error=\"no route\"",
        ]
    );
    let time = log.split(' ').next().unwrap();
    assert!(time.len() == 24 && time.starts_with("20") && time.ends_with('Z'), "{time}");
}

#[test]
fn json_has_the_same_keys_flat() {
    let log = written(Format::Json, Level::Info, |_| {
        tracing::info!(
            session = "abc",
            code = 250_u16,
            score = f64::INFINITY,
            open = true,
            "transaction ended"
        );
    });
    let object: Value = serde_json::from_str(log.trim_end()).unwrap();
    let keys: Vec<_> = object.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["time", "level", "message", "session", "code", "score", "open"]);
    assert_eq!(
        (&object["level"], &object["code"], &object["open"]),
        (&"info".into(), &250.into(), &true.into())
    );
    assert_eq!(object["score"], "inf"); // JSON has no such number
}

#[test]
fn a_hostile_ehlo_name_cannot_forge_a_line_or_a_field() {
    let hostile = [
        "a\r\n2026-11-21T19:25:46.123Z INFO transaction ended disposition=relayed",
        "a\n{\"level\":\"info\"}",
        "a disposition=relayed",
        "\" disposition=relayed x=\"",
        "\\\" disposition=relayed",
        "\",\"disposition\":\"relayed",
        "a\u{202e}deyaler=noitisopsid",
        "a\u{85}b\u{2028}c\u{2029}d\u{b}e\u{c}f",
        "\x1b[1A\x1b[2K\x07\x7f\0",
        "\u{feff}\u{200b}\u{e0041}",
    ];
    for ehlo in hostile {
        let text = written(Format::Text, Level::Info, |_| tracing::info!(ehlo, code = 1, "said"));
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(text.ends_with(" code=1\n"), "{text:?}");
        assert!(!text.trim_end().chars().any(|c| c.is_control() || c.escape_debug().count() > 2), "{text:?}");
        assert!(untimed(&text)[0].starts_with("INFO said ehlo=\""), "{text:?}");

        let json = written(Format::Json, Level::Info, |_| tracing::info!(ehlo, code = 1, "said"));
        assert_eq!(json.lines().count(), 1, "{json:?}");
        assert!(!json.trim_end().chars().any(char::is_control) && !json.contains('\u{202e}'), "{json:?}");
        let object: Value = serde_json::from_str(json.trim_end()).unwrap();
        assert_eq!(object["ehlo"], ehlo);
        assert_eq!(object.get("disposition"), None);
    }
}

#[test]
fn the_fields_of_spans_follow_and_the_innermost_wins() {
    let log = written(Format::Text, Level::Info, |_| {
        let session = tracing::info_span!(
            "session",
            session = "abc",
            client_ip = "192.0.2.1",
            ehlo = tracing::field::Empty
        );
        let _in_session = session.enter();
        session.record("ehlo", "old.example");
        session.record("ehlo", "mail.example");
        let _in_transaction =
            tracing::info_span!("transaction", transaction = 2, reverse_path = "<>").entered();
        tracing::info!(client_ip = "203.0.113.9", "x");
    });
    assert_eq!(
        untimed(&log),
        ["INFO x client_ip=203.0.113.9 transaction=2 reverse_path=<> session=abc ehlo=mail.example"]
    );
}

#[test]
fn levels_are_obeyed_and_can_be_changed() {
    let log = written(Format::Text, Level::Info, |handle| {
        let speak = |n: u64| {
            tracing::debug!(n, "debug");
            tracing::info!(target: "hickory_resolver", n, "library");
        };
        speak(1);
        handle.change_levels(Level::Debug.into());
        speak(2);
        handle.change_levels(Level::Error.into());
        speak(3);
    });
    assert_eq!(untimed(&log), [format!("DEBUG debug n=2 target={}", module_path!())]);
}

#[test]
fn reopen_goes_on_in_a_new_file_and_stays_when_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("of-the-log");
    std::fs::create_dir(&place).unwrap();
    let file = place.join("log");
    let config = Log { file: Some(file.clone()), ..Log::default() };
    let (dispatch, handle) = LogHandle::start(&config).unwrap();
    with_default(&dispatch, || {
        tracing::info!("first");
        assert!(handle.flush());
        std::fs::rename(&file, place.join("log.1")).unwrap();
        handle.reopen().unwrap();
        tracing::info!("second");
        assert!(handle.flush());
        std::fs::rename(&place, folder.path().join("away")).unwrap();
        let error = handle.reopen().unwrap_err().to_string();
        assert!(error.contains("of-the-log/log"), "{error}");
        tracing::info!("third");
    });
    drop(handle);
    let read = |name: &str| std::fs::read_to_string(folder.path().join("away").join(name)).unwrap();
    assert_eq!(untimed(&read("log.1")), ["INFO first"]);
    assert_eq!(untimed(&read("log")), ["INFO second", "INFO third"]);
}

#[test]
fn a_log_that_cannot_be_opened_says_where_and_why() {
    let config = Log { file: Some("/nonexistent/log".into()), ..Log::default() };
    let error = LogHandle::start(&config).err().unwrap().to_string();
    assert!(error.starts_with("the log can't be opened: /nonexistent/log: No such file"), "{error}");
}

#[test]
fn a_reader_that_stops_costs_lines_and_nobody_waits() {
    let (reader, ours) = UnixStream::pair().unwrap();
    let output = Output::File(OwnedFd::from(ours).into());
    let (dispatch, handle) = LogHandle::start_on(output, &Log::default(), 64 * 1024).unwrap();
    let dropped = handle.dropped();
    let value = "x".repeat(1000);
    let mut lines = 0;
    with_default(&dispatch, || {
        while dropped() < 10 {
            tracing::info!(value, "line");
            lines += 1;
        }
    });
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    let (mut seen, mut told) = (0, 0);
    while seen < lines - 10 || told < 10 {
        if seen == lines - 10 {
            // All was written before the last were dropped: the next line brings the count.
            with_default(&dispatch, || tracing::info!("room again"));
            lines += 1;
        }
        line.clear();
        reader.read_line(&mut line).unwrap();
        match line.split_once("WARN log lines dropped count=") {
            Some((_, count)) => told += count.trim().parse::<u64>().unwrap(),
            None => seen += 1,
        }
    }
    assert_eq!((seen, told, dropped()), (lines - 10, 10, 10));
}

#[test]
fn a_log_that_cannot_be_written_counts_what_it_lost() {
    let full = Output::File(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let (dispatch, handle) = LogHandle::start_on(full, &Log::default(), ROOM).unwrap();
    with_default(&dispatch, || {
        tracing::info!("one");
        tracing::info!("two");
        assert!(handle.flush());
        assert_eq!(handle.dropped()(), 2);
        let (mut reader, ours) = UnixStream::pair().unwrap();
        handle.queue.redirect(Output::File(OwnedFd::from(ours).into()));
        tracing::info!("three");
        assert!(handle.flush());
        drop(handle);
        let mut log = String::new();
        reader.read_to_string(&mut log).unwrap();
        assert_eq!(untimed(&log), ["WARN log lines dropped count=2", "INFO three"]);
    });
}

#[test]
fn the_journal_gets_a_datagram_a_line_with_its_fields() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("journal");
    let journal = UnixDatagram::bind(&socket).unwrap();
    let config = Log { format: Format::Journald, ..Log::default() };
    let (dispatch, handle) = LogHandle::start_on(Output::journal(&socket).unwrap(), &config, ROOM).unwrap();
    with_default(&dispatch, || {
        tracing::warn!(ehlo = "a\nPRIORITY=0", "said");
        tracing::info!("next");
    });
    drop(handle);
    let mut datagram = [0; 4096];
    let length = journal.recv(&mut datagram).unwrap();
    let mut want = Vec::new();
    for (name, value) in [
        ("PRIORITY", "4"),
        ("SYSLOG_IDENTIFIER", "gatepost"),
        ("MESSAGE", "said ehlo=\"a\\nPRIORITY=0\""),
        ("GATEPOST_EHLO", "a\nPRIORITY=0"),
    ] {
        journal::append(&mut want, name, value.as_bytes());
    }
    assert_eq!(&datagram[..length], want);
    let length = journal.recv(&mut datagram).unwrap();
    assert!(datagram[..length].windows(4).any(|four| four == b"next"));
}

#[test]
fn a_line_is_bounded_whatever_it_is_given() {
    let long = "\u{1}".repeat(100_000);
    let log = written(Format::Text, Level::Info, |_| {
        tracing::info!(
            a = long,
            b = long,
            c = long,
            d = long,
            e = long,
            f = long,
            g = long,
            code = 250,
            "long"
        );
    });
    assert!(log.len() < 48 * 1024, "{}", log.len());
    assert!(log.ends_with(" code=250 cut=true\n"));
}
