//! What is drawn must not drift: a run is named by its seed alone.

use overlay_sim::underlay::TransitStub;
use overlay_sim::{Churn, ChurnModel, Distribution, Population, Start};

#[test]
fn first_churn_is_frozen() {
    let model = ChurnModel {
        sessions: Distribution::Weibull { shape: 0.5, scale: 300.0 },
        pauses: Distribution::LogNormal { mu: 5.0, sigma: 1.0 },
        graceful: 0.5,
        start: Start::Steady,
    };
    let first: Vec<_> = Churn::drawn(model, 50, 42)
        .take(6)
        .map(|event| (event.at.as_micros(), event.peer.0, format!("{:?}", event.change)))
        .collect();
    let first: Vec<_> = first.iter().map(|(at, peer, what)| (*at, *peer, what.as_str())).collect();
    let frozen = [
        (6_020_398, 20, "Up"),
        (29_578_889, 23, "Up"),
        (34_098_589, 21, "Up"),
        (34_798_777, 12, "Up"),
        (39_920_867, 44, "Up"),
        (39_960_432, 44, "Crash"),
    ];
    assert_eq!(first, frozen);
}

#[test]
fn first_profiles_are_frozen() {
    let population = Population::file_sharers_2001();
    let first = [0, 1, 1_000_000].map(|peer| {
        let profile = population.profile(42, peer);
        (profile.upload, profile.download, profile.cpu.to_bits(), profile.storage, profile.shares)
    });
    let frozen = [
        (125_336, 188_297, 4_606_269_323_826_914_393, 1_245_442_113, false),
        (2_474_162, 3_406_151, 4_607_371_899_120_505_787, 152_141_767, true),
        (128_120, 221_428, 4_602_735_872_414_681_242, 407_014_449, true),
    ];
    assert_eq!(first, frozen);
}

#[test]
fn a_drawn_network_is_frozen() {
    let model = TransitStub { extra_transit_stub: 5, extra_stub_stub: 5, ..TransitStub::default() };
    let drawn = model.draw(42);
    // FNV-1a over all delays of routes, in microseconds.
    let hash = (0..100).flat_map(|from| (0..100).map(move |to| (from, to))).fold(
        0xcbf2_9ce4_8422_2325_u64,
        |hash, (from, to)| {
            let micros = drawn.network.delay(from, to).as_micros() as u64;
            (hash ^ micros).wrapping_mul(0x100_0000_01b3)
        },
    );
    assert_eq!((drawn.network.links().len(), hash), (200, 17_366_335_773_847_000_255));
}
