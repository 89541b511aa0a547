//! The first step: every socket asks the primary address who it is, one shortly after the other.

use core::net::SocketAddr;
use core::time::Duration;

use alloc::vec::Vec;

use overlay_peer::Time;

use super::exchange::{Exchange, Exchanges, Standing};
use super::socket::Asked;
use super::{Fresh, Reason};
use crate::stun::Schedule;

#[derive(Debug)]
pub(super) struct Learn {
    start: Time,
    exchanges: Vec<(Fresh, Exchange)>,
}

/// What the first step found.
#[derive(Debug)]
pub(super) struct Learned {
    /// The sockets that were answered, in the order they asked in.
    pub(super) asked: Vec<Asked>,
    /// The server's other address, where all answers name the same useful one.
    pub(super) other: Result<SocketAddr, Reason>,
    /// Why there is no answer, where there is none.
    pub(super) silence: Reason,
}

/// Apart enough to arrive in order.
const GAP: Duration = Duration::from_millis(10);
/// As long as RFC 8489 waits with an RTO of 100 ms, with a request every 800 ms instead of the last
/// ones.
const SCHEDULE: Schedule = Schedule {
    first: Duration::from_millis(100),
    longest: Duration::from_millis(800),
    sends: 12,
    last: Duration::from_millis(800),
};
/// After this the answers there are have to do, if they are enough.
const LONG: Duration = Duration::from_millis(3_300);
/// For the filter, hairpin and the mapping.
pub(super) const ENOUGH: usize = 5;

impl Learn {
    pub(super) fn new(sockets: Vec<Fresh>, server: SocketAddr, start: Time) -> Self {
        let mut at = start;
        let exchanges = sockets.into_iter().map(|fresh| {
            let exchange = Exchange::new(fresh.id, server, SCHEDULE, at);
            at += GAP;
            (fresh, exchange)
        });
        Self { start, exchanges: exchanges.collect() }
    }

    /// When to look again; `None`: it is over.
    pub(super) fn poll(&mut self, net: &mut Exchanges, now: Time) -> Option<Time> {
        let (mut next, mut answered) = (None, 0);
        for (_, exchange) in &mut self.exchanges {
            match exchange.poll(net, now) {
                Standing::Waiting(until) => {
                    next = Some(next.map_or(until, |next: Time| next.min(until)))
                }
                Standing::Answered { .. } => answered += 1,
                Standing::Failed(_) => {}
            }
        }
        let late = self.start + LONG;
        match answered >= ENOUGH {
            true if now >= late => None,
            true => next.map(|next| next.min(late)),
            false => next,
        }
    }

    pub(super) fn finish(self, net: &mut Exchanges, now: Time, server: SocketAddr) -> Learned {
        let mut learned = Learned {
            asked: Vec::new(),
            other: Err(Reason::NoOtherAddress),
            silence: Reason::NoAnswer,
        };
        let mut others: Vec<Option<SocketAddr>> = Vec::new();
        for (fresh, mut exchange) in self.exchanges {
            let Fresh { id, local } = fresh;
            match exchange.poll(net, now) {
                Standing::Answered { mapped, other } => {
                    learned.asked.push(Asked { id, local, mapped });
                    others.push(other);
                }
                Standing::Failed(reason @ (Reason::Refused { .. } | Reason::NoMappedAddress)) => {
                    learned.silence = reason;
                }
                Standing::Failed(_) | Standing::Waiting(_) => {
                    if let reason @ Reason::UnexpectedSource { .. } = exchange.failure(net) {
                        learned.silence = reason;
                    }
                }
            }
        }
        if let Some(Some(first)) = others.first().copied() {
            let steady = others.iter().all(|other| *other == Some(first));
            let useful = first.ip() != server.ip()
                && first.port() != server.port()
                && first.port() != 0
                && first.is_ipv4() == server.is_ipv4()
                && !first.ip().is_unspecified()
                && !first.ip().is_multicast();
            learned.other = if steady && useful {
                Ok(first)
            } else {
                Err(Reason::UselessOtherAddress { address: first })
            };
        }
        learned
    }
}
