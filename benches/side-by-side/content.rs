//! Takes in the content of one message at the sink, finds its end and checks its digest.

use sha2::{Digest, Sha256};

use crate::message::{STAMP, hex};

/// A message that is arriving. Lines above its stamp, such as Received, are not judged.
#[derive(Default)]
pub(crate) struct Content {
    /// What came before the stamp was complete.
    above: Vec<u8>,
    stamp: Option<(u64, String)>,
    digest: Sha256,
    /// Octets taken in, for the stall.
    pub(crate) octets: usize,
}

impl Content {
    /// Takes what it can out of `buffer`; true when the final dot was there and is taken too.
    pub(crate) fn take(&mut self, buffer: &mut Vec<u8>) -> bool {
        let lone_dot = self.octets == 0 && buffer.starts_with(b".\r\n");
        let (length, end) = if lone_dot {
            (0, Some(3))
        } else {
            match memchr::memmem::find(buffer, b"\r\n.\r\n") {
                Some(at) => (at + 2, Some(at + 5)),
                None => (buffer.len().saturating_sub(4), None),
            }
        };
        self.octets += length;
        if let Some(octets) = buffer.get(..length) {
            self.read(octets);
        }
        buffer.drain(..end.unwrap_or(length));
        end.is_some()
    }

    /// The number of the message.
    ///
    /// Errors: what is wrong with it, if it is not what was sent.
    pub(crate) fn judge(self) -> Result<u64, String> {
        let Some((number, wanted)) = self.stamp else {
            return Err(format!("a message of {} octets has no stamp", self.octets));
        };
        let found = hex(&self.digest.finalize());
        if found == wanted { Ok(number) } else { Err(format!("message {number} has another digest")) }
    }

    fn read(&mut self, octets: &[u8]) {
        if self.stamp.is_some() {
            self.digest.update(octets);
        } else if self.above.len() < MOST_ABOVE {
            self.above.extend_from_slice(octets);
            self.find_stamp();
        }
    }

    fn find_stamp(&mut self) -> Option<()> {
        let at = memchr::memmem::find_iter(&self.above, STAMP)
            .find(|at| *at == 0 || self.above.get(..*at).is_some_and(|above| above.ends_with(b"\r\n")))?;
        let rest = self.above.get(at + STAMP.len()..)?;
        let end = memchr::memmem::find(rest, b"\r\n")?;
        let line = std::str::from_utf8(rest.get(..end)?).ok()?;
        let (number, digest) = line.split_once(' ')?;
        let stamp = (number.parse().ok()?, digest.to_owned());
        self.digest.update(rest.get(end + 2..)?);
        self.stamp = Some(stamp);
        self.above = Vec::new();
        Some(())
    }
}

/// A stamp is looked for in so many octets.
const MOST_ABOVE: usize = 64 * 1024;
