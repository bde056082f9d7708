//! The client's side of SCRAM-SHA-256, bound to a channel or not, written out for the tests. RFC 5802, RFC 7677.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A client in the midst of an exchange.
#[derive(Clone, Debug)]
pub struct Client {
    /// `n,,`, `y,,` or `p=tls-exporter,,`.
    header: String,
    /// What it believes to be the channel's data.
    binding: Vec<u8>,
    bare: String,
    password: String,
}

impl Client {
    /// A client who is `user` by `password`; `binding` is the channel's data, for a header that names its kind.
    pub fn new(user: &str, password: &str, header: &str, binding: Vec<u8>) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let (header, password) = (header.to_owned(), password.to_owned());
        Client { header, binding, bare: format!("n={user},r=rOprNGfwEbeRWgbNEkqO"), password }
    }

    /// Its first message, in base64.
    pub fn first(&self) -> String {
        STANDARD.encode(format!("{}{}", self.header, self.bare))
    }

    /// Its last message after `challenge`, and what the server has to say to that, all in base64.
    ///
    /// *Errors*: what is wrong with the challenge.
    pub fn last(&self, challenge: &str) -> Result<(String, String), String> {
        let challenge = STANDARD.decode(challenge).map_err(|error| error.to_string())?;
        let challenge = String::from_utf8(challenge).map_err(|error| error.to_string())?;
        let part = |key: &str| {
            let found = challenge.split(',').find_map(|part| part.strip_prefix(key));
            found.ok_or_else(|| format!("no {key} in {challenge}"))
        };
        let (nonce, salt, rounds) = (part("r=")?, part("s=")?, part("i=")?);
        let salt = STANDARD.decode(salt).map_err(|error| error.to_string())?;
        let rounds: NonZeroU32 = rounds.parse().map_err(|_| format!("{rounds} rounds"))?;
        let mut salted = [0; 32];
        let password = self.password.as_bytes();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password, &mut salted);
        let key = sign(&salted, b"Client Key");
        let bound = STANDARD.encode([self.header.as_bytes(), &self.binding].concat());
        let without_proof = format!("c={bound},r={nonce}");
        let spoken = format!("{},{challenge},{without_proof}", self.bare);
        let signature = sign(digest::digest(&digest::SHA256, &key).as_ref(), spoken.as_bytes());
        let proof: Vec<u8> = key.iter().zip(&signature).map(|(one, other)| one ^ other).collect();
        let ours = sign(&sign(&salted, b"Server Key"), spoken.as_bytes());
        let last = STANDARD.encode(format!("{without_proof},p={}", STANDARD.encode(proof)));
        Ok((last, STANDARD.encode(format!("v={}", STANDARD.encode(ours)))))
    }
}

fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}
