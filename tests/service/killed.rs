//! The process is killed at any moment: of each message there is nothing at the backend, or one copy that is whole, and
//! what a client heard 250 for is there.
//!
//! 30 kills in the suite; `GATEPOST_SOAK=N` makes N, from GATEPOST_SOAK_SEED.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::support::client::stuffed;
use crate::support::gatepost::Gatepost;
use crate::support::wait;

/// Clients that send to each backend, all the time.
const CLIENTS: usize = 3;
/// Steps of clients that a process lives at most after it listens.
const LIFE: u64 = 150;
/// Marks a message's number, in the content.
const NUMBER: &str = "X-Number: ";

fn toml(maildir: &Path, server: SocketAddr) -> String {
    format!(
        "hostname = \"mx.ours.example\"\n[relay]\ndomains = \"ours.example\"\n\
         [limits]\nconnection_rate = \"none\"\nconnections_per_client = 1000\n\
         [[backend]]\nname = \"folder\"\naddress = \"maildir:{}\"\n\
         [[backend]]\nname = \"server\"\naddress = \"{server}\"\n\
         [[listener]]\nname = \"to-folder\"\nbind = \"127.0.0.1:0\"\nclient_name = false\nbackend = \"folder\"\n\
         [[listener]]\nname = \"to-server\"\nbind = \"127.0.0.1:0\"\nclient_name = false\nbackend = \"server\"\n",
        maildir.display()
    )
}

/// Numbers from a seed: what one test run does, another does again.
struct Dice(u64);

impl Dice {
    /// A number below `end`. Source: Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (SplitMix64).
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// The content of the message of that number: of any size up to 200 kB, the same each time.
fn content(number: u64) -> Vec<u8> {
    let mut dice = Dice(number);
    let lines = if dice.below(2) == 0 { dice.below(10) } else { dice.below(5000) };
    let mut text = format!("{NUMBER}{number}\r\nSubject: one of many\r\n\r\n");
    for line in 0..lines {
        text.push_str(if dice.below(20) == 0 { "." } else { "" });
        text.push_str(&format!("line {line} of message {number}, {}\r\n", dice.below(1 << 40)));
    }
    text.push_str("the end\r\n");
    text.into_bytes()
}

/// What all clients have done, and a bell for who waits for more.
#[derive(Default)]
struct Book {
    page: Mutex<Page>,
    bell: Condvar,
}

#[derive(Default)]
struct Page {
    /// Steps of clients: each write and each reply.
    steps: u64,
    /// Messages begun.
    begun: u64,
    /// Messages that were answered with 250.
    acknowledged: Vec<u64>,
}

impl Book {
    fn step(&self) {
        self.page.lock().unwrap().steps += 1;
        self.bell.notify_all();
    }

    fn begin(&self) -> u64 {
        let mut page = self.page.lock().unwrap();
        page.begun += 1;
        page.begun
    }

    /// Waits until clients have done `steps` more.
    fn wait(&self, steps: u64) {
        let page = self.page.lock().unwrap();
        let goal = page.steps + steps;
        let (page, waited) =
            self.bell.wait_timeout_while(page, wait::PATIENCE, |page| page.steps < goal).unwrap();
        assert!(!waited.timed_out(), "clients have come to {} of {goal} steps", page.steps);
    }
}

/// Sends messages until the connection is gone.
fn client(server: SocketAddr, book: &Book) -> std::io::Result<()> {
    let stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    let mut replies = BufReader::new(&stream);
    let mut hear = |code: &str| loop {
        let mut line = String::new();
        replies.read_line(&mut line)?;
        // What was cut is no reply, even if it begins like one.
        if !line.ends_with('\n') {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        }
        if line.as_bytes().get(3) == Some(&b' ') {
            assert!(line.starts_with(code), "{line:?}, not {code}");
            book.step();
            return Ok(());
        }
    };
    let say = |octets: &[u8]| {
        book.step();
        (&stream).write_all(octets)
    };
    hear("220")?;
    say(b"EHLO client.front.example\r\n")?;
    hear("250")?;
    loop {
        let number = book.begin();
        let wire = stuffed(&content(number));
        say(b"MAIL FROM:<ann@front.example>\r\n")?;
        hear("250")?;
        say(b"RCPT TO:<bob@ours.example>\r\n")?;
        hear("250")?;
        say(b"DATA\r\n")?;
        hear("354")?;
        let (first, rest) = wire.split_at(wire.len() / 2);
        say(first)?;
        say(rest)?;
        hear("250")?;
        book.page.lock().unwrap().acknowledged.push(number);
    }
}

/// A mail server that takes everything: what it has answered for, until the listener's last connection.
fn serve(door: &TcpListener, taken: &Arc<Mutex<Vec<Vec<u8>>>>) {
    for stream in door.incoming() {
        let (stream, taken) = (stream.unwrap(), Arc::clone(taken));
        thread::spawn(move || converse(&stream, &taken));
    }
}

/// One connection, until it is gone.
fn converse(stream: &TcpStream, taken: &Mutex<Vec<Vec<u8>>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let say = |octets: &[u8]| { stream }.write_all(octets);
    say(b"220 backend ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.get(..4).unwrap_or_default() {
            "EHLO" => say(b"250-backend\r\n250-PIPELINING\r\n250 8BITMIME\r\n")?,
            "DATA" => {
                say(b"354 Go\r\n")?;
                let Some(message) = message(&mut lines)? else { return Ok(()) };
                taken.lock().unwrap().push(message);
                say(b"250 2.0.0 Taken\r\n")?;
            }
            _ => say(b"250 2.0.0 Ok\r\n")?,
        }
    }
}

/// Content up to its end, dots unstuffed; nothing if it was cut.
fn message(lines: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    loop {
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line)?;
        match line.as_slice() {
            b".\r\n" => return Ok(Some(message)),
            [b'.', rest @ ..] if rest.ends_with(b"\n") => message.extend_from_slice(rest),
            whole if whole.ends_with(b"\n") => message.extend_from_slice(whole),
            _ => return Ok(None),
        }
    }
}

/// How often each message is among `delivered`. Fails the test at one that is not what was sent.
fn counted(delivered: impl Iterator<Item = Vec<u8>>) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for octets in delivered {
        let text = String::from_utf8(octets).unwrap();
        let at = text.find(NUMBER).unwrap_or_else(|| panic!("no number: {text:.200}"));
        let number = text[at + NUMBER.len()..].lines().next().unwrap().parse().unwrap();
        assert!(text.as_bytes()[at..] == content(number), "message {number} is not what was sent");
        *counts.entry(number).or_default() += 1;
    }
    counts
}

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_or_one_acknowledged_copy() {
    let kills = number_from("GATEPOST_SOAK").unwrap_or(30);
    let seed = number_from("GATEPOST_SOAK_SEED").unwrap_or(20_261_122);
    println!("{kills} kills, seed {seed}");
    let mut dice = Dice(seed);
    let mail = tempfile::tempdir().unwrap();
    let folder = mail.path().join("Maildir");
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = door.local_addr().unwrap();
    let taken = Arc::<Mutex<Vec<Vec<u8>>>>::default();
    let noted = Arc::clone(&taken);
    thread::spawn(move || serve(&door, &noted));
    let mut gatepost = Gatepost::start(&toml(&folder, server));
    // Two books: of each message it is known which backend it was for.
    let books = [Book::default(), Book::default()];
    for kill in 0..kills {
        if kill > 0 {
            gatepost.start_again();
        }
        let doors = ["to-folder", "to-server"].map(|name| gatepost.address_of(name));
        thread::scope(|scope| {
            for (book, door) in books.iter().zip(doors) {
                for _ in 0..CLIENTS {
                    scope.spawn(move || {
                        let ended = client(door, book);
                        assert!(ended.is_err(), "it is killed before");
                    });
                }
            }
            let book = &books[usize::try_from(dice.below(2)).unwrap()];
            book.wait(dice.below(LIFE));
            for _ in 0..dice.below(200) {
                thread::yield_now();
            }
            gatepost.kill();
        });
    }
    let stored =
        fs::read_dir(folder.join("new")).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    let stored = counted(stored);
    let relayed = counted(taken.lock().unwrap().drain(..));
    for (book, there, backend) in [(&books[0], stored, "the Maildir"), (&books[1], relayed, "the server")] {
        let page = book.page.lock().unwrap();
        let (begun, heard) = (page.begun, page.acknowledged.len());
        println!("{backend}: {begun} begun, {heard} acknowledged, {} there", there.len());
        assert!(heard as u64 >= kills, "too few got through to say anything");
        assert!(begun > heard as u64 + kills / 2, "hardly one was under way when its process was killed");
        for number in &page.acknowledged {
            assert!(there.contains_key(number), "message {number} was acknowledged and is not at {backend}");
        }
        let twice: Vec<_> = there.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "more than once at {backend}: {twice:?}");
    }
}
