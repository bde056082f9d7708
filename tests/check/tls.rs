//! Certificates: those that can't be used are mistakes, those that end soon are warned of.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::{check, toml};

/// Writes a certificate with its key into `file`; it ends in `days`, or has ended in 2021.
fn write(file: &Path, days: Option<u64>) {
    let mut params = CertificateParams::new(vec!["mx.ours.example".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = match days {
        Some(days) => (SystemTime::now() + Duration::from_secs(days * 24 * 60 * 60 + 60)).into(),
        None => date_time_ymd(2021, 1, 1),
    };
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(file, format!("{}{}", certificate.pem(), key.serialize_pem())).unwrap();
}

#[test]
fn a_certificate_is_looked_at_before_it_is_used() {
    let soon = "the certificate in ";
    for (days, code, want) in
        [(Some(22), 0, "no warnings"), (Some(20), 0, "expires in 20 days"), (None, 0, "has expired")]
    {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("mx.pem"), days);
        let run = check(
            folder.path(),
            &toml(
                "domains = \"ours.example\"",
                "address = \"maildir:Maildir\"",
                "[tls]\ncertificate = \"mx.pem\"",
            ),
            &[],
        );
        let text = run.text();
        assert_eq!(run.code, Some(code), "{text}");
        assert!(text.contains(want) && (days == Some(22) || text.contains(soon)), "{days:?}: {text}");
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_a_mistake() {
    for (text, want) in [
        (None, "No such file"),
        (Some(""), "there is no certificate in it"),
        (
            Some("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
            "there is no private key in it",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = text {
            fs::write(folder.path().join("mx.pem"), text).unwrap();
        }
        let rest = "[tls]\ncertificate = \"mx.pem\"";
        let run = check(
            folder.path(),
            &toml("domains = \"ours.example\"", "address = \"maildir:Maildir\"", rest),
            &[],
        );
        assert_eq!(run.code, Some(2), "{}", run.text());
        assert!(run.text().contains(want) && run.text().contains("mx.pem"), "{want}: {}", run.text());
    }
}

#[test]
fn what_listeners_and_backends_want_of_tls_must_be_there() {
    let listener = |keys: &str, rest: &str| {
        let (backend, rest) = match rest.strip_prefix("BACKEND ") {
            Some(keys) => (format!("address = \"maildir:Maildir\"\n{keys}"), ""),
            None => ("address = \"maildir:Maildir\"".to_owned(), rest),
        };
        let whole = toml("domains = \"ours.example\"", &backend, rest);
        whole.replace("policies = [\"helo\"]", &format!("policies = [\"helo\"]\n{keys}"))
    };
    for (keys, rest, want) in [
        ("tls = \"implicit\"", "", "speaks TLS and there is no certificate"),
        ("tls = \"ssl\"", "", "must be \"none\", \"starttls\""),
        ("client_certificate = \"verify\"", "[tls]\ncertificate = \"mx.pem\"", "there is no `tls.client_ca`"),
        (
            "tls = \"none\"\nclient_certificate = \"request\"",
            "[tls]\ncertificate = \"mx.pem\"",
            "asks for certificates and speaks no TLS",
        ),
        ("", "[tls]\nkey = \"mx.key\"", "`tls.certificate` is missing"),
        ("", "BACKEND tls = \"opportunistic\"\ntls_mode = \"implicit\"", "can't be left to chance"),
        ("", "BACKEND tls = \"required\"\nca = \"mx.pem\"", "only where the backend is verified"),
        ("", "BACKEND tls = \"verified\"", "there is no name to verify"),
        ("", "BACKEND tls = \"required\"\nclient_certificate = \"gone.pem\"", "gone.pem"),
        ("relay = { certificates = [\"00\"] }", "", "64 hexadecimal digits"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("mx.pem"), Some(100));
        let run = check(folder.path(), &listener(keys, rest), &[]);
        assert_eq!(run.code, Some(2), "{keys}: {}", run.text());
        assert!(run.text().contains(want), "{want}: {}", run.text());
    }
}
