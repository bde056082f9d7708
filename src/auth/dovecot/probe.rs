//! Asks a Dovecot whether logins could be checked by it: whether it is there, speaks its protocol, and what it offers.

use std::path::Path;

use tokio::time::timeout;

use crate::auth::dovecot::connection::{PATIENCE, open};
use crate::auth::probe::Step;
use crate::smtp::mechanism::{Mechanism, Mechanisms};

/// Connects to the socket at `path` and takes the handshake; `wanted` may be offered to clients.
pub async fn ask(path: &Path, wanted: Mechanisms) -> Vec<Step> {
    let opened =
        timeout(PATIENCE, open(path)).await.unwrap_or_else(|_| Err("no handshake in time".to_owned()));
    let known = match opened {
        Ok((_, mechanisms)) => mechanisms,
        Err(why) => {
            let step = Step::failed("handshake", "verify", why);
            let help = "in Dovecot's configuration: service auth { unix_listener PATH { mode = 0660 } }, with a group in \
                        which gatepost's user is; without its `client` role, as auth-userdb's, a socket says nothing";
            return vec![step.help(help)];
        }
    };
    let words = |all: Mechanisms| {
        let names: Vec<&str> = all.iter().map(Mechanism::as_str).collect();
        if names.is_empty() { "nothing that can be passed on".to_owned() } else { names.join(" ") }
    };
    let offered = known.intersect(wanted);
    let mut step = match offered.is_empty() {
        false => Step::well("mechanisms", words(offered)),
        true => Step::failed("mechanisms", "mechanisms", format!("it offers {}", words(known))).help(
            "auth_mechanisms = plain login in Dovecot's configuration, and `auth.mechanisms` here, say which",
        ),
    };
    if !offered.is_empty() && known != offered {
        step.heard.push_str(&format!(" (it knows {})", words(known)));
    }
    vec![Step::well("handshake", "it speaks version 1 of its protocol"), step]
}
