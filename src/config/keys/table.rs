//! The tables that keys stand in.

/// A table of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Above the first table.
    Top,
    /// `[[listener]]`.
    Listener,
    /// `[relay]`, and `relay` in a listener.
    Relay,
    /// `[limits]`, and `limits` in a listener.
    Limits,
    /// `[[backend]]`.
    Backend,
    /// `timeouts` in a backend.
    Timeouts,
    /// `[policies]`.
    Policies,
    /// `budget` in `[policies]` and in a policy.
    Budget,
    /// `[policy.NAME]`.
    Policy,
    /// `[map.NAME]`.
    Map,
    /// `[dns]`.
    Dns,
    /// `[spool]`.
    Spool,
    /// `[log]`.
    Log,
    /// `[metrics]`.
    Metrics,
    /// `[service]`.
    Service,
    /// `[store]`.
    Store,
    /// `[tls]`.
    Tls,
    /// `[[tls.host]]`.
    TlsHost,
    /// `[auth]`.
    Auth,
    /// `ldap` in `[auth]`.
    Ldap,
    /// `http` in `[auth]`.
    Http,
}

impl Table {
    /// All tables, in the order in which they are documented.
    pub const ALL: [Self; 21] = [
        Self::Top,
        Self::Listener,
        Self::Relay,
        Self::Limits,
        Self::Backend,
        Self::Timeouts,
        Self::Tls,
        Self::TlsHost,
        Self::Auth,
        Self::Ldap,
        Self::Http,
        Self::Policies,
        Self::Budget,
        Self::Policy,
        Self::Map,
        Self::Store,
        Self::Dns,
        Self::Spool,
        Self::Log,
        Self::Metrics,
        Self::Service,
    ];

    /// How its head is written in the file.
    pub fn head(self) -> &'static str {
        match self {
            Self::Top => "top",
            Self::Listener => "[[listener]]",
            Self::Relay => "[relay]",
            Self::Limits => "[limits]",
            Self::Backend => "[[backend]]",
            Self::Timeouts => "timeouts",
            Self::Policies => "[policies]",
            Self::Budget => "budget",
            Self::Policy => "[policy.NAME]",
            Self::Map => "[map.NAME]",
            Self::Dns => "[dns]",
            Self::Spool => "[spool]",
            Self::Log => "[log]",
            Self::Metrics => "[metrics]",
            Self::Service => "[service]",
            Self::Store => "[store]",
            Self::Tls => "[tls]",
            Self::TlsHost => "[[tls.host]]",
            Self::Auth => "[auth]",
            Self::Ldap => "[auth.ldap]",
            Self::Http => "[auth.http]",
        }
    }

    /// What its keys hold for.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Top | Self::Store | Self::Dns | Self::Spool | Self::Log | Self::Metrics | Self::Service => {
                "the process"
            }
            Self::Listener => "a listener",
            Self::Auth => {
                "every listener whose `auth` is not \"off\"; its own `logins` is laid over it, key by key"
            }
            Self::Ldap | Self::Http => "as `[auth]`; a listener's own stands in its place as a whole",
            Self::Relay => "every listener; its own `relay` is laid over it, key by key",
            Self::Limits => "every listener; its own `limits` are laid over them, key by key",
            Self::Backend | Self::Timeouts => "a backend",
            Self::Tls => "every listener that speaks TLS",
            Self::TlsHost => "clients that ask for its names",
            Self::Policies => "all policies",
            Self::Budget => "all policies; a policy's own `budget` is laid over it, key by key",
            Self::Policy => "a policy",
            Self::Map => "a map, which all policies may ask",
        }
    }

    /// What it is for, in one sentence.
    pub fn help(self) -> &'static str {
        match self {
            Self::Top => "Keys above the first table.",
            Self::Listener => "One or several sockets that clients connect to. There may be several.",
            Self::Relay => "Whom mail is taken for and from: what the relay guard obeys.",
            Self::Limits => "How much a session, a client and a listener may ask of us.",
            Self::Backend => "A mail server behind us. There may be several.",
            Self::Timeouts => "How long a backend may take.",
            Self::Policies => "What holds for all policies.",
            Self::Budget => "What a hook call of a policy may cost.",
            Self::Policy => "A policy: a script with its options, which stand here beside these keys.",
            Self::Map => {
                "A table of keys and values that policies ask: `map.get \"NAME\"`, or an option of the type `map`."
            }
            Self::Dns => "The name servers that everything is resolved by.",
            Self::Spool => "Where content waits for the backend.",
            Self::Log => "How the log is written, and where.",
            Self::Metrics => "The page for Prometheus.",
            Self::Service => "The process itself.",
            Self::Store => "What policies remember between sessions.",
            Self::Tls => "Our certificates, and whose we trust.",
            Self::TlsHost => {
                "A certificate for clients that ask for certain names (SNI). There may be several."
            }
            Self::Auth => "Who checks logins, and how: see auth.md.",
            Self::Http => "How a web server is asked, where `auth.verify` is one: see auth.md.",
            Self::Ldap => "How a directory is asked, where `auth.verify` is one: see auth.md.",
        }
    }
}
