//! How a connection is closed so that the other side can still read what we said last.

use std::time::Duration;

use tokio::time::timeout;

use crate::net::stream::Stream;

/// Octets thrown away at most while the other side finishes.
const DISCARDED: usize = 64 * 1024;
/// How long the other side may take to finish.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Closes `stream`: says that we are done, then reads and throws away until the other side is done too.
///
/// A close with unread input would make the kernel reset the connection, and the reset would wipe a reply that the
/// client has not read yet. At most 64 KiB and 2 s are spent.
pub async fn close(mut stream: Stream) {
    let discard = async {
        if stream.shut_down_writing().await.is_err() {
            return;
        }
        let mut discarded = 0;
        while discarded < DISCARDED {
            match stream.read(<[u8]>::len).await {
                Ok(0) | Err(_) => return,
                Ok(length) => discarded += length,
            }
        }
    };
    let _ = timeout(PATIENCE, discard).await; // whoever is not done by now has had his chance
}
