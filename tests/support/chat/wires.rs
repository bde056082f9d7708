//! The connections of one side of a chat, by name, and which of them is meant.

use std::collections::BTreeMap;

use crate::support::peer::Peer;

/// One side's connections.
#[derive(Debug)]
pub struct Wires {
    open: BTreeMap<String, Option<Peer>>,
    current: String,
    /// Where the next connection comes from, or goes to.
    pub place: Option<String>,
    /// Octets that wait to be said together.
    pub waiting: Vec<u8>,
}

impl Default for Wires {
    fn default() -> Self {
        Wires { open: BTreeMap::new(), current: "1".to_owned(), place: None, waiting: Vec::new() }
    }
}

impl Wires {
    /// Means the connection `name` from here on.
    pub fn switch(&mut self, name: &str, place: Option<String>) {
        name.clone_into(&mut self.current);
        self.place = place;
    }

    /// The name of the connection that is meant.
    pub fn name(&self) -> &str {
        &self.current
    }

    /// Whether the connection that is meant was not made yet.
    pub fn is_new(&self) -> bool {
        !self.open.contains_key(&self.current)
    }

    /// The connection that is meant has been made.
    pub fn put(&mut self, peer: Peer) {
        self.open.insert(self.current.clone(), Some(peer));
    }

    /// The connection that is meant.
    pub fn peer(&mut self) -> Result<&mut Peer, String> {
        let open = self.open.get_mut(&self.current).and_then(Option::as_mut);
        open.ok_or_else(|| format!("connection {} is not open", self.current))
    }

    /// The connection that is meant, to be ended.
    pub fn take(&mut self) -> Result<Peer, String> {
        let open = self.open.get_mut(&self.current).and_then(Option::take);
        open.ok_or_else(|| format!("connection {} is not open", self.current))
    }

    /// All that are open, by name.
    pub fn all(&mut self) -> impl Iterator<Item = (&String, &mut Peer)> {
        self.open.iter_mut().filter_map(|(name, peer)| Some((name, peer.as_mut()?)))
    }
}
