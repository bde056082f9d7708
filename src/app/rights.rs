//! Whom the process runs as: `[service] user` and `group`, taken on once the sockets are bound.

use std::fs;

use anyhow::{Context as _, anyhow, bail};
use rustix::process::{Gid, Uid, getegid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::config::service::Service;

/// A user and the groups that its processes have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// As the configuration names it.
    pub name: String,
    /// The user's number.
    pub uid: Uid,
    /// The number of its group, or of the configured one.
    pub gid: Gid,
    /// All groups.
    pub groups: Vec<Gid>,
}

impl Account {
    /// The account that `service` names; `None` if it names none, and whoever started the process stays.
    ///
    /// Looks in /etc/passwd and /etc/group; a number needs no entry there, but then a group.
    /// *Errors*: there is no such user or group.
    pub fn of(service: &Service) -> anyhow::Result<Option<Account>> {
        if service.user.is_none() && service.group.is_none() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
        let group = fs::read_to_string("/etc/group").context("/etc/group")?;
        Self::find(service, &passwd, &group).map(Some)
    }

    fn find(service: &Service, passwd: &str, group: &str) -> anyhow::Result<Account> {
        let wanted = service.group.as_deref().map(|name| group_number(name, group)).transpose()?;
        let Some(user) = service.user.as_deref() else {
            let gid = wanted.unwrap_or_else(getegid);
            return Ok(Account {
                name: "whoever started it".to_owned(),
                uid: geteuid(),
                gid,
                groups: vec![gid],
            });
        };
        let entry = passwd
            .lines()
            .map(fields)
            .find(|entry| entry.first() == Some(&user) || is_number(user) && entry.get(2) == Some(&user));
        let (uid, own) = match &entry {
            Some(entry) => (number(entry, 2), number(entry, 3).map(Gid::from_raw)),
            None => (user.parse().ok(), None),
        };
        let Some(uid) = uid else {
            bail!(
                "service.user: there is no user \"{user}\" in /etc/passwd (a user from elsewhere is named by its number)"
            );
        };
        let gid =
            wanted.or(own).ok_or_else(|| anyhow!("service.user {user} has no group: set service.group"))?;
        let name = entry.as_ref().and_then(|entry| entry.first().copied()).unwrap_or(user);
        let is_member =
            |entry: &Vec<&str>| entry.get(3).is_some_and(|all| all.split(',').any(|one| one == name));
        let others = group.lines().map(fields).filter(is_member).filter_map(|entry| number(&entry, 2));
        let mut groups: Vec<Gid> = [gid].into_iter().chain(own).chain(others.map(Gid::from_raw)).collect();
        groups.sort_unstable_by_key(|gid| gid.as_raw());
        groups.dedup();
        Ok(Account { name: user.to_owned(), uid: Uid::from_raw(uid), gid, groups })
    }

    /// Whether the process runs as this account already.
    pub fn is_in_force(&self) -> bool {
        geteuid() == self.uid && getegid() == self.gid
    }

    /// Gives up all rights but this account's, for good. To be called before there is a second thread: the system
    /// changes the calling one alone, and those that it starts later.
    ///
    /// *Errors*: the process is not root's and runs as somebody else.
    pub fn take_on(&self) -> anyhow::Result<()> {
        if self.is_in_force() && !geteuid().is_root() {
            return Ok(());
        }
        if !geteuid().is_root() {
            bail!(
                "service.user is {}, but only root can become another user, and this is user {}",
                self.name,
                geteuid()
            );
        }
        // In this order: without the rights of root the groups could not be changed any more.
        set_thread_groups(&self.groups).context("service.user: its groups can't be set")?;
        set_thread_res_gid(self.gid, self.gid, self.gid).context("service.group can't be set")?;
        set_thread_res_uid(self.uid, self.uid, self.uid).context("service.user can't be set")?;
        Ok(())
    }
}

/// Whether the process has all rights.
pub fn is_root() -> bool {
    geteuid().is_root()
}

fn group_number(name: &str, group: &str) -> anyhow::Result<Gid> {
    let entry = group.lines().map(fields).find(|entry| entry.first() == Some(&name));
    let found = entry.and_then(|entry| number(&entry, 2)).or_else(|| name.parse().ok());
    let found = found.ok_or_else(|| anyhow!("service.group: there is no group \"{name}\" in /etc/group"))?;
    Ok(Gid::from_raw(found))
}

/// The fields of a line of /etc/passwd or /etc/group.
fn fields(line: &str) -> Vec<&str> {
    line.split(':').collect()
}

fn number(entry: &[&str], place: usize) -> Option<u32> {
    entry.get(place)?.parse().ok()
}

fn is_number(text: &str) -> bool {
    text.parse::<u32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\ngatepost:x:990:991::/var/lib/gatepost:/usr/sbin/nologin\n";
    const GROUP: &str = "root:x:0:\ngatepost:x:991:\npostdrop:x:120:mail,gatepost\nmail:x:8:gate\n";

    #[test]
    fn a_user_brings_its_groups() {
        let some = |text: &str| Some(text.to_owned());
        for (user, group, want) in [
            (some("gatepost"), None, Ok((990, 991, vec![120, 991]))),
            (some("gatepost"), some("mail"), Ok((990, 8, vec![8, 120, 991]))),
            (some("990"), None, Ok((990, 991, vec![120, 991]))), // by number, the same user
            (some("4711"), some("mail"), Ok((4711, 8, vec![8]))), // a user of systemd's making
            (some("4711"), None, Err("service.user 4711 has no group: set service.group")),
            (
                some("gatepost"),
                some("nobody"),
                Err("service.group: there is no group \"nobody\" in /etc/group"),
            ),
            (
                some("gate"), // a prefix is no name
                None,
                Err(
                    "service.user: there is no user \"gate\" in /etc/passwd (a user from elsewhere is named by its number)",
                ),
            ),
        ] {
            let service = Service { user: user.clone(), group: group.clone(), ..Service::default() };
            let found = Account::find(&service, PASSWD, GROUP).map_err(|error| error.to_string());
            let found = found.map(|found| {
                let groups: Vec<u32> = found.groups.iter().map(|gid| gid.as_raw()).collect();
                (found.uid.as_raw(), found.gid.as_raw(), groups)
            });
            assert_eq!(found, want.map_err(str::to_owned), "{user:?} {group:?}");
        }
    }
}
