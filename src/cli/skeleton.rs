//! `gatepost policy new NAME`: a policy that works, and its test, to be changed into what is wanted.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::lua::builtin;

const POLICY: &str = include_str!("skeleton/policy.lua");
const TEST: &str = include_str!("skeleton/policy_test.lua");
/// What stands for the policy's name in the files.
const NAME: &str = "NAME";

/// Writes NAME.lua and NAME_test.lua into `folder`: what was written, and what to do with it.
///
/// *Errors*: `name` can't be a policy's, one of the files is there already, or they can't be written. Nothing is
/// overwritten.
pub fn write(name: &str, folder: &Path) -> Result<String, String> {
    fits(name)?;
    let files = [(format!("{name}.lua"), POLICY), (format!("{name}_test.lua"), TEST)];
    let files = files.map(|(file, text)| (folder.join(file), text.replace(NAME, name)));
    if let Some((there, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(format!("{} is there already; nothing was written", there.display()));
    }
    let mut out = String::new();
    for (path, text) in &files {
        create(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        out.push_str(&format!("wrote {}\n", path.display()));
    }
    let script = &files.first().map_or(PathBuf::new(), |(path, _)| path.clone());
    out.push_str(&format!(
        "\nA listener uses it by its name:\n\n  [[listener]]\n  policies = [\"{name}\"]\n\n  [policy.{name}]\n  \
         script = {:?}\n\nTest it with `gatepost test {}`, and the whole set-up with `gatepost check`.\n",
        script.display().to_string(),
        folder.display()
    ));
    Ok(out)
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// Whether `name` can be the name of a new policy.
fn fits(name: &str) -> Result<(), String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !(1..=64).contains(&name.len()) || !name.chars().all(is_word) {
        return Err(format!("'{name}' can't be a policy's name: letters, digits, - and _, at most 64"));
    }
    if name.ends_with("_test") {
        return Err(format!("'{name}' would be taken for a test"));
    }
    match builtin::find(name) {
        Some(_) => Err(format!(
            "'{name}' is a built-in policy: `gatepost policy show {name} --source` prints it, to be changed"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lua::config::Script;
    use crate::lua::library::describe;

    #[test]
    fn the_skeleton_is_a_policy_with_its_test() {
        let folder = tempfile::tempdir().unwrap();
        let told = write("leavers", folder.path()).unwrap();
        for part in ["leavers.lua\n", "leavers_test.lua\n", "[policy.leavers]"] {
            assert!(told.contains(part), "{part} in\n{told}");
        }
        let policy = describe(&Script::Name("leavers".into()), &[folder.path().to_owned()]).unwrap();
        assert!(policy.summary.is_some() && policy.options.iter().any(|option| option.name == "gone"));
        let test = std::fs::read_to_string(folder.path().join("leavers_test.lua")).unwrap();
        assert!(test.contains("\"leavers\"") && !test.contains(NAME), "{test}");
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let test = folder.path().join("a_test.lua");
        std::fs::write(&test, "mine").unwrap();
        assert!(write("a", folder.path()).unwrap_err().contains("a_test.lua is there already"));
        assert_eq!(std::fs::read_to_string(&test).unwrap(), "mine");
        assert!(!folder.path().join("a.lua").exists(), "not even half of it is written");
    }

    #[test]
    fn only_a_name_that_can_be_used_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for (name, part) in [
            ("", "can't be a policy's name"),
            ("../x", "can't be a policy's name"),
            ("a.b", "can't be a policy's name"), // `require` and TOML take the dot for theirs
            ("x_test", "taken for a test"),
            ("helo", "is a built-in policy"),
        ] {
            let told = write(name, folder.path()).unwrap_err();
            assert!(told.contains(part), "{name}: {told}");
        }
    }
}
