//! What is carried: the content in its wire form, its header, edits, and the Received field.
//!
//! Content is kept as it came once the decoder has found it canonical; edits are laid over its ranges while it
//! goes out, so that untouched octets stay untouched.

pub mod config;
pub mod content;
pub mod edit;
pub mod encoded_word;
pub mod header;
pub mod mailboxes;
pub mod outgoing;
pub mod shelf;
mod spare_files;
pub mod spool;
pub mod trace;
pub mod view;
