//! Everything of a world but its peers: what their effects act upon.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use natsim::{Device, Protocol};
use overlay_peer::{Address, Pcg32, Peer, Reason, StoreError, Ticket, Time, Wire};
use rand_core::Rng;

use crate::capture::Capture;
use crate::downlink::Downlink;
use crate::event::{Body, Control, Event, Key};
use crate::failure::below;
use crate::half_edge::{Flag, HalfEdge};
use crate::hosts::Hosts;
use crate::link::{Links, NO_LINK, NatPath, Rare};
use crate::names::{Destination, Names};
use crate::queue::Queue;
use crate::trace::Trace;
use crate::{Cause, Config, LinkLoad, Metrics, PeerIndex, Underlay};

/// A backlog of so many bytes is not kept for each link: where links have little to carry, a host's
/// uplink has a backlog, and its links need no memory for theirs.
const SHORT: u64 = 16 << 10;

pub(crate) struct Core<P: Peer, S> {
    pub(crate) config: Config,
    pub(crate) tick: u64,
    pub(crate) tick_micros: u64,
    pub(crate) hosts: Hosts,
    pub(crate) links: Links<P::Message>,
    pub(crate) devices: Vec<NatDevice>,
    pub(crate) names: Names,
    pub(crate) queue: Queue<Event<P::Message>>,
    /// Peer and timer number.
    pub(crate) timers: Queue<(u32, u32)>,
    pub(crate) emitted: Vec<(Time, PeerIndex, P::Event)>,
    pub(crate) metrics: Metrics,
    pub(crate) trace: Trace,
    /// How often each peer that has ever come back did, and the timers of such peers: peer, timer,
    /// and how often it had come back when it asked.
    pub(crate) lives: BTreeMap<u32, u32>,
    pub(crate) later_timers: Queue<(u32, u32, u32)>,
    /// Each peer's side of a partition.
    pub(crate) groups: Option<Vec<u32>>,
    /// By peer, up to the last one whose download speed is limited.
    pub(crate) downlinks: Vec<Downlink>,
    /// Where what arrives is written down, if it is.
    pub(crate) capture: Option<Box<Capture>>,
    /// By cause, if the world is configured to keep them.
    pub(crate) loads: Vec<LinkLoad>,
    pub(crate) rng: Pcg32,
    pub(crate) scratch: BytesMut,
    pub(crate) store: S,
}

#[derive(Clone, Debug)]
pub(crate) struct NatDevice {
    pub(crate) device: Device,
    /// The first host behind it: where the device stands, and the receiver of packets whose host
    /// only the device can tell.
    pub(crate) home: u32,
}

impl<P: Peer, S> Core<P, S> {
    pub(crate) fn now(&self) -> Time {
        Time::from_micros(self.tick * self.tick_micros)
    }

    pub(crate) fn now_micros(&self) -> u64 {
        self.tick * self.tick_micros
    }

    /// The first tick that is not before `micros`.
    pub(crate) fn tick_at(&self, micros: u64) -> u64 {
        micros.div_ceil(self.tick_micros)
    }

    pub(crate) fn ticks(&self, delay: core::time::Duration) -> u64 {
        self.tick_at(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX / 4)).max(1)
    }

    pub(crate) fn control(
        &mut self,
        tick: u64,
        receiver: u32,
        link: u32,
        cause: Cause,
        control: Control<P::Message>,
    ) {
        let body = Body::Control(Box::new(control));
        self.queue.push(tick, Event { key: Key::new(receiver, link, cause), body });
    }

    fn delay(&self, from: u32, to: u32) -> u64 {
        let (from, to) = (self.hosts.place(from), self.hosts.place(to));
        self.config.underlay.delay(from, to).as_micros() as u64
    }

    /// The physical links between two hosts carry a message.
    fn carry(&mut self, from: u32, to: u32, bytes: usize, cause: Cause) {
        if let Underlay::Routed { network, .. } = &self.config.underlay {
            let place = |host: u32| self.hosts.place(host).as_number();
            while self.loads.len() <= usize::from(cause.0) {
                self.loads.push(LinkLoad::new(network.clone()));
            }
            self.loads[usize::from(cause.0)].carry(place(from), place(to), bytes);
        }
    }

    /// Queues `bytes` on a host's uplink; when the last of them will have left, in microseconds.
    fn transmit(&mut self, from: u32, bytes: usize) -> u64 {
        let (now, upload) = (self.now_micros(), self.hosts.upload(from));
        let host = &mut self.hosts[from];
        let start = host.uplink_free.max(now);
        host.uplink_free = start + (bytes as u64 * 1_000_000).div_ceil(upload);
        host.uplink_free
    }

    /// The source address that a packet from `from` to `to` has outside.
    fn source(&mut self, from: u32, to: Address, protocol: Protocol) -> Option<Address> {
        let now = self.now();
        let address = self.hosts.address(from);
        let Some(device) = self.hosts.device(from) else { return Some(address) };
        if self.names.inside(device, to).is_some() {
            return Some(address);
        }
        self.devices[device as usize].device.outbound(protocol, address, to, now).ok()
    }

    /// Where a packet goes, and which host's position it travels to.
    fn route(&self, from: u32, to: Address) -> (Destination, Option<u32>) {
        match self.names.resolve(self.hosts.device(from), to, &self.hosts) {
            Destination::Device(device) => {
                (Destination::Device(device), Some(self.devices[device as usize].home))
            }
            Destination::Host(host) => (Destination::Host(host), Some(host)),
            Destination::ClosedPort(host) => (Destination::ClosedPort(host), Some(host)),
            Destination::Nobody => (Destination::Nobody, None),
        }
    }

    /// What a host's NAT has to be told about a link to `remote`, if one is on the way.
    pub(crate) fn path(&self, host: u32, outside: Address, remote: Address) -> Option<NatPath> {
        let device = self.hosts.device(host)?;
        let direct = self.names.inside(device, remote).is_some();
        (!direct).then_some(NatPath { outside, remote })
    }

    /// What a host's NAT was told about a link.
    pub(crate) fn nat_path(&self, host: u32, link: u32) -> Option<NatPath> {
        self.rare(host, link)?.nat
    }

    pub(crate) fn edge(&self, host: u32, link: u32) -> Option<&HalfEdge> {
        self.links.get(self.hosts[host].links, link)
    }

    pub(crate) fn edge_mut(&mut self, host: u32, link: u32) -> Option<&mut HalfEdge> {
        self.links.get_mut(self.hosts[host].links, link)
    }

    pub(crate) fn rare(&self, host: u32, link: u32) -> Option<&Rare<P::Message>> {
        self.links.rare(host, self.hosts[host].links, link)
    }

    pub(crate) fn make_rare(&mut self, host: u32, link: u32) -> Option<&mut Rare<P::Message>> {
        self.links.make_rare(host, self.hosts[host].links, link)
    }

    /// Gives a host one more end of a link; its number.
    pub(crate) fn insert(&mut self, host: u32, edge: HalfEdge, nat: Option<NatPath>) -> u32 {
        let link = self.links.insert(&mut self.hosts[host].links, edge);
        if nat.is_some()
            && let Some(rare) = self.make_rare(host, link)
        {
            rare.nat = nat;
        }
        link
    }

    /// The second packet of a TCP handshake passes a host's NAT: out of the accepting side's, into
    /// the connecting side's. From then on the NAT holds the connection for established.
    pub(crate) fn establish(&mut self, host: u32, path: &NatPath, inbound: bool) {
        let now = self.now();
        let inside = self.hosts.address(host);
        let Some(device) = self.hosts.device(host) else { return };
        let nat = &mut self.devices[device as usize].device;
        // The first packet of the handshake has just passed the other way, so this one does.
        if inbound {
            let _ = nat.outbound(Protocol::Tcp, inside, path.remote, now);
        } else {
            let _ = nat.inbound(Protocol::Tcp, path.remote, path.outside, now);
        }
    }

    /// The host that a packet arriving for `to` is for, if its NAT lets it in.
    pub(crate) fn admit(
        &mut self,
        receiver: u32,
        source: Address,
        to: Address,
        protocol: Protocol,
    ) -> Option<u32> {
        let now = self.now();
        match self.names.device_at(to.ip()) {
            // Addressed to the device's public side.
            Some(device) => {
                let nat = &mut self.devices[device as usize].device;
                let inside = nat.inbound(protocol, source, to, now).ok()?;
                self.names.inside(device, inside)
            }
            None => Some(receiver),
        }
    }

    pub(crate) fn connect(&mut self, from: u32, to: Address, cause: Cause) -> overlay_peer::Link {
        let give_up = self.tick + self.ticks(self.config.connect_timeout);
        let (destination, near) = self.route(from, to);
        let delay = near.map_or(0, |near| self.delay(from, near));
        let source = self.source(from, to, Protocol::Tcp);
        let source = source.filter(|_| near.is_none_or(|near| !self.is_cut(from, near)));
        let edge = HalfEdge::connecting(near.unwrap_or(from), delay);
        let nat = source.and_then(|outside| self.path(from, outside, to));
        let raw = self.insert(from, edge, nat);
        let arrival = self.tick_at(self.now_micros() + delay);
        match (destination, near, source) {
            (Destination::ClosedPort(_), _, Some(_)) => {
                let answer = self.tick_at(self.now_micros() + 2 * delay);
                self.control(answer, from, raw, cause, Control::Failed(Reason::Refused));
            }
            (Destination::Host(_) | Destination::Device(_), Some(receiver), Some(source)) => {
                let connect = Control::Connect { from, from_link: raw, source, to, give_up };
                self.control(arrival, receiver, NO_LINK, cause, connect);
            }
            _ => self.control(give_up, from, raw, cause, Control::Failed(Reason::Unreachable)),
        }
        overlay_peer::Link::from_raw(raw)
    }

    pub(crate) fn send(&mut self, from: u32, link: u32, message: P::Message, cause: Cause) {
        let bytes = message.encoded_len();
        let open = |edge: &&HalfEdge| edge.is(Flag::OPEN);
        let Some(&edge) = self.edge(from, link).filter(open) else {
            self.metrics.dropped += 1;
            return;
        };
        let queued = self.queued(from, link) + bytes;
        let sent_at = self.transmit(from, bytes);
        let ahead = (sent_at - self.now_micros()).saturating_mul(self.hosts.upload(from));
        if (ahead > SHORT * 1_000_000 || edge.has_rare())
            && let Some(rare) = self.make_rare(from, link)
        {
            rare.sent_at = sent_at;
        }
        if queued > self.config.congested_above && !edge.is(Flag::CONGESTED) {
            if let Some(edge) = self.edge_mut(from, link) {
                edge.set(Flag::CONGESTED, true);
            }
            if queued <= self.config.queue_limit {
                self.control(self.tick + 1, from, link, cause, Control::Congested);
            }
        }
        if queued > self.config.queue_limit {
            return self.close_slow(from, link, cause);
        }
        if self.config.link_load {
            self.carry(from, edge.other(), bytes, cause);
        }
        let arrival = self.tick_at(sent_at + edge.delay());
        let key = Key::new(edge.other(), edge.other_link(), cause);
        self.queue.push(arrival, Event { key, body: Body::Message(message) });
    }

    /// When the last byte sent on a link will have left; of a link that never had a long backlog, the
    /// latest that can be.
    pub(crate) fn sent_at(&self, from: u32, link: u32) -> u64 {
        let now = self.now_micros();
        let short = (SHORT * 1_000_000).div_ceil(self.hosts.upload(from));
        let soon = self.hosts[from].uplink_free.min(now + short);
        self.rare(from, link).map_or(soon, |rare| rare.sent_at).max(now)
    }

    /// Bytes sent on a link that have not left yet or that the other side has paused. Other links of
    /// the same host share its uplink, so what is ahead of this link's last byte counts too. A link
    /// that never had [`SHORT`] bytes ahead of it has none.
    pub(crate) fn queued(&self, from: u32, link: u32) -> usize {
        let Some(rare) = self.rare(from, link) else { return 0 };
        let backlog = rare.sent_at.saturating_sub(self.now_micros());
        let bytes = u128::from(backlog) * u128::from(self.hosts.upload(from)) / 1_000_000;
        rare.unread.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// The other side does not keep up: both lose the link.
    pub(crate) fn close_slow(&mut self, from: u32, link: u32, cause: Cause) {
        self.control(self.tick + 1, from, link, cause, Control::Closed(Reason::Slow));
        if let Some(&edge) = self.edge(from, link) {
            let arrival = self.tick_at(self.now_micros() + edge.delay());
            let (other, other_link) = (edge.other(), edge.other_link());
            self.control(arrival, other, other_link, cause, Control::Closed(Reason::Remote));
        }
    }

    pub(crate) fn close(&mut self, from: u32, link: u32, cause: Cause) {
        let last = self.sent_at(from, link);
        let Some(edge) = self.remove(from, link) else { return };
        if edge.is(Flag::OPEN) {
            let arrival = self.tick_at(last + edge.delay());
            let closed = Control::Closed(Reason::Remote);
            self.control(arrival, edge.other(), edge.other_link(), cause, closed);
        }
    }

    /// Takes an end of a link away from its host: what it had paused no longer weighs on the other end,
    /// and its NAT may forget it.
    pub(crate) fn remove(&mut self, host: u32, link: u32) -> Option<HalfEdge> {
        let (edge, rare) = self.links.remove(&mut self.hosts[host].links, host, link)?;
        if let (Some(path), Some(device)) = (rare.nat, self.hosts.device(host)) {
            let (now, inside) = (self.now(), self.hosts.address(host));
            self.devices[device as usize].device.closed(inside, path.remote, now);
        }
        let other = self.hosts[edge.other()].links;
        self.links.change_rare(edge.other(), other, edge.other_link(), |other| other.unread = 0);
        Some(edge)
    }

    /// Schedules the notice that a link is writable, unless the other side has paused it.
    pub(crate) fn notify_writable(&mut self, from: u32, link: u32, cause: Cause) {
        if self.edge(from, link).is_none() {
            return;
        }
        let (unread, sent_at) =
            self.rare(from, link).map_or((0, 0), |rare| (rare.unread, rare.sent_at));
        if unread > self.config.writable_below {
            return;
        }
        let below = self.config.writable_below as u64;
        let short = below.saturating_mul(1_000_000) / self.hosts.upload(from);
        let tick = self.tick_at(sent_at.saturating_sub(short));
        self.control(tick, from, link, cause, Control::Writable);
    }

    pub(crate) fn send_datagram(
        &mut self,
        from: u32,
        to: Address,
        message: P::Message,
        cause: Cause,
    ) {
        let bytes = message.encoded_len();
        let sent_at = self.transmit(from, bytes);
        let source = self.source(from, to, Protocol::Udp);
        let (destination, near) = self.route(from, to);
        if let (true, Some(near)) = (self.config.link_load, near) {
            self.carry(from, near, bytes, cause);
        }
        let lost = self.happens(self.config.datagram_loss)
            || near.is_some_and(|near| self.is_cut(from, near));
        match (destination, near, source) {
            (Destination::Host(_) | Destination::Device(_), Some(receiver), Some(source))
                if !lost =>
            {
                let arrival = sent_at + self.delay(from, receiver);
                if self.happens(self.config.datagram_duplicates) {
                    let message = message.clone();
                    let datagram = Control::Datagram { from, source, to, message };
                    let late = self.detour();
                    let tick = self.tick_at(arrival + late);
                    self.control(tick, receiver, NO_LINK, cause, datagram);
                }
                let datagram = Control::Datagram { from, source, to, message };
                let late = self.detour();
                let tick = self.tick_at(arrival + late);
                self.control(tick, receiver, NO_LINK, cause, datagram);
            }
            _ => self.metrics.dropped += 1,
        }
    }

    /// Whether what happens in this share of cases happens now.
    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && f64::from(self.rng.next_u32()) < share * 4_294_967_296.0
    }

    /// By how many microseconds a datagram is late beyond the underlay's delay.
    fn detour(&mut self) -> u64 {
        let (jitter, hold) = (self.config.datagram_jitter, self.config.datagram_hold);
        let mut late = 0;
        if !jitter.is_zero() {
            late += below(&mut self.rng, jitter.as_micros() as u64 + 1);
        }
        if self.happens(self.config.datagram_reorder) {
            late += hold.as_micros() as u64;
        }
        late
    }

    pub(crate) fn stored(
        &mut self,
        peer: u32,
        outcome: Result<Bytes, StoreError>,
        cause: Cause,
    ) -> Ticket {
        let ticket = self.hosts.next_ticket(peer);
        let tick = self.tick + self.ticks(self.config.store_delay);
        self.control(tick, peer, NO_LINK, cause, Control::Stored { ticket, outcome });
        ticket
    }
}
