//! What is wrong with the files that `[auth]`, `[tls]` and backends name: all of it at once, each told where the file is named.

use std::path::Path;

use crate::app::named_users::{self, unreadable};
use crate::app::{tls, verifiers};
use crate::auth::config::{Config as Auth, Place};
use crate::auth::{http, ldap};
use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::config::places::{KeyAt, Places};
use crate::config::sources::Sources;
use crate::net::tls::config::{ClientCertificates, Level, Pair};
use crate::net::tls::files::{self, FileError, Part};
use crate::net::tls::front::provider;
use crate::secret_file::{self, SecretFileError};
use crate::session::tls::TlsUse;

/// Everything that is wrong with the files, as whoever asks now can read them.
///
/// *Changes*: `sources` gets a users file with wrong lines, without what is secret in it.
pub fn mistakes(config: &Config, places: &Places, sources: &mut Sources) -> Vec<Diagnostic> {
    let mut found = own(config, places);
    found.extend(backends(config, places));
    for auth in verifiers::in_use(config) {
        let number = config.listeners.iter().position(|listener| verifiers::is_checked_by(listener, auth));
        found.extend(logins(auth, number.unwrap_or(0), places, sources));
    }
    found
}

/// Of `[tls]`.
fn own(config: &Config, places: &Places) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(pair) = &config.tls.own {
        found.extend(of_pair(pair, |key| places.tls(key)));
    }
    for (number, host) in config.tls.hosts.iter().enumerate() {
        found.extend(of_pair(&host.pair, |key| places.host(number, key)));
    }
    let asks = config.listeners.iter().any(|listener| {
        listener.tls != TlsUse::None && listener.client_certificate != ClientCertificates::Off
    });
    if let Some(path) = config.tls.client_ca.as_ref().filter(|_| asks && config.tls.own.is_some()) {
        found.extend(of_authorities(path, places.tls("client_ca")));
    }
    // What shows only when all of it is put together.
    if found.is_empty()
        && let Err(error) = tls::tried(config)
    {
        let KeyAt { key, span } = places.tls("certificate");
        found.push(Diagnostic::error(key, format!("{error:#}"), span).found("can't be used"));
    }
    found
}

fn backends(config: &Config, places: &Places) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (number, backend) in config.backends.iter().enumerate() {
        let tls = &backend.tls;
        let before = found.len();
        let is_vouched_for = tls.level == Level::Verified && tls.fingerprints.is_empty();
        if let Some(ca) = tls.ca.as_ref().filter(|_| is_vouched_for) {
            found.extend(of_authorities(ca, places.backend(number, "ca")));
        }
        if let Some(pair) = tls.client_certificate.as_ref().filter(|_| tls.level != Level::None) {
            found.extend(of_pair(pair, |_| places.backend(number, "client_certificate")));
        }
        if found.len() == before
            && let Err(error) = tls::back(backend)
        {
            let KeyAt { key, span } = places.backend(number, "tls");
            found.push(Diagnostic::error(key, format!("{error:#}"), span).found("can't be spoken"));
        }
    }
    found
}

/// Of what checks logins, first those of the listener of that number.
fn logins(auth: &Auth, number: usize, places: &Places, sources: &mut Sources) -> Vec<Diagnostic> {
    let at = |key: &str| places.login(number, key);
    let mut found = Vec::new();
    let rest = match &auth.verify {
        Some(Place::File(path)) => return named_users::mistakes(path, &at("verify"), sources),
        Some(Place::Ldap(server)) => {
            let account = auth.ldap.search.as_ref().and_then(|search| search.account.as_ref());
            found.extend(account.and_then(|(_, path)| of_secret(path, at("ldap.search_password_file"))));
            let is_secured = server.is_ldaps() || auth.ldap.uses_starttls(server);
            let ca = auth.ldap.ca.as_ref().filter(|_| is_secured);
            found.extend(ca.and_then(|path| of_authorities(path, at("ldap.ca"))));
            ldap::prepare(server, &auth.ldap).err().map(|error| ("verify", error.to_string()))
        }
        Some(Place::Http(url)) => {
            let token = auth.http.token_file.as_ref();
            found.extend(token.and_then(|path| of_secret(path, at("http.token_file"))));
            let ca = auth.http.ca.as_ref().filter(|_| url.is_secure());
            found.extend(ca.and_then(|path| of_authorities(path, at("http.ca"))));
            let key = if token.is_some() { "http.token_file" } else { "verify" };
            http::prepare(url, &auth.http).err().map(|error| (key, error.to_string()))
        }
        _ => None,
    };
    if let (Some((key, why)), true) = (rest, found.is_empty()) {
        let KeyAt { key, span } = at(key);
        found.push(Diagnostic::error(&*key, format!("`{key}`: {why}"), span).found("can't be used"));
    }
    found
}

/// Of a certificate and its key; `at` says where each is named.
fn of_pair(pair: &Pair, at: impl Fn(&str) -> KeyAt) -> Vec<Diagnostic> {
    let is_one = pair.certificate == pair.key;
    let told = files::mistakes(pair, &provider()).into_iter().map(|(part, error)| {
        let (key, help) = match part {
            Part::Certificate => ("certificate", "PEM: -----BEGIN CERTIFICATE-----, our own first, then those between it and the root"),
            Part::Key => ("key", "PEM: -----BEGIN PRIVATE KEY-----, without a passphrase; `openssl pkey -in FILE` takes one away"),
            Part::Both => (
                "key",
                "where they belong together, `openssl x509 -noout -pubkey -in CERTIFICATE` and `openssl pkey -pubout -in KEY` say the same",
            ),
        };
        let told = of_file(at(if is_one { "certificate" } else { key }), &error, help);
        match at("certificate").span.filter(|_| part == Part::Both && !is_one) {
            Some(span) => told.also(span, "the certificate"),
            None => told,
        }
    });
    told.collect()
}

fn of_authorities(path: &Path, at: KeyAt) -> Option<Diagnostic> {
    let error = files::authorities(path).err()?;
    Some(of_file(at, &error, "PEM: -----BEGIN CERTIFICATE-----, for each authority one"))
}

fn of_file(at: KeyAt, error: &FileError, help: &str) -> Diagnostic {
    let KeyAt { key, span } = at;
    let told = Diagnostic::error(&*key, format!("`{key}`: {error}"), span);
    unreadable(told, &error.path, help)
}

fn of_secret(path: &Path, at: KeyAt) -> Option<Diagnostic> {
    let error: SecretFileError = secret_file::read(path).err()?;
    let KeyAt { key, span } = at;
    let told = Diagnostic::error(&*key, format!("`{key}`: {error}"), span);
    Some(unreadable(told, path, "the secret is its first line, and nothing else"))
}
