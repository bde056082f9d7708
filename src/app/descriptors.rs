//! How many files and sockets the process may have open, held against what the configuration allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::app::verifiers;
use crate::backend::config::Address;
use crate::config::Config;

/// What may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Connections of clients.
    pub clients: usize,
    /// Files of the spool, at most one a client.
    pub spool: usize,
    /// Connections to backends.
    pub backends: usize,
    /// Questions to name servers.
    pub questions: usize,
    /// All else: listening sockets, threads, the log, who checks logins, the servers of maps.
    pub rest: usize,
}

impl Need {
    /// What `config` allows.
    pub fn of(config: &Config) -> Need {
        let smtp = config.backends.iter().filter(|backend| {
            !backend.addresses.iter().any(|address| matches!(address, Address::Maildir(_)))
        });
        let logins = verifiers::in_use(config).iter().map(|auth| auth.connections()).sum();
        let maps = config.maps.iter().map(|named| named.map.connections()).sum();
        let binds: usize = config.listeners.iter().map(|listener| listener.bind.len()).sum();
        Need {
            clients: config.limits.connections,
            spool: config.limits.connections,
            backends: smtp.map(|backend| backend.connections).fold(0, usize::saturating_add),
            questions: config.dns.in_flight,
            rest: [binds, config.workers.saturating_mul(8), logins, maps, 64]
                .into_iter()
                .fold(0, usize::saturating_add),
        }
    }

    /// All together.
    pub fn total(&self) -> usize {
        [self.clients, self.spool, self.backends, self.questions, self.rest]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    /// The warning that is due if `allowed` descriptors are all that there may be.
    pub fn warning(&self, allowed: u64) -> Option<String> {
        let total = self.total();
        (u64::try_from(total).unwrap_or(u64::MAX) > allowed).then(|| {
            format!(
                "{allowed} descriptors may be open, but {total} could be needed: {} clients, {} spool files, {} to \
                 backends, {} DNS questions, {} other; raise the limit (systemd: LimitNOFILE={}) or lower \
                 limits.connections",
                self.clients,
                self.spool,
                self.backends,
                self.questions,
                self.rest,
                total.next_power_of_two(),
            )
        })
    }
}

/// Raises the soft limit to the hard one; what may be open then.
pub fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let Some(hard) = limit.maximum else { return limit.current.unwrap_or(u64::MAX) };
    if limit.current == Some(hard) {
        return hard;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(hard), maximum: Some(hard) }) {
        Ok(()) => hard,
        Err(_) => limit.current.unwrap_or(hard),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_tells_the_numbers() {
        let need = Need { clients: 1000, spool: 1000, backends: 80, questions: 100, rest: 20 };
        assert_eq!(need.warning(2200), None);
        let warning = need.warning(2199).unwrap();
        assert!(warning.starts_with("2199 descriptors may be open, but 2200 could be needed: 1000 clients,"));
        assert!(warning.contains("LimitNOFILE=4096"));
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let allowed = raise();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current.unwrap_or(u64::MAX), allowed);
    }
}
