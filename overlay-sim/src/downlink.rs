//! How fast hosts receive, where that is limited.

use overlay_peer::{Peer, Wire};

use crate::Cause;
use crate::core::Core;
use crate::event::{Body, Control, Event};
use crate::half_edge::Flag;
use crate::{PeerIndex, World};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Downlink {
    /// Bytes a second; 0 is without limit.
    speed: u64,
    /// When it has taken in what has reached it, in microseconds.
    free: u64,
}

impl<P: Peer, S> World<P, S> {
    /// Limits how fast a host receives, in bytes a second; 0 is no limit, which hosts start with.
    /// What reaches the host waits for its turn, in the order it came, and what waits on a link counts
    /// as queued at its sender. Costs 16 bytes for each peer up to this one, and an event a message.
    pub fn set_download(&mut self, peer: PeerIndex, bytes_per_sec: u64) {
        let downlinks = &mut self.core.downlinks;
        if downlinks.len() <= peer.as_usize() {
            downlinks.resize(peer.as_usize() + 1, Downlink::default());
        }
        downlinks[peer.as_usize()].speed = bytes_per_sec;
    }
}

impl<P: Peer, S> Core<P, S> {
    /// Lets an event queue on its receiver's downlink, if there is one; `None` if it has to.
    pub(crate) fn through_downlink(
        &mut self,
        event: Event<P::Message>,
    ) -> Option<Event<P::Message>> {
        let now = self.now_micros();
        let Some(downlink) = self.downlinks.get_mut(event.key.receiver() as usize) else {
            return Some(event);
        };
        let waits = |bytes: usize| (bytes as u64 * 1_000_000).div_ceil(downlink.speed.max(1));
        let takes = match &event.body {
            _ if downlink.speed == 0 => None,
            Body::Done => None,
            Body::Message(message) => Some(waits(message.encoded_len())),
            Body::Control(control) => match &**control {
                Control::Datagram { message, .. } => Some(waits(message.encoded_len())),
                // Not to overtake the last messages.
                Control::Closed(_) => Some(0),
                _ => None,
            },
        };
        let Some(takes) = takes else { return Some(event) };
        downlink.free = downlink.free.max(now) + takes;
        // A closed link takes no time, but a tick like any message, or it would overtake those that
        // have been taken in within this tick.
        let done = downlink.free.max(now + 1);
        let Event { key, body } = event;
        let (receiver, link, cause) = (key.receiver(), key.link(), key.cause());
        if let Body::Message(message) = &body
            && let Some(&edge) = self.edge(receiver, link)
            && let Some(sender) = self.make_rare(edge.other(), edge.other_link())
        {
            sender.unread += message.encoded_len();
        }
        self.control(self.tick_at(done), receiver, link, cause, Control::Arrived(body));
        None
    }

    /// A message has passed the downlink: it no longer weighs on its sender.
    pub(crate) fn leave_downlink(
        &mut self,
        receiver: u32,
        link: u32,
        cause: Cause,
        body: &Body<P::Message>,
    ) {
        let Body::Message(message) = body else { return };
        let Some(&edge) = self.edge(receiver, link) else { return };
        let (other, other_link) = (edge.other(), edge.other_link());
        let table = self.hosts[other].links;
        self.links.change_rare(other, table, other_link, |sender| {
            sender.unread = sender.unread.saturating_sub(message.encoded_len());
        });
        if self.edge(other, other_link).is_some_and(|edge| edge.is(Flag::WANTS_WRITABLE)) {
            self.notify_writable(other, other_link, cause);
        }
    }
}
