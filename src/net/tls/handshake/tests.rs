//! Tests of what is known after a handshake.

use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::net::tls::certificate::sha256;
use crate::net::tls::certificates::Keyring;
use crate::net::tls::config::{ClientCertificates, Pair, Tls, Version};
use crate::net::tls::front::provider;

/// A new certificate in `folder`, and it alone.
fn made(folder: &Path) -> (Certificates, rustls::pki_types::CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["mx.b.example".to_owned()]).unwrap();
    let path = folder.join("mx.pem");
    std::fs::write(&path, format!("{}{}", cert.pem(), signing_key.serialize_pem())).unwrap();
    let own = Some(Pair { certificate: path.clone(), key: path });
    let config = Tls { own, ..Tls::default() };
    (Certificates::read(&config, &provider()).unwrap().unwrap(), cert.der().clone())
}

async fn shake(front: &Front, config: &Arc<ClientConfig>) -> Facts {
    let (near, far) = UnixStream::pair().unwrap();
    let connector = TlsConnector::from(Arc::clone(config));
    let turnstile = Turnstile::new();
    let name = ServerName::try_from("mx.b.example").unwrap();
    let (ours, theirs) =
        tokio::join!(accept(Stream::Unix(near), front, &turnstile), connector.connect(name, far));
    let (mut ours, facts) = ours.unwrap();
    ours.write(b"x").await.unwrap();
    theirs.unwrap().read_u8().await.unwrap(); // a ticket comes before it
    facts
}

fn client(
    version: &'static SupportedProtocolVersion,
    trusted: &[&rustls::pki_types::CertificateDer<'static>],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    trusted.iter().for_each(|certificate| roots.add((*certificate).clone()).unwrap());
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[version]).unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Who resumes a session has seen the certificate of the session's beginning, which may not be the one of today.
#[tokio::test]
async fn a_login_is_bound_to_the_certificate_that_the_client_has_seen() {
    for (version, is_13) in [(&TLS13, true), (&TLS12, false)] {
        let folder = tempfile::tempdir().unwrap();
        let (first, first_der) = made(folder.path());
        let (second, second_der) = made(folder.path());
        let digest = |der| Some(sha256(der).to_vec());
        let keyring = Arc::new(Keyring::new(first));
        let front = Front::new(&keyring, Version::Tls12, ClientCertificates::Off, None).unwrap();
        let config = client(version, &[&first_der, &second_der]);

        let facts = shake(&front, &config).await;
        assert_eq!((facts.is_resumed, facts.exporter.is_some()), (false, is_13));
        assert_eq!(facts.server_end_point, digest(&first_der));
        let facts = shake(&front, &config).await;
        // Of a session of TLS 1.2 nobody knows what it began with.
        assert_eq!((facts.is_resumed, facts.server_end_point), (true, digest(&first_der).filter(|_| is_13)));

        keyring.change(second);
        let facts = shake(&front, &config).await;
        assert_eq!((facts.is_resumed, facts.server_end_point), (true, None));
        let facts = shake(&front, &client(version, &[&second_der])).await;
        assert_eq!(facts.server_end_point, digest(&second_der));
    }
}
