//! A configuration with the files that it names and its policies: all that is wrong with any of them, told at once.

use std::path::Path;

use crate::app::{named_files, policies};
use crate::config::error::{Diagnostic, Severity};
use crate::config::sources::Sources;
use crate::config::{self, Broken, Loaded, report};

/// A configuration that can't be used.
#[derive(Debug)]
pub struct Wrong {
    /// Everything that is wrong, and the warnings, sorted.
    pub problems: Vec<Diagnostic>,
    /// Every text that they stand in.
    pub sources: Sources,
}

impl Wrong {
    fn of(mut problems: Vec<Diagnostic>, sources: Sources) -> Wrong {
        report::sort(&mut problems);
        Wrong { problems, sources }
    }

    /// Everything, as text; with colours if `styled`.
    pub fn text(&self, styled: bool) -> String {
        report::text(&self.problems, &self.sources, styled)
    }

    /// What is wrong, without the warnings.
    pub fn mistakes(&self) -> impl Iterator<Item = &Diagnostic> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error)
    }
}

impl From<String> for Wrong {
    /// What can't be done, each line one thing, nowhere in the file.
    fn from(lines: String) -> Wrong {
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        let problems = lines.map(|line| Diagnostic::error("", line, None)).collect();
        Wrong { problems, sources: Sources::default() }
    }
}

/// The set-up that the file at `path` describes.
///
/// *Errors*: everything that is wrong with it, with the files that it names, and with its policies.
pub fn read(path: &Path) -> Result<Loaded, Wrong> {
    match config::load(path, &policies::built_in()) {
        Ok(loaded) => look_inside(loaded),
        Err(broken) => Err(with_the_rest(*broken)),
    }
}

/// `loaded`, if the files that it names and its policies can be used; then with the warnings of these.
///
/// *Errors*: everything that is wrong with them.
pub fn look_inside(mut loaded: Loaded) -> Result<Loaded, Wrong> {
    let Loaded { config, places, sources, warnings, .. } = &mut loaded;
    let mut problems = named_files::mistakes(config, places, sources);
    match policies::load(config, places, sources) {
        Ok(engine) => warnings.extend(policies::diagnostics(engine.warnings(), sources)),
        Err(mistakes) => problems.extend(mistakes),
    }
    if problems.is_empty() {
        return Ok(loaded);
    }
    problems.append(&mut loaded.warnings);
    Err(Wrong::of(problems, loaded.sources))
}

/// What is wrong with `broken`, and with what it names as far as that can be read.
pub fn with_the_rest(broken: Broken) -> Wrong {
    let Broken { mut problems, config, places, mut sources } = broken;
    if let (Some(config), Some(places)) = (config, places) {
        problems.extend(named_files::mistakes(&config, &places, &mut sources));
        if let Err(mistakes) = policies::load(&config, &places, &mut sources) {
            add_policies(&mut problems, mistakes);
        }
    }
    Wrong::of(problems, sources)
}

/// Takes in the mistakes in policies, but for those whose script the configuration could not name rightly.
pub fn add_policies(problems: &mut Vec<Diagnostic>, mistakes: Vec<Diagnostic>) {
    let is_told = |one: &Diagnostic| {
        problems.iter().any(|known| {
            known.severity == Severity::Error
                && (known.key == one.key || known.key == format!("{}.script", one.key))
        })
    };
    let new: Vec<Diagnostic> = mistakes.into_iter().filter(|one| !is_told(one)).collect();
    problems.extend(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_in_scripts_have_line_and_caret() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("site.lua");
        std::fs::write(&script, "return {\n  summary = \"x\",\n  conect = function() end,\n}\n").unwrap();
        let text = "hostname = \"mx.a.example\"\n[relay]\ndomains = \"a.example\"\n[[backend]]\naddress = \"127.0.0.1:25\"\n\
                    [[listener]]\nbind = \"127.0.0.1:0\"\npolicies = \"site\"\n[policy.site]\nscript = \"site.lua\"\n";
        let loaded = config::load_str(text, folder.path(), &[]).expect("a configuration");
        let text = look_inside(loaded).unwrap_err().text(false);
        for part in
            ["policy \"site\": 'conect' is no hook", "site.lua:3:3", "^^^^^^", "did you mean 'connect'?"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
