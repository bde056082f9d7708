//! Who owns which address: what a listener asks before somebody sends from it.

/// Who owns which address; handed in by `app`.
pub trait Owners {
    /// The logins that own `key`, an address or `@` and a domain; nothing if it is not listed.
    ///
    /// *Errors*: why that is not known now, for the log.
    fn owners(&self, key: &str) -> Result<Option<Vec<String>>, String>;
}
