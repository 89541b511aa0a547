//! A world cut in parts, and healed.

use overlay_peer::{Peer, Reason};

use crate::core::Core;
use crate::event::Control;
use crate::half_edge::Flag;
use crate::{Cause, PeerIndex, World};

impl<P: Peer, S> World<P, S> {
    /// Cuts the world in groups, until it [heals](Self::heal) or is cut in another way. Between
    /// peers of different groups nothing gets through any more:
    ///
    /// - Links are lost. What is under way arrives, what is sent from now on does not, and both ends
    ///   see them time out after [`Config::detect_crash`](crate::Config::detect_crash), even if the
    ///   world heals before.
    /// - Connects time out, and datagrams are lost.
    ///
    /// Peers added later are of group 0; peers behind one NAT should be of one group. Takes 4 bytes a
    /// peer, and the time to look at every link.
    pub fn partition(&mut self, group: impl Fn(PeerIndex) -> u32) {
        let groups: Vec<u32> =
            (0..self.peers.len()).map(|peer| group(PeerIndex(peer as u32))).collect();
        let notice = self.core.tick + self.core.ticks(self.core.config.detect_crash);
        for peer in 0..groups.len() {
            let links = self.core.links.of(self.core.hosts[peer as u32].links);
            let cut: Vec<u32> = links
                .filter(|(_, edge)| edge.is(Flag::OPEN))
                .filter(|(_, edge)| groups[edge.other() as usize] != groups[peer])
                .map(|(link, _)| link)
                .collect();
            for link in cut {
                if let Some(edge) = self.core.edge_mut(peer as u32, link) {
                    edge.set(Flag::OPEN, false);
                    edge.set(Flag::CUT, true);
                }
                let closed = Control::Closed(Reason::TimedOut);
                self.core.control(notice, peer as u32, link, Cause::UPKEEP, closed);
            }
        }
        self.core.groups = Some(groups);
    }

    /// Ends a partition. What it cut stays cut, but can be connected again.
    pub fn heal(&mut self) {
        self.core.groups = None;
    }
}

impl<P: Peer, S> Core<P, S> {
    /// Whether a partition keeps two hosts apart.
    pub(crate) fn is_cut(&self, a: u32, b: u32) -> bool {
        let Some(groups) = &self.groups else { return false };
        let group = |host: u32| groups.get(host as usize).copied().unwrap_or(0);
        group(a) != group(b)
    }

    /// Whether a partition has cut a link.
    pub(crate) fn is_cut_off(&self, host: u32, link: u32) -> bool {
        self.edge(host, link).is_some_and(|edge| edge.is(Flag::CUT))
    }
}
