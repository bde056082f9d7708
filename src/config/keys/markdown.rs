//! The table of every key, for the reference page in docs/.

use crate::config::keys::key::{Default, Key, Kind};
use crate::config::keys::of;
use crate::config::keys::table::Table;

/// The reference of all keys as Markdown: a heading, a sentence and a table for each table of the file.
pub fn markdown() -> String {
    let mut page = String::new();
    for table in Table::ALL {
        let title = match table {
            Table::Top => "Top".to_owned(),
            _ => format!("`{}`", table.head()),
        };
        page.push_str(&format!("### {title}\n\n{} Scope: {}.\n\n", table.help(), table.scope()));
        page.push_str("| key | value | default | what it is |\n| --- | --- | --- | --- |\n");
        for key in of(table).filter(|key| !key.later && !key.help.is_empty()) {
            page.push_str(&row(key));
        }
        page.push('\n');
    }
    page
}

fn row(key: &Key) -> String {
    let default = match key.default {
        Default::Is(value) => format!("`{value}`"),
        Default::Words(words) => words.to_owned(),
        Default::Needed => "**needed**".to_owned(),
    };
    let unit = match key.kind {
        Kind::Count { .. } if !key.unit.is_empty() => format!(" ({})", key.unit),
        _ => String::new(), // durations and sizes say theirs
    };
    let rfc = if key.rfc.is_empty() { String::new() } else { format!(" {}.", key.rfc) };
    format!("| `{}` | {}{unit} | {default} | {}{rfc} |\n", key.name, key.kind.possible(), key.help)
}
