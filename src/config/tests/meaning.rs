//! What keys come to, and what holds without them.

use std::time::Duration;

use super::{LEAST, good};
use crate::backend::config::{Address, Backend, ConnectAt, Downgrade, Xclient, Xforward};
use crate::config::Loaded;
use crate::config::service::Service;
use crate::lookup::config::Config as Dns;
use crate::lua::config::{Budget, OnError, OptionData, Script};
use crate::message::config::Spool;
use crate::observe::config::{Format, Level, Log, Metrics};
use crate::policy::mode::{Mode, PolicyUse};
use crate::proxy::config::{BareNewline, CountOrRefuse, Received, Vrfy};
use crate::session::limits::Limits;
use crate::session::relay::RelayDomains;
use crate::store::config::{Config as Store, Place};

fn with(text: &str) -> Loaded {
    good(&format!("{LEAST}{text}"))
}

#[test]
fn the_least_configuration_has_every_documented_default() {
    let loaded = good(LEAST);
    assert_eq!(loaded.warnings, []);
    let config = loaded.config;
    assert_eq!(config.hostname, "mx.example.org");
    assert!(config.workers >= 1);
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.store, Store::default());
    assert_eq!(config.dns, Dns::default());
    assert_eq!(config.spool, Spool::default());
    assert_eq!(config.log, Log::default());
    assert_eq!(config.metrics, Metrics::default());
    assert_eq!(config.service, Service::default());
    assert_eq!(config.policies.budget, Budget::default());
    let address = Address::Tcp { host: "127.0.0.1".into(), port: 10025 };
    assert_eq!(config.backends, [Backend::new("backend", vec![address])]);
    let listener = &config.listeners[0];
    assert_eq!((listener.name.as_str(), listener.backend.as_str()), ("2525", "backend"));
    assert_eq!(listener.limits, Limits::default());
    assert_eq!(listener.relay.always, ["postmaster", "abuse"]);
    assert!(!listener.relay.authenticated && listener.relay.networks.is_empty());
    assert!(listener.client_name && listener.reply_id && !listener.strict);
    assert_eq!(listener.bare_newline, BareNewline::Reject);
    assert_eq!(listener.received, Received::Full);
    assert_eq!(listener.vrfy, Vrfy::Neutral);
    assert_eq!((listener.early_talk, listener.bad_pipelining), (CountOrRefuse::Count, CountOrRefuse::Count));
    assert_eq!((&listener.banner, listener.greet_delay), (&None, None));
}

#[test]
fn every_key_of_a_listener_arrives() {
    let loaded = good(
        r#"
        [relay]
        domains = "example.org"
        networks = "192.0.2.0/24"
        [limits]
        errors = 7
        max_line = 2000
        [[backend]]
        name = "one"
        address = "127.0.0.1:10025"
        [[backend]]
        name = "two"
        address = "127.0.0.1:10026"
        [[listener]]
        bind = "[::]:25"
        backend = "one"
        policies = "access"
        [[listener]]
        name = "inner"
        bind = ["127.0.0.1:25", "127.0.0.1:26"]
        protocol = "smtp"
        backend = "two"
        policies = ["access", { name = "helo", mode = "observe" }]
        relay = { domains = [".example.net"], always = "Abuse", authenticated = true }
        limits = { errors = "none", messages = 3, session_timeout = "none", command_timeout = 90 }
        banner = "mx.example.net ESMTP"
        greet_delay = "3s"
        early_talk = "refuse"
        bad_pipelining = "refuse"
        strict = true
        bare_newline = "normalize"
        received = "hide-client"
        vrfy = "refuse"
        client_name = false
        reply_id = false
        "#,
    );
    let [outer, inner] = &loaded.config.listeners[..] else { panic!("two listeners") };
    assert_eq!((outer.limits.errors, outer.limits.max_line), (Some(7), Some(2000)));
    assert_eq!((inner.limits.errors, inner.limits.max_line), (None, Some(2000))); // laid over, key by key
    assert_eq!((inner.limits.messages, inner.limits.session_timeout), (Some(3), None));
    assert_eq!(inner.limits.command_timeout, Duration::from_secs(90));
    let RelayDomains::Set(domains) = &inner.relay.domains else { panic!("a set") };
    assert!(domains.contains("mx.example.net") && !domains.contains("example.org"));
    assert!(inner.relay.networks.contains("192.0.2.7".parse().unwrap())); // the common table's
    assert_eq!(inner.relay.always, ["abuse"]);
    assert!(inner.relay.authenticated && !outer.relay.authenticated);
    let uses = |name: &str, mode| PolicyUse { name: name.into(), mode };
    assert_eq!(inner.policies, [uses("access", None), uses("helo", Some(Mode::Observe))]);
    assert_eq!((inner.bind.len(), inner.backend.as_str()), (2, "two"));
    assert_eq!(inner.banner.as_deref(), Some("mx.example.net ESMTP"));
    assert_eq!(inner.greet_delay, Some(Duration::from_secs(3)));
    assert_eq!((inner.early_talk, inner.bad_pipelining), (CountOrRefuse::Refuse, CountOrRefuse::Refuse));
    assert_eq!(inner.bare_newline, BareNewline::Normalize);
    assert_eq!((inner.received, inner.vrfy), (Received::HideClient, Vrfy::Refuse));
    assert!(inner.strict && !inner.client_name && !inner.reply_id);
}

#[test]
fn every_key_of_a_backend_arrives() {
    let loaded = good(
        r#"
        hostname = "MX.Bücher.example"
        [[backend]]
        name = "mta"
        address = ["mta.example.org:25", "[2001:db8::1]:25", "unix:run/smtp", "localhost:26"]
        xclient = "required"
        xforward = "off"
        relay_login = "gatepost"
        ehlo = "out.example.org"
        connect = "session"
        connections = 5
        timeouts = { connect = "1s", greeting = "2s", command = "3s", data = "4s", final = "5s" }
        downgrade = "pass"
        [[listener]]
        bind = "127.0.0.1:25"
        policies = "access"
        relay.domains = "backend"
        "#,
    );
    assert_eq!(loaded.config.hostname, "mx.xn--bcher-kva.example");
    let backend = &loaded.config.backends[0];
    let shown: Vec<String> = backend.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["mta.example.org:25", "[2001:db8::1]:25", "unix:run/smtp", "localhost:26"]);
    assert_eq!((backend.xclient, backend.xforward), (Xclient::Required, Xforward::Off));
    assert_eq!(backend.relay_login.as_deref(), Some("gatepost"));
    assert_eq!(backend.ehlo.as_deref(), Some("out.example.org"));
    assert_eq!((backend.connect, backend.downgrade), (ConnectAt::Session, Downgrade::Pass));
    assert_eq!(backend.connections, 5);
    let timeouts = &backend.timeouts;
    let all = [timeouts.connect, timeouts.greeting, timeouts.command, timeouts.data, timeouts.r#final];
    assert_eq!(all.map(|timeout| timeout.as_secs()), [1, 2, 3, 4, 5]);
    assert!(matches!(loaded.config.listeners[0].relay.domains, RelayDomains::Backend));
}

#[test]
fn every_key_of_the_process_arrives() {
    let config = with(
        r#"
        [dns]
        servers = ["127.0.0.1", "[::1]:5353", "::1"]
        timeout = 1.5
        attempts = 3
        cache = 5
        in_flight = 6
        [spool]
        directory = "spool"
        memory = 4096
        limit = "1 GiB"
        [log]
        format = "json"
        level = "debug"
        file = "/var/log/gatepost.log"
        [metrics]
        listen = "127.0.0.1:9090"
        [service]
        user = "gatepost"
        group = "mail"
        drain = "1m"
        state_directory = "/srv/state"
        "#,
    )
    .config;
    let servers: Vec<String> = config.dns.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["127.0.0.1:53", "[::1]:5353", "[::1]:53"]);
    assert_eq!(config.dns.timeout, Duration::from_millis(1500));
    assert_eq!((config.dns.attempts, config.dns.cache, config.dns.in_flight), (3, 5, 6));
    assert_eq!(config.spool, Spool { directory: Some("spool".into()), memory: 4096, limit: 1 << 30 });
    let file = Some("/var/log/gatepost.log".into());
    assert_eq!(config.log, Log { format: Format::Json, level: Level::Debug, file });
    assert_eq!(config.metrics.listen, Some("127.0.0.1:9090".parse().unwrap()));
    assert_eq!(
        (config.service.user.as_deref(), config.service.group.as_deref()),
        (Some("gatepost"), Some("mail"))
    );
    assert_eq!(config.service.drain, Duration::from_secs(60));
    assert_eq!(config.service.state_directory, Some("/srv/state".into()));
}

#[test]
fn a_policys_own_options_keep_their_places() {
    let loaded = with(
        r#"
        [policies.budget]
        cpu = "20ms"
        [policy.access]
        script = "helo"
        mode = "observe"
        on_error = "reject"
        required = true
        budget.time = "3s"
        weight = 2.5
        lists = ["a", { file = "b" }]
        "#,
    );
    let policy = &loaded.config.policy[0];
    assert_eq!((policy.name.as_str(), &policy.script), ("access", &Script::Name("helo".into())));
    assert_eq!((policy.mode, policy.on_error, policy.required), (Mode::Observe, OnError::Reject, true));
    assert_eq!(policy.budget.cpu, Duration::from_millis(20));
    assert_eq!(policy.budget.time, Duration::from_secs(3));
    let [weight, lists] = &policy.options[..] else { panic!("two options: {:?}", policy.options) };
    assert_eq!((weight.key.as_str(), &weight.value.data), ("weight", &OptionData::Float(2.5)));
    let OptionData::List(items) = &lists.value.data else { panic!("a list") };
    assert_eq!(loaded.sources.slice(&items[1].span), Some("{ file = \"b\" }"));
    assert_eq!(loaded.sources.slice(&policy.span), Some("[policy.access]"));
    assert_eq!(loaded.sources.line_and_column(&weight.key_span), Some((19, 9)));
}

#[test]
fn a_policy_that_a_listener_only_names_is_there_with_its_defaults() {
    let loaded = good(LEAST);
    let policy = &loaded.config.policy[0];
    assert_eq!((policy.name.as_str(), &policy.script), ("access", &Script::Name("access".into())));
    assert_eq!((policy.mode, policy.on_error, policy.required), (Mode::Enforce, OnError::Defer, false));
    assert_eq!(loaded.sources.slice(&policy.span), Some("\"access\""));
}

#[test]
fn the_effective_set_up_names_the_origin_of_each_value() {
    let loaded = with("banner = \"x ESMTP\"\nlimits.errors = 3\n[policy.access]\napi_token = \"s3cret\"\n");
    let text = loaded.effective.text();
    let line = |start: &str| {
        let found =
            text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {text}"));
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (start, want) in [
        ("hostname", "hostname = \"mx.example.org\" # gatepost.toml:2"),
        ("name", "name = \"2525\" # its first port"),
        ("banner", "banner = \"x ESMTP\" # gatepost.toml:10"),
        ("limits.errors", "limits.errors = 3 # gatepost.toml:11"),
        ("errors", "errors = 20 # default"),
        ("timeouts.final", "timeouts.final = \"570s\" # default"),
        ("[policy.access]", "[policy.access]"),
        ("# script", "# script # NAME itself"),
    ] {
        assert_eq!(line(start), want);
    }
    assert!(!text.contains("s3cret") && !loaded.effective.json().to_string().contains("s3cret"));
}

/// What `protocol = "submission"` makes of the defaults is shown, for it is looked for there when a login may not relay.
#[test]
fn the_effective_set_up_shows_what_submission_has_made_of_logins() {
    let auth = "[auth]\nverify = \"file:users\"\n[tls]\ncertificate = \"mx.pem\"\n";
    let lines = |listener: &str, rest: &str| {
        let text = good(&format!("{LEAST}{listener}\n{rest}{auth}")).effective.text();
        let text = text.split("[[listener]]").nth(1).unwrap().split("\n[").next().unwrap().to_owned();
        let lines = text.lines().filter(|line| line.starts_with("auth =") || line.contains("relay.auth"));
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let submission = "protocol = \"submission\"";
    let auth_by_default =
        |word: &str| format!("auth = \"{word}\" # off; required with `protocol = \"submission\"`");
    let relay_by_default =
        |value: &str| format!("relay.authenticated = {value} # false; true with `protocol = \"submission\"`");
    assert_eq!(lines(submission, ""), [auth_by_default("required"), relay_by_default("true")]);
    assert_eq!(lines("", ""), [auth_by_default("off")]);
    assert_eq!(
        lines("auth = \"optional\"", ""),
        ["auth = \"optional\" # gatepost.toml:10".to_owned(), relay_by_default("false")]
    );
    let own = format!("{submission}\nrelay.authenticated = false");
    assert_eq!(
        lines(&own, ""),
        ["relay.authenticated = false # gatepost.toml:11".to_owned(), auth_by_default("required")]
    );
}

#[test]
fn the_store_is_in_memory_or_in_a_file_beside_the_configuration() {
    let store = |text: &str| with(&format!("[store]\n{text}")).config.store;
    assert_eq!(store("backend = \"memory\"\n").place, Place::Memory);
    let store = store("backend = \"file:lists/store.redb\"\nprefix = \"mx1\"\ntimeout = \"250ms\"\n");
    let Place::File(path) = &store.place else { panic!("{store:?}") };
    assert!(path.ends_with("lists/store.redb"), "{path:?}");
    assert_eq!((store.prefix.as_str(), store.timeout), ("mx1", Duration::from_millis(250)));
}
