//! Peers that come back.

use overlay_peer::Peer;

use crate::{PeerIndex, World};

impl<P: Peer, S> World<P, S> {
    /// A peer that has failed or been shut down is up again, at its old address: with the state
    /// `fresh`, or, if that is `None`, with the state it had. It has no links, none of its old timers
    /// will wake it, and what was under way to its old links is lost. It does nothing until it gets a
    /// command.
    ///
    /// The other ends of its old links still notice only after
    /// [`Config::detect_crash`](crate::Config::detect_crash) that they are gone.
    ///
    /// A peer that is up stays as it is, and `fresh` is dropped. Says whether the peer was down.
    pub fn revive(&mut self, peer: PeerIndex, fresh: Option<P>) -> bool {
        let now = self.core.now_micros();
        let host = &mut self.core.hosts[peer.0];
        if core::mem::replace(&mut host.alive, true) {
            return false;
        }
        host.uplink_free = now;
        if let Some(fresh) = fresh {
            self.peers[peer.as_usize()] = fresh;
        }
        if self.core.lives.is_empty() {
            // The queue stood still as long as nobody had come back.
            self.core.later_timers.advance(self.core.tick, &mut self.due_later);
        }
        *self.core.lives.entry(peer.0).or_insert(0) += 1;
        true
    }

    /// Among the timers that are due, leaves those out that peers asked for before they went down.
    pub(crate) fn drop_stale_timers(&mut self) {
        let lives = &self.core.lives;
        self.due_timers.retain(|(peer, _)| !lives.contains_key(peer));
        for (peer, timer, life) in self.due_later.drain(..) {
            if lives.get(&peer) == Some(&life) {
                self.due_timers.push((peer, timer));
            }
        }
    }
}
