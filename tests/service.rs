//! The process as a service: how it starts and refuses to start, reloads, drains, and whose rights it has.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "service/descriptors.rs"]
mod descriptors;
#[path = "service/drain.rs"]
mod drain;
#[path = "service/full_disk.rs"]
mod full_disk;
#[path = "service/killed.rs"]
mod killed;
#[path = "service/observe.rs"]
mod observe;
#[path = "service/reload.rs"]
mod reload;
#[path = "service/reload_soak.rs"]
mod reload_soak;
#[path = "service/rights.rs"]
mod rights;
#[path = "service/start.rs"]
mod start;
#[path = "service/store.rs"]
mod store;
#[path = "service/systemd.rs"]
mod systemd;
#[path = "service/tls.rs"]
mod tls;
#[path = "service/under_systemd.rs"]
mod under_systemd;

/// A set-up with a Maildir behind it; `listener` is more of its listener, `rest` more tables.
fn toml(listener: &str, rest: &str) -> String {
    format!(
        "hostname = \"mx.ours.example\"\n[service]\ndrain = \"30s\"\n[relay]\ndomains = \"ours.example\"\n\
         [[backend]]\naddress = \"maildir:Maildir\"\n[[listener]]\nname = \"front\"\nbind = \"127.0.0.1:0\"\n\
         {listener}\n{rest}\n"
    )
}
