//! `ldap:`: a map in a directory: the values of one attribute of the entries that fit a key.

use std::sync::Arc;
use std::time::Duration;

use crate::ldap::access::{Access, LdapError, Searcher};
use crate::ldap::filter::Filter;
use crate::ldap::line::{self, Line};
use crate::ldap::template::Name;
use crate::ldap::words::{Scope, Search};
use crate::lookup::error::LookupError;
use crate::lookup::map::kept::{Service, Trouble};
use crate::lookup::map::oracle::LONGEST_VALUE;
use crate::net::names::Names;

/// Where values are in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it is, and as whom it is searched.
    pub access: Access,
    /// Below which entry, as a DN.
    pub base: String,
    /// What an entry must be, with a place for the key.
    pub filter: Filter,
    /// Whether only the entries right below `base` count.
    pub is_one_level: bool,
    /// The attribute whose values are wanted.
    pub attribute: String,
}

/// A directory that can be asked.
pub(super) struct Searched {
    directory: Directory,
    searcher: Searcher,
    seconds: u32,
}

impl Searched {
    /// `directory`, whose server is found by `names`, asked with `patience`.
    ///
    /// *Errors*: see `LdapError`. Reads files.
    pub(super) fn new(
        directory: &Directory,
        names: Arc<dyn Names>,
        patience: Duration,
    ) -> Result<Self, LdapError> {
        let searcher = Searcher::new(directory.access.clone(), names, patience)?;
        let seconds = u32::try_from(patience.as_secs()).unwrap_or(u32::MAX).clamp(1, 0x7fff_ffff);
        Ok(Self { directory: directory.clone(), searcher, seconds })
    }

    fn trouble(&self, kind: LookupError, trouble: line::Trouble) -> Trouble {
        match trouble {
            line::Trouble::Lost(why) => Trouble::Lost(format!("{}: {why}", self.searcher.server())),
            line::Trouble::Other(why) => Trouble::Broken(kind, format!("{}: {why}", self.searcher.server())),
        }
    }
}

impl Service for Searched {
    type Line = Line;

    async fn open(&self) -> Result<Line, Trouble> {
        let opened = self.searcher.open().await;
        let mut line = opened.map_err(|trouble| self.trouble(LookupError::Unreachable, trouble))?;
        let bound = self.searcher.bind(&mut line).await;
        bound.map_err(|trouble| self.trouble(LookupError::Refused, trouble))?;
        Ok(line)
    }

    async fn ask(&self, line: &mut Line, key: &str) -> Result<Option<Box<str>>, Trouble> {
        let Directory { base, filter, is_one_level, attribute, .. } = &self.directory;
        // As Postfix has it: a key that lacks a part which the filter asks for is nowhere.
        let Some(filter) = filter.about(&Name::new(key)).filter(|_| !key.is_empty()) else { return Ok(None) };
        let scope = if *is_one_level { Scope::OneLevel } else { Scope::Subtree };
        let search = Search { base, scope, filter: &filter, attribute: Some(attribute) };
        let (mut value, mut is_too_long) = (None::<String>, false);
        let searched = line.each(&search, self.seconds, MOST_ENTRIES, |entry| {
            for one in entry.values {
                let value = value.get_or_insert_default();
                if !value.is_empty() {
                    value.push(',');
                }
                if value.len() + one.len() > LONGEST_VALUE {
                    is_too_long = true;
                } else {
                    value.push_str(&one);
                }
            }
        });
        let is_whole = searched.await.map_err(|trouble| self.trouble(LookupError::ServFail, trouble))?;
        if is_too_long || !is_whole {
            let why = format!("{}: more fits the key than is taken", self.searcher.server());
            return Err(Trouble::Said(LookupError::TooLarge, why));
        }
        Ok(value.map(Into::into))
    }

    fn is_stale(&self, line: &mut Line) -> bool {
        line.is_stale()
    }

    fn close(&self, line: Line) {
        line.close();
    }
}

/// Entries that fit one key.
const MOST_ENTRIES: u32 = 200;

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
