//! The binary search for how long a mapping lives.

use std::time::Duration;

use natsim::classify::{Fresh, Lifetime, Reason, Verdict};
use natsim::{Behaviour, Timeouts};

use crate::servers::Kind;
use crate::world::{Loss, World};

fn measured(kind: Kind, behaviour: Behaviour, udp: Duration, loss: Loss) -> Verdict<Duration> {
    let timeouts = Timeouts { udp, ..Timeouts::DEFAULT };
    let mut world = World::new(&[behaviour], kind, loss, 11).with_timeouts(timeouts);
    let sockets: Vec<Fresh> =
        (0..Lifetime::SOCKETS).map(|_| world.bind("10.0.0.2", None)).collect();
    let settings = world.settings();
    let mut lifetime = Lifetime::new(settings, sockets, Duration::from_secs(600), world.now);
    world.run(&mut lifetime);
    lifetime.verdict().expect("it is done")
}

#[test]
fn lifetimes_are_found() {
    for behaviour in [Behaviour::FULL_CONE, Behaviour::PORT_RESTRICTED, Behaviour::SYMMETRIC] {
        for seconds in [5, 30, 47, 120, 300] {
            let truth = Duration::from_secs(seconds);
            let found = measured(Kind::Good, behaviour, truth, Loss::None);
            let found = found.known().expect("known");
            let near = truth - Duration::from_secs(2).max(truth / 25)..=truth;
            assert!(near.contains(&found), "{seconds} s: {found:?}");
        }
    }
}

#[test]
fn lifetimes_through_loss() {
    let truth = Duration::from_secs(60);
    let found = measured(Kind::Good, Behaviour::PORT_RESTRICTED, truth, Loss::Random(10));
    let found = found.known().expect("known");
    assert!((56..=60).contains(&found.as_secs()), "{found:?}");
}

#[test]
fn without_an_end_or_a_way_to_ask() {
    let ask = |kind, seconds| {
        measured(kind, Behaviour::PORT_RESTRICTED, Duration::from_secs(seconds), Loss::None)
    };
    let longer = Verdict::Unknown(Reason::LongerThan { seconds: 600 });
    assert_eq!(ask(Kind::Good, 10_000), longer);
    let ignored = Verdict::Unknown(Reason::ResponsePortIgnored);
    assert_eq!(ask(Kind::NoResponsePort { refused: false }, 30), ignored);
    let refused = Verdict::Unknown(Reason::Refused { code: 420 });
    assert_eq!(ask(Kind::NoResponsePort { refused: true }, 30), refused);
    assert_eq!(ask(Kind::Silent, 30), Verdict::Unknown(Reason::NoAnswer));
}
