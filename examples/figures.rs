//! Reproduces published figures: `cargo run --release --example figures`, or `-- --only B2,B4`.
//!
//! Prints, for each id, the published value, ours, the tolerance and the verdict, and exits with 1 if
//! one does not hold. To add a figure: write a function that returns its [rows](row::Row) in the
//! file of its system, and name it in [`FIGURES`].

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{ContentArrangement, Table, presets};
use overlay_examples::{Failure, program};

#[path = "figures/bloom.rs"]
mod bloom;
#[path = "figures/chord.rs"]
mod chord;
#[path = "figures/chord_churn.rs"]
mod chord_churn;
#[path = "figures/gnutella.rs"]
mod gnutella;
#[path = "figures/gnutella06.rs"]
mod gnutella06;
#[path = "figures/row.rs"]
mod row;

use row::{Row, Verdict};

struct Figure {
    id: &'static str,
    /// What it shows.
    title: &'static str,
    /// What computes it.
    rows: fn() -> Vec<Row>,
}

const fn figure(id: &'static str, title: &'static str, rows: fn() -> Vec<Row>) -> Figure {
    Figure { id, title, rows }
}

/// Every figure, in the order in which they are printed.
const FIGURES: &[Figure] = &[
    figure("B1", "Bloom filters: rate against keys, real-valued best k", bloom::survey_curves),
    figure("B2", "Bloom filters: the classic rate is a lower bound", bloom::lower_bound),
    figure("B3", "Bloom filters: measured rate of each layout", bloom::measured_rates),
    figure("B4", "Bloom filters: the survey's Table I as laws", bloom::table_i),
    figure("G0", "Gnutella 0.4: descriptor sizes in bytes", gnutella::descriptor_sizes),
    figure("G1", "Gnutella 0.4: hosts reached on a tree of degree n", gnutella::tree_reach),
    figure(
        "G2",
        "Gnutella 0.4: hosts reached on crawls of the real network",
        gnutella::crawl_reach,
    ),
    figure("G3", "Gnutella 0.4: bytes by descriptor", gnutella::traffic_mix),
    figure("G4", "Gnutella 0.4: traffic of the whole network", gnutella::total_traffic),
    figure("G5", "Gnutella 0.4: overlay and network", gnutella::mismatch),
    figure("G9", "Gnutella 0.4: a flood that no TTL ends", gnutella::endless_flood),
    figure("G6", "Gnutella 0.6: ultrapeers on the last hop", gnutella06::last_hop_share),
    figure("G7", "Gnutella 0.6: dynamic querying against floods", gnutella06::dynamic_querying),
    figure(
        "G8",
        "Gnutella 0.6: queries that tables keep from leaves",
        gnutella06::routing_suppression,
    ),
    figure("C0", "Chord: the rings of the lectures", chord::lectures),
    figure("C1", "Chord: hops to the key's predecessor, by fingers", chord::path_lengths),
    figure("C2", "Chord: many nodes fail at once", chord::failures),
    figure("C3", "Chord: nodes come and go", chord_churn::churn),
    figure("C5", "Chord: hops by successors, fingers and full tables", chord::routing_tables),
    figure("C7", "Chord: what a join costs each routing table", chord::joins),
];

/// What takes minutes, with `--large` only.
const LARGE: &[Figure] = &[figure(
    "G6",
    "Gnutella 0.6: ultrapeers on the last hop, of large networks",
    gnutella06::last_hop_share_large,
)];

/// Reproduce published figures.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Only these, separated by commas; without it, all of them.
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    only: Vec<String>,
    /// Those of large networks too, which take minutes and gigabytes.
    #[arg(long)]
    large: bool,
    /// One JSON object a row instead of the table.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    program(run)
}

/// Whether every verdict holds.
fn run(options: &Options) -> Result<ExitCode, Failure> {
    let known = |id: &str| FIGURES.iter().any(|figure| figure.id.eq_ignore_ascii_case(id));
    if let Some(id) = options.only.iter().find(|id| !known(id)) {
        let ids: Vec<&str> = FIGURES.iter().map(|figure| figure.id).collect();
        return Err(format!("no figure {id:?}, expected: {}", ids.join(", ")).into());
    }
    let wanted = |figure: &&Figure| {
        let only = &options.only;
        only.is_empty() || only.iter().any(|id| id.eq_ignore_ascii_case(figure.id))
    };
    let mut all_hold = true;
    let large = if options.large { LARGE } else { &[] };
    for figure in FIGURES.iter().chain(large).filter(wanted) {
        let rows = (figure.rows)();
        all_hold &= rows.iter().all(|row| row.verdict() != Verdict::Differs);
        let text = if options.json { lines(figure.id, &rows)? } else { section(figure, &rows) };
        // Each as soon as it is known: some take a while.
        std::io::stdout().lock().write_all(text.as_bytes())?;
    }
    Ok(if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn lines(id: &str, rows: &[Row]) -> Result<String, serde_json::Error> {
    let line = |row| Ok(serde_json::to_string(&row::Line::new(id, row))? + "\n");
    rows.iter().map(line).collect()
}

fn section(figure: &Figure, rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["id", "what", "published", "ours", "tolerance", "verdict"]);
    for row in rows {
        table.add_row([
            figure.id.to_owned(),
            row.what.clone(),
            row.published.to_string(),
            row.ours.to_string(),
            row.tolerance.to_string(),
            row.verdict().to_string(),
        ]);
    }
    format!("{}  {}\n\n{table}\n\n", figure.id, figure.title)
}
