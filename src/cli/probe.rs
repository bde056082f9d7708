//! What `check --probe` heard, as people read it: what each backend answered, what that means, what to do about it.

use serde_json::{Value, json};

use crate::app::probe::{Heard, Probed};
use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::session::relay::RelayDomains;
use crate::smtp::extension::Extension;

/// What is to be said of `probed`: errors make the probe fail.
pub fn judge(probed: &Probed, config: &Config) -> Vec<Diagnostic> {
    let who = format!("backend \"{}\" at {}", probed.backend, probed.address);
    let heard = match &probed.plain {
        Ok(heard) => heard,
        Err(error) => {
            let message = format!("{who} can't be reached: {error}");
            return vec![Diagnostic::error("backend", message, None).help("clients would hear 451 4.4.1")];
        }
    };
    let leaves_relay_to_it = config.listeners.iter().any(|listener| {
        listener.backend == probed.backend && matches!(listener.relay.domains, RelayDomains::Backend)
    });
    let mut found = Vec::new();
    found.extend(postscreen(&who, heard));
    found.extend(xclient(&who, probed, heard, leaves_relay_to_it));
    if heard.is_taken {
        found.push(relays(&who, probed, heard));
    }
    found.extend(stranger(&who, probed, leaves_relay_to_it));
    if let Some(Ok(grantee)) =
        probed.grantee.as_ref().filter(|one| one.as_ref().is_ok_and(|one| !one.is_taken))
    {
        let (whom, key) = match probed.is_relay_login {
            true => ("`relay_login`", "backend.relay_login"),
            false => ("clients that have logged in", "backend"),
        };
        let message = format!("{who} does not relay for {whom}: {}", grantee.answer);
        let warning = Diagnostic::warning(key, message, None);
        found.push(
            warning.help("Postfix needs smtpd_sasl_auth_enable = yes and permit_sasl_authenticated for it"),
        );
    }
    found
}

fn postscreen(who: &str, heard: &Heard) -> Option<Diagnostic> {
    let says_so = heard.greeting_lines > 1 || heard.answer.starts_with("450 4.3.2");
    let warning = || Diagnostic::warning("backend", format!("{who} looks like a postscreen port"), None);
    says_so.then(|| {
        warning()
            .help("postscreen would judge gatepost, not its clients: give gatepost a port of smtpd's own")
    })
}

fn relays(who: &str, probed: &Probed, heard: &Heard) -> Diagnostic {
    let Probed { recipient, .. } = probed;
    let message = format!(
        "{who} relays for whoever comes through gatepost: RCPT TO:<{recipient}> was answered {}",
        heard.answer
    );
    let us = heard.from.map_or_else(|| "gatepost's address".to_owned(), |from| from.ip().to_string());
    let warning = Diagnostic::warning("backend", message, None)
        .help(format!("{us} is in its mynetworks; only gatepost's relay guard stands before it"));
    if matches!(&probed.stranger, Some(Ok(stranger)) if !stranger.is_taken) {
        return warning.help("a stranger, told by XCLIENT, is refused: all is well as long as XCLIENT is spoken (xclient = \"required\")");
    }
    warning
        .help("in main.cf, so that Postfix judges the real client:")
        .help(format!("    smtpd_authorized_xclient_hosts = {us}"))
        .help("or, so that it relays for nobody who comes without a login:")
        .help("    smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination")
}

fn xclient(who: &str, probed: &Probed, heard: &Heard, leaves_relay_to_it: bool) -> Option<Diagnostic> {
    let us = heard.from?.ip();
    if probed.stranger.is_some() || heard.is_taken && !leaves_relay_to_it {
        return None;
    }
    let message = format!("{who} does not offer XCLIENT to {us}: it can't know who the client is");
    let found = match leaves_relay_to_it {
        true => Diagnostic::error("backend", message, None)
            .help("with relay.domains = \"backend\" every message would be deferred"),
        false => Diagnostic::warning("backend", message, None),
    };
    Some(found.help("in main.cf:").help(format!("    smtpd_authorized_xclient_hosts = {us}")))
}

fn stranger(who: &str, probed: &Probed, leaves_relay_to_it: bool) -> Option<Diagnostic> {
    let found = match probed.stranger.as_ref()? {
        Err(error) => Diagnostic::error("backend", format!("{who}: XCLIENT fails: {error}"), None),
        Ok(stranger) if stranger.is_taken => {
            let message = format!(
                "{who} is an open relay: a stranger's RCPT TO:<{}> was answered {}",
                probed.recipient, stranger.answer
            );
            let help = "look at smtpd_relay_restrictions and at what overrides it for this port in master.cf";
            match leaves_relay_to_it {
                true => Diagnostic::error("backend", message, None).help(help),
                false => Diagnostic::warning("backend", message, None).help(help),
            }
        }
        Ok(_) => return None,
    };
    Some(found)
}

/// What was heard, line by line.
pub fn text(probed: &Probed) -> String {
    let mut out = format!("\n# probe: backend \"{}\" at {}\n", probed.backend, probed.address);
    let Ok(heard) = &probed.plain else { return out + "#   not reached\n" };
    let offers: Vec<&str> = Extension::ALL
        .iter()
        .filter(|one| heard.capabilities.offers(**one))
        .map(|one| one.as_str())
        .collect();
    out.push_str(&format!("#   greeting: {}\n#   offers: {}\n", heard.greeting, offers.join(", ")));
    out.push_str(&format!("#   RCPT TO:<{}> (nothing is sent)\n", probed.recipient));
    out.push_str(&format!("#     as gatepost:          {}\n", heard.answer));
    for (who, answer) in
        [("a stranger (XCLIENT): ", &probed.stranger), ("a login (XCLIENT):     ", &probed.grantee)]
    {
        match answer {
            Some(Ok(heard)) => out.push_str(&format!("#     as {who}{}\n", heard.answer)),
            Some(Err(error)) => out.push_str(&format!("#     as {who}{error}\n")),
            None => {}
        }
    }
    if let Some(from) = heard.from {
        out.push_str("#   Postfix takes 50 connections at once from a client outside mynetworks; for gatepost, in main.cf:\n");
        out.push_str(&format!("#     smtpd_client_event_limit_exceptions = $mynetworks {}\n", from.ip()));
    }
    out
}

/// The same for programs.
pub fn json(probed: &Probed) -> Value {
    let one = |heard: &Result<Heard, String>| match heard {
        Ok(heard) => json!({ "greeting": heard.greeting, "answer": heard.answer, "taken": heard.is_taken }),
        Err(error) => json!({ "error": error }),
    };
    json!({
        "backend": probed.backend,
        "address": probed.address.to_string(),
        "recipient": probed.recipient,
        "plain": one(&probed.plain),
        "stranger": probed.stranger.as_ref().map(one),
        "relay_login": probed.grantee.as_ref().map(one),
    })
}
