//! Which policies run and on which budget: the tables `[policies]` and `[policy.NAME]`.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::lua::capability::Capabilities;
use crate::policy::mode::Mode;

/// What holds for all policies.
#[derive(Clone, Debug, PartialEq)]
pub struct Policies {
    /// Folders in which a script's name is looked for, before the built-in ones.
    pub paths: Vec<PathBuf>,
    /// What a hook call may cost.
    pub budget: Budget,
    /// What policies may reach that don't say it themselves; none: everything but web servers in the site.
    pub allow: Option<Arc<Capabilities>>,
    /// Hook calls that may wait at once before new sessions are turned away.
    pub waiting: usize,
}

impl Default for Policies {
    /// The documented defaults.
    fn default() -> Self {
        Self { paths: Vec::new(), budget: Budget::default(), allow: None, waiting: 5_000 }
    }
}

/// What a hook call may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Time on the processor.
    pub cpu: Duration,
    /// Time on the clock, waits included.
    pub time: Duration,
    /// Octets that it may allocate.
    pub memory: u64,
    /// Time on the clock for all policies at one stage.
    pub stage: Duration,
}

impl Default for Budget {
    /// The documented defaults.
    fn default() -> Self {
        Self {
            cpu: Duration::from_millis(50),
            time: Duration::from_secs(10),
            memory: 16 << 20,
            stage: Duration::from_secs(60),
        }
    }
}

/// One policy: a script with its options.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// NAME in `[policy.NAME]` and in a listener's list.
    pub name: String,
    /// Where the configuration names it: the head of its table, else the first listener's use.
    pub span: Span,
    /// The script that it runs.
    pub script: Script,
    /// Whether its verdicts count, where the listener doesn't say.
    pub mode: Mode,
    /// What its errors become.
    pub on_error: OnError,
    /// Whether no other policy's `accept` skips it.
    pub required: bool,
    /// What its hook calls may cost: `[policies]` with its own `budget` laid over it.
    pub budget: Budget,
    /// What it may reach: its own `allow`, else that of `[policies]`.
    pub allow: Option<Arc<Capabilities>>,
    /// Its own options as they stand in the file, in that order, to be held against the script's schema.
    pub options: Vec<OptionEntry>,
}

/// Where a policy's script is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// `NAME.lua` in one of `policies.paths`, else the built-in one of that name.
    Name(String),
    /// A file of its own.
    File(PathBuf),
}

/// What a policy's error becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// 451 4.3.0.
    Defer,
    /// No opinion.
    Skip,
    /// 550 5.3.0.
    Reject,
}

/// A place in a text that the configuration was read from, for an error's line and caret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Which text: the number that `config::Sources` gave it.
    pub file: usize,
    /// The octets of the text, from 0.
    pub range: Range<usize>,
}

/// One option of a policy's own.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionEntry {
    /// Its name.
    pub key: String,
    /// Where the name stands.
    pub key_span: Span,
    /// Its value.
    pub value: OptionValue,
    /// What paths in the value, `"file:NAME"` and `{ file = … }` too, are relative to.
    pub directory: Arc<Path>,
}

/// A value of a policy's option and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionValue {
    /// What it is.
    pub data: OptionData,
    /// Where it stands.
    pub span: Span,
}

/// What an option's value is.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionData {
    /// Text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// true or false.
    Boolean(bool),
    /// Several values.
    List(Vec<OptionValue>),
    /// Values by name, in the file's order.
    Table(Vec<(String, OptionValue)>),
}
