//! The whole classification: learn, be silent, go elsewhere.

use core::net::SocketAddr;
use core::time::Duration;

use alloc::vec::Vec;

use overlay_peer::Time;

use super::destinations::{Destinations, Other, Seen};
use super::exchange::{Exchanges, canonical};
use super::learn::Learn;
use super::report::Evidence;
use super::series::Outcome;
use super::silence::{Silence, Silences};
use super::socket::Asked;
use super::{Discovery, Fresh, Reason, Report, SocketId, Transmit, Verdict, allocation};

/// What to ask whom.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The STUN server.
    pub server: SocketAddr,
    /// Another server, at another IP address, for where this one names no other address of its own or
    /// that does not answer. It tells endpoint-independent mapping from the rest.
    pub alternate: Option<SocketAddr>,
    /// Whether to speak RFC 3489: no magic cookie, MAPPED-ADDRESS, CHANGED-ADDRESS.
    pub classic: bool,
    /// Where transaction ids come from. Take it from the system's generator: who can guess it can
    /// answer in the server's place.
    pub seed: [u8; 16],
}

/// Finds out what the NAT between here and a server does: see the [module](super).
///
/// ```
/// use natsim::classify::{Classifier, Discovery, Fresh, Reason, Settings, SocketId, Verdict};
/// use overlay_peer::Time;
///
/// let settings = Settings {
///     server: "192.0.2.1:3478".parse()?,
///     alternate: None,
///     classic: false,
///     seed: *b"from the system!",
/// };
/// // The driver bound these, each at a port that the system chose.
/// let bound = (0..).zip([40_123, 51_024, 38_877]);
/// let sockets = bound.map(|(number, port)| {
///     Fresh::new(SocketId(number), ([10, 0, 0, 2], port).into())
/// });
/// let mut classifier = Classifier::new(settings, sockets.collect(), None, Time::ZERO);
///
/// // A driver whose packets all get lost.
/// let mut now = Time::ZERO;
/// while !classifier.is_done() {
///     while let Some(_datagram) = classifier.transmit(now) {}
///     now = classifier.wake();
/// }
/// assert_eq!(classifier.report().nat, Verdict::Unknown(Reason::NoAnswer));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Classifier {
    settings: Settings,
    net: Exchanges,
    start: Time,
    now: Time,
    wake: Time,
    stage: Stage,
    collision: Option<[Fresh; 2]>,
    /// For the mapping, and for once more.
    mapping: Vec<Asked>,
    report: Report,
    evidence: Evidence,
    done: bool,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a classifier has one, which moves twice")]
enum Stage {
    Learn(Learn),
    Silence(Silence),
    Destinations(Destinations),
    Done,
}

impl Classifier {
    /// So many sockets are best.
    pub const SOCKETS: usize = 16;
    /// It is over after this time at the latest.
    pub const LONGEST: Duration = Duration::from_secs(13);

    /// Asks with these sockets, in this order; at least five, better [`SOCKETS`](Self::SOCKETS), bound
    /// at ports that the system chose at random (ports in a row would hide what the NAT does to them).
    /// `collision`: a socket at each of two local addresses, both at the same port.
    pub fn new(
        settings: Settings,
        sockets: Vec<Fresh>,
        collision: Option<[Fresh; 2]>,
        now: Time,
    ) -> Self {
        let settings = Settings {
            server: canonical(settings.server),
            alternate: settings.alternate.map(canonical),
            ..settings
        };
        let server = settings.server;
        let untried = Reason::NoAnswer;
        let evidence = Evidence {
            server,
            other: Err(untried),
            several: false,
            silences: Silences::untried(untried),
            seen: Seen::untried(untried),
        };
        Self {
            settings,
            net: Exchanges::new(settings.seed, settings.classic),
            start: now,
            now,
            wake: now,
            stage: Stage::Learn(Learn::new(sockets, server, now)),
            collision,
            mapping: Vec::new(),
            report: Report::nothing(untried),
            evidence,
            done: false,
        }
    }

    /// What was found so far; all of it once it [is done](Discovery::is_done).
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Whether the server sends answers to other ports, which [`Lifetime`](super::Lifetime) needs.
    pub fn obeys_response_port(&self) -> bool {
        self.evidence.silences.reflected == Outcome::Heard
    }

    fn advance(&mut self, now: Time) {
        self.now = self.now.max(now);
        let now = self.now;
        loop {
            let next = match &mut self.stage {
                Stage::Learn(learn) => learn.poll(&mut self.net, now),
                Stage::Silence(silence) => silence.poll(&mut self.net, now),
                Stage::Destinations(destinations) => {
                    let reflects = self.evidence.silences.reflected == Outcome::Heard;
                    destinations.poll(&mut self.net, now, reflects)
                }
                Stage::Done => Some(Time::MAX),
            };
            if let Some(next) = next {
                self.wake = next;
                return;
            }
            self.stage = match core::mem::replace(&mut self.stage, Stage::Done) {
                Stage::Learn(learn) => self.learned(learn),
                Stage::Silence(silence) => {
                    self.evidence.silences = silence.finish(&self.net);
                    self.go_elsewhere()
                }
                Stage::Destinations(destinations) => self.went(destinations),
                Stage::Done => Stage::Done,
            };
        }
    }

    /// From the first step to the second.
    fn learned(&mut self, learn: Learn) -> Stage {
        let server = self.settings.server;
        let learned = learn.finish(&mut self.net, self.now, server);
        let asked = learned.asked;
        self.evidence.other =
            learned.other.map(|address| Other { address, named: true }).or_else(|reason| {
                let alternate = self.settings.alternate.ok_or(reason)?;
                Ok(Other { address: alternate, named: false })
            });
        let Some(first) = asked.first() else {
            self.report = Report::nothing(learned.silence);
            return self.over();
        };

        self.evidence.several = asked.iter().any(|one| one.mapped.ip() != first.mapped.ip());
        let is_local = |one: &Asked| canonical(one.local) == one.mapped;
        let nat = if first.local.ip().is_unspecified() {
            Verdict::Unknown(Reason::NoLocalAddress)
        } else {
            Verdict::Known(!asked.iter().all(is_local))
        };
        let preserved = allocation::preservation(&asked);
        self.report = Report {
            nat,
            port_preservation: preserved,
            parity: allocation::parity(&asked),
            stride: match (nat, preserved) {
                (Verdict::Known(false), _) => Verdict::Unknown(Reason::NoNat),
                (_, Verdict::Known(true)) => Verdict::Unknown(Reason::PortsPreserved),
                _ => allocation::stride(&asked),
            },
            mapped: Some(first.mapped),
            ..Report::nothing(Reason::OutOfTime)
        };

        let count = asked.len() as u32;
        let sockets = asked.len();
        let mut rest = asked.into_iter();
        self.mapping = rest.by_ref().take(if sockets > 5 { 2 } else { 1 }).collect();
        let (Some(a), Some(b)) = (rest.next(), rest.next()) else {
            self.evidence.silences = Silences::untried(Reason::FewPorts { count });
            return self.go_elsewhere();
        };
        let pair = match (rest.next(), rest.next()) {
            (Some(a), Some(b)) if nat != Verdict::Known(false) => Some([a, b]),
            _ => None,
        };
        let other = self.evidence.other.ok().filter(|other| other.named);
        let other = other.map(|other| other.address);
        let deadline =
            (self.now + Duration::from_millis(5_500)).min(self.start + Duration::from_secs(10));
        Stage::Silence(Silence::new(server, other, [a, b], pair, (self.now, deadline)))
    }

    /// From the second step to the third.
    fn go_elsewhere(&mut self) -> Stage {
        let (Ok(other), Some(socket)) = (self.evidence.other, self.mapping.pop()) else {
            return self.over();
        };
        let silent = |outcome| outcome == Outcome::Silent;
        let wanted = [silent(self.evidence.silences.both), silent(self.evidence.silences.port)];
        let collision = self.collision.take();
        self.evidence.seen = Seen::untried(Reason::OutOfTime);
        let time = (self.now, self.start + Self::LONGEST);
        Stage::Destinations(Destinations::new(
            self.settings.server,
            other,
            socket,
            wanted,
            collision,
            time,
        ))
    }

    /// From the third step to the end, or to the third again with the address that was given by hand.
    fn went(&mut self, destinations: Destinations) -> Stage {
        self.evidence.seen = destinations.finish(&mut self.net, self.now);
        let silent = matches!(self.evidence.other, Ok(Other { named: true, .. }))
            && self.evidence.seen.other.is_err();
        if silent
            && self.now < self.start + Self::LONGEST
            && let (Some(alternate), Some(_)) = (self.settings.alternate, self.mapping.last())
        {
            self.conclude();
            let filtering = self.report.filtering;
            self.evidence.other = Ok(Other { address: alternate, named: false });
            let stage = self.go_elsewhere();
            self.report.filtering = filtering;
            return stage;
        }
        self.over()
    }

    fn over(&mut self) -> Stage {
        if self.report.mapped.is_some() {
            self.conclude();
        }
        self.done = true;
        Stage::Done
    }

    fn conclude(&mut self) {
        let nat = self.report.nat;
        let mapping = match (nat, self.evidence.mapping()) {
            // What is not translated towards one destination and not seen at others.
            (Verdict::Known(false), Verdict::Unknown(reason)) if !moved(reason) => {
                Verdict::Known(crate::Mapping::EndpointIndependent)
            }
            (_, mapping) => mapping,
        };
        self.report.filtering = self.evidence.filtering(nat, mapping);
        // Where each socket may have another address, one socket whose address stayed, or changed once,
        // may be an accident.
        let mapping = match mapping.known() {
            Some(crate::Mapping::AddressAndPortDependent) | None => mapping,
            Some(_) if self.evidence.several => Verdict::Unknown(Reason::SeveralAddresses),
            Some(_) => mapping,
        };
        self.report.mapping = mapping;
        self.report.hairpin = self.evidence.hairpin(nat, mapping, self.report.filtering);
        self.report.collision = self.evidence.collision(mapping);
    }
}

/// Whether an unknown mapping was seen to be not always the same.
const fn moved(reason: Reason) -> bool {
    matches!(reason, Reason::Unsteady | Reason::Dependent | Reason::PortDependent)
}

impl Discovery for Classifier {
    fn transmit(&mut self, now: Time) -> Option<Transmit> {
        if let Some(transmit) = self.net.pop() {
            return Some(transmit);
        }
        // What is nobody's answer has no effect at all, not even on when things are looked at.
        if now >= self.wake {
            self.advance(now);
        }
        self.net.pop()
    }

    fn receive(&mut self, now: Time, socket: SocketId, from: SocketAddr, datagram: &[u8]) {
        if !self.done {
            self.now = self.now.max(now);
            if self.net.receive(self.now, socket, from, datagram) {
                self.wake = self.now;
            }
        }
    }

    fn wake(&self) -> Time {
        self.wake
    }

    fn is_done(&self) -> bool {
        self.done
    }
}
