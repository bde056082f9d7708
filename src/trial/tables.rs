//! A test's own set-up as the text of a configuration, so that it is read, checked and complained of as one.

use serde_json::{Map, Value};

/// `tables` as a configuration says them: a table under its name, `policy` and lists of tables one by one.
pub(super) fn text(tables: &Map<String, Value>) -> String {
    let mut top = String::new();
    let mut rest = String::new();
    for (name, value) in tables {
        match value {
            Value::Object(inner) if name == "policy" => {
                for (policy, settings) in inner {
                    rest.push_str(&format!("\n[policy.{}]\n", key(policy)));
                    rest.push_str(&entries(settings));
                }
            }
            Value::Object(_) => {
                rest.push_str(&format!("\n[{}]\n", key(name)));
                rest.push_str(&entries(value));
            }
            Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
                for item in list {
                    rest.push_str(&format!("\n[[{}]]\n", key(name)));
                    rest.push_str(&entries(item));
                }
            }
            _ => top.push_str(&format!("{} = {}\n", key(name), inline(value))),
        }
    }
    top + &rest
}

fn entries(table: &Value) -> String {
    let Some(table) = table.as_object() else { return String::new() };
    table
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{} = {}\n", key(name), inline(value)))
        .collect()
}

fn inline(value: &Value) -> String {
    match value {
        // JSON's strings are TOML's; an empty table of Lua is a list as well.
        Value::Object(table) if table.is_empty() => "[]".to_owned(),
        Value::Object(table) => {
            let pairs: Vec<String> =
                table.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// A key, in quotes where it needs them.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => Value::from(name).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_become_a_configuration() {
        let tables = json!({
            "relay": { "domains": ["example.org"] },
            "hostname": "mx.example.org",
            "listener": [{ "bind": "127.0.0.1:25", "policies": ["a", { "name": "b", "mode": "observe" }] }],
            "policy": { "b": { "zones": {}, "limit": 1.5 }, "c d": { "text": "say \"no\"\n" } },
        });
        let want = "hostname = \"mx.example.org\"\n\n[relay]\ndomains = [\"example.org\"]\n\n[[listener]]\n\
                    bind = \"127.0.0.1:25\"\npolicies = [\"a\", { name = \"b\", mode = \"observe\" }]\n\n[policy.b]\n\
                    zones = []\nlimit = 1.5\n\n[policy.\"c d\"]\ntext = \"say \\\"no\\\"\\n\"\n";
        assert_eq!(text(tables.as_object().unwrap()), want);
    }
}
