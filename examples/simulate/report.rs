//! What came out.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// What was run, and what was measured. The keys of `--json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub system: String,
    pub peers: u32,
    /// When the first query is sent.
    pub peers_up: u32,
    /// Links that are up then, and those that the graph has between peers that are up.
    pub links: usize,
    pub links_expected: usize,
    pub degree: f64,
    pub topology: String,
    pub churn: String,
    /// Mean seconds, and the share that ends without a word; only if they are drawn.
    pub session: Option<f64>,
    pub pause: Option<f64>,
    pub crashes: Option<f64>,
    /// Who came and who went from the first query on.
    pub arrivals: u64,
    pub departures: u64,
    pub pings: bool,
    pub checked: bool,
    pub ttl: u8,
    pub seed: u64,
    pub queries: u32,
    /// Queries that found something, and how many results all had together.
    pub queries_found: usize,
    pub hits: u64,
    /// Messages delivered before the first query, and from then on; with their exact bytes.
    pub join_messages: u64,
    pub messages: u64,
    pub bytes: u64,
    pub build_cpu_seconds: f64,
    /// From the first query to the last delivery.
    pub cpu_seconds: f64,
    pub messages_per_cpu_second: f64,
    pub simulated_seconds: f64,
    /// Allocated just before the first query: peers, hosts, links, shared files, the queue.
    pub idle_bytes_per_peer: f64,
    /// What peers remember at the end that they did not before the first query.
    pub remembered_per_peer: f64,
    pub final_bytes_per_peer: f64,
    pub peak_rss_bytes: Option<u64>,
    pub trace_hash: String,
}

impl Report {
    /// One object on one line.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY);
        let links = match self.links == self.links_expected {
            true => self.links.to_string(),
            false => format!("{} of {}", self.links, self.links_expected),
        };
        let peak = self.peak_rss_bytes.map_or("unknown".into(), |bytes| megabytes(bytes as f64));
        let rows = [
            ("system", self.system.clone()),
            ("peers", self.peers.to_string()),
            ("peers up at first", self.peers_up.to_string()),
            ("came, went", format!("{}, {}", self.arrivals, self.departures)),
            ("links", links),
            ("messages to join", self.join_messages.to_string()),
            ("queries", self.queries.to_string()),
            ("queries that found", self.queries_found.to_string()),
            ("hits", self.hits.to_string()),
            ("messages", self.messages.to_string()),
            ("bytes in messages", self.bytes.to_string()),
            ("simulated seconds", format!("{:.1}", self.simulated_seconds)),
            ("CPU seconds", format!("{:.3}", self.cpu_seconds)),
            ("messages a CPU-second", format!("{:.0}", self.messages_per_cpu_second)),
            ("bytes an idle peer", format!("{:.0}", self.idle_bytes_per_peer)),
            ("remembered by a peer", format!("{:.2}", self.remembered_per_peer)),
            ("bytes a peer at the end", format!("{:.0}", self.final_bytes_per_peer)),
            ("peak memory", peak),
            ("trace", self.trace_hash.clone()),
        ];
        for (what, value) in rows {
            table.add_row([what.to_owned(), value]);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}
