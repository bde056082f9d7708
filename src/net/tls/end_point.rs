//! What a login can be bound to by the certificate that we show: the channel binding tls-server-end-point.

use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use x509_parser::oid_registry::{
    OID_HASH_SHA1, OID_NIST_HASH_SHA256, OID_NIST_HASH_SHA384, OID_NIST_HASH_SHA512, OID_PKCS1_MD5WITHRSAENC,
    OID_PKCS1_RSASSAPSS, OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA,
    OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512,
    Oid,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

/// The digest of the certificate in `der`, made as its signature was made; nothing if that has no single hash function,
/// as Ed25519: then there is no such binding.
///
/// Source: RFC 5929 §4.1.
pub(super) fn end_point(der: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let algorithm = hash(&parsed.signature_algorithm)?;
    Some(digest(algorithm, der).as_ref().to_vec())
}

/// The hash function of a signature; SHA-256 in place of those that are no longer good.
fn hash(signature: &AlgorithmIdentifier<'_>) -> Option<&'static Algorithm> {
    let known = |oid: &Oid<'_>| HASHES.iter().find(|(known, _)| known == oid).map(|(_, hash)| *hash);
    match signature.oid() {
        oid if *oid == OID_PKCS1_RSASSAPSS => {
            let parameters = RsaSsaPssParams::try_from(signature.parameters()?).ok()?;
            known(parameters.hash_algorithm_oid())
        }
        oid => known(oid),
    }
}

/// The hash function by the signature that it is part of, and for RSASSA-PSS by itself.
const HASHES: [(Oid<'static>, &Algorithm); 12] = [
    (OID_HASH_SHA1, &SHA256),
    (OID_NIST_HASH_SHA256, &SHA256),
    (OID_NIST_HASH_SHA384, &SHA384),
    (OID_NIST_HASH_SHA512, &SHA512),
    (OID_PKCS1_MD5WITHRSAENC, &SHA256),
    (OID_PKCS1_SHA1WITHRSA, &SHA256),
    (OID_PKCS1_SHA256WITHRSA, &SHA256),
    (OID_PKCS1_SHA384WITHRSA, &SHA384),
    (OID_PKCS1_SHA512WITHRSA, &SHA512),
    (OID_SIG_ECDSA_WITH_SHA256, &SHA256),
    (OID_SIG_ECDSA_WITH_SHA384, &SHA384),
    (OID_SIG_ECDSA_WITH_SHA512, &SHA512),
];

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

    use super::*;

    #[test]
    fn the_hash_is_that_of_the_signature() {
        let made = |algorithm: &'static SignatureAlgorithm| {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let params = CertificateParams::new(vec!["mx.b.example".to_owned()]).unwrap();
            params.self_signed(&key).unwrap().der().to_vec()
        };
        for (signature, want) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(&SHA256)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(&SHA384)),
            (&rcgen::PKCS_ED25519, None), // no hash function of its own: RFC 5929 says nothing
        ] {
            let der = made(signature);
            let want = want.map(|hash| digest(hash, &der).as_ref().to_vec());
            assert_eq!(end_point(&der), want, "{signature:?}");
        }
        assert_eq!(end_point(b"nonsense"), None);
    }

    /// `openssl req -x509 -newkey rsa:1024 -sha1`, and with `-sigopt rsa_padding_mode:pss -sha384`; the digests are openssl's.
    #[test]
    fn signatures_of_rsa_have_theirs() {
        for (pem, want) in [
            (include_str!("end_point/sha1.pem"), include_str!("end_point/sha1.digest")),
            (include_str!("end_point/pss.pem"), include_str!("end_point/pss.digest")),
        ] {
            let der =
                <rustls::pki_types::CertificateDer<'_> as rustls::pki_types::pem::PemObject>::from_pem_slice(
                    pem.as_bytes(),
                );
            let found = end_point(&der.unwrap()).unwrap();
            let found: String = found.iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(found, want.trim());
        }
    }
}
