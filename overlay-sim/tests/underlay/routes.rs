//! Laws of routes.

use std::sync::Arc;
use std::time::Duration;

use overlay_sim::topology::Graph;
use overlay_sim::underlay::{LinkLoad, Network, PhysicalLink, TransitStub, stretch};
use proptest::prelude::*;

/// A connected network with delays of 0 to 6 ms, many of them equal.
fn network() -> impl Strategy<Value = Network> {
    (2u32..14, any::<u64>(), proptest::collection::vec(0u64..7, 80)).prop_map(
        |(routers, seed, delays)| {
            let extra = Graph::erdos_renyi(routers, routers as usize / 2, seed);
            let tree = Graph::random_tree(routers, seed);
            let edges = tree.edges().chain(extra.edges());
            let link =
                |((a, b), ms): (_, &u64)| PhysicalLink::new(a, b, Duration::from_millis(*ms));
            Network::new(routers, edges.zip(delays.iter().cycle()).map(link))
        },
    )
}

/// Floyd and Warshall's algorithm on the links' costs.
fn cheapest(network: &Network) -> Vec<Vec<u64>> {
    let n = network.routers() as usize;
    let mut cost = vec![vec![u64::MAX / 4; n]; n];
    for (router, row) in cost.iter_mut().enumerate() {
        row[router] = 0;
    }
    for link in network.links() {
        let (a, b) = (link.a as usize, link.b as usize);
        cost[a][b] = cost[a][b].min(link.cost);
        cost[b][a] = cost[a][b];
    }
    for via in 0..n {
        for from in 0..n {
            for to in 0..n {
                cost[from][to] = cost[from][to].min(cost[from][via] + cost[via][to]);
            }
        }
    }
    cost
}

/// The routers on a route, the destination first; panics if its links do not join up.
fn routers(network: &Network, from: u32, to: u32) -> Vec<u32> {
    let mut at = to;
    let mut passed = vec![at];
    for number in network.route_back(from, to) {
        let link = network.links()[number as usize];
        assert!(link.a == at || link.b == at);
        at = link.a + link.b - at;
        passed.push(at);
    }
    assert_eq!(at, from);
    passed
}

proptest! {
    #[test]
    fn routes_are_the_cheapest(network in network()) {
        let cheapest = cheapest(&network);
        for from in 0..network.routers() {
            for to in 0..network.routers() {
                let links = || network.route_back(from, to).map(|n| network.links()[n as usize]);
                let cost: u64 = links().map(|link| link.cost).sum();
                prop_assert_eq!(cost, cheapest[from as usize][to as usize]);
                let delay: Duration = links().map(|link| link.delay).sum();
                prop_assert_eq!(delay, network.delay(from, to));
                prop_assert_eq!(delay, network.delay(to, from));
                prop_assert_eq!(routers(&network, from, to).len(), links().count() + 1);
            }
        }
    }

    /// The order in which links are given chooses between equal links only.
    #[test]
    fn routes_do_not_depend_on_the_order_of_links(network in network()) {
        let turned = Network::new(network.routers(), network.links().iter().rev().copied());
        for from in 0..network.routers() {
            for to in 0..network.routers() {
                prop_assert_eq!(routers(&network, from, to), routers(&turned, from, to));
            }
        }
    }

    /// The routes from one router form a tree, so that IP multicast has stress 1, and unicast to
    /// each receiver has at least that everywhere.
    #[test]
    fn multicast_carries_once_what_unicast_carries_more_often(network in network(), bytes in 1usize..99) {
        let network = Arc::new(network);
        let receivers = 1..network.routers();
        let mut multicast = LinkLoad::new(network.clone());
        multicast.multicast(0, receivers.clone(), bytes);
        prop_assert_eq!(multicast.most(), 1);
        prop_assert_eq!(multicast.mean(), 1.0);
        let links: u64 = multicast.links().iter().map(|count| count.messages).sum();
        prop_assert_eq!(links, u64::from(network.routers()) - 1);
        let mut unicast = LinkLoad::new(network.clone());
        receivers.clone().for_each(|to| unicast.carry(0, to, bytes));
        for (one, many) in multicast.links().iter().zip(unicast.links()) {
            prop_assert!(one.messages <= many.messages && (one.messages > 0) == (many.messages > 0));
        }
        let usage: Duration = receivers.map(|to| network.delay(0, to)).sum();
        prop_assert_eq!(unicast.resource_usage(), usage);
    }

    /// A route stays in a domain if it can, passes only through transits between two others, and
    /// leaves and enters each domain once.
    #[test]
    fn stubs_carry_only_their_own(
        transit_domains in 1u32..4,
        transit_routers in 1u32..4,
        stubs in 1u32..3,
        stub_routers in 1u32..5,
        extra in 0u32..8,
        seed: u64,
    ) {
        let model = TransitStub {
            transit_domains, transit_routers, stubs, stub_routers,
            extra_transit_stub: extra,
            extra_stub_stub: extra,
            ..TransitStub::default()
        };
        let drawn = model.draw(seed);
        let transits = transit_domains * transit_routers;
        prop_assert_eq!(drawn.first_stub_router, transits);
        prop_assert_eq!(drawn.network.routers(), transits * (1 + stubs * stub_routers));
        let domain = |router: u32| drawn.domains[router as usize];
        for from in 0..drawn.network.routers() {
            for to in 0..drawn.network.routers() {
                let mut passed: Vec<u32> =
                    routers(&drawn.network, from, to).into_iter().map(domain).collect();
                passed.dedup();
                let ends = [domain(from), domain(to)];
                let foreign = passed.iter().find(|&&d| d >= transit_domains && !ends.contains(&d));
                prop_assert_eq!(foreign, None, "{} to {} through {:?}", from, to, &passed);
                let length = passed.len();
                passed.sort_unstable();
                passed.dedup();
                prop_assert_eq!(passed.len(), length);
            }
        }
        prop_assert_eq!(&*drawn.network, &*model.draw(seed).network);
    }
}

#[test]
fn of_equal_routes_the_one_over_lower_routers_is_taken() {
    let ms = Duration::from_millis(1);
    let square = [(0, 2), (0, 1), (2, 3), (1, 3)].map(|(a, b)| PhysicalLink::new(a, b, ms));
    let network = Network::new(4, square);
    assert_eq!(routers(&network, 0, 3), [3, 1, 0]);
    // By cost, not by delay, and of equal costs by delay.
    let dear = [(0, 2), (0, 1), (2, 3), (1, 3)].map(|(a, b)| {
        PhysicalLink::new(a, b, ms * (1 + a * b)).with_cost(if b == 1 { 5 } else { 1 })
    });
    assert_eq!(routers(&Network::new(4, dear), 0, 3), [3, 2, 0]);
}

#[test]
fn stretch_is_a_ratio() {
    assert_eq!(stretch(Duration::from_millis(30), Duration::from_millis(20)), 1.5);
}
