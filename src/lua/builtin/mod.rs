//! The policies inside the binary.

pub mod markdown;

/// Every built-in policy, by name: its name and its source.
pub const POLICIES: &[(&str, &str)] = &[
    ("access", include_str!("../../../scripts/access.lua")),
    ("dnsbl", include_str!("../../../scripts/dnsbl.lua")),
    ("helo", include_str!("../../../scripts/helo.lua")),
    ("relay_networks", include_str!("../../../scripts/relay_networks.lua")),
    ("sender_domain", include_str!("../../../scripts/sender_domain.lua")),
    ("size", include_str!("../../../scripts/size.lua")),
];

/// The source of the built-in policy `name`.
pub fn find(name: &str) -> Option<&'static str> {
    POLICIES.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}

/// The names of all built-in policies.
pub fn names() -> Vec<&'static str> {
    POLICIES.iter().map(|(name, _)| *name).collect()
}
