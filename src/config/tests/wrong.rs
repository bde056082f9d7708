//! What is refused, and what is only warned of.

use super::{BUILT_IN, LEAST, bad, good};
use crate::config::keys;
use crate::config::keys::table::Table;

/// The problems of a configuration: each key with the message.
fn told(text: &str) -> Vec<(String, String)> {
    bad(text).problems.iter().map(|problem| (problem.key.clone(), problem.message.clone())).collect()
}

#[test]
fn a_wrong_value_is_refused_with_its_key() {
    for (text, key, message) in [
        ("[limits]\nrecipients = 99", "limits.recipients", "at least 100 (RFC 5321 §4.5.3.1.8)"),
        ("[limits]\nmessage_size = \"none\"", "limits.message_size", "must be a size"),
        ("[limits]\nmessage_size = \"0 MB\"", "limits.message_size", "can't be 0"),
        ("[limits]\nmessage_size = \"50 mb\"", "limits.message_size", "its unit is not known"),
        ("[limits]\nmax_hops = 2000", "limits.max_hops", "at most 1000"),
        ("[limits]\nerrors = 1.5", "limits.errors", "must be a whole number"),
        ("[limits]\nerrors = \"off\"", "limits.errors", "must be a whole number"),
        ("[limits]\ncommand_timeout = \"5\"", "limits.command_timeout", "a unit is missing"),
        ("[limits]\ncommand_timeout = \"none\"", "limits.command_timeout", "must be a duration"),
        ("[limits]\nsession_timeout = 0", "limits.session_timeout", "can't be 0"),
        ("[limits]\nsession_timeout = \"9999d\"", "limits.session_timeout", "that long"),
        ("[log]\nlevel = \"warning\"", "log.level", "\"error\", \"warn\", \"info\", \"debug\" or \"trace\""),
        ("[metrics]\nlisten = \"9090\"", "metrics.listen", "must be an address with a port"),
        ("[dns]\nservers = \"ns.example.org\"", "dns.servers", "not possible"),
        ("[service]\nuser = \"\"", "service.user", "must be text"),
        ("limits = 5", "listener.limits", "must be a table"),
        ("banner = \"Grüße\"", "listener.banner", "must be text"),
        ("banner = \"a\\r\\n220 b\"", "listener.banner", "must be text"), // no second line can be smuggled in
        ("strict = \"yes\"", "listener.strict", "true or false"),
        ("sender_login = \"senders\"", "listener.sender_login", "there is no map \"senders\""),
        ("sender_mismatch = \"warn\"", "listener.sender_mismatch", "\"reject\" or \"fix\""),
        ("protocol = \"submission\"", "listener.auth", "takes logins that nobody checks"),
        ("protocol = \"submission\"", "listener.tls", "there is no certificate"),
        ("proxy_protocol = \"on\"", "listener.proxy_protocol", "\"off\", \"optional\" or \"required\""),
        ("proxy_protocol = \"required\"", "listener.proxy_protocol_networks", "is missing"),
        (
            "proxy_protocol_networks = \"lb.example\"",
            "listener.proxy_protocol_networks",
            "neither an address nor a network",
        ),
        ("policies = [[\"access\"]]", "listener.policies", "wrong type"),
        ("policies = { mode = \"observe\" }", "listener.policies", "names no policy"),
        ("policies = [{ name = \"access\", mode = \"off\" }]", "listener.policies", "names no policy"),
        ("policies = [\"access\", \"access\"]", "listener.policies", "twice"),
        ("auth = \"optional\"", "listener.auth", "takes logins that nobody checks"),
        ("[auth]\nverify = \"users\"", "auth.verify", "must say who checks logins"),
        ("[auth]\nmechanisms = \"GSSAPI\"", "auth.mechanisms", "not possible"),
        ("[auth]\nmax_failures = 0", "auth.max_failures", "can't be 0"),
        ("relay.domains = [\"*.example.org\"]", "listener.relay.domains", "is no domain"),
        ("relay.domains = [\"backend\", 5]", "listener.relay.domains", "wrong type"),
        ("relay.networks = \"192.0.2.1/33\"", "listener.relay.networks", "neither an address nor a network"),
        ("relay.always = \"a@b\"", "listener.relay.always", "not possible"),
        ("[policy.\"a b\"]", "policy.a b", "no name"),
        ("[policy]\naccess = 1", "policy.access", "must be a table"),
        ("[policy.access]\nwhen = 2026-01-01", "policy.access.when", "can't be given to a script"),
        ("[policy.access]\nscript = \"absent.lua\"", "policy.access.script", "doesn't exist"),
        ("[policy.access]\nscript = \"acces\"", "policy.access", "no policy \"acces\""),
        ("[policy.access]\nmode = \"watch\"", "policy.access.mode", "\"enforce\" or \"observe\""),
    ] {
        let lines =
            LEAST.lines().filter(|line| !line.starts_with("policies") || !text.starts_with("policies"));
        let told = told(&format!("{}\n{text}\n", lines.collect::<Vec<_>>().join("\n")));
        let found = told.iter().any(|(k, m)| k == key && m.contains(message));
        assert!(found, "{text}\nwanted {key}: {message}\ngot {told:#?}");
    }
}

#[test]
fn an_address_that_cant_be_meant_is_refused() {
    for (address, message) in [
        ("127.0.0.1", "needs a port"),
        ("127.0.0.1:0", "port must be"),
        ("127.0.0.1:70000", "port must be"),
        ("::1:25", "needs brackets"), // or is it port 25 of ::1, or ::1:25?
        ("[::1]", "needs"),
        ("[mta]:25", "no host name"),
        ("a b:25", "no host name"),
        (":25", "no host name"),
        ("mx:example.org", "not in this version"),
        ("lmtp:/run/lmtp", "not in this version"),
    ] {
        let told = told(&LEAST.replace("127.0.0.1:10025", address));
        assert!(told.iter().any(|(_, m)| m.contains(message)), "{address}: {told:?}");
    }
}

#[test]
fn tables_that_dont_fit_together_are_refused() {
    let two = "[[backend]]\nname = \"two\"\naddress = \"127.0.0.1:10026\"\n";
    let backend = "relay.domains = \"backend\"\n";
    for (text, message) in [
        (String::new(), "there is no [[listener]]"),
        (String::new(), "there is no [[backend]]"),
        (String::new(), "`relay.domains` is missing"),
        (LEAST.replace("[relay]", "[relay.x]"), "unknown key `relay.x`"),
        (LEAST.replace("domains", "#"), "`relay.domains` is missing"),
        (LEAST.replace("bind", "#"), "`listener.bind` is missing"),
        (LEAST.replace("\"127.0.0.1:2525\"", "[]"), "`listener.bind` is empty"),
        (LEAST.replace("address", "#"), "`backend.address` is missing"),
        (LEAST.replace("[[listener]]", "[listener]"), "must be written [[listener]]"),
        (format!("{LEAST}backend = \"tow\"\n{two}"), "there is no backend \"tow\""),
        (format!("{LEAST}{two}"), "`listener.backend` is missing"),
        (format!("{LEAST}{two}"), "a backend has no name"),
        (format!("{LEAST}backend = \"two\"\n{two}{two}"), "two tables [[backend]] are named \"two\""),
        (format!("{LEAST}[[listener]]\nbind = \"[::1]:2525\""), "two tables [[listener]] are named \"2525\""),
        (format!("{LEAST}[[listener]]\nname = \"x\"\nbind = \"127.0.0.1:2525\""), "bound twice"),
        (
            format!("{}{backend}", LEAST.replace("[[listener]]", "xclient = \"off\"\n[[listener]]")),
            "`relay.domains = \"backend\"` needs XCLIENT",
        ),
        (format!("{}{backend}", LEAST.replace("127.0.0.1:10025", "maildir:mail")), "needs XCLIENT"),
    ] {
        let told = told(&text);
        assert!(told.iter().any(|(_, m)| m.contains(message)), "{text}\nwanted {message}\ngot {told:#?}");
    }
}

#[test]
fn what_is_unwise_is_only_warned_of() {
    let warned = |text: &str| -> Vec<String> {
        good(text).warnings.into_iter().map(|problem| problem.message).collect()
    };
    let plain = LEAST.replace("policies = \"access\"", "");
    let spare = "[[backend]]\nname = \"two\"\naddress = \"127.0.0.1:26\"\n";
    let named = LEAST.replace("[[backend]]", "[[backend]]\nname = \"one\"");
    for (text, message) in [
        (plain, "listener \"2525\" has no policies"),
        (format!("{LEAST}[policy.helo]\n"), "no listener uses policy \"helo\""),
        (format!("{LEAST}relay.networks = \"0.0.0.0/0\"\n"), "lets every client relay"),
        (format!("{LEAST}relay.networks = \"::/0\"\n"), "lets every client relay"),
        (
            format!("{LEAST}proxy_protocol = \"optional\"\nproxy_protocol_networks = \"0.0.0.0/0\"\n"),
            "lets every client say that it is another",
        ),
        (format!("{LEAST}proxy_protocol_networks = \"192.0.2.7\"\n"), "`proxy_protocol` is \"off\""),
        (
            format!(
                "{LEAST}proxy_protocol = \"required\"\nproxy_protocol_networks = \"192.0.2.7\"\nrelay.networks = \"192.0.2.0/24\"\n"
            ),
            "`relay.networks` and `listener.proxy_protocol_networks` have 192.0.2.7/32 in common",
        ),
        (
            format!("{LEAST}xclient_networks = \"192.0.2.0/24\"\nrelay.networks = \"192.0.2.7\"\n"),
            "`relay.networks` and `listener.xclient_networks` have 192.0.2.7/32 in common",
        ),
        (
            format!("{LEAST}xforward_networks = \"::1\"\nrelay.networks = \"::1\"\n"),
            "`relay.networks` and `listener.xforward_networks` have ::1/128 in common",
        ),
        (format!("{LEAST}xclient_networks = \"::/0\"\n"), "lets every client say that it is another"),
        (format!("{named}backend = \"one\"\n{spare}"), "no listener uses backend \"two\""),
    ] {
        let warned = warned(&text);
        assert!(
            warned.len() == 1 && warned[0].contains(message),
            "{text}\nwanted {message}\ngot {warned:#?}"
        );
    }
}

#[test]
fn every_key_of_a_later_version_is_refused_as_such() {
    for key in keys::all().filter(|key| key.later) {
        let text = match key.table {
            Table::Top => format!("{LEAST}[[{}]]\nx = 1\n", key.name),
            Table::Listener => format!("{LEAST}{} = \"x\"\n", key.name),
            Table::Relay => format!("{LEAST}relay.{} = \"x\"\n", key.name),
            Table::Backend => LEAST.replace("[[listener]]", &format!("{} = \"x\"\n[[listener]]", key.name)),
            Table::Policies => format!("{LEAST}[policies]\n{} = \"x\"\n", key.name),
            Table::Policy => format!("{LEAST}[policy.access]\n{} = \"x\"\n", key.name),
            Table::Map => format!("{LEAST}[map.one]\nsource = \"file:x\"\n{} = \"x\"\n", key.name),
            table => panic!("a row for {table:?} is missing"),
        };
        let told = told(&text);
        let name = format!("{}` is not in this version", key.name);
        assert!(told.len() == 1 && told[0].1.contains(&name), "{text}\n{told:?}");
    }
    for text in ["redis://127.0.0.1/0", "rediss://db.example:6380"] {
        let told = told(&format!("{LEAST}[store]\nbackend = \"{text}\"\n"));
        assert!(told[0].1.contains(text) && told[0].1.contains("not in this version"), "{told:?}");
    }
    for text in ["file:", "disk", "memory:", ""] {
        let told = told(&format!("{LEAST}[store]\nbackend = \"{text}\"\n"));
        assert!(told[0].1.contains("must be \"memory\", or \"file:PATH\""), "{told:?}");
    }
    for text in ["protocol = \"lmtp\"", "vrfy = \"backend\""] {
        let told = told(&format!("{LEAST}{text}\n"));
        assert!(told[0].1.contains(text) && told[0].1.contains("not in this version"), "{told:?}");
    }
    assert_eq!(BUILT_IN.len(), 3);
}
