//! A real Postfix from a private configuration: loopback only, own queue, own log, mail delivered to Maildirs.
//!
//! Nothing that it takes can leave the machine: what is not for `ours.example` is thrown away by its discard transport.
//! It trusts 127.0.0.0/8 and `ours.example` is a local domain with the percent hack on, as in many a real main.cf: a
//! proxy in front of it is an open relay unless the proxy's own guard stands.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};

use super::arrived::{Arrived, Path as Way};
use super::drive;
use super::wait;

/// The domain whose mail is delivered.
pub const DOMAIN: &str = "ours.example";

/// What a test asks of its Postfix.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// XCLIENT is offered to loopback.
    pub xclient: bool,
    /// XFORWARD is offered to loopback.
    pub xforward: bool,
    /// Every message stays in the hold queue instead of being delivered.
    pub hold: bool,
    /// More lines for main.cf; a later line wins.
    pub main_cf: Vec<String>,
}

/// A running (or stopped) Postfix; stopped and removed on drop.
pub struct PostfixBackend {
    directory: tempfile::TempDir,
    port: u16,
    running: bool,
}

/// One message in the hold queue.
#[derive(Debug)]
pub struct Queued {
    /// Envelope records as postcat names them, in order: `("sender", "ann@front.example")`.
    pub envelope: Vec<(String, String)>,
    /// Header and body as queued, lines ending in LF.
    pub content: Vec<u8>,
}

impl Queued {
    /// Values of the envelope records called `name`.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.envelope.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}

impl PostfixBackend {
    /// A Postfix that listens on a free loopback port.
    pub fn start(options: &Options) -> Self {
        let directory = tempfile::Builder::new().prefix("gatepost-postfix-").tempdir().unwrap();
        let mut postfix = Self { directory, port: 0, running: false };
        postfix.write_configuration(options);
        for _ in 0..CLASHES {
            postfix.port = free_port();
            postfix.write_services();
            match postfix.launch() {
                Ok(()) => return postfix,
                Err(Launch::PortTaken) => {}
                Err(Launch::Failed(why)) => panic!("Postfix did not start:\n{why}"),
            }
        }
        panic!("no free port in {CLASHES} attempts")
    }

    /// Where it listens; the same after `start_again`.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Stops it and waits until it is gone.
    pub fn stop(&mut self) {
        self.terminate();
        wait::until("Postfix has stopped", || self.is_gone().then_some(()));
        self.running = false;
    }

    /// Starts it again on the same port, with the same queue.
    pub fn start_again(&mut self) {
        assert!(!self.running, "still running");
        wait::until("Postfix starts again", || match self.launch() {
            Ok(()) => Some(()),
            Err(Launch::PortTaken) => None,
            Err(Launch::Failed(why)) => panic!("Postfix did not start again:\n{why}"),
        });
    }

    /// Waits for a log line that holds every one of `words`, and gives it.
    pub fn log_line(&self, words: &[&str]) -> String {
        wait::until(&format!("a line with {words:?} in Postfix's log"), || {
            self.log().lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }

    /// The log so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("postfix.log")).unwrap_or_default()).into_owned()
    }

    /// Waits until `user`'s Maildir holds `count` messages; gives their octets, the oldest first.
    pub fn maildir(&self, user: &str, count: usize) -> Vec<Vec<u8>> {
        wait::until(&format!("{count} messages for {user}; log:\n{}", self.log_tail()), || {
            let files = files_in(&self.maildir_path(user));
            (files.len() >= count).then_some(files)
        })
        .iter()
        .map(|file| fs::read(file).unwrap())
        .collect()
    }

    /// The one message that `user` has got, its leading fields taken off. It came by `way`.
    pub fn delivered(&self, user: &str, way: Way) -> Arrived {
        let messages = self.maildir(user, 1);
        assert_eq!(messages.len(), 1, "messages for {user}");
        Arrived::delivered(&messages[0], way)
    }

    /// How many messages `user` has got so far.
    pub fn delivered_count(&self, user: &str) -> usize {
        files_in(&self.maildir_path(user)).len()
    }

    /// Removes what `user` has got.
    pub fn empty_maildir(&self, user: &str) {
        for file in files_in(&self.maildir_path(user)) {
            fs::remove_file(file).unwrap();
        }
    }

    /// Waits until the hold queue holds `count` messages, and gives them, in no order.
    pub fn queued(&self, count: usize) -> Vec<Queued> {
        wait::until(&format!("{count} messages on hold"), || {
            let files = files_in(&self.path("queue/hold"));
            (files.len() >= count).then_some(files)
        })
        .iter()
        .map(|file| self.postcat(file.file_name().unwrap().to_str().unwrap()))
        .collect()
    }

    fn postcat(&self, id: &str) -> Queued {
        let ask = |flags: &str| {
            let mut postcat = Command::new(sbin("postcat"));
            postcat.arg("-c").arg(self.path("etc")).args([flags, "-q", id]);
            let run = drive::run(postcat, &[]);
            assert!(run.succeeded(), "postcat {flags} {id}: {run:?}");
            run.stdout
        };
        let envelope = String::from_utf8_lossy(&ask("-e"))
            .lines()
            .filter_map(|line| line.split_once(": "))
            // `named_attribute: dsn_envid=…` counts as `dsn_envid`.
            .map(|(name, value)| match (name, value.split_once('=')) {
                ("named_attribute", Some((name, value))) => (name.to_owned(), value.to_owned()),
                _ => (name.to_owned(), value.to_owned()),
            })
            .collect();
        Queued { envelope, content: ask("-bh") }
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.directory.path().join(inside)
    }

    fn maildir_path(&self, user: &str) -> PathBuf {
        self.path("mail").join(user).join("new")
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// What `postfix stop` does, without its pauses of a second: SIGTERM to the master of this queue, which holds a
    /// lock on its pid file as long as it lives.
    fn terminate(&self) {
        if self.is_gone() {
            return;
        }
        let pid = fs::read_to_string(self.path("queue/pid/master.pid")).unwrap_or_default();
        if let Some(pid) = pid.trim().parse().ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Whether no master holds this queue.
    fn is_gone(&self) -> bool {
        let mut master = Command::new("/usr/lib/postfix/sbin/master");
        master.arg("-t").arg("-c").arg(self.path("etc"));
        drive::run(master, &[]).succeeded()
    }

    /// One start; master reports when its ports are open.
    fn launch(&mut self) -> Result<(), Launch> {
        let seen = self.log().len();
        // The folders are as they should be: no need of the checks, which take a second.
        fs::write(self.path("queue/quick-start"), "").unwrap();
        let mut start = Command::new(sbin("postfix"));
        start.arg("-c").arg(self.path("etc")).arg("start");
        let run = drive::run(start, &[]);
        if run.succeeded() {
            self.running = true;
            return Ok(());
        }
        let why = format!("{}{}", self.log().get(seen..).unwrap_or_default(), run.text());
        if why.contains("Address already in use") {
            return Err(Launch::PortTaken);
        }
        Err(Launch::Failed(why))
    }

    fn write_configuration(&self, options: &Options) {
        let root = self.directory.path();
        // The daemons run as user postfix and must reach their files through here.
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["etc", "queue", "queue/pid"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        let (uid, gid) = owner();
        let postdrop = account("/etc/group", "postdrop")[2].parse().unwrap();
        for (folder, mode, group) in FOLDERS {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).unwrap();
            chown(&folder, Some(uid), Some(if group == "postdrop" { postdrop } else { gid })).unwrap_or_else(
                |fault| panic!("Postfix needs root (tests/all takes care of it): chown: {fault}"),
            );
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        }
        let users = users().map(|user| format!("{user}@{DOMAIN} {user}/\n")).collect::<String>();
        write_settled(&root.join("etc/users"), &users);
        write_settled(&root.join("etc/header_checks"), "/^Subject:/ INFO\n");
        let mut main_cf = MAIN_CF.replace("@ROOT@", root.to_str().unwrap());
        main_cf = main_cf.replace("@UID@", &uid.to_string()).replace("@GID@", &gid.to_string());
        for (wanted, line) in [
            (options.xclient, "smtpd_authorized_xclient_hosts = 127.0.0.0/8"),
            (options.xforward, "smtpd_authorized_xforward_hosts = 127.0.0.0/8"),
            (options.hold, "smtpd_client_restrictions = check_client_access static:hold"),
        ] {
            main_cf.push_str(if wanted { line } else { "" });
            main_cf.push('\n');
        }
        main_cf.push_str(&options.main_cf.join("\n"));
        main_cf.push('\n');
        write_settled(&root.join("etc/main.cf"), &main_cf);
    }

    fn write_services(&self) {
        write_settled(&self.path("etc/master.cf"), &MASTER_CF.replace("@PORT@", &self.port.to_string()));
    }
}

impl Drop for PostfixBackend {
    fn drop(&mut self) {
        if self.running {
            self.terminate();
            // Its files go away after this, so it must be gone by then.
            wait::until_late(|| self.is_gone().then_some(()));
        }
        if std::thread::panicking() {
            eprintln!("Postfix's last log lines:\n{}", self.log_tail());
        }
    }
}

enum Launch {
    PortTaken,
    Failed(String),
}

/// Local parts at `ours.example` that Postfix knows.
fn users() -> impl Iterator<Item = String> {
    let names = ["postmaster", "ann", "bob", "jörg", "many"].map(str::to_owned);
    // The second form is how smtp-source numbers its recipients.
    let numbered = (0..=FIFTY).flat_map(|number| [format!("user{number}"), format!("{number}many")]);
    names.into_iter().chain(numbered)
}

/// Writes a file that looks a minute old: Postfix reads one again and again until it has not changed for a second or two.
fn write_settled(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
}

/// The files in `folder`, sorted by name; none if there is no folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A port that nobody listens on now, below those that the kernel gives to outgoing connections: the port of a stopped
/// Postfix must not be taken by a client's socket before it starts again.
fn free_port() -> u16 {
    let from_kernel = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    (0..20_000)
        .map(|step| 10_000 + (from_kernel.wrapping_mul(7).wrapping_add(step)) % 20_000)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .unwrap()
}

/// Path of one of Postfix's commands, which a plain user's PATH may lack.
pub fn sbin(name: &str) -> PathBuf {
    let path = Path::new("/usr/sbin").join(name);
    assert!(path.exists(), "{} is missing: tests/needs installs Debian's postfix", path.display());
    path
}

/// User and group that the postfix package made for Postfix's own files; mail is delivered as them.
fn owner() -> (u32, u32) {
    let fields = account("/etc/passwd", "postfix");
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}

/// Fields of `name`'s line in `file`.
fn account(file: &str, name: &str) -> Vec<String> {
    let accounts = fs::read_to_string(file).unwrap();
    let mut lines = accounts.lines().map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>());
    let line = lines.find(|fields| fields.first().is_some_and(|first| first == name));
    line.unwrap_or_else(|| panic!("no {name} in {file}: run tests/needs"))
}

const CLASHES: u32 = 10;
const FIFTY: u32 = 50;

/// Folders that belong to user postfix, with mode and group, as the package's postfix-files has them.
const FOLDERS: [(&str, u32, &str); 15] = [
    ("data", 0o700, "postfix"),
    ("mail", 0o700, "postfix"),
    ("queue/active", 0o700, "postfix"),
    ("queue/bounce", 0o700, "postfix"),
    ("queue/corrupt", 0o700, "postfix"),
    ("queue/defer", 0o700, "postfix"),
    ("queue/deferred", 0o700, "postfix"),
    ("queue/flush", 0o700, "postfix"),
    ("queue/hold", 0o700, "postfix"),
    ("queue/incoming", 0o700, "postfix"),
    ("queue/private", 0o700, "postfix"),
    ("queue/saved", 0o700, "postfix"),
    ("queue/trace", 0o700, "postfix"),
    ("queue/maildrop", 0o730, "postdrop"),
    ("queue/public", 0o710, "postdrop"),
];

const MAIN_CF: &str = include_str!("postfix/main.cf");

const MASTER_CF: &str = include_str!("postfix/master.cf");
