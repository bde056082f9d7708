//! What a login is, and what a listener says of logins.

use std::rc::Rc;

use crate::smtp::mechanism::Mechanism;

/// What a listener says of logins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logins {
    /// Whether there are any.
    pub demand: Demand,
    /// Whether they are possible without TLS, where a listener can see passwords.
    pub without_tls: bool,
}

/// Whether clients log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demand {
    /// They can't.
    #[default]
    Off,
    /// They may.
    Optional,
    /// They must, before MAIL.
    Required,
}

impl Demand {
    /// The word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Demand::Off => "off",
            Demand::Optional => "optional",
            Demand::Required => "required",
        }
    }
}

/// A client that has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Who it is, as the verifier says: text of at most 255 octets without controls.
    pub user: Rc<str>,
    /// How it was shown.
    pub mechanism: Mechanism,
}

impl Login {
    /// A login of `user` by `mechanism`; nothing if that is no name that can stand in a log or a command.
    pub fn new(user: &str, mechanism: Mechanism) -> Option<Login> {
        let is_fit = (1..=255).contains(&user.len()) && !user.chars().any(char::is_control);
        is_fit.then(|| Login { user: user.into(), mechanism })
    }
}
