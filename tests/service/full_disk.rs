//! A disk that is really full: the message that has no room is deferred, and the proxy goes on.
//!
//! The disk is a small file system in memory, which the process sees alone: `unshare` makes it, as root or, where the
//! system lets users have namespaces of their own, as anyone. Where neither is so, the test says SKIPPED.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::wait;
use crate::toml;
use crate::under_systemd::skip;

/// Octets that the disk has room for.
const ROOM: usize = 2 << 20;
/// Mounts it at the first argument, and becomes what the others say.
const MOUNT: &str = "mount -t tmpfs -o size=2m,mode=0777 tmpfs \"$0\" && exec \"$@\"";

/// What gives a process file systems of its own here; nothing if this user may not.
fn namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];
    let folder = tempfile::tempdir().unwrap();
    ways.into_iter().find(|way| {
        let mut command = Command::new("unshare");
        command.args(*way).args(["sh", "-c", MOUNT]).arg(folder.path()).arg("true");
        let run = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    })
}

/// A gatepost whose folder `name` is on a disk of its own; none if that can't be had.
fn with_disk(name: &str) -> Option<Gatepost> {
    let Some(way) = namespace() else {
        skip("full disks", "no file systems of one's own here");
        return None;
    };
    Some(Gatepost::start_with(&toml("", "[limits]\nmessage_size = \"60 MB\""), |folder, command| {
        let disk = folder.join(name);
        fs::create_dir_all(&disk).unwrap();
        // Its last table is that of the spool.
        let file = folder.join("gatepost.toml");
        let toml = fs::read_to_string(&file).unwrap();
        fs::write(&file, toml + "memory = \"4 KiB\"\n").unwrap();
        let mut inside = Command::new("unshare");
        inside.args(way).args(["sh", "-c", MOUNT]).arg(&disk);
        inside.arg(command.get_program()).args(command.get_args());
        inside.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        *command = inside;
    }))
}

/// Content of about that many octets.
fn content(octets: usize) -> Vec<u8> {
    let line = b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    [b"Subject: large\r\n\r\n", line.repeat(octets / line.len()).as_slice()].concat()
}

fn send(client: &mut Client, octets: usize) -> String {
    client.must("MAIL FROM:<ann@front.example>", 250);
    client.must("RCPT TO:<bob@ours.example>", 250);
    client.data(&content(octets)).text()
}

/// What the process sees at `path` below its folder.
fn seen(gatepost: &Gatepost, path: &str) -> Vec<PathBuf> {
    let folder = gatepost.directory().join(path);
    let inside = PathBuf::from(format!("/proc/{}/root", gatepost.pid()));
    let entries = fs::read_dir(inside.join(folder.strip_prefix("/").unwrap())).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_full_disk_under_the_spool_defers_what_has_no_room_and_the_proxy_goes_on() {
    let Some(gatepost) = with_disk("spool") else { return };
    let mut client = Client::greeted(gatepost.address());
    for _ in 0..3 {
        let refused = send(&mut client, 2 * ROOM);
        assert!(refused.starts_with("452 4.3.1 "), "{refused}");
        // What has room is taken, on the same connection: nothing is left of what had none.
        let taken = send(&mut client, ROOM / 2);
        assert!(taken.starts_with("250 "), "{taken}");
    }
    Client::greeted(gatepost.address()).deliver("ann@front.example", "bob@ours.example", &content(100));
    gatepost.log_line(&["spool", "No space left on device"]);
    assert_eq!(seen(&gatepost, "Maildir/new").len(), 4);
}

#[test]
fn a_full_disk_under_a_maildir_defers_what_has_no_room_and_leaves_nothing_of_it() {
    let Some(gatepost) = with_disk("Maildir") else { return };
    let mut client = Client::greeted(gatepost.address());
    for _ in 0..3 {
        let refused = send(&mut client, 2 * ROOM);
        assert!(refused.starts_with("452 4.3.1 "), "{refused}");
    }
    let clean = || seen(&gatepost, "Maildir/tmp").is_empty().then_some(());
    wait::until("nothing left in tmp", clean);
    let taken = send(&mut client, ROOM / 4);
    assert!(taken.starts_with("250 "), "{taken}");
    gatepost.log_line(&["Maildir", "No space left on device"]);
    // Now it fills up with mail that was taken, until even a small one has no room.
    let mut taken = 1;
    let refused = loop {
        let reply = send(&mut client, ROOM / 4);
        if !reply.starts_with("250 ") {
            break reply;
        }
        taken += 1;
        assert!(taken < 5, "it never fills");
    };
    assert!(refused.starts_with("452 4.3.1 "), "{refused}");
    wait::until("nothing left in tmp", clean);
    let files = seen(&gatepost, "Maildir/new");
    assert_eq!(files.len(), taken);
    for file in files {
        assert!(fs::metadata(file).unwrap().len() > (ROOM / 4) as u64, "one that is not whole");
    }
}
