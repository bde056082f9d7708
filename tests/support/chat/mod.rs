//! Chats: two-sided dialogues in files, each of which proves a sentence. See tests/chats/README.md for the format.

pub mod octets;
pub mod player;
pub mod script;
pub mod setup;
pub mod transcript;
pub mod wires;
