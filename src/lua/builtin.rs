//! The policies inside the binary.

/// Every built-in policy: its name and its source.
pub const POLICIES: &[(&str, &str)] = &[];

/// The source of the built-in policy `name`.
pub fn find(name: &str) -> Option<&'static str> {
    POLICIES.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}
