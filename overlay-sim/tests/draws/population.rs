//! Laws of populations.

use overlay_sim::{Population, Profile};
use proptest::prelude::*;

proptest! {
    /// A profile follows from seed and number, and is possible.
    #[test]
    fn a_profile_is_a_function_of_seed_and_number(seed: u64, peer: u32) {
        let population = Population::file_sharers_2001();
        let profile = population.profile(seed, peer);
        prop_assert_eq!(profile, population.clone().profile(seed, peer));
        prop_assert!(profile.upload >= 1 && profile.download >= 1);
        prop_assert!((0.0..=1.0).contains(&profile.availability));
        prop_assert!(profile.cpu > 0.0);
    }
}

/// The published shares come out of many draws, to five standard deviations.
#[test]
fn file_sharers_are_as_measured() {
    let population = Population::file_sharers_2001();
    let peers = 20_000;
    let share = |is: &dyn Fn(Profile) -> bool| {
        let count = (0..peers).filter(|&peer| is(population.profile(5, peer))).count();
        count as f64 / f64::from(peers)
    };
    let near = |found: f64, expected: f64| {
        let sigma = (expected * (1.0 - expected) / f64::from(peers)).sqrt();
        assert!((found - expected).abs() < 5.0 * sigma, "{found}, not {expected}");
    };
    near(share(&|peer| !peer.shares), 0.26);
    near(share(&|peer| peer.upload <= 100_000 / 8), 0.22);
    near(share(&|peer| peer.upload >= 10_000_000 / 8), 0.08);
    near(share(&|peer| peer.availability >= 0.45), 0.2);
}

#[test]
fn equal_peers_are_equal() {
    let population = Population::equal();
    let first = population.profile(1, 0);
    assert!((0..100).all(|peer| population.profile(2, peer) == first));
    assert_eq!((first.upload, first.shares, first.availability), (1_000_000, true, 1.0));
}

/// Access classes keep a peer's two directions together.
#[test]
fn fast_senders_are_fast_receivers() {
    let population = Population::file_sharers_2001();
    for peer in 0..1_000 {
        let profile = population.profile(9, peer);
        assert!(profile.upload < 1_250_000 || profile.download >= 1_250_000);
        assert!(profile.upload > 12_500 || profile.download <= 16_000);
    }
}
