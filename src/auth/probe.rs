//! What asking who checks logins comes to, step by step. Nobody's login is tried: that could lock an account.

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was tried, in a word or two.
    pub what: &'static str,
    /// What came of it.
    pub heard: String,
    /// What that means.
    pub judgement: Judgement,
    /// The key of `[auth]` that it hangs on, as `ldap.base`.
    pub key: &'static str,
    /// What to do about it.
    pub help: Vec<String>,
}

/// What a step means for those who want to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// All is well, as far as this goes.
    Well,
    /// It may be meant so.
    Odd,
    /// Nobody can log in.
    Failed,
}

impl Step {
    /// A step that went well.
    pub fn well(what: &'static str, heard: impl Into<String>) -> Step {
        Step { what, heard: heard.into(), judgement: Judgement::Well, key: "", help: Vec::new() }
    }

    /// A step that came to what is hardly meant; it hangs on `key`.
    pub fn odd(what: &'static str, key: &'static str, heard: impl Into<String>) -> Step {
        Step { judgement: Judgement::Odd, key, ..Step::well(what, heard) }
    }

    /// A step without which nobody can log in; it hangs on `key`.
    pub fn failed(what: &'static str, key: &'static str, heard: impl Into<String>) -> Step {
        Step { judgement: Judgement::Failed, key, ..Step::well(what, heard) }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Step {
        self.help.push(help.into());
        self
    }
}
