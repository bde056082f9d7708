//! What a server has said though nothing was asked, under TLS: its records alone don't tell, for some hold no words.

use std::io::{self, Read};

use tokio_rustls::TlsStream;

use crate::net::stream::Stream;

/// Puts the octets that wait behind `stream` into `place`, as far as it holds them: 0 is the end, nothing is that none
/// have come. Asks the system itself. Unlike a look they are taken.
///
/// *Errors*: the system's, and those of TLS.
pub(in crate::net) fn unasked(stream: &mut TlsStream<Stream>, place: &mut [u8]) -> io::Result<Option<usize>> {
    let TlsStream::Client(stream) = stream else { return Ok(None) };
    let (stream, connection) = stream.get_mut();
    loop {
        let state = connection.process_new_packets().map_err(io::Error::other)?;
        if state.plaintext_bytes_to_read() > 0 {
            return connection.reader().read(place).map(Some);
        }
        if state.peer_has_closed() {
            return Ok(Some(0));
        }
        match connection.read_tls(&mut Now(stream)) {
            Ok(0) => return Ok(Some(0)),
            Ok(_) => {} // a session's ticket, perhaps
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// Reads what is there now.
struct Now<'a>(&'a Stream);

impl Read for Now<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.0.receive_now(place)
    }
}
