//! The shared-state form: every operation is one step that sees all pointers at once.
//!
//! A node is dead, or has pointers and at most one thing to do: to query a candidate, or to rectify
//! with who notified it. A later notification takes the place of either.

use std::collections::VecDeque;

use overlay_chord::invariants::{self, Snapshot};
use overlay_chord::{Member, Next, Rectified};

use super::{Place, Seen, ideal_ring, number, place, sets_up_to_rotation};

/// How many nodes and list entries the model has room for.
const N: usize = 8;
const R: usize = 3;

#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Nodes.
    pub n: usize,
    /// Entries of a successor list.
    pub r: usize,
    /// Whether a list that loses its head is filled up with the place after its last entry, as in
    /// Zave's model. What ships leaves it one shorter.
    pub pad: bool,
    /// Whether the environment keeps r + 1 principal members alive.
    pub base: bool,
}

impl Rules {
    /// What ships, as the proof wants it used.
    pub fn shipped(n: usize, r: usize) -> Self {
        Self { n, r, pad: false, base: true }
    }

    /// Zave's model.
    pub fn padded(n: usize, r: usize) -> Self {
        Self { pad: true, ..Self::shipped(n, r) }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pending {
    #[default]
    Nothing,
    Query(u8),
    Rectify(u8),
}

/// A node's pointers, small enough to keep millions; `len` is 0 for a dead node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    len: u8,
    list: [u8; R],
    predecessor: u8,
    pub pending: Pending,
}

pub type State = [Node; N];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Join { node: usize, via: usize },
    StabilizeFromSuccessor(usize),
    StabilizeFromPredecessor(usize),
    Rectify(usize),
    Fail(usize),
}

impl Node {
    pub fn lives(&self) -> bool {
        self.len > 0
    }

    fn of(member: &Member<Place>, pending: Pending) -> Self {
        let mut node = Self { pending, ..Self::default() };
        let entries = member.successors().as_slice();
        node.len = entries.len() as u8;
        for (slot, entry) in node.list.iter_mut().zip(entries) {
            *slot = number(*entry) as u8;
        }
        // Who has no predecessor rectifies like one whose predecessor is dead; in this model that
        // lasts no longer than a step.
        node.predecessor = member.predecessor().map_or(u8::MAX, |p| number(p) as u8);
        node
    }

    fn turned(&self, by: u8, n: u8) -> Self {
        let turn = |i: u8| if i == u8::MAX { i } else { (i + by) % n };
        let mut node = *self;
        for slot in node.list.iter_mut().take(usize::from(self.len)) {
            *slot = turn(*slot);
        }
        if self.lives() {
            node.predecessor = turn(self.predecessor);
        }
        node.pending = match self.pending {
            Pending::Nothing => Pending::Nothing,
            Pending::Query(i) => Pending::Query(turn(i)),
            Pending::Rectify(i) => Pending::Rectify(turn(i)),
        };
        node
    }
}

impl Rules {
    pub fn member(&self, state: &State, at: usize) -> Member<Place> {
        let node = &state[at];
        let list: Vec<_> =
            node.list[..usize::from(node.len)].iter().map(|i| place(usize::from(*i))).collect();
        let predecessor = (node.predecessor != u8::MAX).then(|| place(node.predecessor.into()));
        Member::with_pointers(place(at), self.r, predecessor, &list)
    }

    pub fn members(&self, state: &State) -> Vec<Member<Place>> {
        (0..self.n).filter(|at| state[*at].lives()).map(|at| self.member(state, at)).collect()
    }

    /// The ideal ring of these nodes.
    pub fn ideal(&self, nodes: &[usize]) -> State {
        let mut state = State::default();
        for member in ideal_ring(nodes, self.r) {
            state[number(member.me())] = Node::of(&member, Pending::Nothing);
        }
        state
    }

    /// The smallest of the states that differ from this one by a turn of the ring.
    pub fn canonical(&self, state: &State) -> State {
        let turned = |by: usize| {
            let mut turned = State::default();
            for at in 0..self.n {
                turned[(at + by) % self.n] = state[at].turned(by as u8, self.n as u8);
            }
            turned
        };
        (0..self.n).map(turned).min().expect("at least one node")
    }

    fn put(&self, state: &mut State, member: &Member<Place>, pending: Pending) {
        state[number(member.me())] = Node::of(member, pending);
    }

    /// Tells `next.0` what an operation asks for; a notification to the dead is dropped.
    fn follow(&self, state: &mut State, me: usize, next: Next<Place>) {
        match next {
            Next::Query(candidate) => state[me].pending = Pending::Query(number(candidate) as u8),
            Next::Notify(node) if state[number(node)].lives() => {
                state[number(node)].pending = Pending::Rectify(me as u8);
            }
            Next::Notify(_) | Next::Nothing => {}
        }
    }

    /// The state after a step, if the step can be taken.
    pub fn after(&self, state: &State, step: Step) -> Option<State> {
        let mut new = *state;
        match step {
            Step::Join { node, via } => {
                if state[node].lives() || !state[via].lives() {
                    return None;
                }
                let via = self.member(state, via);
                let list = via.successors().as_slice();
                let joined = Member::join(place(node), self.r, via.me(), list)?;
                self.put(&mut new, &joined, Pending::Nothing);
            }
            Step::StabilizeFromSuccessor(at) => {
                if !state[at].lives() || state[at].pending != Pending::Nothing {
                    return None;
                }
                let mut member = self.member(state, at);
                let head = member.successors().first()?;
                let next = if head == member.me() {
                    member.stabilize_alone()
                } else if state[number(head)].lives() {
                    let asked = self.member(state, number(head));
                    let list = asked.successors().as_slice();
                    member.stabilize_from_successor(head, list, asked.predecessor()).1
                } else {
                    let next = member.successor_failed();
                    self.pad(&mut member);
                    next
                };
                self.put(&mut new, &member, Pending::Nothing);
                self.follow(&mut new, at, next);
            }
            Step::StabilizeFromPredecessor(at) => {
                let Pending::Query(candidate) = state[at].pending else { return None };
                let mut member = self.member(state, at);
                let next = if state[usize::from(candidate)].lives() {
                    let asked = self.member(state, candidate.into());
                    member.stabilize_from_predecessor(asked.me(), asked.successors().as_slice()).1
                } else {
                    member.notify()
                };
                self.put(&mut new, &member, Pending::Nothing);
                self.follow(&mut new, at, next);
            }
            Step::Rectify(at) => {
                let Pending::Rectify(from) = state[at].pending else { return None };
                let mut member = self.member(state, at);
                if let Rectified::Check(old) = member.rectify(place(from.into()))
                    && !state[number(old)].lives()
                {
                    member.predecessor_failed();
                    member.rectify(place(from.into()));
                }
                self.put(&mut new, &member, Pending::Nothing);
            }
            Step::Fail(at) => {
                if !state[at].lives() || !self.may_fail(state, at) {
                    return None;
                }
                new[at] = Node::default();
            }
        }
        Some(new)
    }

    fn pad(&self, member: &mut Member<Place>) {
        let mut list = member.successors().as_slice().to_vec();
        if self.pad && list.len() < self.r {
            let last = list.last().copied().unwrap_or(member.me());
            list.push(place((number(last) + 1) % self.n));
            *member = Member::with_pointers(member.me(), self.r, member.predecessor(), &list);
        }
    }

    /// What the environment promises: everybody keeps a live successor, and of the principal members
    /// r + 1 stay.
    fn may_fail(&self, state: &State, at: usize) -> bool {
        let others = (0..self.n).filter(|i| *i != at && state[*i].lives());
        let keeps = |i: usize| {
            let list = &state[i].list[..usize::from(state[i].len)];
            list.iter().any(|e| usize::from(*e) != at && state[usize::from(*e)].lives())
        };
        let mut others = others;
        others.all(keeps) && {
            let members = self.members(state);
            let principals = Snapshot::new(&members).principals();
            let mine = members.iter().position(|member| number(member.me()) == at);
            !self.base
                || mine.is_some_and(|mine| !principals[mine])
                || principals.iter().filter(|is| **is).count() > self.r + 1
        }
    }

    /// Every step there is, possible or not.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for node in 0..self.n {
            let joins = (0..self.n).filter(|via| *via != node);
            steps.extend(joins.map(|via| Step::Join { node, via }));
            steps.extend([
                Step::StabilizeFromSuccessor(node),
                Step::StabilizeFromPredecessor(node),
                Step::Rectify(node),
                Step::Fail(node),
            ]);
        }
        steps
    }

    /// Everything that is wrong with a state.
    pub fn check(&self, state: &State) -> Vec<invariants::Violation<Place>> {
        invariants::check(&self.members(state), self.r)
    }

    pub fn is_ideal(&self, state: &State) -> bool {
        Snapshot::new(&self.members(state)).is_ideal()
    }

    /// Every live node does what it has to, once and in turn.
    pub fn fair_round(&self, state: &mut State) {
        for at in 0..self.n {
            let round = [
                Step::StabilizeFromPredecessor(at),
                Step::Rectify(at),
                Step::StabilizeFromSuccessor(at),
                Step::StabilizeFromPredecessor(at),
            ];
            for step in round {
                *state = self.after(state, step).unwrap_or(*state);
            }
        }
    }

    /// How many fair rounds it takes to the ideal ring, and that it stays so.
    pub fn rounds_to_ideal(&self, state: &State, most: usize) -> Option<usize> {
        let mut state = *state;
        for rounds in 0..=most {
            if self.is_ideal(&state) {
                return Some(rounds);
            }
            self.fair_round(&mut state);
        }
        None
    }

    /// Everything that can be reached from the ideal rings of r + 1 nodes: visits each state once, up
    /// to turns of the ring.
    pub fn explore(&self, mut visit: impl FnMut(&State)) -> Explored {
        let (mut seen, mut queue) = (Seen::new(), VecDeque::new());
        let mut transitions = 0;
        for nodes in sets_up_to_rotation(self.n, self.r + 1) {
            let state = self.canonical(&self.ideal(&nodes));
            if seen.insert(&state) {
                queue.push_back(state);
            }
        }
        let steps = self.steps();
        while let Some(state) = queue.pop_front() {
            visit(&state);
            for step in &steps {
                let Some(next) = self.after(&state, *step) else { continue };
                transitions += 1;
                let next = self.canonical(&next);
                if seen.insert(&next) {
                    queue.push_back(next);
                }
            }
        }
        Explored { states: seen.len(), transitions }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explored {
    pub states: usize,
    pub transitions: usize,
}

/// Explores all states: the invariants hold in each, and from each the ring becomes ideal when nothing
/// more joins or goes, and stays so. Returns what was explored, and the most fair rounds that took.
pub fn prove(rules: Rules) -> (Explored, usize) {
    let mut longest = 0;
    let explored = rules.explore(|state| {
        assert_eq!(rules.check(state), [], "{state:?}");
        let rounds = rules.rounds_to_ideal(state, 12);
        longest = longest.max(rounds.unwrap_or_else(|| panic!("never ideal: {state:?}")));
        if rounds == Some(0) {
            let mut later = *state;
            (0..3).for_each(|_| rules.fair_round(&mut later));
            assert_eq!(rules.members(&later), rules.members(state), "the ideal ring stays");
        }
    });
    (explored, longest)
}
