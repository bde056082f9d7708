//! What policies see of a message: its header, its size, and, when it is complete, its digest.

use crate::message::content::{Content, SpoolError};
use crate::message::edit::Edit;
use crate::message::header::Header;

/// A message at the `header` or the `message` stage.
#[derive(Debug)]
pub struct MessageView {
    /// The header as received.
    pub header: Header,
    /// Octets of the header section, dots unstuffed, without the empty line behind it.
    pub header_size: u64,
    /// Octets of content, dots unstuffed: all at `message`, what has come so far at `header`.
    pub size: u64,
    /// What policies have changed at earlier stages.
    pub edits: Vec<Edit>,
    /// The content; none before it is complete.
    pub content: Option<Content>,
}

impl MessageView {
    /// The SHA-256 of the content as received, dots unstuffed; none while it is incomplete.
    ///
    /// *Errors*: the spool can't be read.
    pub async fn sha256(&self) -> Option<Result<[u8; 32], SpoolError>> {
        Some(self.content.as_ref()?.sha256().await)
    }
}
