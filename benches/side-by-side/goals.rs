//! What gatepost's figures have to reach, and what they aim at.

use crate::figures::{Figures, median};
use crate::peers::Peer;
use crate::table::Table;

/// Every goal that was measured, with its outcome, and whether all were reached.
pub(crate) fn judge(figures: &[Figures]) -> (Table, bool) {
    let mut rows = Vec::new();
    let mut all = true;
    for row in figures {
        for goal in goals(row, figures) {
            let Some(found) = goal.found else { continue };
            let outcome = if found > goal.reach {
                all = false;
                "missed"
            } else if found > goal.aim {
                "reached"
            } else {
                "aim met"
            };
            let [found, reach, aim] = [found, goal.reach, goal.aim].map(|value| format!("{value:.1}"));
            rows.push(vec![row.title.to_owned(), goal.what.to_owned(), found, reach, aim, outcome.into()]);
        }
    }
    let columns = ["proxy", "figure", "found", "to reach", "aim", ""].map(String::from).to_vec();
    (Table { columns, rows }, all)
}

struct Goal {
    what: &'static str,
    found: Option<f64>,
    /// Most that may be found now, and most in the long run.
    reach: f64,
    aim: f64,
}

fn goals(row: &Figures, figures: &[Figures]) -> Vec<Goal> {
    // For each: CPU with 1 kB and with 5 MB, in multiples of haproxy's; KB an idle session; MB at rest.
    let [small, large, idle, rest] = match row.peer {
        Peer::Gatepost => [(1.5, 1.2), (1.8, 1.5), (10.0, 5.0), (15.0, 10.0)],
        Peer::GatepostXclient => [(2.3, 1.6), (1.8, 1.5), (10.0, 5.0), (15.0, 10.0)],
        Peer::GatepostPolicy => [(2.0, 1.6), (1.8, 1.6), (10.0, 10.0), (15.0, 15.0)],
        Peer::GatepostBoth => [(2.3, 1.6), (1.8, 1.6), (10.0, 10.0), (15.0, 15.0)],
        Peer::Direct | Peer::Haproxy | Peer::Nginx | Peer::NginxXclient => return Vec::new(),
    };
    let cpu = |size| row.load(size).and_then(|load| median(&load.cpu_to_haproxy));
    let haproxy = figures.iter().find(|row| row.peer == Peer::Haproxy);
    let their_start = haproxy.and_then(|row| median(&row.start_ms));
    let megabytes = |octets: Option<u64>| {
        octets.map(|octets| octets.to_string().parse::<f64>().unwrap_or(f64::NAN) / 1e6)
    };
    let goal = |what, found, (reach, aim)| Goal { what, found, reach, aim };
    vec![
        goal("CPU 1 kB, x haproxy", cpu(1000), small),
        goal(
            "CPU 100 kB, x haproxy",
            cpu(100_000),
            (2.0, if row.peer == Peer::Gatepost { 1.3 } else { 1.6 }),
        ),
        goal("CPU 5 MB, x haproxy", cpu(5_000_000), large),
        goal("KB an idle session", row.idle_session.map(|octets| octets / 1000.0), idle),
        goal("MB at rest", megabytes(row.rest), rest),
        goal(
            "ms from start to banner",
            median(&row.start_ms).and(their_start.and(median(&row.start_ms))),
            their_start.map_or((0.0, 0.0), |start| (start, start)),
        ),
        goal("MB growth, 20 x 50 MB", megabytes(row.large), (64.0, 64.0)),
        goal("MB growth, sink stalled", megabytes(row.large_stalled), (64.0, 64.0)),
    ]
}
