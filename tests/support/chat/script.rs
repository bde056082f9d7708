//! A chat's file, read: what it proves, what it needs, and its steps.

use std::path::Path;
use std::time::Duration;

use super::octets::{octets, shown};
use super::setup::Setup;
use crate::support::tls::Manner;

/// One chat.
#[derive(Clone, Debug)]
pub struct Chat {
    /// Its path below `tests/chats`, without the extension.
    pub name: String,
    /// What it proves.
    pub sentence: String,
    /// What it needs.
    pub setup: Setup,
    /// What happens.
    pub steps: Vec<Step>,
}

/// One line of a chat.
#[derive(Clone, Debug)]
pub struct Step {
    /// File and line.
    pub place: String,
    /// As written.
    pub text: String,
    /// What it means.
    pub act: Act,
}

/// Which wire: the client's or the backend's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Backend,
}

/// What happens at one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// This side says these octets.
    Say(Side, Vec<u8>),
    /// The proxy says this line on this side; in shown form, `[*]` for anything.
    Hear(Side, String),
    /// A log line with these fields.
    Log(Vec<(String, String)>),
    /// No log line so far has these fields.
    NoLog(Vec<(String, String)>),
    /// This connection of this side is meant from here on. A client's comes from that address, a backend's to the
    /// address of that number.
    Switch(Side, String, Option<String>),
    /// This side ends its connection so.
    End(Side, Ending),
    /// The proxy has ended the connection, and has said nothing that was not heard.
    Closed(Side),
    /// The proxy has said nothing that was not heard.
    Silent(Side),
    /// This side begins TLS, or tries to in vain.
    Tls(Side, Manner, bool),
    /// The client logs in by SCRAM-SHA-256.
    Scram(Scram),
    /// No connection to the backend waits to be taken.
    Unasked,
    /// The backend's address of that number refuses connections from now on, or takes them.
    Listen(usize, bool),
    /// Time passes.
    Clock(Duration),
    /// The proxy learns what the backend offers.
    Learn,
    /// It believes to have learned it of the address of that number.
    Knows(usize, Vec<String>),
    /// The end of service begins, or its patience is over.
    Drain,
    EndService,
}

/// How a client logs in by SCRAM-SHA-256.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scram {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The kind of channel that it binds itself to, by -PLUS.
    pub bound: Option<String>,
    /// Unbound, it says that it could be bound but that we could not.
    pub believes_unbound: bool,
    /// It takes another channel's data for this one's.
    pub is_elsewhere: bool,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Close,
    Reset,
    HalfClose,
}

impl Chat {
    /// The chat in the file `path` below `root`.
    ///
    /// *Errors*: file, line, and what is wrong there.
    pub fn read(root: &Path, path: &Path) -> Result<Chat, String> {
        let name = path.strip_prefix(root).unwrap_or(path).with_extension("");
        let mut reader = Reader { root, setup: Setup::default(), steps: Vec::new() };
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let first = text.lines().next().and_then(|line| line.strip_prefix("# "));
        let sentence = first.ok_or_else(|| format!("{}: no sentence in the first line", path.display()))?;
        let cites = [
            "RFC ",
            "Postfix X",
            "proxy-protocol.txt",
            "smtp.md",
            "lua-api.md",
            "configuration.md",
            "conventions.md",
            "architecture.md",
        ];
        if !cites.iter().any(|source| sentence.contains(source)) {
            return Err(format!("{}: the sentence cites nothing", path.display()));
        }
        reader.read(&short(root, path), &text)?;
        let Reader { setup, steps, .. } = reader;
        Ok(Chat { name: name.display().to_string(), sentence: sentence.to_owned(), setup, steps })
    }

    /// Octets that clients say in all.
    pub fn said(&self) -> usize {
        let said = self.steps.iter().filter_map(|step| match &step.act {
            Act::Say(_, octets) => Some(octets.len()),
            _ => None,
        });
        said.sum()
    }
}

fn short(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

struct Reader<'a> {
    root: &'a Path,
    setup: Setup,
    steps: Vec<Step>,
}

impl Reader<'_> {
    fn read(&mut self, file: &str, text: &str) -> Result<(), String> {
        // Where a repeated block began, and how often it is said.
        let mut repeated: Option<(usize, usize)> = None;
        for (number, line) in text.lines().enumerate() {
            let place = format!("{file}:{}", number + 1);
            let wrong = |error: String| format!("{place}: {error}: {line}");
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(times) = line.strip_prefix("@repeat ") {
                let times = times.trim().parse().map_err(|_| wrong("no number".to_owned()))?;
                repeated = Some((self.steps.len(), times));
            } else if line.trim() == "@again" {
                let (start, times) = repeated.take().ok_or_else(|| wrong("nothing to repeat".to_owned()))?;
                let block = self.steps.split_off(start);
                self.steps.extend((0..times).flat_map(|_| block.clone()));
            } else if let Some(included) = line.strip_prefix("@include ") {
                let name = included.split(" #").next().unwrap_or_default().trim();
                let path = self.root.join("include").join(name);
                let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
                self.read(&short(self.root, &path), &text)?;
            } else if !self.setup.take(line).map_err(wrong)? {
                let act = act(line).map_err(wrong)?;
                self.steps.push(Step { place, text: line.to_owned(), act });
            }
        }
        Ok(())
    }
}

fn act(line: &str) -> Result<Act, String> {
    if let Some(directive) = line.strip_prefix('@') {
        let directive = directive.split(" #").next().unwrap_or_default();
        if let Some(absent) = directive.strip_prefix("unlogged ") {
            return Ok(Act::NoLog(fields(absent)?));
        }
        let words: Vec<&str> = directive.split_whitespace().collect();
        return directed(&words).ok_or_else(|| "no such directive".to_owned());
    }
    let (speaker, text) = line.split_at_checked(2).ok_or("neither speech nor directive")?;
    let text = text.strip_prefix(' ').unwrap_or(text);
    let with_end = |text: &str| octets(text).map(|line| [line.as_slice(), b"\r\n"].concat());
    Ok(match speaker {
        "C:" => Act::Say(Side::Client, with_end(text)?),
        "C=" => Act::Say(Side::Client, octets(text)?),
        "B:" => Act::Say(Side::Backend, with_end(text)?),
        "B=" => Act::Say(Side::Backend, octets(text)?),
        "S:" => Act::Hear(Side::Client, shown(&octets(text)?)),
        "P:" => Act::Hear(Side::Backend, shown(&octets(text)?)),
        "L:" => Act::Log(fields(text)?),
        _ => return Err("neither speech nor directive".to_owned()),
    })
}

/// `key=value key="value with blanks" …`
fn fields(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut fields = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, behind) = rest.split_once('=').ok_or("a field without =")?;
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote that does not end")?,
            None => behind.split_once(' ').unwrap_or((behind, "")),
        };
        fields.push((key.to_owned(), value.to_owned()));
        rest = behind.trim_start();
    }
    Ok(fields)
}

fn directed(words: &[&str]) -> Option<Act> {
    let side = |word: &str| match word {
        "client" => Some(Side::Client),
        "backend" => Some(Side::Backend),
        _ => None,
    };
    Some(match words {
        ["clock", time] => Act::Clock(duration(time.strip_prefix('+')?)?),
        ["learn"] => Act::Learn,
        ["knows", "at", number, ..] => Act::Knows(number.parse().ok()?, keywords(&words[3..])),
        ["knows", ..] => Act::Knows(1, keywords(&words[1..])),
        ["drain"] => Act::Drain,
        ["end-service"] => Act::EndService,
        ["backend", "unasked"] => Act::Unasked,
        ["backend", "stop"] => Act::Listen(1, false),
        ["backend", "stop", number] => Act::Listen(number.parse().ok()?, false),
        ["backend", "start"] => Act::Listen(1, true),
        ["backend", "start", number] => Act::Listen(number.parse().ok()?, true),
        [who, "tls", options @ ..] => secured(side(who)?, options)?,
        ["client", "scram", user, password, options @ ..] => scram(user, password, options)?,
        [who, "close"] => Act::End(side(who)?, Ending::Close),
        [who, "reset"] => Act::End(side(who)?, Ending::Reset),
        [who, "half-close"] => Act::End(side(who)?, Ending::HalfClose),
        [who, "closed"] => Act::Closed(side(who)?),
        [who, "silent"] => Act::Silent(side(who)?),
        ["client", name, "from", address] => {
            Act::Switch(Side::Client, (*name).to_owned(), Some((*address).to_owned()))
        }
        ["backend", name, "at", number] => {
            Act::Switch(Side::Backend, (*name).to_owned(), Some((*number).to_owned()))
        }
        [who, name] if name.chars().all(|c| c.is_ascii_digit()) => {
            Act::Switch(side(who)?, (*name).to_owned(), None)
        }
        _ => return None,
    })
}

/// `sni=NAME cert=FILE wants=FILE alpn=NAME old asks fails`.
fn secured(side: Side, options: &[&str]) -> Option<Act> {
    let (mut manner, mut fails) = (Manner::default(), false);
    for option in options {
        match option.split_once('=') {
            Some(("sni", name)) => manner.sni = Some(name.to_owned()),
            Some(("cert", name)) => manner.certificate = Some(format!("{name}.pem")),
            Some(("wants", name)) => manner.wants = Some(format!("{name}.pem")),
            Some(("alpn", name)) => manner.alpn.push(name.to_owned()),
            None if *option == "old" => manner.is_old = true,
            None if *option == "asks" => manner.asks = true,
            None if *option == "fails" => fails = true,
            _ => return None,
        }
    }
    Some(Act::Tls(side, manner, fails))
}

/// `bound=KIND y elsewhere`.
fn scram(user: &str, password: &str, options: &[&str]) -> Option<Act> {
    let mut scram = Scram { user: user.to_owned(), password: password.to_owned(), ..Scram::default() };
    for option in options {
        match option.split_once('=') {
            Some(("bound", kind)) => scram.bound = Some(kind.to_owned()),
            None if *option == "y" => scram.believes_unbound = true,
            None if *option == "elsewhere" => scram.is_elsewhere = true,
            _ => return None,
        }
    }
    Some(Act::Scram(scram))
}

/// `SIZE 1000, DSN` as lines of an EHLO reply.
fn keywords(words: &[&str]) -> Vec<String> {
    words.join(" ").split(',').map(|one| one.trim().to_owned()).collect()
}

fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number * 60),
        "h" => Duration::from_secs(number * 3600),
        _ => return None,
    })
}
