//! Who is asked for the value of a key that isn't remembered: a server, of whichever protocol.

use std::pin::Pin;

use crate::lookup::error::LookupError;

/// A value, or that there is none; or why neither is known.
pub(super) type Outcome = Result<Option<Box<str>>, LookupError>;

/// An outcome to come, on the helper's thread.
pub(super) type Pending<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Knows the values of a map.
pub(super) trait Oracle: Send + Sync {
    /// What it says of `key`, which has 4096 octets at most. Its own time limit holds.
    fn ask<'a>(&'a self, key: &'a str) -> Pending<'a>;
}

/// Octets of a value that are taken from a server.
pub(super) const LONGEST_VALUE: usize = 64 << 10;
