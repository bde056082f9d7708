//! What was measured, by peer, and the medians of it.

use serde::Serialize;

use crate::peers::Peer;
use crate::tls::Handshake;

/// All figures of one peer. `None` and empty: not measured.
#[derive(Serialize)]
pub(crate) struct Figures {
    #[serde(skip)]
    pub(crate) peer: Peer,
    pub(crate) title: &'static str,
    /// From start to greeting, in milliseconds.
    pub(crate) start_ms: Vec<f64>,
    /// At rest, in octets: proportional set size, and resident set size with shared pages in each process.
    pub(crate) rest: Option<u64>,
    pub(crate) rest_with_shared: Option<u64>,
    /// Growth for each idle session, in octets.
    pub(crate) idle_session: Option<f64>,
    /// Growth at the peak while large messages pass, in octets, and with a sink that stops reading.
    pub(crate) large: Option<u64>,
    pub(crate) large_stalled: Option<u64>,
    /// System calls of one message of 1 kB.
    pub(crate) calls: Option<f64>,
    pub(crate) loads: Vec<Load>,
    /// With messages of 1 kB, each on a connection of its own under TLS: with full handshakes, and with resumed ones.
    pub(crate) tls_full: Load,
    pub(crate) tls_resumed: Load,
}

/// The figures of one peer with messages of one size, one entry a repetition.
#[derive(Serialize)]
pub(crate) struct Load {
    /// Octets of a message.
    pub(crate) size: usize,
    /// Seconds of user and system time for 1,000 messages.
    pub(crate) cpu: Vec<f64>,
    /// The same as a multiple of haproxy's in the same repetition; empty without haproxy.
    pub(crate) cpu_to_haproxy: Vec<f64>,
    pub(crate) messages_per_second: Vec<f64>,
    pub(crate) p50_ms: Vec<f64>,
    pub(crate) p99_ms: Vec<f64>,
    /// Context switches of one message.
    pub(crate) switches: Vec<f64>,
}

impl Figures {
    /// No figures yet.
    pub(crate) fn new(peer: Peer, sizes: &[usize]) -> Self {
        Self {
            peer,
            title: peer.title(),
            start_ms: Vec::new(),
            rest: None,
            rest_with_shared: None,
            idle_session: None,
            large: None,
            large_stalled: None,
            calls: None,
            loads: sizes.iter().copied().map(Load::new).collect(),
            tls_full: Load::new(HANDSHAKE_SIZE),
            tls_resumed: Load::new(HANDSHAKE_SIZE),
        }
    }

    /// The figures of connections under TLS that begin by `handshake`.
    pub(crate) fn tls(&mut self, handshake: Handshake) -> &mut Load {
        match handshake {
            Handshake::Full => &mut self.tls_full,
            Handshake::Resumed => &mut self.tls_resumed,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Load> {
        self.loads.iter().chain([&self.tls_full, &self.tls_resumed])
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Load> {
        self.loads.iter_mut().chain([&mut self.tls_full, &mut self.tls_resumed])
    }

    /// The figures with messages of `size` octets.
    pub(crate) fn load(&self, size: usize) -> Option<&Load> {
        self.loads.iter().find(|load| load.size == size)
    }
}

impl Load {
    fn new(size: usize) -> Self {
        Self {
            size,
            cpu: Vec::new(),
            cpu_to_haproxy: Vec::new(),
            messages_per_second: Vec::new(),
            p50_ms: Vec::new(),
            p99_ms: Vec::new(),
            switches: Vec::new(),
        }
    }
}

/// Octets of a message under TLS: as few as make sense, for it is the handshake that is measured.
pub(crate) const HANDSHAKE_SIZE: usize = 1000;

/// Fills in what is a multiple of haproxy's figure in the same repetition.
pub(crate) fn compare(figures: &mut [Figures]) {
    let Some(haproxy) = figures.iter().find(|row| row.peer == Peer::Haproxy) else { return };
    let theirs: Vec<Vec<f64>> = haproxy.all().map(|load| load.cpu.clone()).collect();
    for row in figures.iter_mut().filter(|row| row.peer != Peer::Direct) {
        for (load, theirs) in row.all_mut().zip(&theirs) {
            load.cpu_to_haproxy = load.cpu.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        }
    }
}

/// The median of `values`, if there are any.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied()?;
    if sorted.len().is_multiple_of(2) {
        return sorted.get(middle - 1).map(|lower| f64::midpoint(*lower, upper));
    }
    Some(upper)
}
