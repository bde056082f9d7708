//! An SMTP client that says exactly the octets it is told to, for what mail programs can't be made to say.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use super::wait;

/// A connection whose greeting has been read.
pub struct Client {
    reader: BufReader<TcpStream>,
    /// The server's greeting.
    pub greeting: Reply,
}

/// A reply, all its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code of its lines.
    pub code: u16,
    /// What follows the code and the hyphen or space, line by line.
    pub lines: Vec<String>,
}

impl Reply {
    /// Code and text of a reply, its lines joined by `\n`: `250 2.1.0 Ok`.
    pub fn text(&self) -> String {
        format!("{} {}", self.code, self.lines.join("\n"))
    }

    /// Whether an EHLO reply offers `keyword`.
    pub fn offers(&self, keyword: &str) -> bool {
        self.lines.iter().skip(1).any(|line| line.split(' ').next() == Some(keyword))
    }
}

impl Client {
    /// Connects to `server` from 127.0.0.1.
    pub fn connect(server: SocketAddr) -> Self {
        Self::connect_from(Ipv4Addr::LOCALHOST, server)
    }

    /// Connects to `server` from `source`, an address of 127.0.0.0/8.
    pub fn connect_from(source: Ipv4Addr, server: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(IpAddr::V4(source), 0).into()).unwrap();
        socket.connect_timeout(&server.into(), wait::PATIENCE).unwrap();
        socket.set_tcp_nodelay(true).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(wait::PATIENCE)).unwrap();
        stream.set_write_timeout(Some(wait::PATIENCE)).unwrap();
        let greeting = Reply { code: 0, lines: Vec::new() };
        let mut client = Self { reader: BufReader::new(stream), greeting };
        client.greeting = client.reply();
        client
    }

    /// Connects and says EHLO.
    pub fn greeted(server: SocketAddr) -> Self {
        let mut client = Self::connect(server);
        client.must("EHLO client.front.example", 250);
        client
    }

    /// Sends `octets` as they are.
    pub fn send(&mut self, octets: &[u8]) {
        self.reader.get_mut().write_all(octets).unwrap();
    }

    /// Sends `line` and CRLF, and reads one reply.
    pub fn command(&mut self, line: &str) -> Reply {
        self.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// The same, and fails the test if the reply's code is not `code`.
    pub fn must(&mut self, line: &str, code: u16) -> Reply {
        let reply = self.command(line);
        assert_eq!(reply.code, code, "{line}: {reply:?}");
        reply
    }

    /// Sends `content` (lines ending in CRLF, dots not stuffed yet) after a 354, the end of data, and reads the reply.
    pub fn data(&mut self, content: &[u8]) -> Reply {
        self.must("DATA", 354);
        self.send(&stuffed(content));
        self.reply()
    }

    /// Sends `content` by BDAT in chunks of at most `size` octets, the last marked LAST; gives the last reply.
    pub fn bdat(&mut self, content: &[u8], size: usize) -> Reply {
        let chunks: Vec<&[u8]> = content.chunks(size).collect();
        let (last, before) = chunks.split_last().unwrap();
        for chunk in before {
            self.send(format!("BDAT {}\r\n", chunk.len()).as_bytes());
            self.send(chunk);
            let reply = self.reply();
            assert_eq!(reply.code, 250, "BDAT: {reply:?}");
        }
        self.send(format!("BDAT {} LAST\r\n", last.len()).as_bytes());
        self.send(last);
        self.reply()
    }

    /// MAIL, one RCPT and `content` by DATA, each of which must be taken.
    pub fn deliver(&mut self, reverse_path: &str, forward_path: &str, content: &[u8]) {
        self.must(&format!("MAIL FROM:<{reverse_path}>"), 250);
        self.must(&format!("RCPT TO:<{forward_path}>"), 250);
        let reply = self.data(content);
        assert_eq!(reply.code, 250, "end of data: {reply:?}");
    }

    /// QUIT, which must be 221 and then the end of the connection.
    pub fn quit(mut self) {
        self.must("QUIT", 221);
        let mut more = Vec::new();
        self.reader.read_until(b'\n', &mut more).unwrap();
        assert!(more.is_empty(), "after 221: {}", more.escape_ascii());
    }

    /// Reads one reply.
    pub fn reply(&mut self) -> Reply {
        let mut lines = Vec::new();
        loop {
            let mut octets = Vec::new();
            self.reader.read_until(b'\n', &mut octets).unwrap();
            let line = octets.strip_suffix(b"\r\n");
            let line = line.unwrap_or_else(|| panic!("no whole reply: {}", octets.escape_ascii()));
            let text = String::from_utf8_lossy(line);
            let code = text.get(..3).and_then(|code| code.parse().ok());
            let code = code.unwrap_or_else(|| panic!("no reply code: {text}"));
            lines.push(text.get(4..).unwrap_or_default().to_owned());
            if text.as_bytes().get(3) != Some(&b'-') {
                return Reply { code, lines };
            }
        }
    }
}

/// `content` as DATA carries it: dots at the beginning of lines doubled, the end of data appended.
pub fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(content.len() + content.len() / 50 + 5);
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(b".\r\n");
    wire
}
