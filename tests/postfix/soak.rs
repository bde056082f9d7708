//! Random messages, any octets that DATA may carry, compared with what Postfix delivered.
//!
//! `GATEPOST_SOAK` tells how many (60), `GATEPOST_SOAK_SEED` the seed (1): `tests/soak` runs the long form.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::support::arrived::{Arrived, Path};
use crate::support::client::{Client, Reply, stuffed};
use crate::support::gatepost::Gatepost;
use crate::support::postfix::{Options, PostfixBackend};

#[test]
fn random_messages_arrive_octet_by_octet() {
    let (count, seed) = (number("GATEPOST_SOAK", SHORT), number("GATEPOST_SOAK_SEED", 1));
    println!("soak: {count} messages, seed {seed}");
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    soak(&postfix, gatepost.address(), Path::ThroughGatepost, count, seed);
}

/// Proves that Postfix itself changes nothing, so that what the other test finds changed is gatepost's doing.
#[test]
fn the_fixture_itself_carries_random_messages() {
    let postfix = PostfixBackend::start(&Options::default());
    soak(&postfix, postfix.address(), Path::Direct, SHORT, number("GATEPOST_SOAK_SEED", 1));
}

fn soak(postfix: &PostfixBackend, server: SocketAddr, way: Path, count: u64, seed: u64) {
    let mut random = Random(seed);
    let mut done = 0;
    while done < count {
        let batch = BATCH.min(count - done);
        let mut sent = HashMap::new();
        let mut client = Client::greeted(server);
        for number in done..done + batch {
            if random.below(10) == 0 {
                client.quit();
                client = Client::greeted(server);
            }
            let content = message(&mut random, number);
            let reply = deliver(&mut client, &mut random, &content);
            assert_eq!(reply.code, 250, "seed {seed}, message {number}: {reply:?}");
            sent.insert(first_line(&content).to_vec(), content);
        }
        client.quit();
        let arrived = postfix.maildir("ann", sent.len());
        assert_eq!(arrived.len(), sent.len(), "seed {seed}, up to message {done}");
        for octets in arrived {
            let arrived = Arrived::delivered(&octets, way);
            let content = sent.remove(first_line(&arrived.content));
            arrived.assert_is(&content.expect("a message that was not sent, or came twice"));
        }
        postfix.empty_maildir("ann");
        done += batch;
        if count > SHORT {
            println!("soak: {done} of {count}");
        }
    }
}

/// One transaction in one of the ways that a client may take.
fn deliver(client: &mut Client, random: &mut Random, content: &[u8]) -> Reply {
    let envelope = "MAIL FROM:<ann@front.example> BODY=8BITMIME\r\nRCPT TO:<ann@ours.example>\r\n";
    client.send(envelope.as_bytes());
    assert_eq!([client.reply().code, client.reply().code], [250, 250]);
    match random.below(3) {
        0 => client.data(content),
        1 => {
            client.must("DATA", 354);
            let wire = stuffed(content);
            let mut rest = &wire[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(1 + random.index(rest.len().min(3000)));
                client.send(piece);
                rest = after;
            }
            client.reply()
        }
        _ => {
            let size = 1 + content.len() / (1 + random.index(5));
            client.bdat(content, size)
        }
    }
}

/// A header that Postfix leaves alone, and a body of any octets but CR and LF alone.
fn message(random: &mut Random, number: u64) -> Vec<u8> {
    let mut content = format!("X-Soak: {number}\r\n").into_bytes();
    for field in 0..random.below(6) {
        content.extend(format!("X-Field-{field}: ").as_bytes());
        // No NUL, no space at the ends: Postfix keeps fields as text.
        content.extend(random.octets(60).into_iter().map(|octet| if octet <= b' ' { b'_' } else { octet }));
        content.extend(b"\r\n");
    }
    content.extend(b"\r\n");
    for _ in 0..random.below(40) {
        match random.below(12) {
            0 => {}
            1 => content.extend(b"."),
            2 => content.extend(b".."),
            3 => content.extend(b"From the beginning"),
            4 => content.extend(std::iter::repeat_n(0, random.index(50))),
            5 => content.extend(random.octets(9000)),
            6 => content.extend([&b"."[..], &random.octets(20)].concat()),
            7 if random.below(20) == 0 => content.extend(random.octets(300_000)),
            8 => content.extend(b"QUIT"),
            _ => content.extend(random.octets(200)),
        }
        content.extend(b"\r\n");
    }
    content
}

fn first_line(content: &[u8]) -> &[u8] {
    content.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap()
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

/// SplitMix64: the same seed gives the same messages on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap()
    }

    /// Up to `most` octets, none of them CR or LF.
    fn octets(&mut self, most: usize) -> Vec<u8> {
        let length = self.index(most + 1);
        let octet = |random: &mut Self| loop {
            let octet = random.next().to_le_bytes()[0];
            if !matches!(octet, b'\r' | b'\n') {
                return octet;
            }
        };
        (0..length).map(|_| octet(self)).collect()
    }
}

const SHORT: u64 = 60;
const BATCH: u64 = 200;
