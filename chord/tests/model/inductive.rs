//! All states there can be, of so few nodes.

use overlay_chord::invariants::Violation;
use overlay_chord::{Member, SuccessorList};

use super::{Place, number, place};

/// A node's list, or `None` for a dead one.
type Lists = Vec<Option<Vec<usize>>>;

/// Checks every operation from every state of `n` nodes that satisfies the inductive invariant; how many
/// states and steps these are.
pub fn check_all(n: usize, r: usize) -> (usize, usize) {
    let options = lists(n, r);
    let (mut states, mut steps) = (0, 0);
    let mut choice = vec![0; n];
    loop {
        let state: Lists = choice.iter().map(|at| options[*at].clone()).collect();
        if holds(&state, n, r) {
            states += 1;
            implied(&state, n, r);
            steps += check_steps(&state, n, r);
        }
        let Some(at) = (0..n).find(|at| choice[*at] + 1 < options.len()) else { break };
        choice[..at].fill(0);
        choice[at] += 1;
    }
    (states, steps)
}

/// Dead, or any list of one to `r` entries.
fn lists(n: usize, r: usize) -> Vec<Option<Vec<usize>>> {
    let mut all = vec![None];
    let mut longer: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..r {
        longer = longer
            .iter()
            .flat_map(|list| (0..n).map(move |next| [&list[..], &[next]].concat()))
            .collect();
        all.extend(longer.iter().cloned().map(Some));
    }
    all
}

fn lives(state: &Lists, at: usize) -> bool {
    state[at].is_some()
}

/// x strictly between a and b going up from a, at least one step; by walking.
fn passed(n: usize, a: usize, x: usize, b: usize) -> bool {
    (1..n).map(|by| (a + by) % n).take_while(|at| *at != b).any(|at| at == x)
}

fn is_principal(state: &Lists, n: usize, p: usize) -> bool {
    lives(state, p)
        && state.iter().enumerate().all(|(m, list)| {
            let Some(list) = list else { return true };
            let mut from = m;
            list.iter().all(|to| {
                let skipped = passed(n, from, p, *to);
                from = *to;
                !skipped
            })
        })
}

/// The inductive invariant, from its words: everybody has a live successor, r + 1 are principal.
fn holds(state: &Lists, n: usize, r: usize) -> bool {
    state.iter().flatten().all(|list| list.iter().any(|e| lives(state, *e)))
        && (0..n).filter(|p| is_principal(state, n, *p)).count() > r
}

/// What the invariant implies, as the crate sees it: nothing is wrong.
fn implied(state: &Lists, n: usize, r: usize) {
    let members: Vec<_> =
        (0..n).filter(|at| lives(state, *at)).map(|at| member(state, at, r)).collect();
    for (member, list) in members.iter().zip(state.iter().flatten()) {
        assert_eq!(&entries(member), list, "the list is in order: {state:?}");
    }
    let found: Vec<Violation<Place>> = overlay_chord::invariants::check(&members, r);
    assert_eq!(found, [], "{state:?}");
}

fn member(state: &Lists, at: usize, r: usize) -> Member<Place> {
    let list: Vec<_> = state[at].iter().flatten().map(|e| place(*e)).collect();
    Member::with_pointers(place(at), r, None, &list)
}

fn entries(member: &Member<Place>) -> Vec<usize> {
    SuccessorList::as_slice(member.successors()).iter().map(|e| number(*e)).collect()
}

fn check_steps(state: &Lists, n: usize, r: usize) -> usize {
    let mut steps = 0;
    let mut after = |what: &str, at: usize, list: Option<Vec<usize>>| {
        let mut new = state.clone();
        new[at] = list;
        steps += 1;
        assert!(holds(&new, n, r), "{what} of {at}: {state:?} to {new:?}");
    };
    for at in 0..n {
        if !lives(state, at) {
            for via in (0..n).filter(|via| lives(state, *via)) {
                let via = member(state, via, r);
                let list = via.successors().as_slice();
                if let Some(joined) = Member::join(place(at), r, via.me(), list) {
                    after("join", at, Some(entries(&joined)));
                }
            }
            continue;
        }
        let me = member(state, at, r);
        let head = number(me.successors().first().expect("it has a live one"));
        let mut new = me.clone();
        if lives(state, head) {
            let asked = member(state, head, r);
            new.stabilize_from_successor(place(head), asked.successors().as_slice(), None);
        } else {
            new.successor_failed();
        }
        after("stabilize from successor", at, Some(entries(&new)));
        for candidate in (0..n).filter(|c| *c != at && lives(state, *c)) {
            let (mut new, asked) = (me.clone(), member(state, candidate, r));
            new.stabilize_from_predecessor(place(candidate), asked.successors().as_slice());
            after("stabilize from predecessor", at, Some(entries(&new)));
        }
        // The environment: everybody keeps a live successor, and r + 1 principal members stay.
        let mut gone = state.clone();
        gone[at] = None;
        let keep = gone.iter().flatten().all(|list| list.iter().any(|e| lives(&gone, *e)));
        let principals = (0..n).filter(|p| is_principal(state, n, *p)).count();
        if keep && (!is_principal(state, n, at) || principals > r + 1) {
            after("failure", at, None);
        }
    }
    steps
}
