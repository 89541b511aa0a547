//! The shipped machine with messages in flight: every order of them for four nodes, random ones for
//! more. `examples/chord_explore.rs` explores what takes longer.

mod model;

use model::in_flight::{Bounds, Rules, State, Step, explore};
use proptest::collection::vec;
use proptest::prelude::*;

fn explores_to(rules: Rules, bounds: Bounds, states: usize, transitions: usize) {
    let explored = explore(rules, bounds);
    println!("{rules:?} {bounds:?}: {explored:?}");
    assert_eq!((explored.states, explored.transitions), (states, transitions));
    assert!(explored.rounds <= 4);
}

#[test]
fn every_order_of_messages_keeps_the_invariants() {
    let (one, rules) = (Bounds { joins: 1, fails: 1 }, Rules { n: 3, r: 1, channel: 2 });
    explores_to(rules, one, 15_034, 67_197);
    explores_to(Rules { n: 4, ..rules }, one, 57_274, 257_400);
}

/// A start, and numbers that choose one possible step after the other.
fn schedule() -> impl Strategy<Value = (Rules, Vec<u32>)> {
    (5_usize..=12, 1_usize..=3)
        .prop_flat_map(|(n, r)| (Just(Rules { n, r, channel: 2 }), vec(any::<u32>(), 0..400)))
}

proptest! {
    #[test]
    fn random_orders_keep_the_invariants((rules, choices) in schedule()) {
        let base: Vec<_> = (0..=rules.r).map(|i| i * rules.n / (rules.r + 1)).collect();
        let mut state: State = rules.start(&base, Bounds { joins: 40, fails: 30 });
        for choice in choices {
            let steps = rules.steps(&state);
            // Messages first, mostly: if all steps were as likely, timers would drown them.
            let delivers = steps.iter().filter(|step| matches!(step, Step::Deliver(_))).count();
            let (chance, at) = (choice >> 28, choice as usize & 0x0fff_ffff);
            let among = if delivers > 0 && chance < 11 { delivers } else { steps.len() };
            if let Some(next) = rules.after(&state, steps[at % among]) {
                state = next;
            }
            prop_assert_eq!(rules.check(&state), []);
        }
        prop_assert!(rules.rounds_to_ideal(&state, 16).is_some(), "never ideal: {:#?}", state);
    }
}
