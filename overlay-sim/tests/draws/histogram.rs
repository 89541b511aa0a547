//! Laws of histograms.

use overlay_sim::Histogram;
use proptest::prelude::*;

/// Values of all sizes.
fn values() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(
        (any::<u64>(), 0u32..64).prop_map(|(value, shift)| value >> shift),
        1..300,
    )
}

proptest! {
    /// A quantile is the sorted list's, exactly below 128 and to within 1 part in 128 above.
    #[test]
    fn quantiles_are_those_of_a_sorted_list(mut values in values(), share in 0.0f64..=1.0) {
        let histogram: Histogram = values.iter().copied().collect();
        values.sort();
        let rank = ((share * values.len() as f64).ceil() as usize).max(1);
        let (exact, found) = (values[rank - 1], histogram.quantile(share));
        prop_assert!(found >= exact && found - exact <= exact / 128, "{} for {}", found, exact);
        prop_assert!(exact >= 128 || found == exact);
        prop_assert_eq!(histogram.least(), values[0]);
        prop_assert_eq!(histogram.most(), values[values.len() - 1]);
        prop_assert_eq!(histogram.quantile(1.0), histogram.most());
        prop_assert_eq!(histogram.sum(), values.iter().map(|&value| u128::from(value)).sum::<u128>());
    }

    /// Histograms of parts add up to the histogram of the whole.
    #[test]
    fn merging_is_counting_together(values in values(), split in 0usize..300) {
        let whole: Histogram = values.iter().copied().collect();
        let (left, right) = values.split_at(split.min(values.len()));
        let mut merged: Histogram = left.iter().copied().collect();
        merged.merge(&right.iter().copied().collect());
        prop_assert_eq!(merged, whole);
    }

    /// Buckets follow each other and hold every value once.
    #[test]
    fn buckets_hold_every_value(values in values()) {
        let histogram: Histogram = values.iter().copied().collect();
        let buckets: Vec<_> = histogram.buckets().collect();
        prop_assert!(buckets.windows(2).all(|pair| pair[0].1 < pair[1].0));
        for &(least, greatest, count) in &buckets {
            let inside = values.iter().filter(|value| (least..=greatest).contains(value));
            prop_assert_eq!(inside.count() as u64, count);
        }
        prop_assert_eq!(histogram.count(), values.len() as u64);
    }
}

#[test]
fn files_hold_the_buckets() {
    let mut histogram = Histogram::new();
    histogram.record_many(3, 2);
    histogram.record(1_000);
    let (mut csv, mut json) = (String::new(), String::new());
    histogram.write_csv(&mut csv).unwrap();
    assert_eq!(csv, "least,greatest,count\n3,3,2\n1000,1003,1\n");
    histogram.write_json(&mut json).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["count"], &json["p50"], &json["p99"]), (&3.into(), &3.into(), &1_000.into()));
    assert_eq!(json["buckets"][1], serde_json::json!([1_000, 1_003, 1]));
    let mut empty = String::new();
    Histogram::new().write_json(&mut empty).unwrap();
    let empty: serde_json::Value = serde_json::from_str(&empty).unwrap();
    assert_eq!((&empty["max"], &empty["mean"]), (&0.into(), &0.into()));
}
