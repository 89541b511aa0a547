//! The shipped machine, [`Maintenance`], with messages in flight: they arrive in any order, timers go
//! off at any time, nodes come and go in between.
//!
//! What the protocol node adds to the machine, and what stands for it here: a datagram that is a question
//! is repeated until it is answered or the node asked is dead, so it always ends in an answer or in
//! `Dead`; an answer counts only for the question that is under way, which the protocol node tells by
//! its number (here, an answer to a node that no longer waits for it is dropped when that happens, so
//! that states do not differ by numbers); notifications may get lost where a channel is full; a nudge
//! only sets a timer, and timers go off at any time anyway.

use std::collections::VecDeque;

use overlay_chord::invariants::{Snapshot, Violation, check};
use overlay_chord::{Answer, Effect, Maintenance, Member};

use super::{Place, Seen, ideal_ring, number, place, sets_up_to_rotation};

#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Nodes.
    pub n: usize,
    /// Entries of a successor list.
    pub r: usize,
    /// Messages that one node may have under way to another.
    pub channel: usize,
}

/// How often the environment may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    pub joins: u8,
    pub fails: u8,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seat {
    Out,
    /// Asked this node for its pointers, to join behind it.
    Joining(Place),
    In(Maintenance<Place>),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Msg {
    Pointers,
    Ping,
    Notify,
    Reply { predecessor: Option<Place>, successors: Vec<Place> },
    Busy,
    Pong,
    NotMember,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sent {
    pub to: usize,
    pub from: usize,
    pub msg: Msg,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub seats: Vec<Seat>,
    /// In order of receiver, sender and content, as no other order is known to anyone.
    pub sent: Vec<Sent>,
    /// What may still happen.
    pub left: Bounds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Deliver(usize),
    Stabilize(usize),
    Join { node: usize, via: usize },
    Fail(usize),
}

impl Msg {
    fn is_answer(&self) -> bool {
        matches!(self, Self::Reply { .. } | Self::Busy | Self::Pong | Self::NotMember)
    }

    fn answer(&self) -> Option<Answer<'_, Place>> {
        match self {
            Self::Reply { predecessor, successors } => {
                Some(Answer::Pointers { predecessor: *predecessor, successors })
            }
            Self::Busy => Some(Answer::Busy),
            Self::Pong => Some(Answer::Alive),
            Self::NotMember => Some(Answer::Dead),
            _ => None,
        }
    }
}

impl Seat {
    pub fn machine(&self) -> Option<&Maintenance<Place>> {
        match self {
            Self::In(machine) => Some(machine),
            _ => None,
        }
    }

    /// The seat after this message, as far as pointers go; `None` if it changes none.
    fn with(&self, sent: &Sent, r: usize) -> Option<Self> {
        let from = place(sent.from);
        match (self, &sent.msg) {
            (Self::Joining(via), Msg::Reply { successors, .. }) if *via == from => {
                let member = Member::join(place(sent.to), r, from, successors)?;
                Some(Self::In(Maintenance::new(member)))
            }
            (Self::In(machine), msg) => {
                let mut machine = machine.clone();
                machine.answered(from, msg.answer()?, &mut Vec::new());
                Some(Self::In(machine))
            }
            _ => None,
        }
    }
}

impl Rules {
    /// The ideal ring of these nodes, the rest outside.
    pub fn start(&self, nodes: &[usize], left: Bounds) -> State {
        let mut seats = vec![Seat::Out; self.n];
        for member in ideal_ring(nodes, self.r) {
            let at = number(member.me());
            seats[at] = Seat::In(Maintenance::new(member));
        }
        State { seats, sent: Vec::new(), left }
    }

    pub fn steps(&self, state: &State) -> Vec<Step> {
        let mut steps: Vec<_> = (0..state.sent.len())
            .filter(|at| *at == 0 || state.sent[at - 1] != state.sent[*at])
            .map(Step::Deliver)
            .collect();
        for (node, seat) in state.seats.iter().enumerate() {
            match seat {
                Seat::Out if state.left.joins > 0 => {
                    let vias = (0..self.n).filter(|via| state.seats[*via].machine().is_some());
                    steps.extend(vias.map(|via| Step::Join { node, via }));
                }
                Seat::In(machine) => {
                    steps.extend(machine.asked().is_none().then_some(Step::Stabilize(node)));
                    steps.extend((state.left.fails > 0).then_some(Step::Fail(node)));
                }
                _ => {}
            }
        }
        steps
    }

    /// The state after a step; `None` if the environment does not allow it, or a channel is full.
    pub fn after(&self, state: &State, step: Step) -> Option<State> {
        let mut new = state.clone();
        match step {
            Step::Deliver(at) => {
                let sent = new.sent.remove(at);
                self.deliver(&mut new, &sent)?;
            }
            Step::Stabilize(node) => {
                self.run(&mut new, node, |machine, out| machine.stabilize(out))?;
            }
            Step::Join { node, via } => {
                new.left.joins -= 1;
                new.seats[node] = Seat::Joining(place(via));
                self.send(&mut new, node, via, Msg::Pointers)?;
            }
            Step::Fail(node) => {
                new.left.fails -= 1;
                self.remove(&mut new, node)?;
            }
        }
        Some(new)
    }

    fn remove(&self, state: &mut State, node: usize) -> Option<()> {
        if !self.may_go(state, node) {
            return None;
        }
        state.seats[node] = Seat::Out;
        // Even if it comes back, answers to what it asked before find nobody who has asked.
        state.sent.retain(|sent| {
            let asked = matches!(sent.msg, Msg::Pointers | Msg::Ping) && sent.from == node;
            !(asked || sent.msg.is_answer() && sent.to == node)
        });
        Some(())
    }

    fn deliver(&self, state: &mut State, sent: &Sent) -> Option<()> {
        let (to, from) = (sent.to, sent.from);
        match &sent.msg {
            Msg::Pointers | Msg::Ping => {
                let answer = match (&state.seats[to], &sent.msg) {
                    (Seat::In(_), Msg::Ping) => Msg::Pong,
                    (Seat::In(machine), _) => match machine.shown() {
                        Some(member) => Msg::Reply {
                            predecessor: member.predecessor(),
                            successors: member.successors().as_slice().to_vec(),
                        },
                        None => Msg::Busy,
                    },
                    (Seat::Joining(_), Msg::Pointers) => Msg::Busy,
                    _ => Msg::NotMember,
                };
                // Who asked may be gone, or have come back since.
                let waits = match &state.seats[from] {
                    Seat::Out => false,
                    Seat::Joining(via) => *via == place(to),
                    Seat::In(machine) => machine.asked() == Some(place(to)),
                };
                if waits { self.send(state, to, from, answer) } else { Some(()) }
            }
            Msg::Notify => self.run(state, to, |machine, out| machine.notified(place(from), out)),
            answer => match &state.seats[to] {
                Seat::Joining(_) => {
                    state.seats[to] = state.seats[to].with(sent, self.r).unwrap_or(Seat::Out);
                    self.run(state, to, |machine, out| machine.stabilize(out))
                }
                _ => {
                    let answer = answer.answer()?;
                    self.run(state, to, |machine, out| machine.answered(place(from), answer, out))
                }
            },
        }
    }

    /// One step of a member's machine, and what it asks for. Nothing, if it is no member.
    fn run(
        &self,
        state: &mut State,
        node: usize,
        step: impl FnOnce(&mut Maintenance<Place>, &mut Vec<Effect<Place>>),
    ) -> Option<()> {
        let Seat::In(machine) = &mut state.seats[node] else { return Some(()) };
        let mut effects = Vec::new();
        step(machine, &mut effects);
        for effect in effects {
            match effect {
                Effect::Ask(to) => self.send(state, node, number(to), Msg::Pointers)?,
                Effect::Ping(to) => self.send(state, node, number(to), Msg::Ping)?,
                Effect::Notify(to) => self.send(state, node, number(to), Msg::Notify)?,
                Effect::Isolated => panic!("{node} is isolated: {state:?}"),
                Effect::Nudge(_)
                | Effect::ListChanged
                | Effect::PredecessorChanged
                | Effect::Retry
                | Effect::Dead(_) => {}
            }
        }
        Some(())
    }

    fn send(&self, state: &mut State, from: usize, to: usize, msg: Msg) -> Option<()> {
        let sent = Sent { to, from, msg };
        let full =
            state.sent.iter().filter(|s| s.to == to && s.from == from).count() >= self.channel;
        if sent.msg == Msg::Notify && (full || state.sent.contains(&sent)) {
            return Some(());
        }
        if full {
            return None;
        }
        let at = state.sent.partition_point(|other| *other < sent);
        state.sent.insert(at, sent);
        Some(())
    }

    /// Each seat as it is once what is under way to it has arrived that is settled already: an answer
    /// counts from the moment it is given.
    pub fn settled(&self, state: &State) -> Vec<Seat> {
        let mut seats = state.seats.clone();
        for sent in state.sent.iter().filter(|sent| sent.msg.is_answer()) {
            if let Some(seat) = seats[sent.to].with(sent, self.r) {
                seats[sent.to] = seat;
            }
        }
        seats
    }

    /// What the environment promises, with messages in flight: whatever has arrived and whatever not,
    /// everybody keeps a live successor, and of the principal members r + 1 stay.
    fn may_go(&self, state: &State, node: usize) -> bool {
        let settled = self.settled(state);
        let lives = |p: Place| number(p) != node && settled[number(p)].machine().is_some();
        let keeps = |seat: &Seat| {
            seat.machine()
                .is_none_or(|m| m.member().successors().as_slice().iter().any(|p| lives(*p)))
        };
        for (at, seat) in state.seats.iter().enumerate().filter(|(at, _)| *at != node) {
            let under_way = state.sent.iter().filter(|sent| sent.to == at);
            let mut later = under_way.filter_map(|sent| seat.with(sent, self.r));
            if !keeps(seat) || !keeps(&settled[at]) || !later.all(|seat| keeps(&seat)) {
                return false;
            }
        }
        [&state.seats, &settled].into_iter().all(|seats| {
            let members: Vec<_> = members(seats).collect();
            let principals = Snapshot::new(members.iter().copied()).principals();
            let mine = members.iter().position(|member| number(member.me()) == node);
            mine.is_none_or(|mine| !principals[mine])
                || principals.iter().filter(|is| **is).count() > self.r + 1
        })
    }

    /// Everything that is wrong with the settled members.
    pub fn check(&self, state: &State) -> Vec<Violation<Place>> {
        check(members(&self.settled(state)), self.r)
    }

    pub fn is_ideal(&self, state: &State) -> bool {
        state.sent.is_empty() && Snapshot::new(members(&state.seats)).is_ideal()
    }

    /// Delivers everything, the oldest kind of order there is: by receiver. Then every member
    /// stabilizes, one after the other. Nothing joins or goes.
    pub fn fair_round(&self, state: &mut State) {
        let roomy = Self { channel: usize::MAX, ..*self };
        for node in 0..=self.n {
            let mut left = 1_000;
            while !state.sent.is_empty() && left > 0 {
                *state = roomy.after(state, Step::Deliver(0)).expect("a delivery is possible");
                left -= 1;
            }
            assert!(left > 0, "messages never end: {state:?}");
            if node < self.n && state.seats[node].machine().is_some_and(|m| m.asked().is_none()) {
                *state = roomy.after(state, Step::Stabilize(node)).expect("it waits for nobody");
            }
        }
    }

    pub fn rounds_to_ideal(&self, state: &State, most: usize) -> Option<usize> {
        let mut state = state.clone();
        for rounds in 0..=most {
            if self.is_ideal(&state) {
                return Some(rounds);
            }
            self.fair_round(&mut state);
        }
        None
    }
}

fn members(seats: &[Seat]) -> impl Iterator<Item = &Member<Place>> {
    seats.iter().filter_map(Seat::machine).map(Maintenance::member)
}

#[derive(Clone, Copy, Debug)]
pub struct Explored {
    pub states: usize,
    pub transitions: usize,
    /// The most fair rounds it took to the ideal ring, of the states that were tried.
    pub rounds: usize,
}

/// Every state that can be reached from the ideal rings of r + 1 nodes: the invariants hold in each, and
/// from every sixteenth the ring becomes ideal when nothing more joins or goes.
pub fn explore(rules: Rules, bounds: Bounds) -> Explored {
    let (mut seen, mut queue) = (Seen::new(), VecDeque::new());
    let mut explored = Explored { states: 0, transitions: 0, rounds: 0 };
    for nodes in sets_up_to_rotation(rules.n, rules.r + 1) {
        let state = rules.start(&nodes, bounds);
        seen.insert(&state);
        queue.push_back(state);
    }
    while let Some(state) = queue.pop_front() {
        assert_eq!(rules.check(&state), [], "{state:#?}");
        if explored.states.is_multiple_of(16) {
            let rounds = rules.rounds_to_ideal(&state, 12);
            let rounds = rounds.unwrap_or_else(|| panic!("never ideal: {state:#?}"));
            explored.rounds = explored.rounds.max(rounds);
        }
        explored.states += 1;
        for step in rules.steps(&state) {
            let Some(next) = rules.after(&state, step) else { continue };
            explored.transitions += 1;
            if seen.insert(&next) {
                queue.push_back(next);
            }
        }
    }
    explored
}
