//! The figures as tables in Markdown.

use crate::arguments::size_in_words;
use crate::figures::{Figures, median};

/// A table under its heading; cells of a row in the columns' order.
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// In Markdown, columns padded so that it reads well as it is; without columns that nothing was measured
    /// for, and empty if only the proxies' names are left.
    pub(crate) fn markdown(mut self) -> String {
        for column in (0..self.columns.len()).rev() {
            if self.rows.iter().all(|row| row.get(column).is_none_or(String::is_empty)) {
                self.columns.remove(column);
                self.rows.iter_mut().for_each(|row| drop(row.remove(column)));
            }
        }
        if self.columns.len() < 2 {
            return String::new();
        }
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.chain(self.columns.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let line = |cells: &[String]| {
            let padded = cells.iter().enumerate().map(|(column, cell)| format!("{cell:<0$}", width(column)));
            format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
        };
        let rule: Vec<String> = (0..self.columns.len()).map(|column| "-".repeat(width(column))).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}{}{rows}\n", line(&self.columns), line(&rule))
    }
}

/// The table of `performance.md`: processor time in seconds for 1,000 messages, memory, start.
pub(crate) fn costs(figures: &[Figures], sizes: &[usize]) -> Table {
    let mut columns = vec!["proxy".to_owned()];
    for size in sizes {
        columns.push(format!("CPU {}", size_in_words(*size)));
        columns.push("x haproxy".into());
    }
    columns.extend(["KB an idle session", "at rest", "start"].map(String::from));
    let rows = figures.iter().filter(|row| row.peer != crate::peers::Peer::Direct).map(|row| {
        let mut cells = vec![row.title.to_owned()];
        for load in &row.loads {
            cells.push(cell(median(&load.cpu), |cpu| format!("{cpu:.3}")));
            cells.push(cell(median(&load.cpu_to_haproxy), |ratio| format!("{ratio:.2}")));
        }
        cells.push(cell(row.idle_session, |octets| format!("{:.1}", octets / 1000.0)));
        cells.push(cell(row.rest, megabytes));
        cells.push(cell(median(&row.start_ms), |start| format!("{start:.0} ms")));
        cells
    });
    let rows = rows.collect();
    Table { columns, rows }
}

/// Pace and latency by size.
pub(crate) fn paces(figures: &[Figures], sizes: &[usize]) -> Table {
    let mut columns = vec!["proxy".to_owned()];
    for size in sizes {
        let size = size_in_words(*size);
        columns.push(format!("{size}: messages/s"));
        columns.extend(["p50 ms", "p99 ms", "switches"].map(String::from));
    }
    let rows = figures.iter().map(|row| {
        let mut cells = vec![row.title.to_owned()];
        for load in &row.loads {
            cells.push(cell(median(&load.messages_per_second), |pace| format!("{pace:.0}")));
            cells.push(cell(median(&load.p50_ms), |latency| format!("{latency:.1}")));
            cells.push(cell(median(&load.p99_ms), |latency| format!("{latency:.1}")));
            cells.push(cell(median(&load.switches), |switches| format!("{switches:.1}")));
        }
        cells
    });
    let rows = rows.collect();
    Table { columns, rows }
}

/// What a message of 1 kB costs on a connection of its own under TLS.
pub(crate) fn handshakes(figures: &[Figures]) -> Table {
    let mut columns = vec!["proxy".to_owned()];
    for handshake in ["TLS, full handshake", "TLS, resumed"] {
        columns.push(format!("{handshake}: CPU"));
        columns.extend(["x haproxy", "messages/s", "p50 ms", "p99 ms"].map(String::from));
    }
    let rows = figures.iter().filter(|row| row.peer.speaks_tls()).map(|row| {
        let mut cells = vec![row.title.to_owned()];
        for load in [&row.tls_full, &row.tls_resumed] {
            cells.push(cell(median(&load.cpu), |cpu| format!("{cpu:.3}")));
            cells.push(cell(median(&load.cpu_to_haproxy), |ratio| format!("{ratio:.2}")));
            cells.push(cell(median(&load.messages_per_second), |pace| format!("{pace:.0}")));
            cells.push(cell(median(&load.p50_ms), |latency| format!("{latency:.1}")));
            cells.push(cell(median(&load.p99_ms), |latency| format!("{latency:.1}")));
        }
        cells
    });
    let rows = rows.collect();
    Table { columns, rows }
}

/// Memory under large messages, and what is measured only on request.
pub(crate) fn bounds(figures: &[Figures]) -> Table {
    let columns = [
        "proxy",
        "growth, 20 x 50 MB",
        "the same, sink stalled",
        "at rest, shared pages in each process",
        "system calls, 1 kB",
    ];
    let rows = figures.iter().filter(|row| row.peer != crate::peers::Peer::Direct).map(|row| {
        vec![
            row.title.to_owned(),
            cell(row.large, megabytes),
            cell(row.large_stalled, megabytes),
            cell(row.rest_with_shared, megabytes),
            cell(row.calls, |calls| format!("{calls:.0}")),
        ]
    });
    Table { columns: columns.map(String::from).to_vec(), rows: rows.collect() }
}

/// What was measured, in words; empty if it wasn't.
pub(crate) fn cell<T>(figure: Option<T>, words: impl FnOnce(T) -> String) -> String {
    figure.map(words).unwrap_or_default()
}

fn megabytes(octets: u64) -> String {
    format!("{}.{} MB", octets / 1_000_000, octets / 100_000 % 10)
}
