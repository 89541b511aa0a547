//! Plans a Bloom filter for N keys and a rate P of false positives in every layout, side by side:
//! `cargo run --example bloom_plan -- 1000000 0.001`.
//!
//! All sizes rest on the exact rates of `overlay-bloom`; the textbook's size and what it misses are
//! printed below. `--plot FILE.svg` draws the rate against the number of keys for five sizes, as the
//! survey by Tarkoma, Rothenberg and Lagerspetz (2012) does.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use overlay_bloom::{Geometry, Growth, Params, ParamsError, classic, compressed, exact};
use overlay_examples::{Failure, program};
use serde::Serialize;

#[path = "bloom_plan/plot.rs"]
mod plot;

/// Plan a Bloom filter: its bits and probes in every layout.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// How many keys the filter is for.
    #[arg(default_value_t = 1000, value_name = "N")]
    keys: u64,
    /// The rate of false positives to keep, from 2^-64 to below 1.
    #[arg(default_value_t = 0.01, value_name = "P")]
    rate: f64,
    /// One JSON object a layout instead of the table.
    #[arg(long)]
    json: bool,
    /// Also draw rate against keys for m = 64 to 4096 into this SVG file.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

fn main() -> ExitCode {
    program(run)
}

fn run(options: &Options) -> Result<(), Failure> {
    let (n, p) = (options.keys, options.rate);
    // The layout that needs least: if this one can not be, none can.
    let standard = Params::for_rate(n, p)?;
    let plans = plans(n, p);
    let mut out = String::new();
    if options.json {
        for plan in &plans {
            out += &serde_json::to_string(plan)?;
            out.push('\n');
        }
    } else {
        out = format!("{}\n\n{}", table(&plans), remarks(n, p, standard)?);
        if plans.len() < LAYOUTS {
            out += "Layouts that are missing would need more than 2^48 bits.\n";
        }
    }
    if let Some(path) = &options.plot {
        plot::draw(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(std::io::stdout().lock().write_all(out.as_bytes())?)
}

/// What one layout takes.
#[derive(Debug, Serialize)]
struct Plan {
    layout: &'static str,
    n: u64,
    p: f64,
    /// Bits, and probes a key.
    m: u64,
    k: u32,
    /// Bits of memory for each key: m/n, but for a counting filter, which has counters of four.
    bits_per_key: f64,
    /// log2(1/p): what any structure needs.
    lower_bound_bits_per_key: f64,
    /// The exact rate once n keys are in.
    rate: f64,
}

/// How many there are to plan for.
const LAYOUTS: usize = 7;

/// Layouts that would need more than 2^48 bits are left out.
fn plans(n: u64, p: f64) -> Vec<Plan> {
    let plan = |layout, geometry: Geometry, target: f64, bits_a_place: f64| {
        let params = geometry.for_rate(n, target).ok()?;
        Some(Plan {
            layout,
            n,
            p,
            m: params.m(),
            k: params.k(),
            bits_per_key: bits_a_place * params.bits_per_key(n),
            lower_bound_bits_per_key: classic::lower_bound_bits_per_key(p),
            rate: geometry.rate(params, n),
        })
    };
    // The first stage of a scalable filter leaves room in the rate for those that may follow.
    let first_stage = p * (1.0 - Growth::default().tightening);
    let plans: [_; LAYOUTS] = [
        plan("standard", Geometry::Standard, p, 1.0),
        plan("partitioned", Geometry::Partitioned, p, 1.0),
        plan("blocked 512", Geometry::BLOCKED_512, p, 1.0),
        plan("split 512 (8 × 64)", Geometry::SPLIT_512, p, 1.0),
        plan("split 256 (8 × 32)", Geometry::SPLIT_256, p, 1.0),
        plan("counting (4 bits)", Geometry::Standard, p, 4.0),
        plan("scalable, stage 0", Geometry::Standard, first_stage, 1.0),
    ];
    plans.into_iter().flatten().collect()
}

fn table(plans: &[Plan]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["layout", "m", "k", "bits a key", "of the bound", "exact rate"]);
    for plan in plans {
        table.add_row([
            plan.layout.to_owned(),
            plan.m.to_string(),
            plan.k.to_string(),
            format!("{:.2}", plan.bits_per_key),
            format!("{:.2} ×", plan.bits_per_key / plan.lower_bound_bits_per_key),
            format!("{:.4e}", plan.rate),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn remarks(n: u64, p: f64, standard: Params) -> Result<String, ParamsError> {
    let bound = classic::lower_bound_bits_per_key(p);
    let mut text = format!("Any structure needs log2(1/p) = {bound:.2} bits a key.\n");

    // The textbook rounds m up and k to the nearest.
    let m = classic::optimal_m(n as f64, p);
    let k = classic::optimal_k(m, n as f64).round().clamp(1.0, Params::MAX_K.into()) as u32;
    let textbook = Params::new(m.ceil() as u64, k)?;
    text += &format!(
        "The textbook says m = {}, k = {k}; the rate is then {:.4e}, and not {p:e}.\n",
        textbook.m(),
        textbook.rate(n),
    );

    let memory = standard.m().saturating_mul(4).min(Params::MAX_M);
    let small = compressed::for_rate(n, p, memory)?;
    text += &format!(
        "Sent compressed: m = {}, k = {} take {:.2} bits a key on the wire, with at most 4 times the memory.\n",
        small.params.m(),
        small.params.k(),
        small.sent / n as f64,
    );
    let same_hash = exact::hash_collision_rate(n, 64);
    text += &format!("Keys of equal 64-bit hashes add {same_hash:.1e} to every rate");
    text += if same_hash > p {
        ", which is more than P: no filter of such hashes keeps it.\n"
    } else {
        ".\n"
    };
    Ok(text)
}
