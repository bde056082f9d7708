//! The proxies that are compared: what each is called, how it is set up and started.

mod auth_http;
mod gatepost;
mod haproxy;
mod nginx;

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::process::Process;
use crate::sink::Sink;
use crate::tls::Identity;
use auth_http::AuthHttp;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// No proxy: clients talk to the sink. For latency and the speed of load and sink alone.
    Direct,
    /// haproxy in tcp mode.
    Haproxy,
    /// nginx's mail module.
    Nginx,
    /// nginx's mail module, telling the sink by XCLIENT who the client is.
    NginxXclient,
    /// gatepost without policies.
    Gatepost,
    /// gatepost with `benches/small.lua`.
    GatepostPolicy,
    /// gatepost with XCLIENT.
    GatepostXclient,
    /// gatepost with `benches/small.lua` and XCLIENT.
    GatepostBoth,
}

/// A peer that listens, and the sink behind it.
pub(crate) struct Running {
    pub(crate) title: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) sink: Sink,
    /// From starting the program to the first octets of its greeting.
    pub(crate) to_banner: Duration,
    process: Option<Process>,
    _auth: Option<AuthHttp>,
}

impl Peer {
    /// The words for the table's first column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Direct => "no proxy",
            Self::Haproxy => "haproxy, tcp mode",
            Self::Nginx => "nginx mail",
            Self::NginxXclient => "nginx mail, XCLIENT",
            Self::Gatepost => "gatepost",
            Self::GatepostPolicy => "gatepost, small policy",
            Self::GatepostXclient => "gatepost, XCLIENT",
            Self::GatepostBoth => "gatepost, small policy and XCLIENT",
        }
    }

    /// Whether it can be started with TLS.
    pub(crate) fn speaks_tls(self) -> bool {
        !matches!(self, Self::Direct | Self::Nginx | Self::NginxXclient)
    }

    /// Starts the peer on a free port, with a sink of its own; its files are in a folder below `folder`.
    ///
    /// Errors: if it doesn't greet within 20 s, with the end of what it printed.
    pub(crate) fn start(self, folder: &Path) -> Result<Running> {
        self.start_with(folder, None)
    }

    /// The same; with an `identity` it speaks TLS from the first octet.
    pub(crate) fn start_with(self, folder: &Path, identity: Option<&Identity>) -> Result<Running> {
        let folder = folder.join(self.to_possible_value().context("name")?.get_name());
        fs::create_dir_all(&folder)?;
        let xclient = matches!(self, Self::NginxXclient | Self::GatepostXclient | Self::GatepostBoth);
        let sink = Sink::start(xclient)?;
        let place = Place {
            port: free_port()?,
            sink: sink.address.port(),
            folder,
            pem: identity.map(|identity| identity.pem.clone()),
        };
        let mut auth = None;
        let mut command = match self {
            Self::Direct => {
                let (address, to_banner) = (sink.address, Duration::ZERO);
                return Ok(Running {
                    title: self.title(),
                    address,
                    sink,
                    to_banner,
                    process: None,
                    _auth: None,
                });
            }
            Self::Haproxy => haproxy::command(&place)?,
            Self::Nginx | Self::NginxXclient => {
                let server = auth.insert(AuthHttp::start(sink.address)?);
                nginx::command(&place, server.address, xclient)?
            }
            Self::Gatepost | Self::GatepostXclient => gatepost::command(&place, false, xclient)?,
            Self::GatepostPolicy | Self::GatepostBoth => gatepost::command(&place, true, xclient)?,
        };
        let (process, to_banner) = launch(&mut command, &place, identity)?;
        let address = (Ipv4Addr::LOCALHOST, place.port).into();
        Ok(Running { title: self.title(), address, sink, to_banner, process: Some(process), _auth: auth })
    }
}

impl Running {
    /// The ids of all its processes; none for `Peer::Direct`.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.process.as_ref().map(Process::ids).unwrap_or_default()
    }
}

/// Where a peer listens, where it sends to, and its folder.
struct Place {
    port: u16,
    sink: u16,
    folder: PathBuf,
    /// Certificate and key, if it is to speak TLS.
    pem: Option<PathBuf>,
}

impl Place {
    /// Writes `text` into the peer's folder as `name`, and gives the path.
    fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

fn launch(command: &mut Command, place: &Place, identity: Option<&Identity>) -> Result<(Process, Duration)> {
    let log = place.folder.join("output");
    let begun = Instant::now();
    let mut process = Process::start(command, &log)?;
    loop {
        if greets(place.port, identity) {
            return Ok((process, begun.elapsed()));
        }
        if process.has_ended() || begun.elapsed() > Duration::from_secs(20) {
            bail!("no greeting within {:?}; it said:\n{}", begun.elapsed(), last_words(&place.folder));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The ends of what a peer printed and logged.
fn last_words(folder: &Path) -> String {
    let mut words = Vec::new();
    for name in ["output", "error.log", "gatepost.log"] {
        let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
        let skip = text.lines().count().saturating_sub(12);
        words.extend(text.lines().skip(skip).map(|line| format!("{name}: {line}")));
    }
    if words.is_empty() { "nothing".into() } else { words.join("\n") }
}

fn greets(port: u16, identity: Option<&Identity>) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let mut code = [0; 3];
    let wait = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let read = match identity {
        Some(identity) => identity.read(stream, &mut code),
        None => stream.read_exact(&mut code).map_err(Into::into),
    };
    wait.is_ok() && read.is_ok() && code == *b"220"
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
