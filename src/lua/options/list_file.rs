//! The entries of a list option that stand in a file: `"file:NAME"`, one item a line, `#` comments.

use std::path::Path;

/// A list file of this size is a mistake.
const LARGEST: u64 = 64 << 20;

/// The items in the file at `path`, without comments and empty lines.
///
/// Errors: a sentence with the path.
pub(super) fn read(path: &Path) -> Result<Vec<String>, String> {
    let text = text(path)?;
    let items = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(items.filter(|item| !item.is_empty()).map(str::to_owned).collect())
}

/// The text of the file at `path`, of a secret for one.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let name = path.display();
    let length = std::fs::metadata(path).map_err(|error| format!("can't read {name}: {error}"))?.len();
    if length > LARGEST {
        return Err(format!("{name} is larger than 64 MiB"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("can't read {name}: {error}"))
}
