//! The TLS of the listeners, from `[tls]`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, anyhow};

use crate::backend::config::Backend;
use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::net::tls::back::Back;
use crate::net::tls::certificates::{Certificates, Keyring};
use crate::net::tls::config::{BackTls, ClientCertificates, Level, Tls};
use crate::net::tls::files;
use crate::net::tls::front::{Front, provider};
use crate::session::tls::TlsUse;

/// `config` without TLS, where both sides of the proxy are played within this process.
pub(super) fn in_clear(mut config: Config) -> Config {
    config.tls = Tls::default();
    for listener in &mut config.listeners {
        (listener.tls, listener.client_certificate) = (TlsUse::None, ClientCertificates::Off);
    }
    for backend in &mut config.backends {
        backend.tls = BackTls::default();
    }
    config
}

/// The TLS of listeners as it was before a reload.
#[derive(Clone, Debug)]
pub(super) struct Before<'a> {
    /// The table `[tls]`.
    pub(super) config: &'a Tls,
    /// What clients are shown.
    pub(super) keyring: Option<&'a Arc<Keyring>>,
    /// The TLS of the listeners that have some, by their names.
    pub(super) fronts: HashMap<&'a str, &'a Arc<Front>>,
}

/// The certificates that clients are shown; those of `before` if nothing has changed.
///
/// *Errors*: one that can't be read, or whose key isn't its own.
pub(super) fn keyring(config: &Config, before: Option<&Before<'_>>) -> anyhow::Result<Option<Arc<Keyring>>> {
    let Some(read) = Certificates::read(&config.tls, &provider()).context("[tls]")? else { return Ok(None) };
    let kept = before.filter(|before| *before.config == config.tls).and_then(|before| before.keyring);
    let kept = kept.filter(|kept| kept.certificates().is_same_as(&read));
    Ok(Some(kept.cloned().unwrap_or_else(|| Arc::new(Keyring::new(read)))))
}

/// The TLS of each listener, by number; none for those that speak none. A listener of `before` of whose TLS nothing has
/// changed keeps it, and with it the keys of its tickets: sessions are resumed over a reload.
///
/// *Errors*: authorities that can't be read.
pub(super) fn fronts(
    config: &Config,
    keyring: Option<&Arc<Keyring>>,
    before: Option<&Before<'_>>,
) -> anyhow::Result<Vec<Option<Arc<Front>>>> {
    let oldest = config.tls.min_version;
    let fronts = config.listeners.iter().map(|listener| {
        let Some(keyring) = keyring.filter(|_| listener.tls != TlsUse::None) else { return Ok(None) };
        let asked = listener.client_certificate;
        let roots = match &config.tls.client_ca {
            Some(path) if asked != ClientCertificates::Off => {
                Some(files::authorities(path).context("[tls]")?)
            }
            _ => None,
        };
        let kept = before.and_then(|before| before.fronts.get(listener.name.as_str()).copied());
        if let Some(kept) = kept.filter(|kept| kept.is_of(keyring, oldest, asked, roots.as_ref())) {
            return Ok(Some(Arc::clone(kept)));
        }
        let front = Front::new(keyring, oldest, asked, roots);
        Ok(Some(Arc::new(front.map_err(|error| anyhow!("listener {}: TLS: {error}", listener.name))?)))
    });
    fronts.collect()
}

/// The TLS towards `backend`; none if it is not spoken.
///
/// *Errors*: a certificate, a key or authorities that can't be read.
pub(super) fn back(backend: &Backend) -> anyhow::Result<Option<Arc<Back>>> {
    if backend.tls.level == Level::None {
        return Ok(None);
    }
    let back = Back::new(&backend.tls).with_context(|| format!("backend {}: TLS", backend.name))?;
    Ok(Some(Arc::new(back)))
}

/// Puts the TLS of all listeners together, as the files are now.
///
/// *Errors*: why that can't be done.
pub(super) fn tried(config: &Config) -> anyhow::Result<()> {
    let keyring = keyring(config, None)?;
    fronts(config, keyring.as_ref(), None).map(|_| ())
}

/// What is unwise in the files of `[tls]`, for `gatepost check`.
pub fn advice(config: &Config) -> Vec<Diagnostic> {
    let Ok(Some(keyring)) = keyring(config, None) else { return Vec::new() };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    keyring.expiries().iter().filter_map(|(file, end)| expiry(file, end - now)).collect()
}

const DAY: i64 = 24 * 60 * 60;
/// How long before its end a certificate is warned of; who renews in time does so a month before.
const EARLY: i64 = 21 * DAY;

/// What there is to say of the certificate in `file` that ends in so many seconds.
fn expiry(file: &str, left: i64) -> Option<Diagnostic> {
    let message = match left {
        ..=0 => format!("tls: the certificate in {file} has expired"),
        1..=EARLY => format!("tls: the certificate in {file} expires in {} days", left / DAY),
        _ => return None,
    };
    let problem = Diagnostic::warning("tls.certificate", message, None);
    Some(problem.help("clients that look at certificates will not send; mail servers mostly do not look"))
}
