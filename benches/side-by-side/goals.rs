//! What gatepost's figures have to reach, and what they aim at.

use crate::figures::{Figures, Load, median};
use crate::peers::Peer;
use crate::table::Table;

/// Every goal that was measured, with its outcome, and whether all were reached. `kept`: messages of one
/// connection, for which haproxy has less to do.
pub(crate) fn judge(figures: &[Figures], kept: usize) -> (Table, bool) {
    let mut rows = Vec::new();
    let mut all = true;
    for row in figures {
        let Some(limits) = Limits::of(row.peer, kept) else { continue };
        for (what, found, reach, aim) in goals(row, figures, &limits) {
            let Some(found) = found else { continue };
            let outcome = match found {
                found if found <= aim => "aim met",
                found if found <= reach => "reached",
                _ => "missed",
            };
            all &= outcome != "missed";
            let mut cells = vec![row.title.to_owned(), what.to_owned()];
            cells.extend([found, reach, aim].map(number));
            cells.push(outcome.to_owned());
            rows.push(cells);
        }
    }
    let columns = ["proxy", "figure", "found", "to reach", "aim", "outcome"].map(String::from).to_vec();
    (Table { columns, rows }, all)
}

/// For each figure the most that may be found now, and the most in the long run. CPU in multiples of haproxy's.
struct Limits {
    cpu_1_kb: (f64, f64),
    cpu_100_kb: (f64, f64),
    cpu_5_mb: (f64, f64),
    cpu_tls: (f64, f64),
    idle_kb: (f64, f64),
    rest_mb: (f64, f64),
    added_latency: (f64, f64),
}

impl Limits {
    fn of(peer: Peer, kept: usize) -> Option<Self> {
        let (reach, aim, with_policy) = match peer {
            Peer::Gatepost => (1.5, 1.2, false),
            Peer::GatepostXclient => (ANY, 1.2, false),
            Peer::GatepostPolicy => (2.0, 1.6, true),
            Peer::GatepostBoth => (2.3, 1.6, true),
            Peer::Direct | Peer::Haproxy | Peer::Nginx | Peer::NginxXclient => return None,
        };
        let by_policy = |with, without| if with_policy { with } else { without };
        Some(Self {
            cpu_1_kb: if kept > 1 { (ANY, by_policy(1.6, 1.0)) } else { (reach, aim) },
            cpu_100_kb: (ANY, by_policy(1.6, 1.3)),
            cpu_5_mb: (1.8, by_policy(1.6, 1.5)),
            cpu_tls: if peer == Peer::Gatepost { (1.3, 1.3) } else { (ANY, by_policy(1.6, 1.3)) },
            idle_kb: (10.0, by_policy(10.0, 5.0)),
            rest_mb: (15.0, by_policy(15.0, 10.0)),
            added_latency: (ANY, by_policy(2.0, 1.5)),
        })
    }
}

type Goal = (&'static str, Option<f64>, f64, f64);

fn goals(row: &Figures, figures: &[Figures], limits: &Limits) -> Vec<Goal> {
    let cpu = |size| row.load(size).and_then(|load| median(&load.cpu_to_haproxy));
    let haproxy = figures.iter().find(|row| row.peer == Peer::Haproxy);
    let direct = figures.iter().find(|row| row.peer == Peer::Direct);
    let start = haproxy.and_then(|row| median(&row.start_ms));
    let slower = |ours: &Load| {
        Some(median(&haproxy?.load(1000)?.messages_per_second)? / median(&ours.messages_per_second)?)
    };
    let later = |latency: fn(&Load) -> &Vec<f64>| {
        let none = median(latency(direct?.load(1000)?))?;
        let theirs = median(latency(haproxy?.load(1000)?))? - none;
        Some((median(latency(row.load(1000)?))? - none) / theirs)
    };
    let kilobytes = row.idle_session.map(|octets| octets / 1000.0);
    let goal = |what, found, (reach, aim)| (what, found, reach, aim);
    vec![
        goal("CPU 1 kB, x haproxy", cpu(1000), limits.cpu_1_kb),
        goal("CPU 100 kB, x haproxy", cpu(100_000), limits.cpu_100_kb),
        goal("CPU 5 MB, x haproxy", cpu(5_000_000), limits.cpu_5_mb),
        goal("CPU TLS, full handshake, x haproxy", median(&row.tls_full.cpu_to_haproxy), limits.cpu_tls),
        goal("CPU TLS, resumed, x haproxy", median(&row.tls_resumed.cpu_to_haproxy), (ANY, limits.cpu_tls.1)),
        goal("1 kB: haproxy's messages/s, x ours", row.load(1000).and_then(slower), (ANY, 1.11)),
        goal("1 kB: added latency p50, x haproxy", later(|load| &load.p50_ms), limits.added_latency),
        goal("1 kB: added latency p99, x haproxy", later(|load| &load.p99_ms), limits.added_latency),
        goal("KB an idle session", kilobytes, limits.idle_kb),
        goal("MB at rest", row.rest_with_shared.map(megabytes), limits.rest_mb),
        goal(
            "start to banner, x haproxy",
            start.and_then(|start| Some(median(&row.start_ms)? / start)),
            (1.0, 1.0),
        ),
        goal("MB growth, 20 x 50 MB", row.large.map(megabytes), (64.0, 64.0)),
        goal("MB growth, sink stalled", row.large_stalled.map(megabytes), (64.0, 64.0)),
    ]
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(octets: u64) -> f64 {
    octets as f64 / 1e6
}

fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.2}") } else { "-".into() }
}

/// Nothing has to be reached yet.
const ANY: f64 = f64::INFINITY;
