//! Which lines are written: a least severity for the proxy, another for the libraries it is made of, or one a part.

use std::str::FromStr;

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::observe::config::Level;

/// The least severity that is written, by part.
#[derive(Clone, Debug)]
pub struct Levels {
    targets: Targets,
}

/// A text that names no levels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a level, nor PART=LEVEL pairs like \"info,gatepost::lua=debug\": {0:?}")]
pub struct LevelsError(pub String);

impl Levels {
    /// Whether a line with `metadata` is written.
    pub fn covers(&self, metadata: &Metadata<'_>) -> bool {
        self.targets.would_enable(metadata.target(), metadata.level())
    }

    /// The most talkative level of any part.
    pub(super) fn most(&self) -> LevelFilter {
        let parts = self.targets.iter().map(|(_, level)| level);
        parts.chain(self.targets.default_level()).max().unwrap_or(LevelFilter::OFF)
    }
}

impl From<Level> for Levels {
    /// `level` for the proxy; libraries have at most warnings, for nobody asked them to talk.
    fn from(level: Level) -> Self {
        let level = match level {
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
            Level::Trace => LevelFilter::TRACE,
        };
        let targets =
            Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("gatepost", level);
        Self { targets }
    }
}

impl FromStr for Levels {
    type Err = LevelsError;

    /// From a level alone, or from parts with their levels: `info,gatepost::lua=debug,hickory_resolver=trace`.
    fn from_str(text: &str) -> Result<Self, LevelsError> {
        let words = [
            ("error", Level::Error),
            ("warn", Level::Warn),
            ("info", Level::Info),
            ("debug", Level::Debug),
            ("trace", Level::Trace),
        ];
        if let Some((_, level)) = words.into_iter().find(|(word, _)| *word == text) {
            return Ok(level.into());
        }
        // `Targets` takes a bare word for a part whose every line is wanted: here that is a typing error.
        let has_level = |part: &str| part.contains('=') || words.iter().any(|(word, _)| *word == part);
        let is_well_formed = !text.contains(char::is_whitespace) && text.split(',').all(has_level);
        match text.parse() {
            Ok(targets) if is_well_formed => Ok(Self { targets }),
            _ => Err(LevelsError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_words_or_by_part() {
        for (text, target, level, want) in [
            ("info", "gatepost::proxy", tracing::Level::INFO, true),
            ("info", "gatepost::proxy", tracing::Level::DEBUG, false),
            ("trace", "hickory_resolver", tracing::Level::DEBUG, false), // libraries: warnings only
            ("trace", "hickory_resolver", tracing::Level::WARN, true),
            ("error", "hickory_resolver", tracing::Level::WARN, false),
            ("info,gatepost::lua=debug", "gatepost::lua::run", tracing::Level::DEBUG, true),
            ("info,gatepost::lua=debug", "gatepost::proxy", tracing::Level::DEBUG, false),
            ("warn,hyper=trace", "hyper::proto", tracing::Level::TRACE, true),
        ] {
            let levels: Levels = text.parse().unwrap();
            assert_eq!(levels.targets.would_enable(target, &level), want, "{text} {target} {level}");
        }
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for text in ["", "loud", "gatepost=loud", "info,,", "info gatepost=debug"] {
            assert!(text.parse::<Levels>().is_err(), "{text:?}");
        }
    }
}
