//! Filters of any type that is `Hash`.

use std::collections::HashSet;

use overlay_bloom::layout::{Blocked, Layout, Split};
use overlay_bloom::{Geometry, Local, MismatchError, Params};
use proptest::prelude::*;

type Keys = HashSet<(u16, String)>;

fn params<L: Layout>() -> Params {
    match L::GEOMETRY {
        Geometry::SPLIT_512 => Params::new(4096, 8).expect("valid"),
        _ => Params::new(4096, 5).expect("valid"),
    }
}

fn filter<L: Layout>(keys: &Keys) -> Local<(u16, String), L> {
    let mut filter = Local::new(params::<L>(), [3; 16]).expect("the layout's parameters");
    #[expect(clippy::iter_over_hash_type, reason = "the order of inserts does not matter")]
    for key in keys {
        filter.insert(key);
    }
    filter
}

fn check_laws<L: Layout>(ours: &Keys, theirs: &Keys) -> Result<(), TestCaseError> {
    let (mut union, other) = (filter::<L>(ours), filter::<L>(theirs));
    let mut both = union.clone();
    prop_assert!(ours.iter().all(|key| union.contains(key)));
    prop_assert_eq!(union.is_empty(), ours.is_empty());

    union.union(&other).expect("equal parameters and keys");
    prop_assert_eq!(&union, &filter::<L>(&ours.union(theirs).cloned().collect()));

    both.intersect(&other).expect("equal parameters and keys");
    prop_assert!(ours.intersection(theirs).all(|key| both.contains(key)));
    both.clear();
    prop_assert!(both.is_empty());
    Ok(())
}

proptest! {
    #[test]
    fn no_false_negative_and_union_is_union(ours: Keys, theirs: Keys) {
        check_laws::<overlay_bloom::layout::Standard>(&ours, &theirs)?;
        check_laws::<Blocked>(&ours, &theirs)?;
        check_laws::<Split>(&ours, &theirs)?;
    }
}

/// 20 filters of 500 keys, 2,000 questions each: the sum is within five standard deviations.
#[test]
fn the_rate_is_the_exact_one() {
    let (keys, asked, filters) = (500u32, 2000u32, 20u8);
    let params = Params::for_rate(keys.into(), 0.01).expect("valid");
    let mut hits = 0u32;
    for secret in 0..filters {
        let mut filter = Local::<u32>::new(params, [secret; 16]).expect("valid");
        (0..keys).for_each(|key| _ = filter.insert(&key));
        hits += (keys..keys + asked).filter(|key| filter.contains(key)).count() as u32;
    }
    let trials = f64::from(asked) * f64::from(filters);
    let rate = params.rate(keys.into());
    // The rates of filters differ by much less than a question's outcome.
    let sigma = (trials * rate * (1.0 - rate)).sqrt() * 1.1;
    let error = f64::from(hits) - trials * rate;
    assert!(error.abs() < 5.0 * sigma, "{hits} hits, {} expected", trials * rate);
}

#[test]
fn other_secrets_and_sizes_do_not_combine() {
    let params = Params::new(64, 2).expect("valid");
    let mut filter = Local::<str>::new(params, [1; 16]).expect("valid");
    filter.insert("key");
    let before = filter.clone();
    let other = Local::new(params, [2; 16]).expect("valid");
    assert_eq!(filter.union(&other), Err(MismatchError::SecretKey));
    let other = Local::new(Params::new(65, 2).expect("valid"), [1; 16]).expect("valid");
    assert!(matches!(filter.intersect(&other), Err(MismatchError::Params { .. })));
    assert_eq!(filter, before);
    assert!(!format!("{filter:?}").contains("[1, 1"), "the secret is not shown");
}
