//! How a web server is asked about logins, as the configuration describes it: the table `[auth.http]`.

use std::path::PathBuf;
use std::time::Duration;

use crate::lookup::http::url::Url;

/// How a web server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file of the token that shows it who asks.
    pub token_file: Option<PathBuf>,
    /// The authorities that vouch for it; none are the system's own.
    pub ca: Option<PathBuf>,
    /// Whether passwords may go elsewhere in clear text.
    pub without_tls: bool,
    /// How long it may take.
    pub timeout: Duration,
}

impl Settings {
    /// Whether passwords would be seen on their way to `url` by others than are meant to.
    pub fn is_overheard(&self, url: &Url) -> bool {
        let is_here =
            url.address().map_or_else(|| url.host() == "localhost", |address| address.is_loopback());
        !(url.is_secure() || is_here || self.without_tls)
    }
}

impl Default for Settings {
    /// The documented defaults.
    fn default() -> Self {
        Settings { token_file: None, ca: None, without_tls: false, timeout: Duration::from_secs(5) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_overheard_only_where_that_is_wanted() {
        let wanted = Settings { without_tls: true, ..Settings::default() };
        for (url, settings, want) in [
            ("http://127.0.0.1:8000/", Settings::default(), false),
            ("http://[::1]/", Settings::default(), false),
            ("http://localhost/", Settings::default(), false),
            ("http://localhost.example.org/", Settings::default(), true),
            ("http://192.0.2.1/", Settings::default(), true),
            ("http://192.0.2.1/", wanted, false),
            ("https://192.0.2.1/", Settings::default(), false),
        ] {
            assert_eq!(settings.is_overheard(&url.parse().unwrap()), want, "{url}");
        }
    }
}
