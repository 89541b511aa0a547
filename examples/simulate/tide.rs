//! Peers that come and go while others search.

use std::time::Duration;

use overlay_peer::Time;
use overlay_sim::topology::Graph;
use overlay_sim::{Cause, Churn, NoStore, PeerIndex, World};

use crate::Options;
use crate::churn::ChurnError;
use crate::network::{System, address};

/// Comings and goings. Who comes back is a new peer with the old name and files, and is linked again to
/// those of its neighbours in the graph that are up.
pub(crate) struct Tide {
    churn: Churn,
    begun: bool,
    graph: Graph,
    /// The names and files of all peers.
    peers: Vec<([u8; 16], Vec<u32>)>,
    /// How many came.
    pub arrivals: u64,
}

const COMING: Cause = Cause(3);
const GOING: Cause = Cause(4);

impl Tide {
    /// `None` if nobody comes or goes.
    ///
    /// # Errors
    /// There is no such trace.
    pub(crate) fn new(options: &Options, graph: Graph) -> Result<Option<Self>, ChurnError> {
        let churn = options.churn.churn(options, graph.nodes())?;
        let (begun, peers, arrivals) = (false, Vec::new(), 0);
        Ok(churn.map(|churn| Self { churn, begun, graph, peers, arrivals }))
    }

    /// The next peer has this name and these files.
    pub(crate) fn remember(&mut self, guid: [u8; 16], shares: &[u32]) {
        self.peers.push((guid, shares.to_vec()));
    }

    pub(crate) fn starts_up(&self, peer: PeerIndex) -> bool {
        self.churn.starts_up(peer)
    }

    /// From now on peers come and go.
    pub(crate) fn begin(&mut self, now: Time) {
        let churn = core::mem::replace(&mut self.churn, Churn::none());
        self.churn = churn.starting_at(now);
        self.begun = true;
    }

    pub(crate) fn run<S: System>(
        &mut self,
        world: &mut World<S::Peer, NoStore>,
        span: Duration,
        system: &S,
    ) {
        if !self.begun {
            return world.run_for(span);
        }
        let (graph, peers) = (&self.graph, &self.peers);
        let arrivals = &mut self.arrivals;
        let join = |world: &mut World<S::Peer, NoStore>, peer: PeerIndex| {
            let (guid, shares) = &peers[peer.as_usize()];
            let fresh = system.peer(peer.0, *guid, shares.clone());
            if !world.revive(peer, Some(fresh)) {
                return;
            }
            *arrivals += 1;
            let up =
                graph.neighbours(peer.0).iter().filter(|&&other| world.is_alive(PeerIndex(other)));
            for other in up.copied().collect::<Vec<u32>>() {
                world.command(peer, system.join(address(other)), COMING);
                if S::BOTH {
                    world.command(PeerIndex(other), system.join(address(peer.0)), COMING);
                }
            }
        };
        let leave = |world: &mut World<S::Peer, NoStore>, peer| {
            world.command(peer, system.leave(), GOING);
        };
        let end = world.now() + span;
        self.churn.run(world, end, join, leave);
    }
}
