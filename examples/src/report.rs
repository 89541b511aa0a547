//! The results: a line of JSON a system, or one table with a column a system.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

/// The measurements that go out as JSON. A rate is `None` (null) where nothing was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The system's name.
    pub system: &'static str,
    /// Peers, the well-known one included.
    pub peers: u32,
    /// The seed.
    pub seed: u64,
    /// Searches carried out.
    pub searches: u32,
    /// The share of searches that found the file they were for.
    pub found_rate: Option<f64>,
    /// The same for files that many hosts have.
    pub found_rate_popular: Option<f64>,
    /// The same for files that the fewest hosts have.
    pub found_rate_rare: Option<f64>,
    /// Messages that a search led to.
    pub messages_per_search: f64,
    /// Their bytes.
    pub bytes_per_search: f64,
    /// Messages that a join led to.
    pub join_messages: f64,
    /// Messages that publishing one copy of one file led to.
    pub publish_messages: f64,
    /// Bytes that reach a peer a second while nobody asks for anything.
    pub signalling_bytes_per_peer_s: f64,
    /// Overlay hops to the peer that answered, of searches that found.
    pub hops_p50: Option<u64>,
    /// The same.
    pub hops_p99: Option<u64>,
    /// Milliseconds until the first answer, of searches that found.
    pub latency_p50_ms: Option<u64>,
    /// The same.
    pub latency_p99_ms: Option<u64>,
    /// What a peer remembers on behalf of the system, on average.
    pub state_bytes_per_peer: f64,
    /// The share of all received messages that the busiest peer handles.
    pub busiest_share: f64,
    /// Content bytes of all complete and verified fetches.
    pub bytes_fetched: u64,
    /// Pieces that matched their hash.
    pub pieces_verified: u64,
    /// The share of searches that still find after some peers fail at random.
    pub found_rate_random_failure: Option<f64>,
    /// The same after the busiest are attacked.
    pub found_rate_attack: Option<f64>,
    /// Stands for everything that happened: 16 hexadecimal digits.
    #[serde(serialize_with = "as_hex")]
    pub trace_hash: u64,
}

fn as_hex<S: serde::Serializer>(hash: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{hash:016x}"))
}

/// All measurements of one system.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Those that go out as JSON.
    pub summary: Summary,
    /// Bytes that a join led to.
    pub join_bytes: f64,
    /// Bytes that publishing one copy of one file led to.
    pub publish_bytes: f64,
    /// Table entries a peer has, on average.
    pub state_entries: f64,
    /// What the peer that remembers most remembers.
    pub state_bytes_most: u64,
    /// How many peers got in.
    pub joined: u32,
    /// All messages delivered, those of the failure draws included.
    pub messages: u64,
    /// Links closed over bytes that were no message (checked mode).
    pub malformed: u64,
    /// How often a peer said that another broke the protocol.
    pub misbehaved: u64,
    /// What became of the fetches.
    pub fetches: Fetches,
}

/// What became of the fetches that followed successful searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetches {
    /// How many were tried.
    pub tried: u32,
    /// Content bytes of those that arrived.
    pub bytes: u64,
    /// Arrived over a link that the fetching peer opened.
    pub direct: u32,
    /// Arrived over a link that the source opened when asked.
    pub reversed: u32,
    /// No link between the two is possible, with any source that was tried.
    pub unreachable: u32,
    /// Failed otherwise.
    pub failed: u32,
}

impl Summary {
    /// Rates to 4 decimals, everything else to 2: what a reader can use.
    pub(crate) fn rounded(self) -> Self {
        let to = |places: f64, value: f64| (value * places).round() / places;
        let rate = |value: Option<f64>| value.map(|value| to(10_000.0, value));
        let mean = |value: f64| to(100.0, value);
        Self {
            found_rate: rate(self.found_rate),
            found_rate_popular: rate(self.found_rate_popular),
            found_rate_rare: rate(self.found_rate_rare),
            messages_per_search: mean(self.messages_per_search),
            bytes_per_search: mean(self.bytes_per_search),
            join_messages: mean(self.join_messages),
            publish_messages: mean(self.publish_messages),
            signalling_bytes_per_peer_s: mean(self.signalling_bytes_per_peer_s),
            state_bytes_per_peer: mean(self.state_bytes_per_peer),
            busiest_share: to(10_000.0, self.busiest_share),
            found_rate_random_failure: rate(self.found_rate_random_failure),
            found_rate_attack: rate(self.found_rate_attack),
            ..self
        }
    }
}

/// One table, a column a system.
pub fn table(reports: &[Report]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let mut header = vec![String::new()];
    header.extend(reports.iter().map(|report| report.summary.system.to_owned()));
    table.set_header(header);
    type Row = (&'static str, fn(&Report) -> String);
    let rows: [Row; 28] = [
        ("peers that joined", |r| r.joined.to_string()),
        ("searches that found their file", |r| percent(r.summary.found_rate)),
        ("  popular files", |r| percent(r.summary.found_rate_popular)),
        ("  rare files", |r| percent(r.summary.found_rate_rare)),
        ("messages a search", |r| number(r.summary.messages_per_search)),
        ("bytes a search", |r| number(r.summary.bytes_per_search)),
        ("messages to join", |r| number(r.summary.join_messages)),
        ("bytes to join", |r| number(r.join_bytes)),
        ("messages to publish a copy", |r| number(r.summary.publish_messages)),
        ("bytes to publish a copy", |r| number(r.publish_bytes)),
        ("signalling, bytes a peer a second", |r| number(r.summary.signalling_bytes_per_peer_s)),
        ("hops, median", |r| whole(r.summary.hops_p50)),
        ("hops, 99th percentile", |r| whole(r.summary.hops_p99)),
        ("latency in ms, median", |r| whole(r.summary.latency_p50_ms)),
        ("latency in ms, 99th percentile", |r| whole(r.summary.latency_p99_ms)),
        ("state a peer, entries", |r| number(r.state_entries)),
        ("state a peer, bytes", |r| number(r.summary.state_bytes_per_peer)),
        ("state of the peer with most, bytes", |r| r.state_bytes_most.to_string()),
        ("share of messages the busiest handles", |r| percent(Some(r.summary.busiest_share))),
        ("fetches tried", |r| r.fetches.tried.to_string()),
        ("  arrived: direct + reversed", |r| {
            format!("{} + {}", r.fetches.direct, r.fetches.reversed)
        }),
        ("  failed: no way through NATs", |r| r.fetches.unreachable.to_string()),
        ("  failed otherwise", |r| r.fetches.failed.to_string()),
        ("bytes fetched", |r| r.summary.bytes_fetched.to_string()),
        ("pieces verified", |r| r.summary.pieces_verified.to_string()),
        ("messages in all, of every phase", |r| r.messages.to_string()),
        ("still found, 20 % failed at random ¹", |r| percent(r.summary.found_rate_random_failure)),
        ("still found, busiest 1 % attacked ¹", |r| percent(r.summary.found_rate_attack)),
    ];
    for (label, value) in rows {
        let mut row = vec![label.to_owned()];
        row.extend(reports.iter().map(value));
        table.add_row(row);
    }
    let mut row = vec!["trace".to_owned()];
    row.extend(reports.iter().map(|report| format!("{:016x}", report.summary.trace_hash)));
    table.add_row(row);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n\n{NOTES}")
}

const NOTES: &str = "\
¹ Mean of 10 draws; searches at once, before anything is repaired, for files that a peer that is up still has.
Every peer is a candidate, the Napster server too: all is lost in the draws that hit it, nothing in the others.
Popular: the tenth of the files with most copies. Rare: those with the fewest. –: nothing was asked.
Signalling: what arrives while nobody asks for anything. Hops and latency: to the first answer, in simulated
time. State: what a peer remembers of others. Trace: stands for everything that happened; equal runs share it.
Pieces: chord fetches the info dict by its hash and its nodes check each piece. Napster and Gnutella 0.4
carried no piece hashes; there the receiver checks with the file's metainfo, as if it had the .torrent.
Reversed: the source connects to the fetching peer (Napster's alternate download, Gnutella's Push). Chord
has no such thing; behind a NAT a chord peer is a client outside the ring, and nobody can fetch from it.
Two peers behind NATs that filter can not reach each other in any of the three. A Napster server answers
a search with 100 results at most, and a chord node keeps 4,096 publications a key, so a file whose words are
all common can stay unseen.";

fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.1} %", 100.0 * rate))
}

fn number(value: f64) -> String {
    if value >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn whole(value: Option<u64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}
