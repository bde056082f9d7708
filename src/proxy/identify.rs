//! Who the client is: its name, looked up from the start and awaited when it is first needed.

use std::net::IpAddr;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::net::names::{ClientName, Names};

/// A client's name, perhaps still being looked up.
#[derive(Debug)]
pub(super) enum NameSearch {
    /// Under way.
    Running(JoinHandle<ClientName>),
    /// Known, or known not to be.
    Done(ClientName),
}

/// How long a session waits for the name.
const PATIENCE: Duration = Duration::from_secs(5);

impl NameSearch {
    /// Starts to look up the name of `address`.
    pub(super) fn start(names: &dyn Names, address: IpAddr) -> Self {
        NameSearch::Running(tokio::task::spawn_local(names.client_name(address)))
    }

    /// The name that was found; waits at most 5 s, the first time. *Changes*: remembers the answer.
    pub(super) async fn name(&mut self) -> &ClientName {
        if let NameSearch::Running(search) = self {
            let found = timeout(PATIENCE, &mut *search).await;
            search.abort(); // the query itself runs on, for whoever asks next
            *self = NameSearch::Done(found.ok().and_then(Result::ok).unwrap_or(ClientName::Unknown));
        }
        self.now()
    }

    /// The name as far as it is known now.
    pub(super) fn now(&self) -> &ClientName {
        match self {
            NameSearch::Done(name) => name,
            NameSearch::Running(_) => &ClientName::Unknown,
        }
    }
}

impl Drop for NameSearch {
    fn drop(&mut self) {
        if let NameSearch::Running(search) = self {
            search.abort();
        }
    }
}
