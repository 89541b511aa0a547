//! What a peer asks for while it handles one input, carried out on sockets.

use std::time::Duration;

use bytes::Bytes;
use overlay_peer::{Address, Driver, Link, Object, Peer, Ticket, Timer, Wire};

use crate::core::{Core, Phase};

impl<P: Peer> Driver<P> for Core<P> {
    fn here(&self) -> Address {
        self.here
    }

    fn send(&mut self, link: Link, message: P::Message) {
        Self::send(self, link, &message);
    }

    fn connect(&mut self, to: Address) -> Link {
        Self::connect(self, to)
    }

    fn close(&mut self, link: Link) {
        self.retire(link);
    }

    fn phase(&mut self, link: Link, phase: Phase<P>) {
        if let Some(socket) = self.open_socket_mut(link) {
            socket.phase = phase;
            socket.needed = 1;
            socket.set_coding(P::Message::coding(phase));
        }
    }

    fn when_writable(&mut self, link: Link) {
        Self::when_writable(self, link);
    }

    fn pause(&mut self, link: Link, paused: bool) {
        if let Some(socket) = self.open_socket_mut(link) {
            socket.paused = paused;
            if !paused {
                socket.ring();
            }
        }
    }

    fn queued(&self, link: Link) -> usize {
        self.open_socket(link).map_or(0, |socket| socket.queued())
    }

    fn send_to(&mut self, to: Address, message: P::Message) {
        Self::send_to(self, to, &message);
    }

    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        Self::wake_after(self, delay, timer);
    }

    fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket {
        self.worker.read(object, offset, len)
    }

    fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket {
        self.worker.write(object, offset, bytes)
    }

    fn emit(&mut self, event: P::Event) {
        self.events.push_back(event);
    }
}
