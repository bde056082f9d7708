//! SCRAM-SHA-256: the client shows that it knows the password, and we that we know it, and nobody says it.
//!
//! Source: RFC 5802, RFC 7677.

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2, rand};

use crate::auth::coding::{decode, encode};
use crate::auth::plain;
use crate::auth::prepared::prepared_password;
use crate::auth::token::unescaped;
use crate::smtp::secret::Secret;

/// What is known of a user instead of the password. Source: RFC 5802 §3.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Rounds.
    pub iterations: NonZeroU32,
    /// The salt.
    pub salt: Vec<u8>,
    /// H(ClientKey).
    pub stored_key: [u8; 32],
    /// HMAC(SaltedPassword, "Server Key").
    pub server_key: [u8; 32],
}

impl Record {
    /// The record of `password`, prepared as clients prepare it (RFC 4013), with that salt and that many rounds. Takes as
    /// long as they say.
    pub fn of(password: &Secret, salt: Vec<u8>, iterations: NonZeroU32) -> Record {
        Record::of_octets(&prepared_password(password), salt, iterations)
    }

    fn of_octets(password: &Secret, salt: Vec<u8>, iterations: NonZeroU32) -> Record {
        let mut salted = Secret::new(vec![0; 32]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, password.octets(), salted.octets_mut());
        let client_key = Secret::new(sign(salted.octets(), b"Client Key").to_vec());
        let stored_key = hash(client_key.octets());
        let server_key = sign(salted.octets(), b"Server Key");
        Record { iterations, salt, stored_key, server_key }
    }

    /// Whether this is the record of `password`, prepared or as it is, for not all who make records prepare it. Takes as long
    /// as its rounds say, twice if there is a difference.
    pub fn is_of(&self, password: &Secret) -> bool {
        let is_made_of = |password: &Secret| {
            let other = Record::of_octets(password, self.salt.clone(), self.iterations);
            constant_time::verify_slices_are_equal(&other.stored_key, &self.stored_key).is_ok()
        };
        let prepared = prepared_password(password);
        is_made_of(&prepared) || (prepared != *password && is_made_of(password))
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Record(…)")
    }
}

/// A client's first message.
pub(super) struct First {
    /// Who it says it is.
    pub(super) user: String,
    header: String,
    bare: String,
    nonce: String,
}

/// Characters of a client's nonce.
const MAX_NONCE: usize = 256;

/// Who a client's first message claims to be, as it is written, whatever stands behind that; nothing if it wants to be
/// somebody else than it shows.
pub(super) fn claimed(message: &Secret) -> Option<String> {
    let mut parts = message.text()?.split(',');
    let (_, identity, user) = (parts.next()?, parts.next()?, parts.next()?.strip_prefix("n=")?);
    let is_itself = identity.is_empty() || identity.strip_prefix("a=") == Some(user);
    unescaped(user).filter(|_| is_itself).and_then(|user| plain::user_as_written(user.as_bytes()))
}

/// Which channel a client may have bound itself to.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Channel {
    /// The kind that it names, as `tls-exporter`, with the data of this connection.
    pub bindings: Vec<(&'static str, Vec<u8>)>,
    /// Whether the mechanism was one of those with -PLUS.
    pub is_bound: bool,
    /// Whether one with -PLUS was offered: a client that then says that we have none was told so by somebody else.
    pub is_offered: bool,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Channel(…)")
    }
}

impl First {
    /// What the message says; nothing if it is none, or if it is bound otherwise than it must be.
    pub(super) fn read(message: &Secret, channel: &Channel) -> Option<First> {
        let text = message.text()?;
        let (flag, rest) = text.split_once(',')?;
        let (identity, bare) = rest.split_once(',')?;
        let header = text.get(..text.len() - bare.len())?.to_owned();
        let is_fit = match flag {
            "n" => !channel.is_bound,
            "y" => !channel.is_bound && !channel.is_offered,
            _ => {
                let name = flag.strip_prefix("p=")?;
                channel.is_bound && channel.bindings.iter().any(|(known, _)| *known == name)
            }
        };
        let mut parts = bare.split(',');
        let user = parts.next()?.strip_prefix("n=").and_then(unescaped)?;
        let nonce = parts.next()?.strip_prefix("r=")?.to_owned();
        let is_nonce =
            (1..=MAX_NONCE).contains(&nonce.len()) && nonce.bytes().all(|octet| octet.is_ascii_graphic());
        let is_itself =
            identity.is_empty() || identity.strip_prefix("a=").and_then(unescaped).as_ref() == Some(&user);
        let user = plain::user(user.as_bytes()).filter(|_| is_fit && is_nonce && is_itself)?;
        Some(First { user, header, bare: bare.to_owned(), nonce })
    }

    /// What the channel binding of the last message must be.
    fn binding(&self, channel: &Channel) -> Vec<u8> {
        let name = self.header.strip_prefix("p=").and_then(|rest| rest.split(',').next());
        let data = channel.bindings.iter().find(|(known, _)| Some(*known) == name);
        [self.header.as_bytes(), data.map_or(&[], |(_, data)| data.as_slice())].concat()
    }
}

/// An exchange after the client's first message.
pub(super) struct Open {
    first: First,
    record: Record,
    channel: Channel,
    /// Our first message.
    said: String,
    nonce: String,
}

/// What the client's last message has shown.
pub(super) enum Shown {
    /// It knows the password; this shows that we do.
    Right(Secret),
    /// It doesn't. Which wrong password it has can't be told: each proof is another one.
    Wrong,
}

impl Open {
    /// Answers `first` with a nonce of our own. Nothing if the system has no randomness to give.
    pub(super) fn new(first: First, record: Record, channel: Channel) -> Option<Open> {
        let mut octets = [0; 18];
        rand::fill(&mut octets).ok()?;
        let ours = encode(&octets);
        Some(Open::with_nonce(first, record, channel, ours.text()?))
    }

    fn with_nonce(first: First, record: Record, channel: Channel, ours: &str) -> Open {
        let nonce = format!("{}{ours}", first.nonce);
        let salt = encode(&record.salt);
        let said = format!("r={nonce},s={},i={}", salt.text().unwrap_or_default(), record.iterations);
        Open { first, record, channel, said, nonce }
    }

    /// What the client is told: nonce, salt, rounds.
    pub(super) fn challenge(&self) -> Secret {
        Secret::from(self.said.as_str())
    }

    /// What the client's last message shows; nothing if it is no such message, or one for another exchange.
    pub(super) fn judge(&self, message: &Secret) -> Option<Shown> {
        let text = message.text()?;
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let mut parts = without_proof.split(',');
        let binding = decode(parts.next()?.strip_prefix("c=")?.as_bytes())?;
        let nonce = parts.next()?.strip_prefix("r=")?;
        let proof: [u8; 32] = decode(proof.as_bytes())?.octets().try_into().ok()?;
        if nonce != self.nonce || binding.octets() != self.first.binding(&self.channel) {
            return None;
        }
        let spoken = format!("{},{},{without_proof}", self.first.bare, self.said);
        let signature = sign(&self.record.stored_key, spoken.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(one, other)| one ^ other).collect();
        let client_key = Secret::new(client_key);
        let shown = hash(client_key.octets());
        if constant_time::verify_slices_are_equal(&shown, &self.record.stored_key).is_err() {
            return Some(Shown::Wrong);
        }
        let ours = encode(&sign(&self.record.server_key, spoken.as_bytes()));
        let mut last = Secret::from("v=");
        last.push(ours.octets());
        Some(Shown::Right(last))
    }
}

/// HMAC-SHA-256.
pub(super) fn sign(key: &[u8], text: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    tag.as_ref().try_into().unwrap_or_default()
}

fn hash(octets: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, octets).as_ref().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests;
