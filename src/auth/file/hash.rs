//! One user's hash as a line of the file has it: argon2id, bcrypt, SHA-512-crypt, or a record for SCRAM.

use std::fmt;
use std::num::NonZeroU32;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params, PasswordVerifier};
use aws_lc_rs::rand;
use sha_crypt::ShaCrypt;

use crate::auth::coding::{decode, encode};
use crate::auth::scram::Record;
use crate::smtp::secret::Secret;

/// What a password is held against.
#[derive(Clone)]
pub enum Hash {
    /// `$argon2id$…`
    Argon2(Box<str>),
    /// `$2b$…` and its kin.
    Bcrypt(Box<str>),
    /// `$6$…`
    ShaCrypt(Box<str>),
    /// `{SCRAM-SHA-256}ITERATIONS,SALT,STOREDKEY,SERVERKEY`, as Dovecot writes it.
    Scram(Box<Record>),
}

/// Why a text is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// It is none of the kinds that we know.
    #[error("neither argon2id, bcrypt, SHA-512-crypt nor {{SCRAM-SHA-256}}")]
    Unknown,
    /// It is of a known kind, but not well-formed.
    #[error("not well-formed")]
    Malformed,
    /// Checking it would take too much.
    #[error("its costs are more than is good for anyone")]
    TooCostly,
}

/// Memory of argon2, in KiB.
const MOST_MEMORY: u32 = 256 << 10;
/// Passes of argon2.
const MOST_PASSES: u32 = 64;
/// Cost of bcrypt, as a power of two.
const MOST_COST: u32 = 16;
/// Rounds of SHA-512-crypt.
const MOST_ROUNDS: u32 = 2_000_000;
/// Rounds of SCRAM.
const MOST_ITERATIONS: u32 = 2_000_000;
/// Rounds that we make records with. RFC 7677 §4 asks for 4,096 at least; each login by PLAIN pays for them.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(100_000).unwrap();

impl Hash {
    /// The hash that `text` is, perhaps behind Dovecot's name for its scheme, as `{BLF-CRYPT}`.
    ///
    /// *Errors*: see `HashError`.
    pub fn parse(text: &str) -> Result<Hash, HashError> {
        let (scheme, hash) = match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((scheme, hash)) => (scheme, hash),
            None => ("", text),
        };
        match (scheme.to_ascii_uppercase().as_str(), hash.split('$').nth(1)) {
            ("SCRAM-SHA-256", _) => scram(hash).map(|record| Hash::Scram(Box::new(record))),
            ("" | "ARGON2ID", Some("argon2id")) => argon2id(hash),
            ("" | "BLF-CRYPT" | "CRYPT", Some("2a" | "2b" | "2x" | "2y")) => bcrypt(hash),
            ("" | "SHA512-CRYPT" | "CRYPT", Some("6")) => sha_crypt(hash),
            _ => Err(HashError::Unknown),
        }
    }

    /// The argon2id hash of `password`.
    ///
    /// *Errors*: the system has no randomness to give.
    pub fn argon2id(password: &Secret) -> Result<Hash, HashError> {
        let hash = argon2::PasswordHasher::hash_password(&Argon2::default(), password.octets());
        hash.map(|hash| Hash::Argon2(hash.to_string().into())).map_err(|_| HashError::Malformed)
    }

    /// The SCRAM record of `password`.
    ///
    /// *Errors*: the system has no randomness to give.
    pub fn scram(password: &Secret) -> Result<Hash, HashError> {
        let mut salt = vec![0; 16];
        rand::fill(&mut salt).map_err(|_| HashError::Malformed)?;
        Ok(Hash::Scram(Box::new(Record::of(password, salt, ITERATIONS))))
    }

    /// Whether `password` is the one. Takes as long as the hash says: tens of milliseconds.
    pub fn is_of(&self, password: &Secret) -> bool {
        match self {
            Hash::Argon2(hash) => PasswordHash::new(hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.octets(), &hash).is_ok()),
            Hash::Bcrypt(hash) => bcrypt::verify(password.octets(), hash).unwrap_or(false),
            Hash::ShaCrypt(hash) => ShaCrypt::default().verify_password(password.octets(), &**hash).is_ok(),
            Hash::Scram(record) => record.is_of(password),
        }
    }
}

impl fmt::Display for Hash {
    /// As it is written in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hash::Argon2(text) | Hash::Bcrypt(text) | Hash::ShaCrypt(text) => f.write_str(text),
            Hash::Scram(record) => {
                write!(f, "{{SCRAM-SHA-256}}{}", record.iterations)?;
                [&record.salt[..], &record.stored_key, &record.server_key]
                    .iter()
                    .try_for_each(|part| write!(f, ",{}", encode(part).text().unwrap_or_default()))
            }
        }
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

fn argon2id(text: &str) -> Result<Hash, HashError> {
    let hash = PasswordHash::new(text).map_err(|_| HashError::Malformed)?;
    let params = Params::try_from(&hash).map_err(|_| HashError::Malformed)?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(HashError::Malformed);
    }
    if params.m_cost() > MOST_MEMORY || params.t_cost() > MOST_PASSES {
        return Err(HashError::TooCostly);
    }
    Ok(Hash::Argon2(text.into()))
}

fn bcrypt(text: &str) -> Result<Hash, HashError> {
    let hash: bcrypt::HashParts = text.parse().map_err(|_| HashError::Malformed)?;
    if hash.get_cost() > MOST_COST {
        return Err(HashError::TooCostly);
    }
    Ok(Hash::Bcrypt(text.into()))
}

fn sha_crypt(text: &str) -> Result<Hash, HashError> {
    let mut parts = text.split('$').skip(2);
    let mut next = parts.next().ok_or(HashError::Malformed)?;
    if let Some(rounds) = next.strip_prefix("rounds=") {
        let rounds: u32 = rounds.parse().map_err(|_| HashError::Malformed)?;
        if rounds > MOST_ROUNDS {
            return Err(HashError::TooCostly);
        }
        next = parts.next().ok_or(HashError::Malformed)?;
    }
    let is_base64 = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/'));
    match (parts.next(), parts.next()) {
        (Some(hash), None) if hash.len() == 86 && is_base64(hash) && matches!(next.len(), 1..=22) => {
            Ok(Hash::ShaCrypt(text.into()))
        }
        _ => Err(HashError::Malformed),
    }
}

fn scram(text: &str) -> Result<Record, HashError> {
    let mut parts = text.split(',');
    let mut next = || parts.next().ok_or(HashError::Malformed);
    let iterations: NonZeroU32 = next()?.parse().map_err(|_| HashError::Malformed)?;
    let mut octets = || decode(next()?.as_bytes()).ok_or(HashError::Malformed);
    let salt = octets()?.octets().to_vec();
    let mut key = || octets()?.octets().try_into().map_err(|_| HashError::Malformed);
    let (stored_key, server_key) = (key()?, key()?);
    if !(1..=1024).contains(&salt.len()) || parts.next().is_some() {
        return Err(HashError::Malformed);
    }
    if iterations.get() > MOST_ITERATIONS {
        return Err(HashError::TooCostly);
    }
    Ok(Record { iterations, salt, stored_key, server_key })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by others: `openssl passwd -6`, crypt_blowfish, the argon2 command, the example of RFC 7677.
    const FOREIGN: [(&str, &str); 4] = [
        (
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            "Hello world!",
        ),
        ("$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
        ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"),
        (
            "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,\
             wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
            "pencil",
        ),
    ];

    #[test]
    fn hashes_made_elsewhere_are_understood() {
        for (text, password) in FOREIGN {
            let Ok(hash) = Hash::parse(text) else { panic!("{text}") };
            assert!(hash.is_of(&Secret::from(password)), "{text}");
            assert!(!hash.is_of(&Secret::from("another")), "{text}");
            assert_eq!(hash.to_string(), text);
            assert_eq!(format!("{hash:?}"), "Hash(…)");
        }
        assert!(Hash::parse(&format!("{{BLF-CRYPT}}{}", FOREIGN[1].0)).is_ok());
    }

    #[test]
    fn what_we_make_we_understand() {
        let password = Secret::from("correct horse");
        for made in [Hash::argon2id(&password), Hash::scram(&password)] {
            let text = made.unwrap().to_string();
            let read = Hash::parse(&text).unwrap();
            assert!(read.is_of(&password) && !read.is_of(&Secret::from("x")), "{text}");
        }
    }

    #[test]
    fn what_is_no_hash_or_costs_too_much_is_refused() {
        let scram = FOREIGN[3].0;
        for (text, why) in [
            ("", HashError::Unknown),
            ("secret", HashError::Unknown), // a password as it is
            ("{PLAIN}secret", HashError::Unknown),
            ("$1$salt$hash", HashError::Unknown), // MD5
            ("$5$salt$hash", HashError::Unknown),
            ("$6$salt", HashError::Malformed),
            ("$6$rounds=x$salt$y", HashError::Malformed),
            ("$6$rounds=999999999$salt$y", HashError::TooCostly),
            ("$2b$05$short", HashError::Malformed),
            ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ", HashError::Malformed),
            (
                "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$mZ4glvaaUvwuDiFwGoVi8d7N5gHZtMCFYRO1wCsFwQI",
                HashError::TooCostly,
            ),
            (&scram.replace("4096", "0"), HashError::Malformed),
            (&scram.replace("4096", "4000000000"), HashError::TooCostly),
            (&scram.replace("WG5d", ""), HashError::Malformed),
            (&format!("{scram},x"), HashError::Malformed),
        ] {
            assert_eq!(Hash::parse(text).map(|hash| hash.to_string()), Err(why), "{text}");
        }
    }
}
