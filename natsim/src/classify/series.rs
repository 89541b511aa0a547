//! Requests that may stay unanswered for ever, beside requests that must not.

use core::net::SocketAddr;
use core::time::Duration;

use alloc::vec::Vec;

use overlay_peer::Time;

use super::exchange::{Ask, Exchanges, Heard, ProbeId, What};
use super::{Reason, SocketId};

/// A request of a series, sent anew in every round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) socket: SocketId,
    pub(super) to: SocketAddr,
    pub(super) ask: Ask,
}

/// What would end the silence.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    /// A response from there, on this socket.
    From { source: SocketAddr, on: SocketId },
    /// The request itself, on this socket.
    Itself { on: SocketId },
    /// Nothing: it is not known where an answer should come from. What comes says why.
    Nothing,
}

/// How a series ended, or would end now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What was expected arrived.
    Heard,
    /// It did not, and that is no accident.
    Silent,
    /// It can not be told, or something else came.
    Unclear(Reason),
}

/// Rounds of a request that may be filtered and one that may not (the control), in random order.
#[derive(Debug)]
pub(super) struct Series {
    tests: Vec<(Request, Expect)>,
    controls: Vec<Request>,
    sent_tests: Vec<(ProbeId, Expect)>,
    sent_controls: Vec<ProbeId>,
    rounds: u32,
    next: Time,
    last: Time,
    over: bool,
}

/// As many rounds as RFC 8489 sends requests (Rc).
const ROUNDS: u32 = 7;
/// As many where packets are lost.
const MOST_ROUNDS: u32 = 48;
/// Less likely than this, silence is no accident.
const ACCIDENT: f64 = 1e-4;

impl Series {
    pub(super) fn new(tests: Vec<(Request, Expect)>, controls: Vec<Request>, start: Time) -> Self {
        Self {
            tests,
            controls,
            sent_tests: Vec::new(),
            sent_controls: Vec::new(),
            rounds: 0,
            next: start,
            last: start,
            over: false,
        }
    }

    /// When to look again; `None`: it is over.
    pub(super) fn poll(&mut self, net: &mut Exchanges, now: Time, deadline: Time) -> Option<Time> {
        if self.over || self.settled(net) {
            self.over = true;
            return None;
        }
        let wait = self.patience(net);
        if now >= deadline || (self.rounds >= MOST_ROUNDS && now >= self.last + wait) {
            self.over = true;
            return None;
        }
        if self.rounds >= ROUNDS && now >= self.last + wait && self.outcome(net) == Outcome::Silent
        {
            self.over = true;
            return None;
        }
        if now >= self.next && self.rounds < MOST_ROUNDS {
            self.send(net, now);
            // 0, 100, 300, 700, then every 400 ms; once as many as without loss were sent, and
            // answers are missing, every 100 ms.
            self.next = now
                + match self.rounds {
                    1 => Duration::from_millis(100),
                    2 => Duration::from_millis(200),
                    3..ROUNDS => Duration::from_millis(400),
                    // Perhaps it is only late.
                    ROUNDS => wait,
                    _ => Duration::from_millis(100),
                };
        }
        let next = if self.rounds < MOST_ROUNDS { self.next } else { self.last + wait };
        Some(next.min(deadline))
    }

    /// What can be said now.
    pub(super) fn outcome(&self, net: &Exchanges) -> Outcome {
        let mut stray = None;
        for (id, expect) in &self.sent_tests {
            for heard in net.heard(*id) {
                if expect.is_met_by(heard) {
                    return Outcome::Heard;
                }
                match (heard.what, expect) {
                    (What::Refused { code }, _) => stray = Some(Reason::Refused { code }),
                    (What::Success { .. }, Expect::From { .. } | Expect::Nothing) => {
                        let from = heard.from;
                        stray = stray.or(Some(Reason::UnexpectedSource { from }));
                    }
                    _ => {}
                }
            }
        }
        if let Some(reason) = stray {
            return Outcome::Unclear(reason);
        }
        let (sent, answered) = self.control(net);
        let tries = self.sent_tests.len() as u32;
        if tries >= ROUNDS && accident(sent, answered, tries) < ACCIDENT {
            Outcome::Silent
        } else {
            Outcome::Unclear(Reason::Loss { sent, answered })
        }
    }

    /// How many controls were sent, and how many of them were answered.
    fn control(&self, net: &Exchanges) -> (u32, u32) {
        let answered = self.sent_controls.iter().filter(|id| net.answer(**id).is_some()).count();
        (self.sent_controls.len() as u32, answered as u32)
    }

    /// Whether more rounds would tell no more.
    fn settled(&self, net: &Exchanges) -> bool {
        let tells = |heard: &Heard, expect: &Expect| {
            expect.is_met_by(heard)
                || matches!(heard.what, What::Refused { .. })
                || matches!((heard.what, expect), (What::Success { .. }, Expect::Nothing))
        };
        let mut tests = self.sent_tests.iter();
        tests.any(|(id, expect)| net.heard(*id).iter().any(|heard| tells(heard, expect)))
    }

    /// How long to wait for what was sent last.
    fn patience(&self, net: &Exchanges) -> Duration {
        (net.slowest() * 3).clamp(Duration::from_millis(800), Duration::from_millis(2_000))
    }

    fn send(&mut self, net: &mut Exchanges, now: Time) {
        let tests = self.tests.iter().map(|(request, expect)| (*request, Some(*expect)));
        let controls = self.controls.iter().map(|request| (*request, None));
        let mut round: Vec<_> = tests.chain(controls).collect();
        net.shuffle(&mut round);
        for (Request { socket, to, ask }, expect) in round {
            let id = net.send(now, socket, to, ask);
            match expect {
                Some(expect) => self.sent_tests.push((id, expect)),
                None => self.sent_controls.push(id),
            }
        }
        self.rounds += 1;
        self.last = now;
    }
}

impl Expect {
    fn is_met_by(&self, heard: &Heard) -> bool {
        match (self, heard.what) {
            (Self::From { source, on }, What::Success { .. }) => {
                (heard.from, heard.on) == (*source, *on)
            }
            (Self::Itself { on }, What::Request) => heard.on == *on,
            _ => false,
        }
    }
}

/// How likely it is to lose so many requests or their answers, where so many of others were lost: with
/// Laplace's rule of succession.
fn accident(sent: u32, answered: u32, tries: u32) -> f64 {
    let lost = f64::from(sent - answered + 1) / f64::from(sent + 2);
    (0..tries).fold(1.0, |product, _| product * lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_means_more_the_more_controls_are_answered() {
        assert!(accident(7, 7, 7) < 1e-6);
        assert!(accident(7, 6, 7) < ACCIDENT);
        assert!(accident(7, 4, 7) > ACCIDENT);
        assert!(accident(7, 0, 7) > 0.2);
        // One of two packets lost each way: it takes about forty.
        assert!(accident(20, 5, 20) > ACCIDENT);
        assert!(accident(44, 11, 44) < ACCIDENT);
        assert!(accident(0, 0, 0) >= 1.0);
    }
}
