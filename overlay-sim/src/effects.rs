//! What a peer asks for while it handles one input, carried out on the world.

use core::time::Duration;

use bytes::Bytes;
use overlay_peer::{Address, Driver, Link, Object, Peer, Ticket, Timer, Wire};

use crate::core::Core;
use crate::event::Control;
use crate::half_edge::Flag;
use crate::{Cause, PeerIndex, Store};

/// The driver of one input of one peer.
pub(crate) struct Effects<'a, P: Peer, S> {
    pub(crate) core: &'a mut Core<P, S>,
    pub(crate) peer: u32,
    pub(crate) cause: Cause,
}

impl<P: Peer, S: Store> Driver<P> for Effects<'_, P, S> {
    fn here(&self) -> Address {
        self.core.hosts.address(self.peer)
    }

    fn send(&mut self, link: Link, message: P::Message) {
        self.core.send(self.peer, link.as_raw(), message, self.cause);
    }

    fn connect(&mut self, to: Address) -> Link {
        self.core.connect(self.peer, to, self.cause)
    }

    fn close(&mut self, link: Link) {
        self.core.close(self.peer, link.as_raw(), self.cause);
    }

    fn phase(&mut self, link: Link, phase: <P::Message as Wire>::Phase) {
        let table = self.core.hosts[self.peer].links;
        self.core.links.set_phase(table, link.as_raw(), phase);
    }

    fn when_writable(&mut self, link: Link) {
        let raw = link.as_raw();
        if let Some(edge) = self.core.edge_mut(self.peer, raw)
            && !edge.is(Flag::WANTS_WRITABLE)
        {
            edge.set(Flag::WANTS_WRITABLE, true);
            self.core.notify_writable(self.peer, raw, self.cause);
        }
    }

    fn pause(&mut self, link: Link, paused: bool) {
        let raw = link.as_raw();
        let Some(edge) = self.core.edge_mut(self.peer, raw) else { return };
        edge.set(Flag::PAUSED, paused);
        if !paused && edge.is(Flag::HELD) {
            let tick = self.core.tick + 1;
            self.core.control(tick, self.peer, raw, self.cause, Control::Resume);
        }
    }

    fn queued(&self, link: Link) -> usize {
        self.core.queued(self.peer, link.as_raw())
    }

    fn send_to(&mut self, to: Address, message: P::Message) {
        self.core.send_datagram(self.peer, to, message, self.cause);
    }

    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        let tick = self.core.tick + self.core.ticks(delay);
        if !self.core.lives.is_empty()
            && let Some(&life) = self.core.lives.get(&self.peer)
        {
            self.core.later_timers.push(tick, (self.peer, timer.0, life));
        } else {
            self.core.timers.push(tick, (self.peer, timer.0));
        }
    }

    fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket {
        let outcome = self.core.store.read(PeerIndex(self.peer), object, offset, len);
        self.core.stored(self.peer, outcome, self.cause)
    }

    fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket {
        let outcome = self.core.store.write(PeerIndex(self.peer), object, offset, &bytes);
        self.core.stored(self.peer, outcome.map(|()| Bytes::new()), self.cause)
    }

    fn emit(&mut self, event: P::Event) {
        let now = self.core.now();
        self.core.emitted.push((now, PeerIndex(self.peer), event));
    }
}
