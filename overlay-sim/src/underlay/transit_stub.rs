//! Networks in the shape of the Internet: carriers in the middle, customers at the edge.

use core::time::Duration;
use std::sync::Arc;

use overlay_peer::Pcg32;
use rand_core::Rng;

use super::{Network, PhysicalLink};
use crate::failure::below;
use crate::topology::Graph;

/// The transit–stub model of Zegura, Calvert and Bhattacharjee ("How to model an internetwork",
/// INFOCOM 1996), as of their GT-ITM: *transit domains* of routers that carry everyone's packets, and
/// on each of their routers *stub domains* that carry only their own.
///
/// Here each domain is a random tree with more links between random pairs, and so is the graph of
/// the transit domains. Routes obey the model's policy: a route between two routers of a domain stays
/// in it, and no route passes through a stub domain on its way to another.
///
/// The default is 100 routers: one transit domain of 4, three stubs of 8 on each of them. The delays
/// are a choice of ours, of a continent.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitStub {
    /// Transit domains, at least 1.
    pub transit_domains: u32,
    /// Routers in each of them, at least 1.
    pub transit_routers: u32,
    /// Stub domains on each transit router.
    pub stubs: u32,
    /// Routers in each stub domain, at least 1.
    pub stub_routers: u32,
    /// The share of the pairs in a domain that are linked beyond its tree.
    pub density: f64,
    /// Further links, between random stub and transit routers.
    pub extra_transit_stub: u32,
    /// Further links, between random routers of different stub domains.
    pub extra_stub_stub: u32,
    /// Delay of a link between transit domains. This, as those below, is the mean: each link has
    /// between half and three halves of it.
    pub between_transits: Duration,
    /// Delay of a link inside a transit domain.
    pub inside_transit: Duration,
    /// Delay of a link between a transit router and a stub, and between two stubs.
    pub transit_to_stub: Duration,
    /// Delay of a link inside a stub domain.
    pub inside_stub: Duration,
}

/// A network drawn by [`TransitStub::draw`].
#[derive(Clone, Debug)]
pub struct TransitStubNetwork {
    /// The transit routers come first.
    pub network: Arc<Network>,
    /// The first stub router: hosts live at this and all higher ones.
    pub first_stub_router: u32,
    /// Each router's domain: those of the transits come first.
    pub domains: Vec<u32>,
}

impl Default for TransitStub {
    fn default() -> Self {
        Self {
            transit_domains: 1,
            transit_routers: 4,
            stubs: 3,
            stub_routers: 8,
            density: 0.3,
            extra_transit_stub: 0,
            extra_stub_stub: 0,
            between_transits: Duration::from_millis(20),
            inside_transit: Duration::from_millis(10),
            transit_to_stub: Duration::from_millis(5),
            inside_stub: Duration::from_millis(1),
        }
    }
}

/// What routing counts links at, so that the cheapest routes obey the policy.
struct Costs {
    between_transits: u64,
    transit_to_stub: u64,
    stub_to_stub: u64,
}

impl TransitStub {
    fn costs(&self) -> Costs {
        // A link inside a domain costs 1, one between transits more than a way through any domain.
        let inside = u64::from(self.transit_routers.max(self.stub_routers));
        // More than any way through the middle, plus the ways through the stubs at its ends.
        let middle = (u64::from(self.transit_domains) + 1) * (inside + 1 + inside) + 4 * inside;
        Costs {
            between_transits: inside + 1,
            // Two of these are more than any detour inside the middle or a stub…
            transit_to_stub: 4 * middle,
            // … one of these is less than two of them, and two of these more.
            stub_to_stub: 6 * middle,
        }
    }

    /// Draws a network. The same seed gives the same network on every machine.
    ///
    /// # Panics
    /// If there are no routers in a domain.
    pub fn draw(&self, seed: u64) -> TransitStubNetwork {
        let transits = self.transit_domains * self.transit_routers;
        assert!(transits > 0 && self.stub_routers > 0, "a domain without routers");
        let stub_domains = transits * self.stubs;
        let routers = transits + stub_domains * self.stub_routers;
        let costs = self.costs();
        let mut draw = Draw { rng: Pcg32::new(seed, 0x6774_6974), links: Vec::new() };

        for domain in 0..self.transit_domains {
            let first = domain * self.transit_routers;
            draw.domain(first, self.transit_routers, self.density, self.inside_transit);
        }
        let backbone = draw.graph(self.transit_domains, self.density);
        for (a, b) in backbone {
            let router = |draw: &mut Draw, domain| {
                domain * self.transit_routers + draw.below(self.transit_routers)
            };
            let (a, b) = (router(&mut draw, a), router(&mut draw, b));
            draw.link(a, b, self.between_transits, costs.between_transits);
        }
        for stub in 0..stub_domains {
            let first = transits + stub * self.stub_routers;
            draw.domain(first, self.stub_routers, self.density, self.inside_stub);
            let gateway = first + draw.below(self.stub_routers);
            draw.link(stub / self.stubs, gateway, self.transit_to_stub, costs.transit_to_stub);
        }
        if stub_domains > 0 {
            for _ in 0..self.extra_transit_stub {
                let (a, b) = (draw.below(transits), transits + draw.below(routers - transits));
                draw.link(a, b, self.transit_to_stub, costs.transit_to_stub);
            }
        }
        if stub_domains > 1 {
            for _ in 0..self.extra_stub_stub {
                let a = draw.below(stub_domains);
                let b = (a + 1 + draw.below(stub_domains - 1)) % stub_domains;
                let router = |draw: &mut Draw, stub| {
                    transits + stub * self.stub_routers + draw.below(self.stub_routers)
                };
                let (a, b) = (router(&mut draw, a), router(&mut draw, b));
                draw.link(a, b, self.transit_to_stub, costs.stub_to_stub);
            }
        }
        let of_transit = (0..transits).map(|router| router / self.transit_routers);
        let of_stub = (transits..routers)
            .map(|router| self.transit_domains + (router - transits) / self.stub_routers);
        TransitStubNetwork {
            domains: of_transit.chain(of_stub).collect(),
            network: Arc::new(Network::new(routers, draw.links)),
            first_stub_router: transits,
        }
    }
}

struct Draw {
    rng: Pcg32,
    links: Vec<PhysicalLink>,
}

impl Draw {
    fn below(&mut self, bound: u32) -> u32 {
        below(&mut self.rng, u64::from(bound)) as u32
    }

    /// The edges of a random tree, and a share of the other pairs.
    fn graph(&mut self, nodes: u32, density: f64) -> Vec<(u32, u32)> {
        let tree = Graph::random_tree(nodes, self.rng.next_u64());
        let mut edges = Vec::new();
        for a in 0..nodes {
            for b in a + 1..nodes {
                let more = f64::from(self.rng.next_u32()) < density * 4_294_967_296.0;
                if more || tree.has_edge(a, b) {
                    edges.push((a, b));
                }
            }
        }
        edges
    }

    fn domain(&mut self, first: u32, routers: u32, density: f64, delay: Duration) {
        for (a, b) in self.graph(routers, density) {
            self.link(first + a, first + b, delay, 1);
        }
    }

    fn link(&mut self, a: u32, b: u32, mean: Duration, cost: u64) {
        let mean = mean.as_micros() as u64;
        let micros = mean / 2 + below(&mut self.rng, mean + 1);
        self.links.push(PhysicalLink::new(a, b, Duration::from_micros(micros)).with_cost(cost));
    }
}
