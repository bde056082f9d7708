//! Maps on servers that a test plays: what they say of which key.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::lookup::error::LookupError;
use crate::lookup::map::oracle::{Oracle, Pending};

/// The servers of all maps of a test. A clone is the same ones.
#[derive(Clone, Debug, Default)]
pub struct Stubs(Arc<Mutex<HashMap<String, Stub>>>);

/// What the server of a map says.
#[derive(Clone, Debug)]
pub enum Stub {
    /// These are the values; of other keys there is none.
    Values(HashMap<String, String>),
    /// Nothing, for this reason; a time-out takes its time.
    Trouble(LookupError),
}

impl Stubs {
    /// From now on the server of the map `name` says what `stub` has.
    pub fn put(&self, name: &str, stub: Stub) {
        self.0.lock().insert(name.to_owned(), stub);
    }

    /// The server of the map `name`; where nothing was said of it, `real` is asked.
    pub(super) fn oracle(
        &self,
        name: &str,
        timeout: Duration,
        real: Option<Arc<dyn Oracle>>,
    ) -> Arc<dyn Oracle> {
        Arc::new(Played { stubs: self.clone(), name: name.to_owned(), timeout, real })
    }
}

struct Played {
    stubs: Stubs,
    name: String,
    timeout: Duration,
    real: Option<Arc<dyn Oracle>>,
}

impl Oracle for Played {
    fn ask<'a>(&'a self, key: &'a str) -> Pending<'a> {
        let stub = self.stubs.0.lock().get(&self.name).cloned();
        Box::pin(async move {
            match (stub, &self.real) {
                (Some(Stub::Values(values)), _) => Ok(values.get(key).map(|value| value.as_str().into())),
                (Some(Stub::Trouble(LookupError::Timeout)), _) => {
                    tokio::time::sleep(self.timeout).await;
                    Err(LookupError::Timeout)
                }
                (Some(Stub::Trouble(error)), _) => Err(error),
                (None, Some(real)) => real.ask(key).await,
                // A server of which nothing is known can't be reached.
                (None, None) => Err(LookupError::Unreachable),
            }
        })
    }
}
