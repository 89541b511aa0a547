//! The corrected protocol explored to the end, in shared-state form: every operation is one step.
//! `examples/chord_explore.rs` does the same for any size.

mod model;

use model::inductive;
use model::shared::{Explored, Rules, prove};

fn explores_to(rules: Rules, states: usize, transitions: usize, rounds: usize) {
    let (explored, longest) = prove(rules);
    assert_eq!(explored, Explored { states, transitions }, "{rules:?}");
    assert!(longest <= rounds, "{rules:?}: ideal after {longest} rounds");
}

/// The numbers of states and transitions of an independent checker of Zave's model.
#[test]
fn zaves_model_has_as_many_states_as_another_checker_found() {
    explores_to(Rules::padded(5, 1), 114_228, 752_832, 5);
    explores_to(Rules::padded(5, 2), 155_555, 1_075_203, 5);
    explores_to(Rules::padded(5, 3), 3_571, 20_650, 5);
}

/// What ships leaves a list that lost its head one shorter instead of guessing a last entry, so there are
/// shorter lists, and more states, from r = 2 on. With r = 1 a list that lost its head is empty, which
/// the environment does not let happen, and the two are the same.
#[test]
fn what_ships_keeps_every_invariant_too() {
    explores_to(Rules::shipped(3, 1), 42, 141, 5);
    explores_to(Rules::shipped(4, 1), 1_583, 7_846, 5);
    explores_to(Rules::padded(4, 2), 647, 3_078, 5);
    explores_to(Rules::shipped(4, 2), 2_218, 10_671, 5);
}

/// The inductive step: whatever the state, reachable or not, in which every member has a live successor
/// and r + 1 members are principal, each operation leads to another such state. Both are about lists
/// only, so predecessors and candidates to query take every value.
#[test]
fn every_operation_keeps_the_inductive_invariant() {
    for r in 1..=2 {
        let expected = [(41, 540), (216, 3_144)][r - 1];
        assert_eq!(
            inductive::check_all(4, r),
            expected,
            "states that satisfy it, steps that keep it"
        );
    }
}
