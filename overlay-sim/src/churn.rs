//! Peers that come and go: drawn from a model, or as a trace says.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::{BTreeMap, BinaryHeap};

use overlay_peer::{Pcg32, Peer, Time, input_seed};

use crate::distribution::{Distribution, secs, unit};
use crate::{PeerIndex, Store, World};

mod trace;

pub use trace::{ChurnTraceError, ChurnTraceErrorKind};

/// How long peers stay and stay away, each peer by itself: an alternating renewal process.
#[derive(Clone, Debug, PartialEq)]
pub struct ChurnModel {
    /// How long a peer is up at a time, in seconds.
    pub sessions: Distribution,
    /// How long it is away in between, in seconds.
    pub pauses: Distribution,
    /// The share of sessions, 0 to 1, that end with leave-taking; the others end in a crash.
    pub graceful: f64,
    /// Who is up at the start.
    pub start: Start,
}

/// Who is up when churn starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Everyone, and each in a session that starts then.
    AllUp,
    /// Nobody; each has just left.
    AllDown,
    /// Everyone is as someone finds them who comes by long after: up with the probability of their
    /// share of uptime, and in the middle of a session or pause. Without it, a run with long-tailed
    /// sessions takes very long until its numbers are steady.
    #[default]
    Steady,
}

/// Something that happens to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChurnEvent {
    /// When.
    pub at: Time,
    /// To whom.
    pub peer: PeerIndex,
    /// What.
    pub change: Change,
}

/// What happens to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It comes back.
    Up,
    /// It vanishes without a word.
    Crash,
    /// It takes its leave.
    Leave,
}

/// The comings and goings of a network, an iterator in the order of time, of one time in the order
/// of peers. It is without end if it is drawn from a model; takes 16 bytes a peer.
///
/// [`run`](Self::run) applies it to a world.
pub struct Churn {
    /// The shift of all times.
    start: Time,
    source: Source,
    next: Option<ChurnEvent>,
}

enum Source {
    Drawn(Drawn),
    Trace {
        events: std::vec::IntoIter<ChurnEvent>,
        /// What each peer does first.
        first: BTreeMap<PeerIndex, Change>,
    },
}

struct Drawn {
    model: ChurnModel,
    /// Of sessions and of pauses.
    means: (f64, f64),
    seed: u64,
    availability: Option<Box<dyn Fn(PeerIndex) -> f64>>,
    /// Microseconds, peer, and the number of the peer's event: even ones bring it up.
    queue: BinaryHeap<Reverse<(u64, u32, u32)>>,
}

impl Churn {
    /// Nobody comes or goes.
    pub fn none() -> Self {
        Self::from_events(Vec::new())
    }

    /// Draws the comings and goings of the peers numbered 0 to `peers` − 1. What a peer does follows
    /// from the seed and its number alone.
    pub fn drawn(model: ChurnModel, peers: u32, seed: u64) -> Self {
        Self::from_model(model, peers, seed, None)
    }

    /// The same for unequal peers: the pauses of each are made longer or shorter, so that it is up
    /// for the share of the time that `availability` says (see [`Profile`](crate::Profile)).
    pub fn drawn_by_availability(
        model: ChurnModel,
        peers: u32,
        seed: u64,
        availability: impl Fn(PeerIndex) -> f64 + 'static,
    ) -> Self {
        let availability: Box<dyn Fn(PeerIndex) -> f64> = Box::new(availability);
        Self::from_model(model, peers, seed, Some(availability))
    }

    fn from_model(
        model: ChurnModel,
        peers: u32,
        seed: u64,
        availability: Option<Box<dyn Fn(PeerIndex) -> f64>>,
    ) -> Self {
        let means = (model.sessions.mean(), model.pauses.mean());
        let queue = BinaryHeap::new();
        let mut drawn = Drawn { model, means, seed, availability, queue };
        let first: Vec<_> = (0..peers).map(|peer| Reverse(drawn.first(peer))).collect();
        drawn.queue = first.into();
        Self { start: Time::ZERO, source: Source::Drawn(drawn), next: None }
    }

    /// What the caller says happens. Events of one time are in the order of peers.
    pub fn from_events(mut events: Vec<ChurnEvent>) -> Self {
        events.sort();
        let mut first = BTreeMap::new();
        for event in &events {
            first.entry(event.peer).or_insert(event.change);
        }
        let source = Source::Trace { events: events.into_iter(), first };
        Self { start: Time::ZERO, source, next: None }
    }

    /// Reads a trace: an event a line, `seconds peer change`, with blanks or commas between them; the
    /// change is `up`, `crash` or `leave`, and `down` is a crash. Fractions of a second count down to
    /// microseconds. Lines that are empty or start with `#` do not count, and the order of lines does
    /// not matter.
    ///
    /// # Errors
    /// A line is none of that.
    pub fn parse_trace(text: &[u8]) -> Result<Self, ChurnTraceError> {
        trace::parse(text).map(Self::from_events)
    }

    /// The same, but everything happens so much later: time 0 of the model or trace is `start`.
    pub fn starting_at(self, start: Time) -> Self {
        Self { start, ..self }
    }

    /// Whether a peer is up when churn starts: in a trace, whether it does not come up first.
    pub fn starts_up(&self, peer: PeerIndex) -> bool {
        match &self.source {
            Source::Drawn(drawn) => drawn.first(peer.0).2 % 2 == 1,
            Source::Trace { first, .. } => first.get(&peer) != Some(&Change::Up),
        }
    }

    /// When something happens next.
    pub fn next_at(&mut self) -> Option<Time> {
        if self.next.is_none() {
            self.next = self.next();
        }
        self.next.map(|event| event.at)
    }

    /// Runs a world until `end` (included) while its peers come and go.
    ///
    /// - A peer that comes up is handed to `join`, which [revives](World::revive) it with the state
    ///   it had or a fresh one, and commands it to join.
    /// - A peer that takes its leave is handed to `leave`, which commands it to; then its process
    ///   ends. What it has sent by then still leaves its host.
    /// - A peer that crashes [fails](World::fail).
    ///
    /// Who does not [start up](Self::starts_up) should be down when this is called first: it is for
    /// the caller to [fail](World::fail) them once they are added.
    pub fn run<P: Peer, S: Store>(
        &mut self,
        world: &mut World<P, S>,
        end: Time,
        mut join: impl FnMut(&mut World<P, S>, PeerIndex),
        mut leave: impl FnMut(&mut World<P, S>, PeerIndex),
    ) {
        while self.next_at().is_some_and(|at| at <= end)
            && let Some(ChurnEvent { at, peer, change }) = self.next()
        {
            world.run_until(at);
            match change {
                Change::Up => join(world, peer),
                Change::Crash => world.fail(peer),
                Change::Leave => {
                    leave(world, peer);
                    world.shut_down(peer);
                }
            }
        }
        world.run_until(end);
    }
}

impl Iterator for Churn {
    type Item = ChurnEvent;

    fn next(&mut self) -> Option<ChurnEvent> {
        if let Some(event) = self.next.take() {
            return Some(event);
        }
        let event = match &mut self.source {
            Source::Drawn(drawn) => drawn.next(),
            Source::Trace { events, .. } => events.next(),
        }?;
        Some(ChurnEvent { at: self.start + event.at.since(Time::ZERO), ..event })
    }
}

impl Drawn {
    fn rng(&self, peer: u32, number: u32) -> Pcg32 {
        let stream = input_seed(self.seed, peer, 0x6368_7572_0000_0000 | u64::from(number));
        Pcg32::new(stream, stream.rotate_left(32))
    }

    /// A peer's first event.
    fn first(&self, peer: u32) -> (u64, u32, u32) {
        let mut rng = self.rng(peer, 0);
        let (up, rest) = match self.model.start {
            Start::AllUp => (true, self.model.sessions.sample_secs(&mut rng)),
            Start::AllDown => (false, self.pause(peer, self.model.pauses.sample(&mut rng))),
            Start::Steady => {
                let up = unit(&mut rng) < self.share_up(peer);
                let rest = match up {
                    true => self.model.sessions.sample_rest_secs(&mut rng),
                    false => self.pause(peer, self.model.pauses.sample_rest(&mut rng)),
                };
                (up, rest)
            }
        };
        (rest.as_micros() as u64, peer, if up { 1 } else { 2 })
    }

    fn share_up(&self, peer: u32) -> f64 {
        if let Some(availability) = &self.availability {
            return availability(PeerIndex(peer));
        }
        let (up, away) = self.means;
        if up.is_infinite() { 1.0 } else { up / (up + away) }
    }

    /// A pause drawn from the model, as long as it is for this peer.
    fn pause(&self, peer: u32, seconds: f64) -> Duration {
        let stretched = match &self.availability {
            Some(availability) => {
                let share = availability(PeerIndex(peer)).clamp(0.0, 1.0);
                let away = self.means.0 * (1.0 - share) / share;
                seconds * (away / self.means.1)
            }
            None => seconds,
        };
        secs(stretched)
    }
}

impl Iterator for Drawn {
    type Item = ChurnEvent;

    fn next(&mut self) -> Option<ChurnEvent> {
        let Reverse((at, peer, number)) = self.queue.pop()?;
        let mut rng = self.rng(peer, number);
        let (change, length) = if number % 2 == 0 {
            (Change::Up, self.model.sessions.sample_secs(&mut rng))
        } else {
            let seconds = self.model.pauses.sample(&mut rng);
            let graceful = unit(&mut rng) < self.model.graceful;
            (if graceful { Change::Leave } else { Change::Crash }, self.pause(peer, seconds))
        };
        // At least a microsecond, so that time goes on whatever the model says.
        let next = at.saturating_add((length.as_micros() as u64).max(1));
        self.queue.push(Reverse((next, peer, number.wrapping_add(1))));
        Some(ChurnEvent { at: Time::from_micros(at), peer: PeerIndex(peer), change })
    }
}

impl core::fmt::Debug for Churn {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut debug = f.debug_struct("Churn");
        match &self.source {
            Source::Drawn(drawn) => debug.field("model", &drawn.model),
            Source::Trace { events, .. } => debug.field("events", &events.len()),
        };
        debug.finish_non_exhaustive()
    }
}
