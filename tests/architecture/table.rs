//! The table of modules: who may import whom, and which outside crates are named where. `docs/architecture.md` shows
//! the same rows.

/// One module of `src/`.
pub(crate) struct Row {
    /// The folder or file below `src/`.
    pub(crate) module: &'static str,
    /// What it may import besides itself; `all` is everything but `main`.
    pub(crate) imports: &'static [&'static str],
    /// Outside crates that only the modules which list them may name.
    pub(crate) crates: &'static [&'static str],
}

/// From the ground floor up. An arrow goes from a row to rows above it.
pub(crate) const TABLE: &[Row] = &[
    Row { module: "smtp", imports: &[], crates: &[] },
    Row { module: "names", imports: &[], crates: &["ipnet", "prefix_trie", "idna", "psl"] },
    Row { module: "threads", imports: &[], crates: &[] },
    Row { module: "session", imports: &["smtp", "names"], crates: &[] },
    // jiff: the date of the Received field, from a time that comes in as an argument.
    Row {
        module: "message",
        imports: &["smtp", "threads"],
        crates: &["tempfile", "mail_parser", "base64", "sha2", "jiff", "rustix"],
    },
    Row { module: "fault", imports: &["smtp"], crates: &[] },
    // names: a rewritten address is told to scripts with its domain as A-labels.
    Row { module: "policy", imports: &["smtp", "names", "session", "message"], crates: &[] },
    // The name server is asked through this trait, so that neither net nor backend knows the resolver.
    // aws_lc_rs: digests of certificates.
    Row {
        module: "net",
        imports: &["names", "threads"],
        crates: &[
            "socket2",
            "rustix",
            "rustls",
            "rustls_native_certs",
            "tokio_rustls",
            "x509_parser",
            "aws_lc_rs",
        ],
    },
    Row { module: "secret_file", imports: &["smtp"], crates: &[] },
    // Directories are asked by auth and by lookup, neither of which is above the other here.
    Row { module: "ldap", imports: &["smtp", "net", "secret_file"], crates: &[] },
    Row {
        module: "lookup",
        imports: &["names", "threads", "net", "ldap"],
        crates: &[
            "hickory_resolver",
            "hickory_server",
            "regex",
            "regex_automata",
            "hyper",
            "hyper_util",
            "hyper_rustls",
            "http_body_util",
            "maxminddb",
            "percent_encoding",
            "rustls",
            "tower_service",
        ],
    },
    // sha2: members that are counted are kept by their digests.
    Row { module: "store", imports: &["names", "threads"], crates: &["redb", "sha2"] },
    // net: what is known of the client's name, for the log.
    Row {
        module: "observe",
        imports: &["names", "threads", "net"],
        crates: &["tracing_subscriber", "prometheus_client", "hyper", "hyper_util", "http_body_util", "jiff"],
    },
    Row {
        module: "auth",
        imports: &["smtp", "names", "threads", "net", "secret_file", "ldap", "lookup"],
        crates: &["argon2", "bcrypt", "sha_crypt", "stringprep", "aws_lc_rs", "base64", "serde_json"],
    },
    Row {
        module: "backend",
        imports: &["smtp", "session", "message", "fault", "net", "threads"],
        crates: &["rustix"],
    },
    Row {
        module: "proxy",
        imports: &[
            "smtp", "names", "session", "message", "policy", "net", "auth", "backend", "fault", "observe",
            "threads",
        ],
        crates: &["socket2", "rustix", "jiff"],
    },
    // rustix: the processor time of the thread.
    Row {
        module: "lua",
        imports: &["smtp", "names", "session", "message", "policy", "lookup", "store", "observe"],
        crates: &[
            "mlua",
            "gatepost_lua",
            "regex",
            "serde_json",
            "jiff",
            "aws_lc_rs",
            "base64",
            "percent_encoding",
            "rustix",
        ],
    },
    // serde_json: the values of a policy's options on their way to it. rustix: our own name, if none is given.
    Row {
        module: "config",
        imports: &[
            "smtp", "names", "session", "message", "policy", "ldap", "lookup", "store", "observe", "net",
            "auth", "backend", "proxy", "lua",
        ],
        crates: &["toml", "serde_spanned", "annotate_snippets", "serde_json", "rustix"],
    },
    Row { module: "app", imports: &["all"], crates: &["anyhow", "clap", "sd_notify", "rustix", "socket2"] },
    // serde_json: a test's own set-up on its way to the configuration.
    Row {
        module: "trial",
        imports: &[
            "smtp", "names", "session", "net", "lookup", "store", "observe", "proxy", "lua", "config",
            "threads", "backend", "app",
        ],
        crates: &["serde_json", "notify"],
    },
    // rustix: a password is typed without an echo.
    Row { module: "cli", imports: &["all"], crates: &["anyhow", "clap", "serde_json", "jiff", "rustix"] },
    Row { module: "main", imports: &["app", "cli"], crates: &["anyhow", "clap", "mimalloc"] },
];

/// Small crates without I/O that may be named anywhere.
pub(crate) const ANYWHERE: &[&str] = &[
    "serde",
    "thiserror",
    "tracing",
    "bytes",
    "memchr",
    "futures_util",
    "parking_lot",
    "arc_swap",
    "foldhash",
    "zeroize",
];

/// Modules that are pure: time comes in as an argument, and so do octets.
pub(crate) const PURE: &[&str] = &["smtp", "names", "session", "policy", "fault"];

/// What a pure module doesn't name: the runtime, clocks, files, sockets, the environment.
pub(crate) const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "Instant::now",
    "SystemTime::now",
];

/// Words that say too little or stand for something else here (docs/conventions.md).
pub(crate) const WORDS: &[&str] = &[
    "sender",
    "upstream",
    "downstream",
    "response",
    "plugin",
    "filter",
    "handler",
    "manager",
    "util",
    "utils",
    "helper",
    "common",
];

/// Identifiers with such a word that are allowed, and why.
pub(crate) const EXCEPTIONS: &[(&str, &str)] = &[
    ("filter", "std's Iterator and Option"),
    ("filter_map", "std's Iterator"),
    ("Filter", "LDAP's, RFC 4515"),
    ("FilterError", "LDAP's, RFC 4515"),
    ("Sender", "std's and tokio's channels"),
    ("UnboundedSender", "tokio's channels"),
    ("sender_domain", "a built-in policy, named in lua-api's words for postmasters"),
    ("sender_login", "a key, named in the words of postmasters"),
    ("sender_mismatch", "a key, named in the words of postmasters"),
    ("LevelFilter", "tracing's"),
    ("with_filter", "tracing-subscriber's"),
    ("set_filter", "tracing-subscriber's"),
    ("util", "hyper-util's and tokio's paths"),
    ("hyper_util", "a crate"),
    ("futures_util", "a crate"),
    ("http_body_util", "a crate"),
    ("Response", "hyper's"),
    ("response_code", "hickory's"),
    ("set_response_code", "hickory's"),
    ("ResponseCode", "hickory's"),
    ("ResponseHandler", "hickory's"),
    ("ResponseInfo", "hickory's"),
    ("RequestHandler", "hickory's"),
    ("MessageResponseBuilder", "hickory's"),
    ("DnsResponse", "hickory's"),
    ("response_from_request", "hickory's"),
    ("send_response", "hickory's"),
    ("zone_handler", "hickory's"),
    // The helper runtime is what the thread beside the workers is called.
    ("helper", "the helper runtime, in threads/"),
    ("HelperRuntime", "the helper runtime, in threads/"),
    ("HelperHandle", "the helper runtime, in threads/"),
];
