//! `[service] user`: every thread gives up the rights of root once the sockets are bound.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};

use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::toml;
use crate::under_systemd::skip;

const NOBODY: u32 = 65534;

#[test]
fn no_thread_keeps_the_rights_of_root() {
    if !rustix::process::geteuid().is_root() {
        return skip("the rights of [service] user", "only root can become another user");
    }
    let toml = toml("", "").replace("[service]", "[service]\nuser = \"65534\"\ngroup = \"65534\"");
    let gatepost = Gatepost::start_with(&toml, |folder, _| {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.join("Maildir")).unwrap();
        for below in ["spool", "Maildir"] {
            chown(folder.join(below), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    });
    // Whatever is started late is started by now.
    Client::greeted(gatepost.address()).deliver("ann@front.example", "ann@ours.example", b"\r\nx\r\n");
    let mut threads = 0;
    for task in fs::read_dir(format!("/proc/{}/task", gatepost.pid())).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let line = |key: &str| {
            let found = status.lines().find_map(|line| line.strip_prefix(key));
            found.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let nobody =
            [NOBODY.to_string(), NOBODY.to_string(), NOBODY.to_string(), NOBODY.to_string()].join(" ");
        assert_eq!(line("Uid:"), nobody, "{status}");
        assert_eq!(line("Gid:"), nobody, "{status}");
        assert_eq!(line("Groups:"), NOBODY.to_string(), "{status}");
        for capabilities in ["CapPrm:", "CapEff:", "CapInh:", "CapAmb:"] {
            assert_eq!(line(capabilities), "0000000000000000", "{status}");
        }
        threads += 1;
    }
    assert!(threads >= 4, "main, acceptor, workers, storage: {threads}");
    let message = fs::read_dir(gatepost.directory().join("Maildir/new")).unwrap().next().unwrap().unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&message.metadata().unwrap()), NOBODY);
}
