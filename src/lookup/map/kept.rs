//! One server behind a map, whatever it speaks: its connections are kept and bounded, a question has its time, and a
//! server that is down is left alone.

use std::future::Future;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::lookup::breaker::Breaker;
use crate::lookup::error::LookupError;
use crate::lookup::map::bounds::Bounds;
use crate::lookup::map::oracle::{Oracle, Outcome, Pending};

/// A server that is asked over connections, one question after the other on each.
pub(super) trait Service: Send + Sync + 'static {
    /// A connection.
    type Line: Send;

    /// A new connection, ready to be asked.
    fn open(&self) -> impl Future<Output = Result<Self::Line, Trouble>> + Send;

    /// What the server says of `key`.
    fn ask(
        &self,
        line: &mut Self::Line,
        key: &str,
    ) -> impl Future<Output = Result<Option<Box<str>>, Trouble>> + Send;

    /// Whether the server has closed the connection, or says what nobody has asked.
    fn is_stale(&self, line: &mut Self::Line) -> bool;

    /// Ends a connection that is not needed any more.
    fn close(&self, line: Self::Line) {
        drop(line);
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// The connection is lost. A kept one may have been for long.
    #[error("the connection is lost: {0}")]
    Lost(String),
    /// There is none, or what comes over it can't be followed.
    #[error("{1}")]
    Broken(LookupError, String),
    /// The server says that it can't say.
    #[error("{1}")]
    Said(LookupError, String),
}

impl Trouble {
    /// The server can't be reached, and why.
    pub(super) fn unreachable(why: impl ToString) -> Self {
        Self::Broken(LookupError::Unreachable, why.to_string())
    }

    /// What the server says is not what its protocol has.
    pub(super) fn invalid(why: impl ToString) -> Self {
        Self::Broken(LookupError::Invalid, why.to_string())
    }

    fn kind(&self) -> LookupError {
        match self {
            Self::Lost(_) => LookupError::Unreachable,
            Self::Broken(kind, _) | Self::Said(kind, _) => *kind,
        }
    }

    /// Whether the server isn't well, as opposed to an answer of whatever content.
    fn is_outage(&self) -> bool {
        !matches!(self, Self::Said(..)) && self.kind().is_outage()
    }
}

/// A server and the connections to it.
pub(super) struct Kept<S: Service> {
    /// The map's name, for the log.
    map: Box<str>,
    service: S,
    timeout: Duration,
    turns: Semaphore,
    breaker: Mutex<Breaker>,
    /// Connections, and when each was last asked; the youngest is the last.
    idle: Mutex<Vec<(S::Line, Instant)>>,
    /// When the log was last told that something is wrong.
    told: Mutex<Option<Instant>>,
}

impl<S: Service> Kept<S> {
    /// `service`, asked within `bounds` for the map of this name.
    pub(super) fn new(map: &str, service: S, bounds: Bounds) -> Self {
        Self {
            map: map.into(),
            service,
            timeout: bounds.timeout,
            turns: Semaphore::new(bounds.connections),
            breaker: Mutex::default(),
            idle: Mutex::default(),
            told: Mutex::default(),
        }
    }

    async fn question(&self, key: &str) -> Outcome {
        let end = Instant::now() + self.timeout;
        let Ok(Ok(_turn)) = timeout_at(end, self.turns.acquire()).await else {
            return Err(LookupError::Unavailable);
        };
        if !self.breaker.lock().admit(Instant::now()) {
            return Err(LookupError::Unavailable);
        }
        let outcome = timeout_at(end, self.ask_twice(key)).await.unwrap_or_else(|_| {
            self.idle.lock().clear(); // the server may be gone without a word
            Err(Trouble::Broken(LookupError::Timeout, format!("no answer within {:?}", self.timeout)))
        });
        self.note(&outcome);
        outcome.map_err(|trouble| trouble.kind())
    }

    /// Asks over a kept connection or, if that turns out to be lost, over a new one.
    async fn ask_twice(&self, key: &str) -> Result<Option<Box<str>>, Trouble> {
        if let Some(mut line) = self.kept() {
            match self.service.ask(&mut line, key).await {
                Err(Trouble::Lost(_)) => self.idle.lock().clear(), // they are as old
                outcome => return self.keep(line, outcome),
            }
        }
        let mut line = self.service.open().await?;
        let outcome = self.service.ask(&mut line, key).await;
        self.keep(line, outcome)
    }

    /// A connection that was kept; those that are too old are closed.
    fn kept(&self) -> Option<S::Line> {
        let now = Instant::now();
        let mut idle = self.idle.lock();
        let young = idle.iter().position(|(_, since)| now.duration_since(*since) < IDLE);
        let old = young.unwrap_or(idle.len());
        for (line, _) in idle.drain(..old) {
            self.service.close(line);
        }
        while let Some((mut line, _)) = idle.pop() {
            if !self.service.is_stale(&mut line) {
                return Some(line);
            }
        }
        None
    }

    /// Keeps `line` for the next question, unless nobody knows what comes over it next.
    fn keep(
        &self,
        line: S::Line,
        outcome: Result<Option<Box<str>>, Trouble>,
    ) -> Result<Option<Box<str>>, Trouble> {
        if matches!(outcome, Ok(_) | Err(Trouble::Said(..))) {
            self.idle.lock().push((line, Instant::now())); // there are no more than turns
        }
        outcome
    }

    /// Takes in how a question went; the log is told of trouble once a minute.
    fn note(&self, outcome: &Result<Option<Box<str>>, Trouble>) {
        let (now, map) = (Instant::now(), &*self.map);
        let is_well = !outcome.as_ref().is_err_and(Trouble::is_outage);
        if self.breaker.lock().record(now, is_well) {
            tracing::warn!(
                map,
                "this map's server doesn't answer: it is unavailable for a few seconds at a time"
            );
        }
        let Err(trouble) = outcome else { return };
        let mut told = self.told.lock();
        if told.is_none_or(|told| now.duration_since(told) >= QUIET) {
            *told = Some(now);
            tracing::warn!(map, error = %trouble, "a map can't be asked");
        } else {
            tracing::debug!(map, error = %trouble, "a map can't be asked");
        }
    }
}

impl<S: Service> Oracle for Kept<S> {
    fn ask<'a>(&'a self, key: &'a str) -> Pending<'a> {
        Box::pin(self.question(key))
    }
}

/// How long a connection may be idle to be asked again: as Postfix has it for its own.
const IDLE: Duration = Duration::from_secs(10);

/// How long the log isn't told again that something is wrong.
const QUIET: Duration = Duration::from_secs(60);
