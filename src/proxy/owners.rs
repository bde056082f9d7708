//! Who owns which address: what a listener asks before somebody sends from it.

use std::future::Future;
use std::pin::Pin;

/// The logins that own an address; nothing if it is not listed. Errors: why that is not known now, for the log.
pub type Known = Result<Option<Vec<String>>, String>;

/// An answer to come.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Known> + 'a>>;

/// Who owns which address; handed in by `app`.
pub trait Owners {
    /// The logins that own `key`, an address or `@` and a domain. Safe to drop.
    fn owners<'a>(&'a self, key: &'a str) -> Pending<'a>;
}
