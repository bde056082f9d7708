//! A gatepost whose policy asks a map for the domain or the address of each reverse-path, and says what it heard.

use std::fs;

use crate::support::client::Client;
use crate::support::gatepost::Gatepost;

/// Asks the map `m` for the address, for its domain if the local part is `domain`, or for the local part if the domain
/// is `local.example`.
const SCRIPT: &str = r#"
return {
  mail = function(session, mail)
    local key = mail.address
    if mail.local_part == "domain" then key = mail.domain end
    if mail.domain == "local.example" then key = mail.local_part end
    local value, kind = map.get("m"):get(key)
    return reject("5.7.1", value and ("value " .. value) or ("kind " .. kind))
  end,
}
"#;

/// With the map `m` that `table` describes.
pub fn gatepost(table: &str) -> Gatepost {
    let toml = format!(
        "hostname = \"proxy.front.example\"\n[relay]\ndomains = [\"ours.example\"]\n\
         [[listener]]\nname = \"front\"\nbind = \"127.0.0.1:0\"\npolicies = [\"ask\"]\nreply_id = false\n\
         [policy.ask]\nscript = \"ask.lua\"\n[map.m]\n{table}\n\
         [[backend]]\naddress = \"127.0.0.1:1\"\n"
    );
    Gatepost::start_with(&toml, |folder, _| fs::write(folder.join("ask.lua"), SCRIPT).unwrap())
}

/// What the policy heard of the key behind `address`: "value …" or "kind …".
pub fn ask(gatepost: &Gatepost, address: &str) -> String {
    let mut client = Client::greeted(gatepost.address());
    let reply = client.command(&format!("MAIL FROM:<{address}>"));
    client.quit();
    let text = reply.text();
    text.strip_prefix("550 5.7.1 ").unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// What it hears of a key and what postmap does, in the same words.
pub fn both(gatepost: &Gatepost, postmap: &str, key: &str) -> (String, String) {
    let heard = ask(gatepost, &format!("{key}@local.example"));
    (heard, crate::postmap::query(postmap, key))
}
