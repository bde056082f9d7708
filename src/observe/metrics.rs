//! What is measured, for Prometheus: put together when the page is read, so that it costs nothing in between.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::net::tls::handshake::Reason;
use crate::observe::counters::{Count, Counters};
use crate::observe::policy_counts::Totals;
use crate::observe::process;
use crate::observe::readings::{BackendConnections, Sources};

/// A metric of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name as Prometheus shows it, but for what a histogram appends.
    pub name: &'static str,
    /// counter, gauge, histogram or info.
    pub kind: &'static str,
    /// Its labels, separated by commas.
    pub labels: &'static str,
    /// What it says, for the page and for docs/operations.md.
    pub help: &'static str,
    /// Its name without the unit and what the kind appends.
    stem: &'static str,
    unit: &'static str,
}

/// The metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// The metrics that `sources` gives; now is taken for the start of the process.
    pub fn new(sources: Sources) -> Self {
        let mut registry = Registry::with_prefix("gatepost");
        registry.register_collector(Box::new(Figures { sources, start: SystemTime::now() }));
        Self { registry }
    }

    /// The page, in OpenMetrics' text form.
    pub fn page(&self) -> String {
        let mut page = String::new();
        // Writing to a String doesn't fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}

struct Figures {
    sources: Sources,
    start: SystemTime,
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figures").field("start", &self.start).finish_non_exhaustive()
    }
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page { encoder };
        self.mail(&mut page)?;
        self.troubles(&mut page)?;
        self.gauges(&mut page)?;
        self.service(&mut page)?;
        self.policies(&mut page)?;
        self.sources.policy_metrics.encode(&mut page.encoder)?;
        self.process(&mut page)
    }
}

impl Figures {
    fn total(&self, count: impl Fn(&Counters) -> &Count) -> u64 {
        self.sources.workers.iter().map(|worker| count(worker).get()).sum()
    }

    fn mail(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counter(SESSIONS, self.total(|c| &c.sessions))?;
        page.counter(SESSIONS_CLOSED, self.total(|c| &c.sessions_closed))?;
        let dispositions = [
            ("relayed", self.total(|c| &c.relayed)),
            ("refused", self.total(|c| &c.refused)),
            ("deferred", self.total(|c| &c.deferred)),
            ("discarded", self.total(|c| &c.discarded)),
            ("aborted", self.total(|c| &c.aborted)),
        ];
        page.counters(
            TRANSACTIONS,
            dispositions.map(|(word, count)| (vec![("disposition", word.into())], count)),
        )?;
        page.counter(ACKNOWLEDGEMENTS_TOLD, self.total(|c| &c.acknowledgements_told))?;
        let sources = [
            ("backend", self.total(|c| &c.acknowledged_by_backend)),
            ("store", self.total(|c| &c.acknowledged_by_store)),
            ("discard", self.total(|c| &c.acknowledged_by_discard)),
        ];
        page.counters(ACKNOWLEDGEMENTS, sources.map(|(word, count)| (vec![("by", word.into())], count)))?;
        page.counter(CONTENT, self.total(|c| &c.octets))
    }

    fn troubles(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counter(CONNECTIONS_REFUSED, self.total(|c| &c.connections_refused))?;
        page.counter(RELAY_DENIED, self.total(|c| &c.relay_denied))?;
        page.counter(ADDED_REFUSED, self.total(|c| &c.added_recipients_refused))?;
        page.counter(COMMAND_ERRORS, self.total(|c| &c.command_errors))?;
        page.counters(TLS_HANDSHAKES, self.handshakes())?;
        page.counters(BACKEND_TLS_HANDSHAKES, self.backend_handshakes())?;
        page.counter(BACKEND_FAULTS, self.total(|c| &c.backend_faults))?;
        page.counter(POLICY_ERRORS, self.total(|c| &c.policy_errors))?;
        let logins = [
            ("accepted", self.total(|c| &c.logins)),
            ("refused", self.total(|c| &c.logins_refused)),
            ("unavailable", self.total(|c| &c.logins_unavailable)),
        ];
        page.counters(LOGINS, logins.map(|(word, count)| (vec![("result", word.into())], count)))?;
        let sends = (self.sources.http_sends)();
        page.counters(HTTP_SENDS, sends.map(|(word, count)| (vec![("result", word.into())], count)))?;
        let failures = (self.sources.store_failures)();
        page.counters(
            STORE_FAILURES,
            failures.into_iter().map(|(kind, count)| (vec![("kind", kind.into())], count)),
        )?;
        page.counter(LOG_LINES_DROPPED, (self.sources.log_lines_dropped)())
    }

    fn handshakes(&self) -> Vec<(Labels, u64)> {
        let labels = |word: &str| vec![("result", word.to_owned())];
        let done = [
            (labels("full"), self.total(|c| &c.handshakes_full)),
            (labels("resumed"), self.total(|c| &c.handshakes_resumed)),
        ];
        let failed = Reason::ALL.into_iter().map(|reason| {
            let counts = self.sources.workers.iter();
            (labels(reason.as_str()), counts.map(|worker| worker.failed_handshakes(reason)).sum())
        });
        done.into_iter().chain(failed).collect()
    }

    fn backend_handshakes(&self) -> Vec<(Labels, u64)> {
        let backends = (self.sources.backends)();
        let counts = backends.into_iter().flat_map(|BackendConnections { backend, tls, .. }| {
            let labels = move |word: &str| vec![("backend", backend.clone()), ("result", word.to_owned())];
            tls.into_iter().map(move |(word, count)| (labels(word), count))
        });
        counts.collect()
    }

    fn gauges(&self, page: &mut Page<'_>) -> fmt::Result {
        page.gauge(SESSIONS_OPEN, (self.sources.sessions)())?;
        page.gauge(HOOKS_WAITING, (self.sources.hooks_waiting)())?;
        page.gauge(SPOOL, (self.sources.spool_octets)())?;
        page.gauge(STORE_ENTRIES, (self.sources.store_entries)())?;
        let certificates = (self.sources.certificates)();
        let ends = certificates.into_iter().map(|(file, end)| (vec![("file", file)], end));
        page.family(CERTIFICATE_END, ends, |end, metric| ConstGauge::new(end).encode(metric))?;
        let backends = (self.sources.backends)();
        let both = backends.iter().flat_map(|of| {
            let labels = |state: &str| vec![("backend", of.backend.clone()), ("state", state.to_owned())];
            [(labels("in_use"), of.in_use), (labels("free"), of.free)]
        });
        page.family(BACKEND_CONNECTIONS, both, |count, metric| ConstGauge::new(count).encode(metric))?;
        let usable = backends.iter().map(|of| (vec![("backend", of.backend.clone())], of.is_usable));
        page.truths(BACKEND_USABLE, usable)
    }

    /// Whether what is in service is what the files say.
    fn service(&self, page: &mut Page<'_>) -> fmt::Result {
        let reloads = self.sources.reloads.all();
        page.counters(RELOADS, reloads.map(|(word, count)| (vec![("result", word.into())], count)))?;
        page.gauge(LAST_RELOAD, self.sources.reloads.last())?;
        let files = (self.sources.users_files)().into_iter();
        page.truths(USERS_FILE_STALE, files.map(|(file, is_stale)| (vec![("file", file)], is_stale)))
    }

    fn policies(&self, page: &mut Page<'_>) -> fmt::Result {
        page.gauge(POLICY_STATES, self.sources.policies.states())?;
        let totals = self.sources.policies.totals();
        let names = |policy: &str, hook: &str| vec![("policy", policy.to_owned()), ("hook", hook.to_owned())];
        let verdicts = totals.iter().flat_map(|(policy, hook, sum)| {
            sum.opinions().map(move |(mode, opinion, count)| {
                let said = [("verdict", opinion.as_str().into()), ("mode", mode.as_str().into())];
                (names(policy, hook).into_iter().chain(said).collect(), count)
            })
        });
        page.counters(POLICY_VERDICTS, verdicts)?;
        let errors = totals.iter().flat_map(|(policy, hook, sum)| {
            sum.errors().map(move |(mode, count)| {
                (names(policy, hook).into_iter().chain([("mode", mode.as_str().into())]).collect(), count)
            })
        });
        page.counters(POLICY_HOOK_ERRORS, errors)?;
        let parked = (self.sources.parked)();
        let gauges = parked.iter().map(|of| (names(&of.policy, of.hook), u64::from(of.is_parked)));
        page.family(POLICY_HOOK_PARKED, gauges, |count, metric| ConstGauge::new(count).encode(metric))?;
        let turned_away = parked.iter().map(|of| (names(&of.policy, of.hook), of.turned_away));
        page.counters(POLICY_HOOK_TURNED_AWAY, turned_away)?;
        let durations = totals.iter().map(|(policy, hook, sum)| (names(policy, hook), sum));
        page.family(POLICY_HOOK_DURATION, durations, |sum: &Totals, mut metric| {
            metric.encode_histogram::<Vec<(String, String)>>(sum.seconds(), sum.calls(), &sum.buckets(), None)
        })
    }

    fn process(&self, page: &mut Page<'_>) -> fmt::Result {
        let build = [("version", env!("CARGO_PKG_VERSION"))];
        page.begin(BUILD)?.encode_info(&build)?;
        let start = self.start.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        ConstGauge::new(start).encode(page.begin(START_TIME)?)?;
        if let Some(octets) = process::resident_memory() {
            page.gauge(RESIDENT_MEMORY, octets)?;
        }
        process::open_files().map_or(Ok(()), |files| page.gauge(OPEN_FILES, files))
    }
}

type Labels = Vec<(&'static str, String)>;

/// The page that is being written.
struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl Page<'_> {
    fn begin(&mut self, metric: Metric) -> Result<MetricEncoder<'_>, fmt::Error> {
        let kind = match metric.kind {
            "counter" => MetricType::Counter,
            "histogram" => MetricType::Histogram,
            "info" => MetricType::Info,
            _ => MetricType::Gauge,
        };
        // The encoder keeps a borrow of the unit: the names of all that are used live as long as the program.
        let unit = match metric.unit {
            "seconds" => Some(&Unit::Seconds),
            "bytes" => Some(&Unit::Bytes),
            _ => None,
        };
        self.encoder.encode_descriptor(metric.stem, metric.help, unit, kind)
    }

    fn counter(&mut self, metric: Metric, count: u64) -> fmt::Result {
        ConstCounter::new(count).encode(self.begin(metric)?)
    }

    fn gauge(&mut self, metric: Metric, value: u64) -> fmt::Result {
        ConstGauge::new(value).encode(self.begin(metric)?)
    }

    fn counters(&mut self, metric: Metric, samples: impl IntoIterator<Item = (Labels, u64)>) -> fmt::Result {
        self.family(metric, samples, |count, metric| ConstCounter::new(count).encode(metric))
    }

    /// 1 for what is so, 0 for what isn't.
    fn truths(&mut self, metric: Metric, samples: impl IntoIterator<Item = (Labels, bool)>) -> fmt::Result {
        self.family(metric, samples, |is_so, metric| ConstGauge::new(u64::from(is_so)).encode(metric))
    }

    /// A metric with a sample for each set of labels.
    fn family<V>(
        &mut self,
        metric: Metric,
        samples: impl IntoIterator<Item = (Labels, V)>,
        encode: impl Fn(V, MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let mut family = self.begin(metric)?;
        for (labels, value) in samples {
            encode(value, family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

macro_rules! metrics {
    ($($constant:ident $kind:literal $name:literal = $stem:literal [$unit:literal] {$labels:literal} $help:literal)*) => {
        $(const $constant: Metric = Metric {
            name: $name, kind: $kind, labels: $labels, help: $help, stem: $stem, unit: $unit,
        };)*

        /// Every metric of the page, in its order.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    SESSIONS "counter" "gatepost_sessions_total" = "sessions" [""] {""} "Sessions begun"
    SESSIONS_CLOSED "counter" "gatepost_sessions_closed_total" = "sessions_closed" [""] {""} "Sessions ended"
    TRANSACTIONS "counter" "gatepost_transactions_total" = "transactions" [""] {"disposition"} "Transactions by what became of them"
    ACKNOWLEDGEMENTS_TOLD "counter" "gatepost_acknowledgements_told_total" = "acknowledgements_told" [""] {""} "2yz replies to an end of data; equals the sum of the next"
    ACKNOWLEDGEMENTS "counter" "gatepost_acknowledgements_total" = "acknowledgements" [""] {"by"} "Messages taken, by who answers for them: a backend, a durable store, a policy that discards"
    CONTENT "counter" "gatepost_content_bytes_total" = "content" ["bytes"] {""} "Octets of content taken"
    CONNECTIONS_REFUSED "counter" "gatepost_connections_refused_total" = "connections_refused" [""] {""} "Connections turned away by a limit"
    RELAY_DENIED "counter" "gatepost_relay_denied_total" = "relay_denied" [""] {""} "RCPT commands that the relay guard refused"
    ADDED_REFUSED "counter" "gatepost_added_recipients_refused_total" = "added_recipients_refused" [""] {""} "Recipients that a policy added and a backend refused for good"
    COMMAND_ERRORS "counter" "gatepost_command_errors_total" = "command_errors" [""] {""} "Commands that could not be read or were out of order"
    TLS_HANDSHAKES "counter" "gatepost_tls_handshakes_total" = "tls_handshakes" [""] {"result"} "TLS handshakes of clients: full, resumed, or why they failed: not_tls, timeout, lost, incompatible, alert, certificate, protocol"
    BACKEND_TLS_HANDSHAKES "counter" "gatepost_backend_tls_handshakes_total" = "backend_tls_handshakes" [""] {"backend,result"} "TLS handshakes with a backend: full, resumed, failed; refused is no STARTTLS. From 0 where a reload has changed the backend"
    BACKEND_FAULTS "counter" "gatepost_backend_faults_total" = "backend_faults" [""] {""} "Faults of backends: gone, silent, or answering nonsense"
    POLICY_ERRORS "counter" "gatepost_policy_errors_total" = "policy_errors" [""] {""} "Errors of policies that a client was told of"
    LOGINS "counter" "gatepost_logins_total" = "logins" [""] {"result"} "Attempts to log in, by what came of them: accepted, refused, unavailable"
    HTTP_SENDS "counter" "gatepost_http_sends_total" = "http_sends" [""] {"result"} "Requests that policies sent without waiting, by what became of them: sent, failed, dropped"
    STORE_FAILURES "counter" "gatepost_store_failures_total" = "store_failures" [""] {"kind"} "Calls of the store that had no result: timeout, unavailable, too_large, invalid"
    LOG_LINES_DROPPED "counter" "gatepost_log_lines_dropped_total" = "log_lines_dropped" [""] {""} "Lines that the log had no room for or could not write"
    SESSIONS_OPEN "gauge" "gatepost_sessions_open" = "sessions_open" [""] {""} "Sessions now"
    HOOKS_WAITING "gauge" "gatepost_policy_hooks_waiting" = "policy_hooks_waiting" [""] {""} "Hook calls and tasks that wait now; at `policies.waiting` new sessions are turned away"
    SPOOL "gauge" "gatepost_spool_bytes" = "spool" ["bytes"] {""} "Octets of content in the spool now"
    STORE_ENTRIES "gauge" "gatepost_store_entries" = "store_entries" [""] {""} "Entries in the store, expired ones that are not swept out yet included"
    BACKEND_CONNECTIONS "gauge" "gatepost_backend_connections" = "backend_connections" [""] {"backend,state"} "Connections to a backend now, and those that its ceiling still allows: in_use, free"
    BACKEND_USABLE "gauge" "gatepost_backend_usable" = "backend_usable" [""] {"backend"} "0 where the last try of each address of a backend has failed, else 1"
    CERTIFICATE_END "gauge" "gatepost_tls_certificate_expiry_timestamp_seconds" = "tls_certificate_expiry_timestamp" ["seconds"] {"file"} "When a certificate that clients are shown ends, in seconds since 1970"
    RELOADS "counter" "gatepost_reloads_total" = "reloads" [""] {"result"} "Reloads of the configuration: ok, refused"
    LAST_RELOAD "gauge" "gatepost_last_reload_timestamp_seconds" = "last_reload_timestamp" ["seconds"] {""} "When the configuration in service was taken, at the start or by a reload, in seconds since 1970"
    USERS_FILE_STALE "gauge" "gatepost_users_file_stale" = "users_file_stale" [""] {"file"} "1 where the newest version of a users file could not be read, and the users of the last good one stay in force"
    POLICY_VERDICTS "counter" "gatepost_policy_verdicts_total" = "policy_verdicts" [""] {"policy,hook,verdict,mode"} "Verdicts of policies; with mode observe they were only counted"
    POLICY_HOOK_ERRORS "counter" "gatepost_policy_hook_errors_total" = "policy_hook_errors" [""] {"policy,hook,mode"} "Calls of a hook that ended in an error"
    POLICY_STATES "gauge" "gatepost_policy_states" = "policy_states" [""] {""} "Lua states with the policies in them: one a worker, and after a reload those of sessions that began before"
    POLICY_HOOK_PARKED "gauge" "gatepost_policy_hook_parked" = "policy_hook_parked" [""] {"policy,hook"} "1 while a hook is parked for overruns of its budget; hooks that never were are left out"
    POLICY_HOOK_TURNED_AWAY "counter" "gatepost_policy_hook_turned_away_total" = "policy_hook_turned_away" [""] {"policy,hook"} "Calls of a parked hook that were answered without running it"
    POLICY_HOOK_DURATION "histogram" "gatepost_policy_hook_duration_seconds" = "policy_hook_duration" ["seconds"] {"policy,hook"} "How long a hook's calls took, waits included; one of fewer than a hundred instructions counts as 0 seconds"
    BUILD "info" "gatepost_build_info" = "build" [""] {"version"} "The version that runs"
    START_TIME "gauge" "gatepost_process_start_time_seconds" = "process_start_time" ["seconds"] {""} "When the process started, in seconds since 1970"
    RESIDENT_MEMORY "gauge" "gatepost_process_resident_memory_bytes" = "process_resident_memory" ["bytes"] {""} "Memory of the process in RAM"
    OPEN_FILES "gauge" "gatepost_process_open_fds" = "process_open_fds" [""] {""} "Descriptors that the process has open"
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
pub(super) mod tests;
