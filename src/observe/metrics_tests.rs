//! The figures of the page, and that its table and the docs are whole.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::observe::policy_counts::{Mode, Opinion, PolicyCounts};
use crate::observe::policy_metrics::{PolicyMetrics, Shape};
use crate::observe::readings::ParkedHook;
use crate::observe::reloads::Reloads;

/// Metrics of two workers that have seen a little.
pub(in crate::observe) fn little() -> Metrics {
    let workers = vec![Arc::new(Counters::default()), Arc::new(Counters::default())];
    for worker in &workers {
        worker.sessions.add(3);
        worker.relayed.increase();
        worker.octets.add(1000);
    }
    let policies = Arc::new(PolicyCounts::default());
    let hook = policies.hook("helo", "ehlo", 0);
    hook.count(Opinion::Reject, Mode::Observe);
    hook.took(Duration::from_micros(30));
    let backend = |name: &str, in_use| BackendConnections {
        backend: name.to_owned(),
        is_usable: in_use > 0,
        in_use,
        free: 80 - in_use,
        tls: vec![("full", 4), ("failed", in_use)],
    };
    let reloads = Reloads::default();
    reloads.note(true);
    reloads.note(false);
    Metrics::new(Sources {
        workers,
        policies,
        policy_metrics: measured(),
        hooks_waiting: Arc::new(|| 9),
        sessions: Arc::new(|| 2),
        backends: Arc::new(move || vec![backend("mta1", 5), backend("a\"}\n\\", 0)]),
        spool_octets: Arc::new(|| 4096),
        certificates: Arc::new(|| vec![("/etc/ssl/mx.pem".to_owned(), 1_700_000_000)]),
        store_entries: Arc::new(|| 12),
        store_failures: Arc::new(|| vec![("timeout", 3), ("invalid", 0)]),
        parked: Arc::new(|| {
            let hook =
                |hook, is_parked| ParkedHook { policy: "helo".into(), hook, is_parked, turned_away: 9 };
            vec![hook("ehlo", true), hook("mail", false)]
        }),
        log_lines_dropped: Arc::new(|| 7),
        reloads: Arc::new(reloads),
        users_files: Arc::new(|| vec![("/etc/gatepost/users".to_owned(), true), ("other".to_owned(), false)]),
        http_sends: Arc::new(|| [("sent", 3), ("failed", 1), ("dropped", 2)]),
    })
}

/// What policies measure: one counter without labels, one with, one histogram.
fn measured() -> Arc<PolicyMetrics> {
    let shape = |label: Option<&str>, bounds| Shape {
        labels: label.map(str::to_owned).into_iter().collect(),
        bounds,
    };
    let metrics = PolicyMetrics::default();
    metrics.series("greylist", "passed", shape(None, None)).unwrap().add(vec![], 2.0);
    let hits = metrics.series("my-lists", "hits", shape(Some("list"), None)).unwrap();
    hits.add(vec!["a\"}\n".into()], 1.0);
    let took = metrics.series("my-lists", "seconds", shape(Some("list"), Some(vec![0.5]))).unwrap();
    took.add(vec!["zen".into()], 0.25);
    Arc::new(metrics)
}

#[test]
fn what_policies_measure_is_on_the_page() {
    let page = little().page();
    for line in [
        "# TYPE gatepost_script_greylist_passed counter",
        "gatepost_script_greylist_passed_total 2.0",
        "gatepost_script_my_lists_hits_total{list=\"a\\\"}\\n\"} 1.0", // a label can't break out
        "gatepost_script_my_lists_seconds_count{list=\"zen\"} 1",
        "gatepost_script_my_lists_seconds_bucket{le=\"0.5\",list=\"zen\"} 1",
    ] {
        assert!(page.lines().any(|had| had == line), "{line}\nis not in\n{page}");
    }
}

#[test]
fn workers_are_added_up_and_gauges_are_read() {
    let page = little().page();
    for line in [
        "# HELP gatepost_sessions Sessions begun",
        "# TYPE gatepost_sessions counter",
        "gatepost_sessions_total 6",
        "gatepost_transactions_total{disposition=\"relayed\"} 2",
        "gatepost_transactions_total{disposition=\"refused\"} 0",
        "# UNIT gatepost_content_bytes bytes",
        "gatepost_content_bytes_total 2000",
        "gatepost_sessions_open 2",
        "gatepost_spool_bytes 4096",
        "gatepost_policy_hooks_waiting 9",
        "gatepost_log_lines_dropped_total 7",
        "gatepost_http_sends_total{result=\"dropped\"} 2",
        "gatepost_store_entries 12",
        "gatepost_store_failures_total{kind=\"timeout\"} 3",
        "gatepost_backend_connections{backend=\"mta1\",state=\"in_use\"} 5",
        "gatepost_backend_connections{backend=\"mta1\",state=\"free\"} 75",
        "gatepost_backend_tls_handshakes_total{backend=\"mta1\",result=\"failed\"} 5",
        "gatepost_backend_usable{backend=\"mta1\"} 1",
        "gatepost_backend_usable{backend=\"a\\\"}\\n\\\\\"} 0",
        "gatepost_reloads_total{result=\"ok\"} 1",
        "gatepost_reloads_total{result=\"refused\"} 1",
        "gatepost_users_file_stale{file=\"/etc/gatepost/users\"} 1",
        "gatepost_users_file_stale{file=\"other\"} 0",
        "gatepost_backend_connections{backend=\"a\\\"}\\n\\\\\",state=\"in_use\"} 0", // a name can't break out
        "gatepost_policy_verdicts_total{policy=\"helo\",hook=\"ehlo\",verdict=\"reject\",mode=\"observe\"} 1",
        "gatepost_policy_hook_errors_total{policy=\"helo\",hook=\"ehlo\",mode=\"enforce\"} 0",
        "gatepost_policy_states 0",
        "gatepost_policy_hook_parked{policy=\"helo\",hook=\"ehlo\"} 1",
        "gatepost_policy_hook_parked{policy=\"helo\",hook=\"mail\"} 0",
        "gatepost_policy_hook_turned_away_total{policy=\"helo\",hook=\"ehlo\"} 9",
        "gatepost_policy_hook_duration_seconds_count{policy=\"helo\",hook=\"ehlo\"} 1",
        "gatepost_policy_hook_duration_seconds_bucket{le=\"0.00002\",policy=\"helo\",hook=\"ehlo\"} 0",
        "gatepost_policy_hook_duration_seconds_bucket{le=\"+Inf\",policy=\"helo\",hook=\"ehlo\"} 1",
        concat!("gatepost_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(page.lines().any(|had| had == line), "{line}\nis not in\n{page}");
    }
    assert!(page.ends_with("# EOF\n"));
}

#[test]
fn the_page_has_each_metric_of_the_table_and_no_other() {
    let page = little().page();
    let own = |kind: &&str| !kind.starts_with("gatepost_script_");
    let mut kinds: Vec<_> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).filter(own).collect();
    let mut want: Vec<_> = ALL
        .iter()
        .map(|metric| {
            let end = match metric.kind {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            format!("{} {}", metric.name.strip_suffix(end).unwrap(), metric.kind)
        })
        .collect();
    kinds.sort_unstable();
    want.sort_unstable();
    assert_eq!(kinds, want);
    for metric in ALL {
        assert!(page.contains(&format!("\n{}", metric.name)), "{}", metric.name);
        for label in metric.labels.split(',').filter(|label| !label.is_empty()) {
            let sample = page.lines().find(|line| line.starts_with(metric.name)).unwrap();
            assert!(sample.contains(&format!("{label}=\"")), "{label} in {sample}");
        }
    }
}

#[test]
fn the_docs_explain_every_metric() {
    let docs = include_str!("../../docs/operations.md");
    for metric in ALL {
        let labels: Vec<_> = metric
            .labels
            .split(',')
            .filter(|label| !label.is_empty())
            .map(|label| format!("`{label}`"))
            .collect();
        let row =
            format!("| `{}` | {} | {} | {} |", metric.name, metric.kind, labels.join(", "), metric.help);
        assert!(docs.contains(&row), "docs/operations.md misses the row\n{row}");
    }
}
