//! Plans a filter, fills it, and compares the rate of false positives that three formulae predict
//! with the one that is measured.
//!
//! ```text
//! cargo run --release -p overlay-bloom --example bloom_filter -- 10000 0.001
//! ```
//! The arguments are the number of keys and the rate to plan for; without any, 1000 and 0.01.

use std::error::Error;
use std::process::ExitCode;
use std::str::FromStr;

use overlay_bloom::{Params, Standard, classic};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let n: u64 = parse("N, the number of keys,", arguments.next(), 1000)?;
    let p: f64 = parse("P, the rate,", arguments.next(), 0.01)?;
    if let Some(argument) = arguments.next() {
        return Err(format!("unexpected argument {argument:?}, expected N P").into());
    }

    // The smallest filter that keeps the promise.
    let params = Params::for_rate(n, p)?;
    let (m, k) = (params.m(), params.k());
    println!("{n} keys at a rate of {p}: m = {m} bits, k = {k} probes");
    let (ours, least) = (params.bits_per_key(n), classic::lower_bound_bits_per_key(p));
    println!("{ours:.2} bits a key, at least {least:.2} in any structure");

    // Several seeds, because the rate of one filter depends on which bits its keys happen to share.
    let filters = 5;
    let queries = 200_000;
    let (mut by_fill, mut measured) = (0.0, 0.0);
    for seed in 0..filters {
        let mut filter = Standard::new(params, seed)?;
        for key in 0..n {
            filter.insert_u64(key);
        }
        by_fill += filter.rate() / filters as f64;
        // None of these was inserted: each `true` is a false positive.
        let wrong = (n..n + queries).filter(|&key| filter.contains_u64(key)).count();
        measured += wrong as f64 / (queries * filters) as f64;
    }

    let classic = classic::rate(m as f64, n as f64, f64::from(k));
    println!("classic formula   {classic:.6e}");
    println!("exact             {:.6e}", params.rate(n));
    println!("from the bits     {by_fill:.6e}  (fill^k, mean of {filters} filters)");
    println!("measured          {measured:.6e}  ({queries} absent keys each)");
    Ok(())
}

fn parse<T: FromStr>(what: &str, argument: Option<String>, default: T) -> Result<T, String> {
    match argument {
        Some(text) => text.parse().map_err(|_| format!("{what} is {text:?}, expected a number")),
        None => Ok(default),
    }
}
