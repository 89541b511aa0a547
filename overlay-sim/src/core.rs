//! Everything of a world but its peers: what their effects act upon.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::{Bytes, BytesMut};
use natsim::{Device, Protocol};
use overlay_peer::{Address, Pcg32, Peer, Reason, StoreError, Ticket, Time, Wire};
use rand_core::Rng;

use crate::capture::Capture;
use crate::downlink::Downlink;
use crate::failure::below;
use crate::host::Host;
use crate::link::{HalfEdge, Links, NatPath, State, slot};
use crate::queue::Queue;
use crate::trace::Trace;
use crate::{Cause, Config, LinkLoad, Metrics, PeerIndex, Underlay};

/// What stands for the link in events that belong to none.
pub(crate) const NO_LINK: u32 = u32::MAX;

pub(crate) struct Core<P: Peer, S> {
    pub(crate) config: Config,
    pub(crate) tick: u64,
    pub(crate) tick_micros: u64,
    pub(crate) hosts: Vec<HostState<P::Message>>,
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
pub(crate) struct HostState<M: Wire> {
    pub(crate) host: Host,
    pub(crate) device: Option<u32>,
    pub(crate) alive: bool,
    /// Inputs the peer has had, for the seed of the next one's randomness.
    pub(crate) inputs: u64,
    /// When the uplink is idle again, in microseconds.
    pub(crate) uplink_free: u64,
    pub(crate) next_ticket: u32,
    pub(crate) links: Links<M>,
}

#[derive(Clone, Debug)]
pub(crate) struct NatDevice {
    pub(crate) device: Device,
    /// The first host behind it: where the device stands, and the receiver of packets whose host
    /// only the device can tell.
    pub(crate) home: u32,
}

/// Who answers at an address. Lookups only, nothing iterates in an order that could differ.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    open: BTreeMap<Address, u32>,
    devices: BTreeMap<IpAddr, u32>,
    inside: BTreeMap<(u32, Address), u32>,
}

#[derive(Clone, Debug)]
pub(crate) struct Event<M> {
    pub(crate) receiver: u32,
    pub(crate) link: u32,
    pub(crate) cause: Cause,
    pub(crate) body: Body<M>,
}

#[derive(Clone, Debug)]
pub(crate) enum Body<M> {
    Message(M),
    Control(Box<Control<M>>),
}

#[derive(Clone, Debug)]
pub(crate) enum Control<M> {
    /// A connect reaches the other side (or its NAT).
    Connect {
        from: u32,
        from_link: u32,
        source: Address,
        to: Address,
        give_up: u64,
    },
    Accepted {
        other: u32,
        other_link: u32,
        to: Address,
    },
    Failed(Reason),
    Closed(Reason),
    /// What has passed its receiver's downlink.
    Arrived(Body<M>),
    Congested,
    Writable,
    /// A pause is over.
    Resume,
    Datagram {
        from: u32,
        source: Address,
        to: Address,
        message: M,
    },
    Stored {
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
    },
}

impl<M> Event<M> {
    /// Where the event has its place within a tick: by receiver, then by link, and what belongs to no
    /// link by sender. What comes from one sender on one way stays in the order it was sent.
    pub(crate) fn place(&self) -> (u32, u32, u32) {
        let sender = match &self.body {
            Body::Control(control) if self.link == NO_LINK => match **control {
                Control::Connect { from, .. } | Control::Datagram { from, .. } => from,
                _ => self.receiver,
            },
            _ => 0,
        };
        (self.receiver, slot(self.link), sender)
    }
}

/// Who a packet to some address goes to.
pub(crate) enum Destination {
    Host(u32),
    /// To the device's public side; it decides when the packet arrives.
    Device(u32),
    /// The host exists, but nothing listens at that port.
    ClosedPort(u32),
    Nobody,
}

impl Names {
    /// # Panics
    /// If another host has the address: a world is built by its caller, not by its peers.
    pub(crate) fn add_open(&mut self, address: Address, host: u32) {
        let before = self.open.insert(address, host);
        assert!(before.is_none(), "two hosts at {address}");
    }

    pub(crate) fn add_inside(&mut self, device: u32, address: Address, host: u32) {
        let before = self.inside.insert((device, address), host);
        assert!(before.is_none(), "two hosts at {address} behind one NAT");
    }

    pub(crate) fn device_at(&self, public: IpAddr) -> Option<u32> {
        self.devices.get(&public).copied()
    }

    pub(crate) fn add_device(&mut self, public: IpAddr, device: u32) {
        self.devices.insert(public, device);
    }

    pub(crate) fn inside(&self, device: u32, address: Address) -> Option<u32> {
        self.inside.get(&(device, address)).copied()
    }

    fn resolve(&self, device: Option<u32>, to: Address) -> Destination {
        if let Some(neighbour) = device.and_then(|device| self.inside(device, to)) {
            return Destination::Host(neighbour);
        }
        if let Some(&host) = self.open.get(&to) {
            return Destination::Host(host);
        }
        if let Some(device) = self.device_at(to.ip()) {
            return Destination::Device(device);
        }
        let ports = Address::new(to.ip(), 0)..=Address::new(to.ip(), u16::MAX);
        match self.open.range(ports).next() {
            Some((_, &host)) => Destination::ClosedPort(host),
            None => Destination::Nobody,
        }
    }
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
        self.queue.push(tick, Event { receiver, link, cause, body });
    }

    fn delay(&self, from: u32, to: u32) -> u64 {
        let place = |host: u32| self.hosts[host as usize].host.place;
        self.config.underlay.delay(place(from), place(to)).as_micros() as u64
    }

    /// The physical links between two hosts carry a message.
    fn carry(&mut self, from: u32, to: u32, bytes: usize, cause: Cause) {
        if let Underlay::Routed { network, .. } = &self.config.underlay {
            let place = |host: u32| self.hosts[host as usize].host.place.as_number();
            while self.loads.len() <= usize::from(cause.0) {
                self.loads.push(LinkLoad::new(network.clone()));
            }
            self.loads[usize::from(cause.0)].carry(place(from), place(to), bytes);
        }
    }

    /// Queues `bytes` on a host's uplink; when the last of them will have left, in microseconds.
    fn transmit(&mut self, from: u32, bytes: usize) -> u64 {
        let now = self.now_micros();
        let host = &mut self.hosts[from as usize];
        let start = host.uplink_free.max(now);
        host.uplink_free = start + (bytes as u64 * 1_000_000).div_ceil(host.host.upload);
        host.uplink_free
    }

    /// The source address that a packet from `from` to `to` has outside.
    fn source(&mut self, from: u32, to: Address, protocol: Protocol) -> Option<Address> {
        let now = self.now();
        let host = &self.hosts[from as usize];
        let address = host.host.address;
        let Some(device) = host.device else { return Some(address) };
        if self.names.inside(device, to).is_some() {
            return Some(address);
        }
        self.devices[device as usize].device.outbound(protocol, address, to, now).ok()
    }

    /// Where a packet goes, and which host's position it travels to.
    fn route(&self, from: u32, to: Address) -> (Destination, Option<u32>) {
        let own_device = self.hosts[from as usize].device;
        match self.names.resolve(own_device, to) {
            Destination::Device(device) => {
                (Destination::Device(device), Some(self.devices[device as usize].home))
            }
            Destination::Host(host) => (Destination::Host(host), Some(host)),
            Destination::ClosedPort(host) => (Destination::ClosedPort(host), Some(host)),
            Destination::Nobody => (Destination::Nobody, None),
        }
    }

    /// What a host's NAT has to be told about a link to `remote`, if one is on the way.
    pub(crate) fn nat_path(
        &self,
        host: u32,
        outside: Address,
        remote: Address,
    ) -> Option<Box<NatPath>> {
        let device = self.hosts[host as usize].device?;
        let direct = self.names.inside(device, remote).is_some();
        (!direct).then(|| Box::new(NatPath { outside, remote }))
    }

    /// The second packet of a TCP handshake passes a host's NAT: out of the accepting side's, into
    /// the connecting side's. From then on the NAT holds the connection for established.
    pub(crate) fn establish(&mut self, host: u32, path: &NatPath, inbound: bool) {
        let now = self.now();
        let inside = self.hosts[host as usize].host.address;
        let Some(device) = self.hosts[host as usize].device else { return };
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
        let mut edge = HalfEdge::new(State::Connecting, near.unwrap_or(from), NO_LINK, delay);
        edge.nat = source.and_then(|outside| self.nat_path(from, outside, to));
        let link = self.hosts[from as usize].links.insert(edge);
        let raw = link.as_raw();
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
        link
    }

    pub(crate) fn send(&mut self, from: u32, link: u32, message: P::Message, cause: Cause) {
        let bytes = message.encoded_len();
        let open = |edge: &&HalfEdge<P::Message>| edge.state == State::Open;
        if self.hosts[from as usize].links.get(link).filter(open).is_none() {
            self.metrics.dropped += 1;
            return;
        }
        let sent_at = self.transmit(from, bytes);
        let queued = self.queued(from, link) + bytes;
        let Some(edge) = self.hosts[from as usize].links.get_mut(link) else { return };
        edge.sent_at = sent_at;
        let (receiver, other_link, delay) = (edge.other, edge.other_link, edge.delay);
        let notice = queued > self.config.congested_above && !edge.congested;
        edge.congested |= notice;
        if queued > self.config.queue_limit {
            return self.close_slow(from, link, cause);
        }
        if notice {
            self.control(self.tick + 1, from, link, cause, Control::Congested);
        }
        if self.config.link_load {
            self.carry(from, receiver, bytes, cause);
        }
        let arrival = self.tick_at(sent_at + delay);
        let body = Body::Message(message);
        self.queue.push(arrival, Event { receiver, link: other_link, cause, body });
    }

    /// Bytes sent on a link that have not left yet or that the other side has paused. Other links of
    /// the same host share its uplink, so what is ahead of this link's last byte counts too.
    pub(crate) fn queued(&self, from: u32, link: u32) -> usize {
        let host = &self.hosts[from as usize];
        let Some(edge) = host.links.get(link) else { return 0 };
        let backlog = edge.sent_at.saturating_sub(self.now_micros());
        let bytes = u128::from(backlog) * u128::from(host.host.upload) / 1_000_000;
        edge.unread.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// The other side does not keep up: both lose the link.
    pub(crate) fn close_slow(&mut self, from: u32, link: u32, cause: Cause) {
        self.control(self.tick + 1, from, link, cause, Control::Closed(Reason::Slow));
        if let Some(edge) = self.hosts[from as usize].links.get(link) {
            let (other, other_link) = (edge.other, edge.other_link);
            let arrival = self.tick_at(self.now_micros() + edge.delay);
            self.control(arrival, other, other_link, cause, Control::Closed(Reason::Remote));
        }
    }

    pub(crate) fn close(&mut self, from: u32, link: u32, cause: Cause) {
        let Some(edge) = self.hosts[from as usize].links.remove(link) else { return };
        self.release(from, &edge);
        if edge.state == State::Open {
            let last = edge.sent_at.max(self.now_micros());
            let arrival = self.tick_at(last + edge.delay);
            let closed = Control::Closed(Reason::Remote);
            self.control(arrival, edge.other, edge.other_link, cause, closed);
        }
    }

    /// A half-edge is gone: what it had paused no longer weighs on the other end, and its NAT may
    /// forget it.
    pub(crate) fn release(&mut self, host: u32, edge: &HalfEdge<P::Message>) {
        let now = self.now();
        let inside = self.hosts[host as usize].host.address;
        if let (Some(path), Some(device)) = (&edge.nat, self.hosts[host as usize].device) {
            self.devices[device as usize].device.closed(inside, path.remote, now);
        }
        if let Some(other) = self.hosts[edge.other as usize].links.get_mut(edge.other_link) {
            other.unread = 0;
        }
    }

    /// Schedules the notice that a link is writable, unless the other side has paused it.
    pub(crate) fn notify_writable(&mut self, from: u32, link: u32, cause: Cause) {
        let host = &self.hosts[from as usize];
        let upload = host.host.upload;
        let Some(edge) = host.links.get(link) else { return };
        if edge.unread > self.config.writable_below {
            return;
        }
        let short = (self.config.writable_below as u64).saturating_mul(1_000_000) / upload;
        let tick = self.tick_at(edge.sent_at.saturating_sub(short));
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
        let host = &mut self.hosts[peer as usize];
        let ticket = Ticket(host.next_ticket);
        host.next_ticket = host.next_ticket.wrapping_add(1);
        let tick = self.tick + self.ticks(self.config.store_delay);
        self.control(tick, peer, NO_LINK, cause, Control::Stored { ticket, outcome });
        ticket
    }
}
