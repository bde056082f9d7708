//! Content goes from socket to spool and from spool to socket: nothing is allocated for a line of it, and none of it is
//! copied to another place on its way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;

use crate::allocations::{Allocated, outside, so_far};
use crate::support::floor::{Proxy, on_still_clock};

/// One at a time: what is allocated is counted for the whole process.
static TURN: Mutex<()> = Mutex::new(());

/// The content of a message, and what is known of it.
#[derive(Clone)]
struct Content {
    /// As DATA carries it, without the end of data.
    octets: Vec<u8>,
    /// Octets that the backend gets besides: our Received field at most.
    more: usize,
}

/// What carrying one message costs, after one that warmed everything up. `rest` is more of the configuration.
fn cost(content: &Content, rest: &str) -> Allocated {
    on_still_clock(async {
        let folder = tempfile::tempdir().unwrap();
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let toml = format!(
            "hostname = \"mx.b.example\"\n[relay]\ndomains = [\"b.example\"]\n\
             [limits]\nmessage_size = \"60 MB\"\n[[backend]]\naddress = \"{}\"\n\
             [[listener]]\nbind = \"127.0.0.1:25\"\nclient_name = false\n{rest}\n",
            door.local_addr().unwrap()
        );
        let proxy = Proxy::start(&toml, folder.path()).unwrap();
        let backend = outside(move || [(); 2].map(|()| receive(&door)));
        let mut costs = Vec::new();
        for _ in 0..2 {
            let client = proxy.connect(SocketAddr::from(([198, 18, 0, 1], 4711))).await;
            let client = client.into_std().unwrap();
            client.set_nonblocking(false).unwrap();
            let wire = content.octets.clone();
            let before = so_far();
            let client = outside(move || send(&client, &wire));
            proxy.emptied().await;
            client.join().unwrap();
            costs.push(before.since());
        }
        let want = content.octets.len();
        for got in backend.join().unwrap() {
            assert!((want..want + content.more).contains(&got), "{got} octets arrived of {want}");
        }
        costs[1]
    })
}

/// Sends one message and hears that it was taken.
fn send(stream: &TcpStream, content: &[u8]) {
    let mut replies = BufReader::new(stream);
    let mut hear = |code: &str| loop {
        let mut line = String::new();
        replies.read_line(&mut line).unwrap();
        assert!(line.starts_with(code), "{line:?}, not {code}");
        if line.as_bytes()[3] == b' ' {
            return;
        }
    };
    let mut stream = stream;
    hear("220");
    for (line, code) in [
        ("EHLO client.a.example\r\n", "250"),
        ("MAIL FROM:<ann@a.example>\r\n", "250"),
        ("RCPT TO:<bob@b.example>\r\n", "250"),
        ("DATA\r\n", "354"),
    ] {
        stream.write_all(line.as_bytes()).unwrap();
        hear(code);
    }
    stream.write_all(content).unwrap();
    stream.write_all(b".\r\n").unwrap();
    hear("250");
    stream.write_all(b"QUIT\r\n").unwrap();
    hear("221");
}

/// Takes one connection with one message; how many octets its content had, as they were on the wire.
fn receive(door: &TcpListener) -> usize {
    let (stream, _) = door.accept().unwrap();
    let mut lines = BufReader::with_capacity(1 << 20, &stream);
    let mut stream = &stream;
    stream.write_all(b"220 backend ESMTP\r\n").unwrap();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap() == 0 {
            panic!("no message came");
        }
        let reply: &[u8] = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250-backend\r\n250 PIPELINING\r\n",
            "DATA" => b"354 Go\r\n",
            _ => b"250 2.0.0 Ok\r\n",
        };
        stream.write_all(reply).unwrap();
        if line.starts_with("DATA") {
            break;
        }
    }
    let mut content = Vec::new();
    let mut piece = vec![0; 1 << 20];
    while !content.ends_with(b"\r\n.\r\n") {
        let length = lines.read(&mut piece).unwrap();
        assert!(length > 0, "the content was cut");
        content.extend_from_slice(&piece[..length]);
    }
    stream.write_all(b"250 2.0.0 Taken\r\n").unwrap();
    let _ = lines.read_to_end(&mut Vec::new()); // QUIT, or not
    content.len() - ".\r\n".len()
}

/// `head`, and lines of `line` behind it up to `octets`.
fn content(head: &str, line: &str, octets: usize) -> Content {
    let lines = octets / line.len();
    Content { octets: [head.as_bytes(), &line.as_bytes().repeat(lines)].concat(), more: 1000 }
}

#[test]
fn nothing_is_allocated_for_a_line_of_content() {
    let _turn = TURN.lock();
    const OCTETS: usize = 2 << 20;
    let long = "x".repeat(996) + "\r\n";
    let stuffed_long = "..".to_owned() + &"x".repeat(994) + "\r\n";
    let field_long = "X-A: ".to_owned() + &"x".repeat(991) + "\r\n";
    for (what, head, few, many, octets) in [
        ("lines with a header before", "Subject: x\r\n\r\n", long.as_str(), "x\r\n", OCTETS),
        ("empty lines", "Subject: x\r\n\r\n", &long, "\r\n", OCTETS),
        ("lines without a header", "\r\n", &long, "x\r\n", OCTETS),
        ("lines that begin with a dot", "Subject: x\r\n\r\n", &stuffed_long, "..\r\n", OCTETS),
        ("fields", "", &field_long, "A: b\r\n", 32 << 10),
    ] {
        for rest in ["", "[spool]\nmemory = \"4 KiB\""] {
            let few_lines = content(head, few, octets);
            let many_lines = content(head, many, octets);
            let (few_cost, many_cost) = (cost(&few_lines, rest), cost(&many_lines, rest));
            // How the octets are cut on their way is chance: some reads more, or less, but not one a line.
            let more = many_cost.calls.saturating_sub(few_cost.calls);
            let lines = (octets / many.len() - octets / few.len()) as u64;
            println!("{what}, {rest:?}: {few_cost:?}, {many_cost:?}, {lines} lines more");
            assert!(more < lines / 50, "{what}, {rest:?}: {more} allocations more for {lines} lines more");
        }
    }
}

#[test]
fn content_is_not_copied_on_its_way_through_the_spool() {
    let _turn = TURN.lock();
    let line = "x".repeat(76) + "\r\n";
    let large = content("Subject: x\r\n\r\n", &line, 20 << 20);
    let small = content("Subject: x\r\n\r\n", &line, 5 << 20);
    let rest = "[spool]\nmemory = \"1 MiB\"";
    let (small, large) = (cost(&small, rest), cost(&large, rest));
    println!("5 MiB: {small:?}; 20 MiB: {large:?}");
    // The few large buffers serve again and again; a copy of the content in a place of its own would be 20 MiB.
    assert!(large.octets < 2 << 20, "{large:?} for 20 MiB");
    assert!(large.octets.saturating_sub(small.octets) < 1 << 19, "{small:?} for 5 MiB, {large:?} for 20 MiB");
}
