//! Who may send as whom: addresses and the logins that own them, asked at MAIL and of the From field.

use std::time::Duration;

use tokio::time::timeout;

use crate::message::edit::{Edit, NewField};
use crate::message::header::Header;
use crate::message::mailboxes;
use crate::proxy::config::Mismatch;
use crate::proxy::receive::Refusal;
use crate::proxy::serve::Serve;
use crate::session::effects::Effects;
use crate::smtp::command::Mail;
use crate::smtp::path::ReversePath;
use crate::smtp::reply::Reply;

impl Serve {
    /// Holds the reverse-path of `mail` to its owners: the reply that refuses it, if it is not to be put right.
    ///
    /// *Changes* `effects`: one that is put right is rewritten.
    pub(super) async fn judge_reverse_path(&self, mail: &Mail, effects: &mut Effects) -> Option<Reply> {
        self.context.owners.as_ref()?;
        let judged = Box::pin(self.hold_reverse_path(mail, effects));
        timeout(PATIENCE, judged).await.unwrap_or_else(|_| Some(self.owners_unknown("no answer in time")))
    }

    async fn hold_reverse_path(&self, mail: &Mail, effects: &mut Effects) -> Option<Reply> {
        let mailbox = mail.reverse_path.mailbox()?; // everybody may notify: <>
        let owned = match self.is_owned(&mailbox.address()).await {
            Ok(owned) => owned,
            Err(reply) => return Some(reply),
        };
        if owned {
            return None;
        }
        let Some(own) = self.own_address().await else { return Some(self.not_owned()) };
        effects.reverse_path =
            effects.reverse_path.take().or(ReversePath::parse(&format!("<{own}>"), true).ok());
        effects.reverse_path.is_none().then(|| self.not_owned())
    }

    /// Holds the addresses of the From field to their owners: what the message is refused with, if it is not to be put
    /// right. *Changes* `edits`: one that is put right is replaced.
    pub(super) async fn judge_from(&self, header: &Header, edits: &mut Vec<Edit>) -> Option<Refusal> {
        self.context.owners.as_ref()?;
        let judged = Box::pin(self.hold_from(header, edits));
        timeout(PATIENCE, judged)
            .await
            .unwrap_or_else(|_| Some(Refusal::of_core(self.owners_unknown("no answer in time"))))
    }

    async fn hold_from(&self, header: &Header, edits: &mut Vec<Edit>) -> Option<Refusal> {
        let refused = |reply| Some(Refusal::of_core(reply));
        for field in header.named("from") {
            let value = header.raw_value(field);
            let addresses = mailboxes::addresses(value);
            let mut foreign = Vec::new();
            for address in &addresses {
                match self.is_owned(address).await {
                    Ok(true) => {}
                    Ok(false) => foreign.push(address.as_str()),
                    Err(reply) => return refused(reply),
                }
            }
            if foreign.is_empty() && !addresses.is_empty() {
                continue;
            }
            let fixed = self.own_address().await.and_then(|own| {
                let value = mailboxes::with_address(value, &foreign, &own);
                NewField::new("From", &value).ok()
            });
            match fixed {
                // Of several From fields one is left.
                Some(field) => edits.push(Edit::Replace(field)),
                None => return refused(Reply::FROM_NOT_OWNED),
            }
        }
        None
    }

    /// Whether this client may use `address`; or the reply if that is not known.
    async fn is_owned(&self, address: &str) -> Result<bool, Reply> {
        let Some(owners) = &self.context.owners else { return Ok(true) };
        let login = self.session.borrow().login().map(|login| login.user.to_string());
        for key in keys(address) {
            match owners.owners(&key).await {
                Ok(Some(logins)) => {
                    let is_login = |login: &String| logins.iter().any(|one| one.eq_ignore_ascii_case(login));
                    return Ok(login.as_ref().is_some_and(is_login));
                }
                Ok(None) => {}
                Err(error) => return Err(self.owners_unknown(&error)),
            }
        }
        // What nobody owns is no login's, and is not kept from strangers.
        Ok(login.is_none())
    }

    fn owners_unknown(&self, error: &str) -> Reply {
        let session = self.session.borrow();
        tracing::warn!(session = %session.identity().id, error, "who owns an address is not known");
        Reply::OWNERS_UNKNOWN
    }

    /// The address that stands in the place of one that is not the client's: its login, if that is one that it owns.
    async fn own_address(&self) -> Option<String> {
        if self.context.listener.mismatch != Mismatch::Fix {
            return None;
        }
        let login = self.session.borrow().login().map(|login| login.user.to_string())?;
        (login.contains('@') && self.is_owned(&login).await == Ok(true)).then_some(login)
    }

    fn not_owned(&self) -> Reply {
        if self.session.borrow().login().is_some() {
            Reply::ADDRESS_NOT_OWNED
        } else {
            Reply::ADDRESS_NEEDS_LOGIN
        }
    }
}

/// How long the map may take, which is on a server, over all addresses of a From field.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an address is listed under, the narrowest first: itself, itself without `+extension`, its domain.
fn keys(address: &str) -> Vec<String> {
    let address = address.to_lowercase();
    let Some((local_part, domain)) = address.rsplit_once('@') else { return vec![address] };
    let mut keys = vec![address.clone()];
    if let Some((user, _)) = local_part.split_once('+').filter(|(user, _)| !user.is_empty()) {
        keys.push(format!("{user}@{domain}"));
    }
    keys.push(format!("@{domain}"));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_listed_as_itself_or_with_its_domain() {
        for (address, want) in [
            ("Ann@A.Example", &["ann@a.example", "@a.example"][..]),
            ("ann+list@a.example", &["ann+list@a.example", "ann@a.example", "@a.example"]),
            ("+x@a.example", &["+x@a.example", "@a.example"]),
            ("\"a@b\"@a.example", &["\"a@b\"@a.example", "@a.example"]),
            ("ann", &["ann"]),
        ] {
            assert_eq!(keys(address), want, "{address}");
        }
    }
}
