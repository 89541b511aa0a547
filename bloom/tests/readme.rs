//! The numbers that the README tells.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::{Geometry, classic};

const README: &str = include_str!("../README.md");
const RATES: [f64; 3] = [1e-2, 1e-3, 1e-4];

#[track_caller]
fn assert_row(start: &str, cells: [String; 3]) {
    let row = format!("| {start} | {} |", cells.join(" | "));
    assert!(README.lines().any(|line| line == row), "the README should say {row}");
}

#[test]
fn bits_a_key() {
    let n = 1_000_000;
    let row = |geometry: Geometry, with_k: bool| {
        RATES.map(|p| {
            let params = geometry.for_rate(n, p).unwrap();
            let bits = format!("{:.2}", params.bits_per_key(n));
            if with_k { format!("{bits}, k = {}", params.k()) } else { bits }
        })
    };
    assert_row("[`Standard`]", row(Geometry::Standard, true));
    assert_row("[`Blocked`], 512 bits", row(Geometry::BLOCKED_512, true));
    assert_row("[`SplitBlock`], 512 bits, k = 8", row(Geometry::SPLIT_512, false));
    let parquet = "for comparison: Parquet's split blocks, 256 bits, k = 8";
    assert_row(parquet, row(Geometry::SPLIT_256, false));
    let bound = RATES.map(|p| format!("{:.2}", classic::lower_bound_bits_per_key(p)));
    assert_row("any structure, at least", bound);
}
