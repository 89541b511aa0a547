//! Routers, links between them, and the routes that packets take.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::BinaryHeap;

/// A link between two routers, which carries packets both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysicalLink {
    /// One router.
    pub a: u32,
    /// The other.
    pub b: u32,
    /// How long a packet is on the link.
    pub delay: Duration,
    /// What routing minimises the sum of.
    pub cost: u64,
}

impl PhysicalLink {
    /// A link whose cost is its delay in microseconds, at least 1: routes are the fastest.
    pub fn new(a: u32, b: u32, delay: Duration) -> Self {
        Self { a, b, delay, cost: (delay.as_micros() as u64).max(1) }
    }

    /// The same link at another cost; 0 counts as 1.
    pub fn with_cost(self, cost: u64) -> Self {
        Self { cost: cost.max(1), ..self }
    }
}

/// A connected network of routers, numbered from 0, with the cheapest routes between each two worked
/// out: 8 bytes a pair, and the work of Dijkstra's algorithm for each router. A thousand routers take
/// 8 MB and well under a second, ten thousand 800 MB.
///
/// Of several cheapest routes the faster one is taken, of those the one that reaches the destination
/// from the router of the lowest number, and so on backwards: routes do not depend on the order in
/// which anything was asked. All routes from one router form a tree.
#[derive(Clone, PartialEq, Eq)]
pub struct Network {
    routers: u32,
    links: Vec<PhysicalLink>,
    /// From router to router, row by row: the last link of the route, and its delay in microseconds.
    via: Vec<u32>,
    delays: Vec<u32>,
}

const NO_LINK: u32 = u32::MAX;

impl Network {
    /// Works out the routes.
    ///
    /// # Panics
    /// If a link names a router that is not below `routers`, some router can not be reached, or a
    /// route takes 2³² µs (71 minutes).
    pub fn new(routers: u32, links: impl IntoIterator<Item = PhysicalLink>) -> Self {
        let links: Vec<PhysicalLink> = links.into_iter().collect();
        let mut beside: Vec<Vec<u32>> = vec![Vec::new(); routers as usize];
        for (number, link) in links.iter().enumerate() {
            let (a, b) = (link.a, link.b);
            assert!(a < routers && b < routers, "link {a}–{b} among {routers} routers");
            beside[a as usize].push(number as u32);
            beside[b as usize].push(number as u32);
        }
        let pairs = routers as usize * routers as usize;
        let (mut via, mut delays) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
        for source in 0..routers {
            for best in routes_from(source, &links, &beside) {
                assert!(best.cost < u64::MAX, "there is no way from {source} to some other router");
                via.push(best.link);
                delays.push(u32::try_from(best.delay).expect("a route of 2^32 microseconds"));
            }
        }
        Self { routers, links, via, delays }
    }

    /// How many routers there are.
    pub fn routers(&self) -> u32 {
        self.routers
    }

    /// The links, as they were given.
    pub fn links(&self) -> &[PhysicalLink] {
        &self.links
    }

    /// How long the route from one router to another takes.
    ///
    /// # Panics
    /// If there is no such router.
    pub fn delay(&self, from: u32, to: u32) -> Duration {
        Duration::from_micros(u64::from(self.delays[self.pair(from, to)]))
    }

    /// The route from one router to another, as the numbers of its links from the last to the first.
    ///
    /// # Panics
    /// If there is no such router.
    pub fn route_back(&self, from: u32, to: u32) -> impl Iterator<Item = u32> {
        let mut at = to;
        let mut pair = self.pair(from, to);
        core::iter::from_fn(move || {
            let number = self.via[pair];
            let link = self.links.get(number as usize)?;
            at ^= link.a ^ link.b;
            pair = self.pair(from, at);
            Some(number)
        })
    }

    fn pair(&self, from: u32, to: u32) -> usize {
        let routers = self.routers;
        assert!(from < routers && to < routers, "router {from} or {to} of {routers}");
        from as usize * routers as usize + to as usize
    }
}

impl core::fmt::Debug for Network {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Network")
            .field("routers", &self.routers)
            .field("links", &self.links.len())
            .finish_non_exhaustive()
    }
}

/// How a router is best reached, so far. The order of the fields is that of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Best {
    cost: u64,
    delay: u64,
    before: u32,
    link: u32,
}

/// Dijkstra's algorithm ("A note on two problems in connexion with graphs", Numer. Math. 1, 1959).
fn routes_from(source: u32, links: &[PhysicalLink], beside: &[Vec<u32>]) -> Vec<Best> {
    let nowhere = Best { cost: u64::MAX, delay: u64::MAX, before: u32::MAX, link: NO_LINK };
    let mut best = vec![nowhere; beside.len()];
    best[source as usize] = Best { cost: 0, delay: 0, before: 0, link: NO_LINK };
    let mut open = BinaryHeap::from([Reverse((0u64, 0u64, source))]);
    while let Some(Reverse((cost, delay, router))) = open.pop() {
        let here = best[router as usize];
        if (cost, delay) != (here.cost, here.delay) {
            continue;
        }
        for &number in &beside[router as usize] {
            let link = &links[number as usize];
            let other = link.a ^ link.b ^ router;
            // Every cost is at least 1, so whoever is reached equally well through several routers
            // is reached after all of them.
            let new = Best {
                cost: cost.saturating_add(link.cost.max(1)),
                delay: delay + link.delay.as_micros() as u64,
                before: router,
                link: number,
            };
            let old = &mut best[other as usize];
            if new < *old {
                if (new.cost, new.delay) < (old.cost, old.delay) {
                    open.push(Reverse((new.cost, new.delay, other)));
                }
                *old = new;
            }
        }
    }
    best
}
