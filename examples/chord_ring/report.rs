//! What came out.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// What was run, and what was measured. The keys of `--json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub nodes: u32,
    pub lookups: u64,
    pub mode: &'static str,
    pub vnodes: u32,
    /// To the key's predecessor.
    pub hops_mean: f64,
    pub hops_p1: u32,
    pub hops_p50: u32,
    pub hops_p99: u32,
    /// Keys a node owns, in multiples of the mean.
    pub load_p1: f64,
    pub load_p99: f64,
    /// CPU time of one thread.
    pub build_seconds: f64,
    pub ns_per_lookup: f64,
    pub peak_rss_bytes: Option<u64>,
    #[serde(flatten)]
    pub churn: Option<Churned>,
}

/// What there is beside that if nodes come and go.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Churned {
    /// Nodes a second that join, and as many that go.
    pub churn: f64,
    pub joined: u32,
    pub gone: u32,
    /// Dead nodes asked, a lookup.
    pub timeouts_mean: f64,
    /// Lookups that found nobody, or not the owner.
    pub failed: u32,
    pub messages: u64,
}

impl Report {
    /// One object on one line.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let rss = self
            .peak_rss_bytes
            .map_or("unknown".to_owned(), |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
        let places = format!("{} with {} on the ring each", self.nodes, self.vnodes);
        for (what, value) in [
            ("nodes", if self.vnodes == 1 { self.nodes.to_string() } else { places }),
            ("lookups", format!("{} by {}", self.lookups, self.mode)),
            ("hops to the key's predecessor, mean", format!("{:.3}", self.hops_mean)),
            (
                "percentiles 1, 50, 99",
                format!("{} {} {}", self.hops_p1, self.hops_p50, self.hops_p99),
            ),
            (
                "keys a node, percentiles 1, 99",
                format!("{:.2} {:.2} of the mean", self.load_p1, self.load_p99),
            ),
            ("building", format!("{:.3} s", self.build_seconds)),
            ("a lookup", format!("{:.1} ns", self.ns_per_lookup)),
            ("most memory", rss),
        ] {
            table.add_row([what.to_owned(), value]);
        }
        if let Some(churn) = &self.churn {
            let Churned { joined, gone, timeouts_mean, failed, messages, .. } = churn;
            for (what, value) in [
                ("came and went", format!("{joined} and {gone}")),
                ("dead nodes asked, a lookup", format!("{timeouts_mean:.3}")),
                ("lookups that did not find the owner", failed.to_string()),
                ("messages", messages.to_string()),
            ] {
                table.add_row([what.to_owned(), value]);
            }
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.trim_fmt()
    }
}
