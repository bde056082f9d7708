//! The gatepost binary, run as a postmaster would run it: a TOML file in, a log on standard error out.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::client::Client;
use super::names::NameServer;
use super::postfix::{DOMAIN, PostfixBackend};
use super::wait;

/// A running gatepost; killed on drop.
pub struct Gatepost {
    child: Child,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
    directory: tempfile::TempDir,
    /// Kept as long as the process may ask it.
    _names: NameServer,
}

/// Lines for single tables of the configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines<'a> {
    /// All of `[relay]`, instead of our one domain.
    pub relay: Option<&'a str>,
    /// More of `[[backend]]`.
    pub backend: Option<&'a str>,
}

/// Name of the proxy in the tests: `hostname` of its configuration, what stands after `by` in its Received.
pub const HOSTNAME: &str = "proxy.front.example";
/// Name of the listener in `Gatepost::in_front_of`.
pub const LISTENER: &str = "front";

impl Gatepost {
    /// In front of `postfix`: one listener, no policies, relay for `ours.example` only.
    pub fn in_front_of(postfix: &PostfixBackend) -> Self {
        Self::with(postfix, &Lines::default())
    }

    /// The same with more lines in its configuration.
    pub fn with(postfix: &PostfixBackend, more: &Lines<'_>) -> Self {
        let domains = format!("domains = [\"{DOMAIN}\"]");
        Self::start(&format!(
            "hostname = \"{HOSTNAME}\"\n\
             [relay]\n\
             {}\n\
             [limits]\n\
             connections_per_client = 1000\n\
             connection_rate = 1000000\n\
             [[listener]]\n\
             name = \"{LISTENER}\"\n\
             bind = \"127.0.0.1:0\"\n\
             [[backend]]\n\
             address = \"{}\"\n\
             {}\n",
            more.relay.unwrap_or(&domains),
            postfix.address(),
            more.backend.unwrap_or_default(),
        ))
    }

    /// With `toml`, to which the tests' name server and a spool folder are added; waits until every listener listens.
    ///
    /// The count of listeners is the count of `[[listener]]` tables: bind one socket in each.
    pub fn start(toml: &str) -> Self {
        Self::start_with(toml, |_, _| {})
    }

    /// The same, after `prepare` has seen the folder of its configuration and the command that is about to be run.
    pub fn start_with(toml: &str, prepare: impl FnOnce(&Path, &mut Command)) -> Self {
        let directory = tempfile::Builder::new().prefix("gatepost-").tempdir().unwrap();
        let names = NameServer::start();
        let spool = directory.path().join("spool");
        fs::create_dir(&spool).unwrap();
        let whole = format!(
            "{toml}\n[dns]\nservers = [\"{}\"]\n[spool]\ndirectory = \"{}\"\n",
            names.address(),
            spool.display(),
        );
        fs::write(directory.path().join(FILE), whole).unwrap();
        let (child, log, reader) = launch(directory.path(), prepare);
        let gatepost = Self { child, log, reader: Some(reader), directory, _names: names };
        gatepost.wait_for_listeners();
        gatepost
    }

    fn wait_for_listeners(&self) {
        let toml = fs::read_to_string(self.directory.path().join(FILE)).unwrap();
        let listeners = toml.lines().filter(|line| line.trim() == "[[listener]]").count();
        let said = |lines: &[String]| lines.iter().filter(|line| listening(line).is_some()).count();
        self.log.wait("gatepost listens", |lines| (said(lines) >= listeners).then_some(()));
    }

    /// SIGKILL, which it doesn't hear of; returns when the process is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after it has ended, with the same configuration and a log of its own.
    pub fn start_again(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let (child, log, reader) = launch(self.directory.path(), |_, _| {});
        (self.child, self.log, self.reader) = (child, log, Some(reader));
        self.wait_for_listeners();
    }

    /// Where the only listener listens.
    pub fn address(&self) -> SocketAddr {
        self.address_of(LISTENER)
    }

    /// Where the listener called `name` listens.
    pub fn address_of(&self, name: &str) -> SocketAddr {
        let found = self.log_lines().iter().filter_map(|line| listening(line)).find(|(_, said)| said == name);
        found.unwrap_or_else(|| panic!("no listener {name}: {:?}", self.log_lines())).0
    }

    /// Waits until it offers `keywords` after EHLO: it learns from its backend after it has started.
    pub fn wait_for_offer(&self, keywords: &[&str]) {
        wait::until(&format!("{keywords:?} offered"), || {
            let mut client = Client::connect(self.address());
            let ehlo = client.must("EHLO client.front.example", 250);
            client.quit();
            keywords.iter().all(|keyword| ehlo.offers(keyword)).then_some(())
        });
    }

    /// The log so far.
    pub fn log_lines(&self) -> Vec<String> {
        self.log.state.lock().unwrap().lines.clone()
    }

    /// Waits for a log line that holds every one of `words`, and gives it.
    pub fn log_line(&self, words: &[&str]) -> String {
        let holds = |line: &&String| words.iter().all(|word| line.contains(word));
        self.log.wait(&format!("a line with {words:?}"), |lines| lines.iter().find(holds).cloned())
    }

    /// The folder of its configuration file.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Replaces its configuration file; `reload` makes it read it.
    pub fn rewrite_configuration(&self, change: impl Fn(String) -> String) {
        let file = self.directory.path().join(FILE);
        fs::write(&file, change(fs::read_to_string(&file).unwrap())).unwrap();
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGHUP: read the configuration again.
    pub fn reload(&self) {
        self.signal(Signal::HUP);
    }

    /// SIGTERM: drain and end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until it has ended.
    pub fn ended(&mut self) -> ExitStatus {
        wait::until("gatepost ends", || self.child.try_wait().unwrap())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Gatepost {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        if thread::panicking() {
            eprintln!("gatepost's log:\n{}", self.log_lines().join("\n"));
        }
    }
}

/// Runs it with the configuration in `directory`, after `prepare` has seen both; follows what it says.
fn launch(directory: &Path, prepare: impl FnOnce(&Path, &mut Command)) -> (Child, Arc<Log>, JoinHandle<()>) {
    let mut command = binary();
    command.arg("run").arg("-c").arg(directory.join(FILE));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    prepare(directory, &mut command);
    let mut child = command.spawn().unwrap();
    let log = Arc::new(Log::default());
    let reader = log.follow(child.stderr.take().unwrap());
    (child, log, reader)
}

/// The program to be tested: the one that cargo has built, or another build of it, a release say.
pub fn binary() -> Command {
    Command::new(std::env::var_os("GATEPOST_BINARY").unwrap_or(env!("CARGO_BIN_EXE_gatepost").into()))
}

/// Address and listener of a line that says where gatepost listens, in either format.
fn listening(line: &str) -> Option<(SocketAddr, String)> {
    if !line.contains("listening") {
        return None;
    }
    let after = |text: &str, json: &str| {
        let rest = line.split_once(json).or_else(|| line.split_once(text))?.1.trim_start_matches('"');
        Some(rest.split(['"', ' ', ',', '}']).next()?.to_owned())
    };
    let address = after(" address=", "\"address\":")?;
    Some((address.parse().ok()?, after(" listener=", "\"listener\":")?))
}

/// What came on standard error, and a bell for those who wait for more.
#[derive(Default)]
struct Log {
    state: Mutex<Said>,
    bell: Condvar,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    over: bool,
}

impl Log {
    fn follow(self: &Arc<Self>, pipe: std::process::ChildStderr) -> JoinHandle<()> {
        let log = Arc::clone(self);
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n') {
                let Ok(line) = line else { break };
                log.state.lock().unwrap().lines.push(String::from_utf8_lossy(&line).into_owned());
                log.bell.notify_all();
            }
            log.state.lock().unwrap().over = true;
            log.bell.notify_all();
        })
    }

    /// What `probe` finds in the lines; fails the test when the log is over, or time is, without it.
    fn wait<T>(&self, what: &str, probe: impl Fn(&[String]) -> Option<T>) -> T {
        let deadline = Instant::now() + wait::PATIENCE;
        let mut said = self.state.lock().unwrap();
        loop {
            if let Some(found) = probe(&said.lines) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if said.over || left.is_zero() {
                let lines = said.lines.join("\n");
                drop(said);
                panic!("{what}: not in gatepost's log:\n{lines}");
            }
            said = self.bell.wait_timeout(said, left).unwrap().0;
        }
    }
}

const FILE: &str = "gatepost.toml";
