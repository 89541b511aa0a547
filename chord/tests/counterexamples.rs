//! The traces that break the published protocol, and the same schedules under the corrected one.
//! Identifiers are 0 < 1 < 2 < 3 and so on, lists have two entries, and the ring starts with node 0.
//!
//! J joins, S stabilizes (and its successor is notified), R reconciles, U updates after its successor
//! failed, L flushes its failed predecessor, F fails.

mod model;

use overlay_chord::interval::between;
use overlay_chord::invariants::Violation;
use overlay_chord::published::Pointers;

use model::shared::{Rules, Step};
use model::{Place, number, place};

/// A property claimed of the published protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Broken {
    AtLeastOneRing,
    AtMostOneRing,
    OrderedRing,
    ConnectedAppendages,
    OrderedAppendages,
    OrderedMerges,
    ValidSuccessorList,
}

/// Whether a node looks whether others live before it takes pointers to them over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Liveness {
    Unchecked,
    Checked,
}

struct Published {
    nodes: Vec<Option<Pointers<Place>>>,
    liveness: Liveness,
}

impl Published {
    fn new(n: usize, liveness: Liveness) -> Self {
        let mut nodes = vec![None; n];
        nodes[0] = Some(Pointers::alone(place(0)));
        Self { nodes, liveness }
    }

    fn lives(&self, at: Place) -> bool {
        self.nodes[number(at)].is_some()
    }

    /// Takes one step, such as "J3". Says whether it could be taken.
    fn step(&mut self, step: &str) -> bool {
        let at: usize = step[1..].parse().expect("a number");
        let checked = self.liveness == Liveness::Checked;
        match &step[..1] {
            "J" => {
                // Whoever it belongs behind; the nearest, if there are several.
                let mut hosts: Vec<_> = self.nodes.iter().flatten().copied().collect();
                hosts.sort_by_key(|host| {
                    (at + self.nodes.len() - number(host.me)) % self.nodes.len()
                });
                let joined = hosts.iter().find_map(|host| Pointers::join(place(at), host));
                let joined = joined.filter(|new| !checked || self.lives(new.successor));
                if self.nodes[at].is_some() || joined.is_none() {
                    return false;
                }
                self.nodes[at] = joined;
            }
            "S" => {
                let Some(mut node) = self.nodes[at] else { return false };
                let Some(successor) = self.nodes[number(node.successor)] else { return false };
                let candidate = successor.predecessor.filter(|p| !checked || self.lives(*p));
                node.stabilize(candidate);
                self.nodes[at] = Some(node);
                if let Some(successor) = &mut self.nodes[number(node.successor)] {
                    successor.notified(node.me);
                }
            }
            "R" => {
                let Some(node) = self.nodes[at] else { return false };
                let Some(successor) = self.nodes[number(node.successor)] else { return false };
                if let Some(node) = &mut self.nodes[at] {
                    node.reconcile(successor.successor);
                }
            }
            "U" => {
                let Some(node) = self.nodes[at] else { return false };
                if self.lives(node.successor) {
                    return false;
                }
                return self.nodes[at].as_mut().is_some_and(Pointers::update);
            }
            "L" => match self.nodes[at].and_then(|node| node.predecessor) {
                Some(predecessor) if !self.lives(predecessor) => {
                    self.nodes[at].iter_mut().for_each(Pointers::flush);
                }
                _ => return false,
            },
            "F" => return self.nodes[at].take().is_some(),
            other => panic!("no such step: {other}"),
        }
        true
    }

    /// The best successor: the first of the two that lives.
    fn best(&self, node: &Pointers<Place>) -> Option<Place> {
        [Some(node.successor), node.second].into_iter().flatten().find(|s| self.lives(*s))
    }

    /// Whoever comes from `start` along best successors, `start` left out, in order, without repeats.
    fn walk(&self, start: &Pointers<Place>) -> Vec<Place> {
        let (mut way, mut at) = (Vec::new(), self.best(start));
        while let Some(here) = at.filter(|here| !way.contains(here)) {
            way.push(here);
            at = self.nodes[number(here)].and_then(|node| self.best(&node));
        }
        way
    }

    fn ring(&self) -> Vec<Place> {
        let members = self.nodes.iter().flatten();
        members.filter(|node| self.walk(node).contains(&node.me)).map(|node| node.me).collect()
    }

    fn broken(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        let ring = self.ring();
        let members: Vec<_> = self.nodes.iter().flatten().copied().collect();
        let of = |at: Place| self.nodes[number(at)].expect("lives");
        if ring.is_empty() {
            broken.push(Broken::AtLeastOneRing);
        }
        if ring.iter().any(|a| ring.iter().any(|b| !self.walk(&of(*a)).contains(b))) {
            broken.push(Broken::AtMostOneRing);
        }
        let skips = |a: Place, among: &[Place]| {
            let next = self.best(&of(a));
            next.is_some_and(|next| among.iter().any(|x| between(a, *x, next)))
        };
        if ring.iter().any(|a| skips(*a, &ring)) {
            broken.push(Broken::OrderedRing);
        }
        let appendages = members.iter().filter(|node| !ring.contains(&node.me));
        for node in appendages.clone() {
            let way = self.walk(node);
            let Some(merge) = way.iter().find(|at| ring.contains(at)) else {
                broken.push(Broken::ConnectedAppendages);
                continue;
            };
            // Along the way to the ring, the member of the ring included.
            let end = way.iter().position(|at| at == merge).unwrap_or(0);
            if skips(node.me, &way[..=end]) {
                broken.push(Broken::OrderedAppendages);
            }
            let next = self.best(node);
            if next == Some(*merge) && ring.iter().any(|x| between(node.me, *x, *merge)) {
                broken.push(Broken::OrderedMerges);
            }
        }
        for node in &members {
            // What a list skips must not be in the list of anyone who leads there.
            let list = [Some(node.me), Some(node.successor), node.second];
            let pairs = list.windows(2).filter_map(|pair| pair[0].zip(pair[1]));
            let skipped: Vec<_> = pairs
                .flat_map(|(a, b)| members.iter().filter(move |x| between(a, x.me, b)))
                .map(|x| x.me)
                .collect();
            let leads_here = members.iter().filter(|other| self.walk(other).contains(&node.me));
            let mut known = leads_here.flat_map(|m| [Some(m.successor), m.second]).flatten();
            if known.any(|entry| skipped.contains(&entry)) {
                broken.push(Broken::ValidSuccessorList);
            }
        }
        broken.sort();
        broken.dedup();
        broken
    }

    /// Everybody does everything, again and again: whether `what` is mended then.
    fn heals(&mut self, what: Broken) -> bool {
        for _ in 0..20 {
            for at in 0..self.nodes.len() {
                for kind in ["U", "L", "S", "R"] {
                    self.step(&format!("{kind}{at}"));
                }
            }
        }
        !self.broken().contains(&what)
    }
}

/// What is broken, by which trace, whether liveness is checked, and whether upkeep alone mends it.
///
/// The last two break the ring in fewer steps, although liveness is checked. Node 3 still has the earlier
/// life of node 1 as its predecessor there and finds its way back through it, so they heal here. (Without
/// that luck the one before them is lost for good.)
const TRACES: [(Broken, &str, Liveness, bool); 9] = {
    use Broken::*;
    use Liveness::*;
    [
        (OrderedMerges, "J3 S3 S0 J1 J2 S1 S2 S0", Checked, true),
        (OrderedAppendages, "J1 J2 J3 S2 S0 S3 S1 R2 R3 F0 U2 U3 L3 S3", Checked, true),
        (ValidSuccessorList, "J2 S2 S0 J1 R1 J3 S3 S2 R0 S1 S0 F2 U1", Checked, true),
        (ConnectedAppendages, "J2 S2 S0 R0 F2 J1 U0", Unchecked, false),
        (AtLeastOneRing, "J2 S2 S0 J1 S1 F1 S0 L2", Unchecked, false),
        (AtLeastOneRing, "J1 S1 F1 S0", Unchecked, false),
        (AtMostOneRing, "J2 S2 S0 R0 R2 J1 S1 S0 J3 S3 S2 F1 F3 U0 U2", Checked, false),
        (OrderedRing, "J1 J3 S3 S1 F1 J1 S0 R1 J2 R3 F0 U3 J0 S0", Checked, true),
        (AtMostOneRing, "J1 J3 S3 S1 F1 J1 S0 J2 R3 S0 R1 F0", Checked, true),
    ]
};

#[test]
fn the_published_protocol_breaks_as_stated() {
    for (broken, trace, liveness, heals) in TRACES {
        let mut ring = Published::new(4, liveness);
        let mut before = Vec::new();
        for step in trace.split(' ') {
            before = ring.broken();
            // To flush a predecessor that lives after all changes nothing.
            assert!(ring.step(step) || step.starts_with('L'), "{trace}: {step} is not possible");
        }
        let after = ring.broken();
        assert!(after.contains(&broken), "{trace}: {after:?}");
        println!("{broken:?} by {trace}: before the last step {before:?}, then {after:?}");
        assert_eq!(ring.heals(broken), heals, "{trace}");
    }
}

/// With liveness checked, too, two rings stay two.
#[test]
fn the_published_protocol_with_two_rings_never_has_one_again() {
    let mut ring = Published::new(4, Liveness::Checked);
    for step in TRACES[6].1.split(' ') {
        ring.step(step);
    }
    assert!(!ring.heals(Broken::AtMostOneRing));
    assert_eq!(ring.ring(), [place(0), place(2)], "each on its own");
}

/// The same joins, failures and upkeep under the corrected protocol, wherever the r + 1 members that do
/// not fail lie between the four nodes of the trace.
#[test]
fn the_corrected_protocol_survives_the_same_schedules() {
    const NODES: usize = 7;
    let mut schedules = 0;
    for (_, trace, _, _) in TRACES {
        for set in 0..1_u32 << NODES {
            let (traced, base): (Vec<_>, Vec<_>) = (0..NODES).partition(|at| set & 1 << at != 0);
            if traced.len() == 4 {
                survives(trace, &traced, &base);
                schedules += 1;
            }
        }
    }
    assert_eq!(schedules, 9 * 35);
}

fn survives(trace: &str, traced: &[usize], base: &[usize]) {
    let rules = Rules::shipped(7, 2);
    let mut nodes = base.to_vec();
    nodes.push(traced[0]);
    nodes.sort();
    let mut state = rules.ideal(&nodes);
    let (mut joined, mut failed) = (0, 0);
    for step in trace.split(' ') {
        let node = traced[step[1..].parse::<usize>().expect("a number")];
        let steps = match &step[..1] {
            "J" => (0..7).map(|via| Step::Join { node, via }).collect(),
            "F" => vec![Step::Fail(node)],
            // What the published protocol does in four operations are two here, with rectify.
            _ => vec![
                Step::Rectify(node),
                Step::StabilizeFromSuccessor(node),
                Step::StabilizeFromPredecessor(node),
            ],
        };
        for step in steps {
            let Some(next) = rules.after(&state, step) else { continue };
            joined += u32::from(matches!(step, Step::Join { .. }));
            failed += u32::from(matches!(step, Step::Fail(_)));
            state = next;
            assert_eq!(rules.check(&state), [], "{trace} {traced:?}: {step:?}");
        }
    }
    let count = |kind| trace.split(' ').filter(|step| step.starts_with(kind)).count() as u32;
    // Of those that join again some find their place taken by their own earlier life for a while.
    assert!(joined + 1 >= count('J'), "{trace} {traced:?}: {joined} joined");
    assert!(failed + 1 >= count('F'), "{trace} {traced:?}: {failed} failed");
    assert!(rules.rounds_to_ideal(&state, 6).is_some(), "{trace} {traced:?}");
}

/// Why a ring has to start with r + 1 members that stay: without them two rings form.
#[test]
fn without_a_stable_base_the_corrected_protocol_breaks_too() {
    use Step::*;
    let rules = Rules { base: false, ..Rules::padded(4, 2) };
    let mut state = rules.ideal(&[0]);
    let trace = [
        Join { node: 2, via: 0 },
        StabilizeFromSuccessor(2),
        Rectify(0),
        StabilizeFromSuccessor(0),
        StabilizeFromPredecessor(0),
        Join { node: 1, via: 0 },
        Fail(2),
        StabilizeFromSuccessor(1),
        Join { node: 2, via: 1 },
        StabilizeFromSuccessor(2),
        Fail(0),
    ];
    for step in trace {
        state = rules.after(&state, step).unwrap_or_else(|| panic!("{step:?}: {state:?}"));
    }
    let lists: Vec<Vec<usize>> = rules
        .members(&state)
        .iter()
        .map(|member| member.successors().as_slice().iter().map(|p| number(*p)).collect())
        .collect();
    assert_eq!(lists, [[0, 1], [0, 2]], "1 and 2 each follow only themselves");
    let (one, other) = (place(1), place(2));
    assert!(rules.check(&state).contains(&Violation::TwoRings { one, other }));
    // With the base, the environment may not let node 2 fail in the first place.
    let kept = Rules { base: true, ..rules };
    let mut state = kept.ideal(&[0]);
    for step in &trace[..6] {
        state = kept.after(&state, *step).expect("as before");
    }
    assert_eq!(kept.after(&state, Fail(2)), None);
}
