//! The users of a file: a line each, `user:hash`; what follows a further colon is Dovecot's and means nothing here.

use std::collections::HashMap;

use aws_lc_rs::rand;

use crate::auth::file::hash::{Hash, HashError};
use crate::auth::plain;
use crate::auth::scram::{Record, sign};

/// The users of one reading of the file.
pub struct Users {
    hashes: Vec<Hash>,
    /// Where each user's hash is.
    places: HashMap<String, usize>,
    key: [u8; 32],
}

/// A line that is wrong. It is named by its number: what stands in it may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct LineError {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No colon, or no name before it.
    #[error("not USER:HASH")]
    NoUser,
    /// The same user stands above, or one who differs in capitals alone: `sender_login` can't tell them apart.
    #[error("the user of line {0} stands here again, perhaps in other letters")]
    Twice(usize),
    /// The hash.
    #[error("the hash: {0}")]
    Hash(HashError),
}

impl Users {
    /// The users in `text`. Blank lines, and those that begin with `#`, say nothing. `key` makes up what is said of
    /// users that are not there.
    ///
    /// *Errors*: the first line that is wrong.
    pub fn parse(text: &str, key: [u8; 32]) -> Result<Users, LineError> {
        let mut users = Users { hashes: Vec::new(), places: HashMap::new(), key };
        for line in lines(text) {
            let (user, hash) = line?;
            users.places.insert(user, users.hashes.len());
            users.hashes.push(hash);
        }
        Ok(users)
    }

    /// A key for `parse`, which should stay the same as long as the process lives.
    pub fn key() -> [u8; 32] {
        let mut key = [0; 32];
        let _ = rand::fill(&mut key); // without randomness it can be told that a user is made up, no more
        key
    }

    /// Whether there is any user with a record for SCRAM.
    pub fn has_records(&self) -> bool {
        self.hashes.iter().any(|hash| matches!(hash, Hash::Scram(_)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The hash of `user`, and whether it is its own: a user that is not there gets another one's, always the same, so
    /// that asking for it takes as long. None if there are no users at all.
    pub fn hash(&self, user: &str) -> Option<(&Hash, bool)> {
        if let Some(place) = self.places.get(user) {
            return self.hashes.get(*place).map(|hash| (hash, true));
        }
        let place = usize::from_le_bytes(self.made_up("place", user).first_chunk().copied()?);
        self.hashes.get(place.checked_rem(self.hashes.len())?).map(|hash| (hash, false))
    }

    /// The record of `user` for SCRAM; made up, always the same, for one that has none. Nobody knows its password.
    ///
    /// None if nobody has a record.
    pub fn record(&self, user: &str) -> Option<Record> {
        if let Some((Hash::Scram(record), true)) = self.hash(user) {
            return Some((**record).clone());
        }
        let records = self.hashes.iter().filter_map(|hash| match hash {
            Hash::Scram(record) => Some(record),
            _ => None,
        });
        let like = records.min_by_key(|record| record.iterations)?;
        let mut salt = self.made_up("salt", user).to_vec();
        salt.truncate(like.salt.len());
        let keys = (self.made_up("stored", user), self.made_up("server", user));
        Some(Record { iterations: like.iterations, salt, stored_key: keys.0, server_key: keys.1 })
    }

    fn made_up(&self, what: &str, user: &str) -> [u8; 32] {
        sign(&self.key, format!("{what}:{user}").as_bytes())
    }
}

/// Every line of `text` that is wrong.
pub fn wrong_lines(text: &str) -> Vec<LineError> {
    lines(text).filter_map(Result::err).collect()
}

/// What each line of `text` says, but for those that say nothing.
fn lines(text: &str) -> impl Iterator<Item = Result<(String, Hash), LineError>> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(move |(number, line)| {
        let line_error = |why| LineError { line: number, why };
        let mut parts = line.split(':');
        let (Some(user), Some(hash)) = (parts.next(), parts.next()) else {
            return Err(line_error(Why::NoUser));
        };
        let user = plain::user(user.as_bytes()).ok_or(line_error(Why::NoUser))?;
        let hash = Hash::parse(hash).map_err(|why| line_error(Why::Hash(why)))?;
        match known.insert(user.to_lowercase(), number) {
            None => Ok((user, hash)),
            Some(first) => Err(line_error(Why::Twice(first))),
        }
    })
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Users({})", self.hashes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::secret::Secret;

    const BCRYPT: &str = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    const SCRAM: &str = "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,\
        WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    fn users(text: &str) -> Result<Users, LineError> {
        Users::parse(text, [7; 32])
    }

    #[test]
    fn a_file_is_read_line_by_line() {
        let text = format!("# users\n\nann@a.example:{BCRYPT}\nbob:{SCRAM}:1000:1000::/home/bob::\n");
        let users = users(&text).unwrap();
        assert!(users.len() == 2 && users.has_records());
        let (hash, is_own) = users.hash("ann@a.example").unwrap();
        assert!(is_own && hash.is_of(&Secret::from("U*U")));
        assert!(users.hash("bob").unwrap().0.is_of(&Secret::from("pencil")));
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number_alone() {
        for (text, line, why) in [
            ("ann", 1, Why::NoUser),
            (":x", 1, Why::NoUser),
            ("\nann:secret", 2, Why::Hash(HashError::Unknown)),
            (&format!("ann:{BCRYPT}\n#\nann:{SCRAM}"), 3, Why::Twice(1)),
            (&format!("ann:{BCRYPT}\nANN:{BCRYPT}"), 2, Why::Twice(1)),
        ] {
            let error = users(text).unwrap_err();
            assert_eq!(error, LineError { line, why });
            assert!(!error.to_string().contains("ann") && !error.to_string().contains("secret"));
        }
    }

    #[test]
    fn a_user_that_is_not_there_costs_as_much_as_one_that_is() {
        let users = users(&format!("ann:{BCRYPT}\nbob:{SCRAM}")).unwrap();
        let (hash, is_own) = users.hash("nobody").unwrap();
        assert!(!is_own && users.hashes.iter().any(|known| std::ptr::eq(known, hash)));
        assert_eq!(users.record("nobody"), users.record("nobody"), "asked again it is the same");
        assert_ne!(users.record("nobody"), users.record("nobody2"));
        let made_up = users.record("ann").unwrap();
        let real = users.record("bob").unwrap();
        assert_eq!((made_up.iterations, made_up.salt.len()), (real.iterations, real.salt.len()));
        assert!(Users::parse("", [0; 32]).unwrap().hash("ann").is_none());
    }
}
