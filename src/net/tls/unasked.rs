//! What a server has said though nothing was asked, under TLS: its records alone don't tell, for some hold no words.

use std::io::{self, Read};

use tokio_rustls::TlsStream;

/// Takes what waits on a connection, without a wait.
pub(in crate::net) type Receive<S> = fn(&S, &mut [u8]) -> io::Result<usize>;

/// Puts the octets that wait behind `stream`, from which `receive` takes its records, into `place`, as far as it holds
/// them: 0 is the end, nothing is that none have come. Unlike after a look they are taken.
///
/// *Errors*: the system's, and those of TLS.
pub(in crate::net) fn unasked<S>(
    stream: &mut TlsStream<S>,
    receive: Receive<S>,
    place: &mut [u8],
) -> io::Result<Option<usize>> {
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
        match connection.read_tls(&mut Now { stream, receive }) {
            Ok(0) => return Ok(Some(0)),
            Ok(_) => {} // a session's ticket, perhaps
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// Reads what is there now.
struct Now<'a, S> {
    stream: &'a S,
    receive: Receive<S>,
}

impl<S> Read for Now<'_, S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        (self.receive)(self.stream, place)
    }
}
