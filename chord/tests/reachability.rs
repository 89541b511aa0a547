//! The corrected protocol explored to the end, in shared-state form: every operation is one step.
//! `examples/chord_explore.rs` does the same for any size.

mod model;

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
