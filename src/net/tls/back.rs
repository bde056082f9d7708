//! TLS towards a server behind us: whom we take it for, and what we show it.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, TlsStream};

use crate::net::stream::Stream;
use crate::net::tls::config::{BackTls, Level, Version};
use crate::net::tls::files::{FileError, authorities, certified_key};
use crate::net::tls::front::{provider, versions};
use crate::net::tls::server_certificates::UnvouchedServer;

/// TLS towards one backend; shared by all workers. Its sessions are resumed.
#[derive(Debug)]
pub struct Back {
    config: Arc<ClientConfig>,
    server_name: Option<String>,
}

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum BackError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

impl Back {
    /// TLS as `config` wants it.
    ///
    /// *Errors*: a file that can't be read; authorities that are none.
    pub fn new(config: &BackTls) -> Result<Back, BackError> {
        let other = |error: rustls::Error| BackError::Other(error.to_string());
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(config.min_version))
            .map_err(other)?
            .dangerous()
            .with_custom_certificate_verifier(verifier(config, &provider)?);
        let client = match &config.client_certificate {
            Some(pair) => {
                let shown = SingleCertAndKey::from(certified_key(pair, &provider)?);
                builder.with_client_cert_resolver(Arc::new(shown))
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Back { config: Arc::new(client), server_name: config.server_name.clone() })
    }

    /// Takes the handshake with the server behind `stream`, which was asked for as `host`.
    ///
    /// *Errors*: why there is no TLS, in words.
    pub async fn connect(&self, stream: Stream, host: &str) -> Result<Stream, String> {
        let host = self.server_name.as_deref().unwrap_or(host);
        let name = match host.parse::<IpAddr>() {
            Ok(address) => ServerName::from(address),
            Err(_) => ServerName::try_from(host.to_owned()).map_err(|error| format!("{host}: {error}"))?,
        };
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let secured = connector.connect(name, stream).await.map_err(|error| in_words(&error))?;
        Ok(Stream::Tls(Box::new(TlsStream::Client(secured))))
    }
}

/// TLS with servers that an authority in the file at `ca` vouches for by name.
///
/// *Errors*: it can't be read, or one in it is none.
pub fn vouched_for_by(ca: &Path) -> Result<ClientConfig, BackError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions(Version::default()))
        .map_err(|error| BackError::Other(error.to_string()))?;
    Ok(builder.with_root_certificates(authorities(ca)?).with_no_client_auth())
}

/// Why a handshake failed, and what helps where that is known.
fn in_words(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let help = match cause {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "nobody here knows who made it; `ca` names authorities"
        }
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(other)))
            if format!("{other:?}").contains("CaUsedAsEndEntity") =>
        {
            "it is an authority's own, as `openssl req -x509` makes them: let it sign one for the host, or make it with \
             `-addext basicConstraints=critical,CA:FALSE`"
        }
        _ => return error.to_string(),
    };
    format!("invalid peer certificate: {help}")
}

/// Whom we take for the server: anybody, who has a certain certificate, or whom an authority vouches for by name.
fn verifier(
    config: &BackTls,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, BackError> {
    let provider = Arc::clone(provider);
    if config.level != Level::Verified {
        return Ok(Arc::new(UnvouchedServer { provider, known: None }));
    }
    if !config.fingerprints.is_empty() {
        return Ok(Arc::new(UnvouchedServer { provider, known: Some(config.fingerprints.clone()) }));
    }
    let roots = match &config.ca {
        Some(path) => authorities(path)?,
        None => systems_own()?,
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(verifier.map_err(|error| BackError::Other(error.to_string()))?)
}

/// The authorities that the system trusts.
fn systems_own() -> Result<RootCertStore, BackError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    match added {
        0 => Err(BackError::Other("the system has no certificate authorities: name some by `ca`".to_owned())),
        _ => Ok(roots),
    }
}
