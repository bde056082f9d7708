//! A table that scripts see: an object with its fields and methods, a module, a record.

use crate::lua::types::member::Member;

/// One class and its members.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// `Session`; of a module its global's name, `dns`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it is for, in a few words.
    pub help: &'static str,
    /// All of its fields and functions.
    pub members: &'static [Member],
}

/// What a class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something that hooks receive: fields, and methods that are called with `:`.
    Object,
    /// A global: functions that are called with `.`.
    Module,
    /// What a function takes or gives.
    Record,
}

impl Class {
    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The fields that there are in this version.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.members.iter().filter(|one| !one.is_function() && !one.is_later()).map(|one| one.name)
    }

    /// The functions, those of later versions among them.
    pub fn functions(&self) -> impl Iterator<Item = &'static Member> {
        self.members.iter().filter(|one| one.is_function())
    }

    /// Its name as a policy and the docs write it: `session`.
    pub fn shown(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}
