//! Messages that differ from one another, each with the digest of all that follows its first line.

use std::sync::Arc;

use sha2::{Digest, Sha256};

/// What the first line of every message begins with; its number and digest follow.
pub(crate) const STAMP: &[u8] = b"X-Bench: ";

/// Lines of text that the bodies of all messages are cut from.
#[derive(Clone)]
pub(crate) struct Filler(Arc<[u8]>);

/// One message as it goes over the wire, dots stuffed, without the final dot.
pub(crate) struct Message {
    pub(crate) number: u64,
    /// The stamp and the header section.
    header: Vec<u8>,
    filler: Filler,
    /// Where in the filler the body begins, and its length, both in octets.
    start: usize,
    length: usize,
}

impl Filler {
    /// Gives the same lines on every run; a few begin with a dot, stuffed.
    pub(crate) fn new() -> Self {
        let mut octets = Vec::with_capacity(LINES * LINE);
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for line in 0..LINES {
            let dots = if line % 97 == 96 { 2 } else { 0 };
            octets.extend(std::iter::repeat_n(b'.', dots));
            for _ in dots..LINE - 2 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let [low, ..] = state.to_le_bytes();
                octets.push(b'a' + low % 26);
            }
            octets.extend_from_slice(b"\r\n");
        }
        Self(octets.into())
    }
}

impl Message {
    /// Gives message `number`, of about `size` octets.
    pub(crate) fn new(number: u64, size: usize, filler: &Filler) -> Self {
        let fields = fields(number);
        let lines = size.saturating_sub(fields.len() + 90).div_ceil(LINE).max(1);
        // Neighbours in number get bodies that lie far apart in the filler.
        let step = usize::try_from(number % 1_000_003).unwrap_or(0);
        let start = step.wrapping_mul(40_503) % LINES * LINE;
        let mut message =
            Self { number, header: Vec::new(), filler: filler.clone(), start, length: lines * LINE };
        let mut digest = Sha256::new();
        digest.update(fields.as_bytes());
        message.body().for_each(|piece| digest.update(piece));
        message.header = STAMP.to_vec();
        message.header.extend(format!("{number} {}\r\n{fields}", hex(&digest.finalize())).into_bytes());
        message
    }

    /// The stamp and the header section, as sent.
    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    /// The body, piece by piece.
    pub(crate) fn body(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = self.start;
        let mut left = self.length;
        std::iter::from_fn(move || {
            let rest = self.filler.0.get(start..)?;
            let piece = rest.get(..left.min(rest.len()))?;
            left -= piece.len();
            start = 0;
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// Octets on the wire, without the final dot.
    pub(crate) fn size(&self) -> usize {
        self.header.len() + self.length
    }
}

/// Digits of `octets`, as in the stamp.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn fields(number: u64) -> String {
    format!(
        "Received: from desk.client.example (desk.client.example [192.0.2.7])\r\n\
         \tby mail.client.example with ESMTPS id {number:016x};\r\n\
         \tThu, 02 Jan 2025 10:00:00 +0000\r\n\
         From: Ann Example <ann@client.example>\r\n\
         To: Bob Example <bob@bench.example>\r\n\
         Subject: Message {number} of the side-by-side run\r\n\
         Date: Thu, 02 Jan 2025 10:00:00 +0000\r\n\
         Message-ID: <{number}.bench@client.example>\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\r\n"
    )
}

/// Octets of one line of the filler, its end included.
const LINE: usize = 78;
const LINES: usize = 50_000;
