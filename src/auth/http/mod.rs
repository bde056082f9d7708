//! `http://` and `https://`: a web server is told of a login and says whether it is right.

pub mod config;
pub mod probe;
mod words;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::auth::check::{Check, Found, PASSWORDS_AND_TOKENS};
use crate::auth::http::config::Settings;
use crate::auth::http::words::Shown;
use crate::auth::verifier::{Attempt, PATIENCE, Pending};
use crate::lookup::error::LookupError;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::connections::Trust;
use crate::lookup::http::request::{Access, Reply, Request, add_header};
use crate::lookup::http::url::Url;
use crate::net::tls::back::{self, BackError};
use crate::secret_file::{self, SecretFileError};
use crate::smtp::mechanism::Mechanisms;
use crate::smtp::secret::Secret;

/// A web server that knows users, common to all workers.
pub struct Http {
    client: HttpClient,
    /// The question, but for its body.
    request: Request,
    has_token: bool,
    /// When it has last answered: as long ago as connections are kept, there may be one.
    answered: Mutex<Option<Instant>>,
}

/// What it takes to ask, as the files have it now.
pub struct Prepared {
    request: Request,
    has_token: bool,
    /// Whom the server must be certified by.
    pub trust: Trust,
}

/// Why a web server can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Our token can't be had.
    #[error(transparent)]
    Token(#[from] SecretFileError),
    /// There can be no TLS.
    #[error(transparent)]
    Tls(#[from] BackError),
    /// No header can have it.
    #[error("the token of `token_file` has octets that no header has, or too many")]
    NoToken,
}

/// Octets of an answer.
const LARGEST: usize = 64 << 10;
/// How long the client keeps connections.
const KEPT: Duration = Duration::from_secs(30);

/// Connections to one web server, which the client bounds.
pub const CONNECTIONS: usize = 64;

/// What asking `url` takes.
///
/// *Errors*: see `HttpError`. Reads files: not for a worker that serves.
pub fn prepare(url: &Url, settings: &Settings) -> Result<Prepared, HttpError> {
    // The configuration names it: it may be a server of the site.
    let mut request = Request::get(url.clone(), Arc::new(|_| Access::Site));
    request.set_method("POST");
    request.timeout = settings.timeout.min(PATIENCE);
    request.largest = LARGEST;
    for (name, value) in [("content-type", "application/json"), ("accept", "application/json")] {
        add_header(&mut request.headers, name, value.as_bytes()).map_err(|_| HttpError::NoToken)?;
    }
    if let Some(path) = &settings.token_file {
        let mut value = Secret::from("Bearer ");
        value.push(secret_file::read(path)?.octets());
        add_header(&mut request.headers, "authorization", value.octets()).map_err(|_| HttpError::NoToken)?;
        request.headers.values_mut().for_each(|value| value.set_sensitive(true));
    }
    let trust = match &settings.ca {
        Some(ca) => Trust::Only(Box::new(back::vouched_for_by(ca)?)),
        None => Trust::System,
    };
    Ok(Prepared { request, has_token: settings.token_file.is_some(), trust })
}

impl Http {
    /// The web server for which `prepared` was made, asked by `client`.
    pub fn new(prepared: Prepared, client: HttpClient) -> Http {
        let Prepared { request, has_token, trust: _ } = prepared;
        Http { client, request, has_token, answered: Mutex::default() }
    }

    async fn ask(&self, attempt: &Attempt, user: &str, shown: Shown<'_>) -> Found {
        // What is no text can't be told, and is nobody's password. RFC 4616 §2
        let Some(question) = words::question(attempt, user, shown) else { return Found::Nobody };
        let mut request = self.request.clone();
        request.body = Bytes::from_owner(Body(question));
        let outcome = self.ask_twice(request).await;
        let typed = matches!(shown, Shown::Password(_)).then_some(user);
        let found = match outcome {
            Ok(reply) => words::judge(reply.status.as_u16(), &reply.body, typed, self.has_token),
            Err(LookupError::Invalid) => {
                Found::Unavailable("what it speaks is no HTTP, or no TLS that can be trusted".to_owned())
            }
            Err(error) => Found::Unavailable(error.to_string()),
        };
        match found {
            // Without path and query, which may be secret.
            Found::Unavailable(why) => Found::Unavailable(format!("{}: {why}", self.request.url.origin())),
            found => found,
        }
    }

    /// The answer, asked for once more if it was a kept connection that may have been lost meanwhile; both have one time.
    async fn ask_twice(&self, mut request: Request) -> Result<Reply, LookupError> {
        let start = Instant::now();
        let answered = *self.answered.lock();
        let mut outcome = self.client.ask(request.clone()).await;
        let is_kept = answered.is_some_and(|answered| start.duration_since(answered) < KEPT);
        let left = request.timeout.saturating_sub(start.elapsed());
        if outcome == Err(LookupError::Unreachable) && is_kept && !left.is_zero() {
            *self.answered.lock() = None; // the others are as old
            request.timeout = left;
            outcome = self.client.ask(request).await;
        }
        if outcome.is_ok() {
            *self.answered.lock() = Some(Instant::now());
        }
        outcome
    }
}

/// The body of a question, which is wiped when the client library has done with it.
struct Body(Secret);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.0.octets()
    }
}

impl Check for Arc<Http> {
    fn mechanisms(&self) -> Mechanisms {
        PASSWORDS_AND_TOKENS
    }

    fn password<'a>(
        &'a self,
        attempt: &'a Attempt,
        user: &'a str,
        password: &'a Secret,
    ) -> Pending<'a, Found> {
        Box::pin(self.ask(attempt, user, Shown::Password(password)))
    }

    fn token<'a>(&'a self, attempt: &'a Attempt, user: &'a str, token: &'a Secret) -> Pending<'a, Found> {
        Box::pin(self.ask(attempt, user, Shown::Token(token)))
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("server", &self.request.url.origin()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
