//! The tests that may end in silence, side by side, before anything is sent to the server's other
//! address: the filter, and hairpin. And whether the server obeys RESPONSE-PORT, which is needed later.

use core::net::SocketAddr;

use alloc::vec;

use overlay_peer::Time;

use super::Reason;
use super::exchange::{Ask, Exchanges};
use super::series::{Expect, Outcome, Request, Series};
use super::socket::Asked;

#[derive(Debug)]
pub(super) struct Silence {
    deadline: Time,
    /// Answers from the other address and port.
    both: Series,
    /// Answers from the other port.
    port: Series,
    hairpin: Option<Series>,
    reflected: Option<Series>,
}

/// What came of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silences {
    pub(super) both: Outcome,
    pub(super) port: Outcome,
    pub(super) hairpin: Outcome,
    pub(super) reflected: Outcome,
}

impl Silences {
    /// Before anything was tried.
    pub(super) const fn untried(reason: Reason) -> Self {
        let untried = Outcome::Unclear(reason);
        Self { both: untried, port: untried, hairpin: untried, reflected: untried }
    }
}

impl Silence {
    /// Takes two sockets for the filter, and two for hairpin where there is a NAT.
    pub(super) fn new(
        server: SocketAddr,
        other: Option<SocketAddr>,
        filter: [Asked; 2],
        pair: Option<[Asked; 2]>,
        (now, deadline): (Time, Time),
    ) -> Self {
        let plain = |socket| Request { socket, to: server, ask: Ask::PLAIN };
        let [first, second] = filter;
        let changed = |asked: &Asked, ip, expected: Option<SocketAddr>| {
            let request = Request { socket: asked.id, to: server, ask: Ask::change(ip, true) };
            let expect =
                expected.map_or(Expect::Nothing, |source| Expect::From { source, on: asked.id });
            Series::new(vec![(request, expect)], vec![plain(asked.id)], now)
        };
        let other_port = other.map(|other| SocketAddr::new(server.ip(), other.port()));
        let hairpin = pair.as_ref().map(|[a, b]| {
            let to = |from: &Asked, to: &Asked| {
                let request = Request { socket: from.id, to: to.mapped, ask: Ask::PLAIN };
                (request, Expect::Itself { on: to.id })
            };
            Series::new(vec![to(a, b), to(b, a)], vec![plain(a.id), plain(b.id)], now)
        });
        let reflected = pair.as_ref().map(|[a, b]| {
            let ask = Ask { response_port: Some(b.mapped.port()), ..Ask::PLAIN };
            let request = Request { socket: a.id, to: server, ask };
            let expect = Expect::From { source: server, on: b.id };
            Series::new(vec![(request, expect)], vec![plain(a.id), plain(b.id)], now)
        });
        Self {
            deadline,
            both: changed(&first, true, other),
            port: changed(&second, false, other_port),
            hairpin,
            reflected,
        }
    }

    /// When to look again; `None`: it is over.
    pub(super) fn poll(&mut self, net: &mut Exchanges, now: Time) -> Option<Time> {
        let Self { deadline, both, port, hairpin, reflected } = self;
        let mut all = [Some(both), Some(port), hairpin.as_mut(), reflected.as_mut()];
        net.shuffle(&mut all);
        all.into_iter().flatten().filter_map(|series| series.poll(net, now, *deadline)).min()
    }

    pub(super) fn finish(self, net: &Exchanges) -> Silences {
        let of = |series: Option<Series>| {
            series.map_or(Outcome::Unclear(Reason::NotTested), |series| series.outcome(net))
        };
        Silences {
            both: self.both.outcome(net),
            port: self.port.outcome(net),
            hairpin: of(self.hairpin),
            reflected: of(self.reflected),
        }
    }
}
