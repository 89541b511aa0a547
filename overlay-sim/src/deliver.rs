//! What happens to an event when its time has come: it becomes an input of a peer, or is lost.

use bytes::{Buf, BytesMut};
use natsim::Protocol;
use overlay_peer::{Address, Context, Decoded, Link, LinkState, Peer, Reason, Wire, input_seed};

use crate::effects::Effects;
use crate::event::{Body, Control, Event, Key};
use crate::half_edge::{Flag, HalfEdge};
use crate::link::{Held, NO_LINK, slot};
use crate::{Cause, Store, World};

impl<P: Peer, S: Store> World<P, S> {
    pub(crate) fn handle(&mut self, event: Event<P::Message>) {
        let event = match self.core.downlinks.is_empty() {
            true => event,
            false => match self.core.through_downlink(event) {
                Some(event) => event,
                None => return,
            },
        };
        self.handle_arrived(event);
    }

    fn handle_arrived(&mut self, event: Event<P::Message>) {
        let Event { key, body } = event;
        let (receiver, link, cause) = (key.receiver(), key.link(), key.cause());
        if !self.core.hosts[receiver].alive {
            return self.handle_at_dead(cause, body);
        }
        match body {
            Body::Message(message) => {
                let Some(edge) = self.core.edge(receiver, link) else {
                    self.core.metrics.dropped += 1;
                    return;
                };
                let hold = edge.holds();
                if self.core.capture.is_some() {
                    self.capture_message(receiver, link, &message);
                }
                if hold {
                    self.hold(receiver, link, cause, message);
                } else {
                    self.receive(receiver, link, cause, message);
                }
            }
            Body::Done => {}
            Body::Control(control) => self.handle_control(receiver, link, cause, *control),
        }
    }

    fn handle_control(
        &mut self,
        receiver: u32,
        link: u32,
        cause: Cause,
        control: Control<P::Message>,
    ) {
        match control {
            Control::Connect { from, from_link, source, to, give_up } => {
                self.accept(receiver, cause, from, from_link, source, to, give_up);
            }
            Control::Accepted { other, other_link, to } => {
                let cut = self.core.is_cut_off(other, other_link);
                match self.core.edge_mut(receiver, link) {
                    // The answer got lost.
                    Some(_) if cut => {
                        let give_up = self.core.ticks(self.core.config.connect_timeout);
                        let failed = Control::Failed(Reason::Unreachable);
                        self.core.control(self.core.tick + give_up, receiver, link, cause, failed);
                    }
                    Some(edge) => {
                        edge.set(Flag::OPEN, true);
                        edge.set_other(other, other_link);
                        let now = self.core.now();
                        if let Some(capture) = &mut self.core.capture {
                            capture.accepted(now, (receiver, link));
                        }
                        if let Some(path) = self.core.nat_path(receiver, link) {
                            self.core.establish(receiver, &path, false);
                        }
                        let open = LinkState::Open { remote: to, inbound: false };
                        self.change(receiver, link, cause, open);
                    }
                    // Given up in the meantime.
                    None => {
                        let closed = Control::Closed(Reason::Remote);
                        self.core.control(self.core.tick + 1, other, other_link, cause, closed);
                    }
                }
            }
            Control::Closed(reason) => {
                let now = self.core.now();
                if let Some(capture) = &mut self.core.capture {
                    capture.closed(now, (receiver, link), reason);
                }
                let Some(edge) = self.core.edge(receiver, link) else { return };
                if edge.is(Flag::HELD) {
                    let table = self.core.hosts[receiver].links;
                    self.core.links.change_rare(receiver, table, link, |rare| {
                        rare.held.push_back((cause, Held::Closed(reason)));
                    });
                } else {
                    self.closed(receiver, link, cause, reason);
                }
            }
            Control::Arrived(body) => {
                self.core.leave_downlink(receiver, link, cause, &body);
                self.handle_arrived(Event { key: Key::new(receiver, link, cause), body });
            }
            Control::Failed(reason) => self.closed(receiver, link, cause, reason),
            Control::Congested => {
                if self.core.edge(receiver, link).is_some() {
                    self.change(receiver, link, cause, LinkState::Congested);
                }
            }
            Control::Writable => {
                let Some(edge) = self.core.edge_mut(receiver, link) else { return };
                if edge.is(Flag::WANTS_WRITABLE) {
                    edge.set(Flag::WANTS_WRITABLE, false);
                    edge.set(Flag::CONGESTED, false);
                    self.change(receiver, link, cause, LinkState::Writable);
                }
            }
            Control::Resume => self.resume(receiver, link),
            Control::Datagram { source, to, message, .. } => {
                match self.core.admit(receiver, source, to, Protocol::Udp) {
                    Some(host) if self.core.hosts.is_alive(host) => {
                        self.receive_datagram(host, cause, source, to, message);
                    }
                    _ => self.core.metrics.dropped += 1,
                }
            }
            Control::Stored { ticket, outcome } => {
                self.core.trace.add(self.core.tick, receiver, NO_LINK, 3);
                self.other_input(receiver, cause, |peer, cx| peer.stored(ticket, outcome, cx));
            }
        }
    }

    /// What reaches a host without power.
    fn handle_at_dead(&mut self, cause: Cause, body: Body<P::Message>) {
        let Body::Control(control) = body else {
            self.core.metrics.dropped += 1;
            return;
        };
        match *control {
            // Where the dead host gave its NAT its place, the others behind it live on.
            Control::Connect { from, from_link, source, to, give_up } => {
                let home = u32::MAX;
                self.accept(home, cause, from, from_link, source, to, give_up);
            }
            Control::Accepted { other, other_link, .. } => {
                let notice = self.core.tick + self.core.ticks(self.core.config.detect_crash);
                let closed = Control::Closed(Reason::TimedOut);
                self.core.control(notice, other, other_link, cause, closed);
            }
            Control::Datagram { source, to, message, .. } => {
                match self.core.admit(u32::MAX, source, to, Protocol::Udp) {
                    Some(host) if self.core.hosts.is_alive(host) => {
                        self.receive_datagram(host, cause, source, to, message);
                    }
                    _ => self.core.metrics.dropped += 1,
                }
            }
            Control::Arrived(body) => self.handle_at_dead(cause, body),
            _ => {}
        }
    }

    #[allow(clippy::too_many_arguments)] // The fields of one event.
    fn accept(
        &mut self,
        receiver: u32,
        cause: Cause,
        from: u32,
        from_link: u32,
        source: Address,
        to: Address,
        give_up: u64,
    ) {
        let Some(edge) = self.core.edge(from, from_link) else { return };
        let delay = edge.delay();
        let host = self.core.admit(receiver, source, to, Protocol::Tcp);
        let reached = |&host: &u32| self.core.hosts.is_alive(host) && !self.core.is_cut(from, host);
        let Some(host) = host.filter(reached) else {
            let failed = Control::Failed(Reason::Unreachable);
            return self.core.control(give_up, from, from_link, cause, failed);
        };
        let nat = self.core.path(host, to, source);
        if let Some(path) = &nat {
            self.core.establish(host, path, true);
        }
        let link = self.core.insert(host, HalfEdge::open(from, from_link, delay), nat);
        let now = self.core.now();
        if let Some(capture) = &mut self.core.capture {
            capture.connected(now, [(from, from_link), (host, link)], [source, to]);
        }
        let accepted = Control::Accepted { other: host, other_link: link, to };
        let arrival = self.core.tick_at(self.core.now_micros() + delay);
        self.core.control(arrival, from, from_link, cause, accepted);
        let open = LinkState::Open { remote: source, inbound: true };
        self.change(host, link, cause, open);
    }

    fn receive(&mut self, receiver: u32, link: u32, cause: Cause, message: P::Message) {
        if self.core.config.checked {
            self.receive_bytes(receiver, link, cause, message);
        } else {
            self.receive_message(receiver, link, cause, message);
        }
    }

    fn receive_message(&mut self, receiver: u32, link: u32, cause: Cause, message: P::Message) {
        let bytes = message.encoded_len();
        let kind = message.kind();
        self.core.metrics.deliver(cause, kind, bytes);
        let what = 4 | u64::from(kind) << 8 | (bytes as u64) << 16;
        self.core.trace.add(self.core.tick, receiver, slot(link), what);
        self.input(receiver, cause, |peer, cx| peer.receive(Link::from_raw(link), message, cx));
    }

    /// Encodes a message, and hands over what its receiver makes of the bytes in the phases it goes
    /// through: the same message, unless the two sides disagree about the phase.
    ///
    /// # Panics
    /// If the codec breaks the laws of [`Wire`].
    fn receive_bytes(&mut self, receiver: u32, link: u32, cause: Cause, message: P::Message) {
        let mut bytes = self.encode(&message);
        while !bytes.is_empty() {
            // The peer may have closed the link over the bytes before.
            let table = self.core.hosts[receiver].links;
            let Some(phase) = self.core.links.phase(table, link) else { break };
            let Some((decoded, consumed)) = decode(phase, &bytes, &message) else {
                self.core.metrics.malformed += 1;
                self.core.close(receiver, link, cause);
                self.change(receiver, link, cause, LinkState::Closed(Reason::Malformed));
                break;
            };
            bytes.advance(consumed);
            self.receive_message(receiver, link, cause, decoded);
        }
        self.core.scratch = bytes;
    }

    fn receive_datagram(
        &mut self,
        receiver: u32,
        cause: Cause,
        source: Address,
        to: Address,
        message: P::Message,
    ) {
        if self.core.capture.is_some() {
            self.capture_datagram(source, to, &message);
        }
        let message = if self.core.config.checked {
            let bytes = self.encode(&message);
            let decoded = decode(<P::Message as Wire>::Phase::default(), &bytes, &message);
            let whole = decoded.filter(|(_, consumed)| *consumed == bytes.len());
            self.core.scratch = bytes;
            match whole {
                Some((decoded, _)) => decoded,
                None => {
                    self.core.metrics.malformed += 1;
                    return;
                }
            }
        } else {
            message
        };
        let bytes = message.encoded_len();
        let kind = message.kind();
        self.core.metrics.deliver(cause, kind, bytes);
        let what = 5 | u64::from(kind) << 8 | (bytes as u64) << 16;
        self.core.trace.add(self.core.tick, receiver, NO_LINK, what);
        self.input(receiver, cause, |peer, cx| peer.datagram(source, message, cx));
    }

    /// A message's bytes, in the memory of the message before.
    fn encode(&mut self, message: &P::Message) -> BytesMut {
        let mut bytes = core::mem::take(&mut self.core.scratch);
        bytes.clear();
        message.encode(&mut bytes);
        assert_eq!(bytes.len(), message.encoded_len(), "encoded_len of {message:?}");
        bytes
    }

    fn hold(&mut self, receiver: u32, link: u32, cause: Cause, message: P::Message) {
        let bytes = message.encoded_len();
        let Some(edge) = self.core.edge_mut(receiver, link) else { return };
        edge.set(Flag::HELD, true);
        let (other, other_link) = (edge.other(), edge.other_link());
        if let Some(rare) = self.core.make_rare(receiver, link) {
            rare.held.push_back((cause, Held::Message(message)));
        }
        let Some(sender) = self.core.make_rare(other, other_link) else { return };
        sender.unread += bytes;
        if sender.unread > self.core.config.queue_limit {
            self.core.close_slow(other, other_link, cause);
        }
    }

    /// Hands over what was held back, one message at a time: the peer may pause again.
    fn resume(&mut self, receiver: u32, link: u32) {
        loop {
            let Some(edge) = self.core.edge(receiver, link) else { return };
            if edge.is(Flag::PAUSED) || !edge.is(Flag::HELD) {
                return;
            }
            let (other, other_link) = (edge.other(), edge.other_link());
            let Some(rare) = self.core.make_rare(receiver, link) else { return };
            let held = rare.held.pop_front();
            if rare.held.is_empty()
                && let Some(edge) = self.core.edge_mut(receiver, link)
            {
                edge.set(Flag::HELD, false);
            }
            match held {
                Some((cause, Held::Message(message))) => {
                    let bytes = message.encoded_len();
                    let table = self.core.hosts[other].links;
                    self.core.links.change_rare(other, table, other_link, |sender| {
                        sender.unread = sender.unread.saturating_sub(bytes);
                    });
                    let waits = self.core.edge(other, other_link);
                    if waits.is_some_and(|edge| edge.is(Flag::WANTS_WRITABLE)) {
                        self.core.notify_writable(other, other_link, cause);
                    }
                    self.receive(receiver, link, cause, message);
                }
                Some((cause, Held::Closed(reason))) => {
                    return self.closed(receiver, link, cause, reason);
                }
                None => return,
            }
        }
    }

    fn closed(&mut self, receiver: u32, link: u32, cause: Cause, reason: Reason) {
        if self.core.remove(receiver, link).is_some() {
            self.change(receiver, link, cause, LinkState::Closed(reason));
        }
    }

    fn change(&mut self, receiver: u32, link: u32, cause: Cause, state: LinkState) {
        let what = match state {
            LinkState::Open { inbound, .. } => 6 | u64::from(inbound) << 8,
            LinkState::Congested => 7,
            LinkState::Writable => 8,
            LinkState::Closed(_) => 9,
        };
        self.core.trace.add(self.core.tick, receiver, slot(link), what);
        let link = Link::from_raw(link);
        self.other_input(receiver, cause, |peer, cx| peer.link_changed(link, state, cx));
    }

    /// Hands over what is no message.
    pub(crate) fn other_input(
        &mut self,
        index: u32,
        cause: Cause,
        input: impl FnOnce(&mut P, &mut Context<'_, P>),
    ) {
        self.core.hosts.count_other_input(index);
        self.input(index, cause, input);
    }

    fn input(&mut self, index: u32, cause: Cause, input: impl FnOnce(&mut P, &mut Context<'_, P>)) {
        let now = self.core.now();
        let host = &mut self.core.hosts[index];
        let seed = input_seed(self.core.config.seed, index, host.inputs.into());
        host.inputs = host.inputs.wrapping_add(1);
        let mut effects = Effects { core: &mut self.core, peer: index, cause };
        input(&mut self.peers[index as usize], &mut Context::new(&mut effects, now, seed));
    }
}

/// What the start of `bytes` is in this phase, and how many of them. `None` if it is no message, or
/// not a whole one: a driver on sockets would wait for the rest until it gives the link up.
///
/// # Panics
/// If it encodes to other bytes, or if all of `bytes`, which `sent` was encoded to, are a message of
/// its kind that is not equal to it.
fn decode<M: Wire>(phase: M::Phase, bytes: &[u8], sent: &M) -> Option<(M, usize)> {
    let Ok(Decoded::Complete { value, consumed }) = M::decode(phase, bytes) else { return None };
    if consumed == sent.encoded_len() && value.kind() == sent.kind() {
        assert_eq!(value, *sent, "decoded to another message");
    } else {
        let mut again = BytesMut::with_capacity(consumed);
        value.encode(&mut again);
        assert_eq!(
            again,
            bytes[..consumed],
            "{value:?} encodes to other bytes than it was read from"
        );
    }
    Some((value, consumed))
}
