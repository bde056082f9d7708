//! The TLS of the listeners, from `[tls]`.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};

use crate::config::Config;
use crate::net::tls::certificates::{Certificates, Keyring};
use crate::net::tls::config::ClientCertificates;
use crate::net::tls::files;
use crate::net::tls::front::{Front, provider};
use crate::session::tls::TlsUse;

/// The TLS of each listener, by number; none for those that speak none.
///
/// *Errors*: a certificate or a key that can't be read, or doesn't fit.
pub(super) fn fronts(config: &Config) -> anyhow::Result<Vec<Option<Arc<Front>>>> {
    let read = Certificates::read(&config.tls, &provider()).context("[tls]")?;
    let keyring = read.map(|read| Arc::new(Keyring::new(read)));
    let fronts = config.listeners.iter().map(|listener| {
        let Some(keyring) = keyring.as_ref().filter(|_| listener.tls != TlsUse::None) else {
            return Ok(None);
        };
        let asked = listener.client_certificate;
        let roots = match &config.tls.client_ca {
            Some(path) if asked != ClientCertificates::Off => {
                Some(files::authorities(path).context("[tls]")?)
            }
            _ => None,
        };
        let front = Front::new(keyring, config.tls.min_version, asked, roots);
        Ok(Some(Arc::new(front.map_err(|error| anyhow!("listener {}: TLS: {error}", listener.name))?)))
    });
    fronts.collect()
}
