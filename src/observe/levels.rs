//! Which lines are written: a least severity for the proxy, and another for the libraries it is made of.

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::observe::config::Level;

/// The least severity that is written, by part.
#[derive(Clone, Debug)]
pub struct Levels {
    targets: Targets,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_speaks_from_its_level_on_and_libraries_warn_at_most() {
        use tracing::Level as Severity;
        for (level, target, severity, want) in [
            (Level::Info, "gatepost::proxy", Severity::INFO, true),
            (Level::Info, "gatepost::proxy", Severity::DEBUG, false),
            (Level::Trace, "gatepost::lua::run", Severity::TRACE, true),
            (Level::Trace, "hickory_resolver", Severity::DEBUG, false), // nobody asked it to talk
            (Level::Trace, "hickory_resolver", Severity::WARN, true),
            (Level::Error, "hickory_resolver", Severity::WARN, false),
        ] {
            let levels = Levels::from(level);
            assert_eq!(levels.targets.would_enable(target, &severity), want, "{level:?} {target} {severity}");
        }
    }
}
