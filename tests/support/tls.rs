//! Certificates made for the tests, and both ends' TLS with them.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use gatepost::net::tls::server_certificates::UnvouchedServer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Files by name, each the PEM of a certificate, those above it, and its key:
/// `mx.pem` for mx.b.example, `other.pem` for other.b.example and *.wild.b.example, `backend.pem` for
/// backend.b.example, `client.pem` of a client, all by the authority in `ca.pem`; `expired.pem` of last year;
/// `stranger.pem` by an authority of its own in `stranger_ca.pem`.
static FILES: LazyLock<Vec<(&str, String)>> = LazyLock::new(make);

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn make() -> Vec<(&'static str, String)> {
    let (ca, stranger) = (authority("Test CA"), authority("Stranger CA"));
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    };
    let now = |_: &mut CertificateParams| {};
    vec![
        ("ca.pem", ca.pem()),
        ("stranger_ca.pem", stranger.pem()),
        ("mx.pem", pair(&ca, "mx", &["mx.b.example"], now)),
        ("other.pem", pair(&ca, "other", &["other.b.example", "*.wild.b.example"], now)),
        ("backend.pem", pair(&ca, "backend", &["backend.b.example", "127.0.0.1"], now)),
        ("client.pem", pair(&ca, "client", &["client.a.example"], now)),
        ("expired.pem", pair(&ca, "expired", &["backend.b.example", "127.0.0.1"], expired)),
        ("stranger.pem", pair(&stranger, "stranger", &["backend.b.example", "127.0.0.1"], now)),
    ]
}

fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn pair(issuer: &Issuer, name: &str, names: &[&str], change: impl Fn(&mut CertificateParams)) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    format!("{}{}", certificate.pem(), key.serialize_pem())
}

/// The PEM of that file.
pub fn pem(name: &str) -> &'static str {
    let found = FILES.iter().find(|(file, _)| *file == name);
    found.map_or_else(|| panic!("there is no {name}"), |(_, pem)| pem)
}

/// SHA-256 of the certificate in that file, in hex.
pub fn fingerprint(name: &str) -> String {
    let (chain, _) = read(name);
    gatepost::net::tls::certificate::sha256(&chain[0]).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Whether `shown` is the certificate that `manner` wants.
///
/// *Errors*: it is not.
pub fn look(manner: &Manner, shown: Option<&[CertificateDer<'_>]>) -> Result<(), String> {
    let Some(name) = &manner.wants else { return Ok(()) };
    match shown.and_then(|chain| chain.first()) == read(name).0.first() {
        true => Ok(()),
        false => Err(format!("the other side did not show {name}")),
    }
}

/// Writes all files into `folder`.
pub fn write(folder: &Path) {
    for (name, pem) in FILES.iter() {
        std::fs::write(folder.join(name), pem).unwrap();
    }
}

/// How one end speaks TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// The name that is asked for.
    pub sni: Option<String>,
    /// The file of its certificate.
    pub certificate: Option<String>,
    /// The file of the certificate that the other side has to show.
    pub wants: Option<String>,
    /// Whether a client is asked for a certificate by `ca.pem`.
    pub asks: bool,
    /// TLS 1.2 alone.
    pub is_old: bool,
    /// The protocols that are asked for.
    pub alpn: Vec<String>,
}

/// TLS as a client; it takes any certificate, for the proxy's is looked at elsewhere.
pub fn client(manner: &Manner) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions(manner))
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(UnvouchedServer { provider: provider(), known: None }));
    let mut config = match &manner.certificate {
        Some(name) => {
            let (chain, key) = read(name);
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = manner.alpn.iter().map(|name| name.clone().into_bytes()).collect();
    config
}

/// TLS as a server.
pub fn server(manner: &Manner) -> ServerConfig {
    let (chain, key) = read(manner.certificate.as_deref().unwrap_or("backend.pem"));
    let builder =
        ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions(manner)).unwrap();
    let builder = if manner.asks {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem("ca.pem").as_bytes()).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    builder.with_single_cert(chain, key).unwrap()
}

fn versions(manner: &Manner) -> &'static [&'static rustls::SupportedProtocolVersion] {
    const OLD: &[&rustls::SupportedProtocolVersion] = &[&TLS12];
    const BOTH: &[&rustls::SupportedProtocolVersion] = &[&TLS13, &TLS12];
    if manner.is_old { OLD } else { BOTH }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let pem = pem(name).as_bytes();
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().unwrap();
    (chain, PrivateKeyDer::from_pem_slice(pem).unwrap())
}
