//! What is known is true, of every NAT, with and without loss.

use natsim::classify::{Collision, Reason, Report, Verdict};
use natsim::{Allocation, Behaviour, Filtering, Mapping};

use crate::servers::Kind;
use crate::world::{Loss, World};

/// Every mapping with every filtering, each with and without hairpin and port preservation.
pub fn behaviours() -> Vec<Behaviour> {
    let mut all = Vec::new();
    for mapping in Mapping::ALL {
        for filtering in Filtering::ALL {
            for (preservation, hairpin) in [(false, false), (true, true), (false, true)] {
                let mut behaviour = Behaviour::new(mapping, filtering);
                behaviour.port_preservation = preservation;
                behaviour.hairpin = hairpin;
                all.push(behaviour);
            }
        }
    }
    all
}

/// Nothing that is known is wrong.
pub fn assert_true(report: &Report, behaviours: &[Behaviour], case: &str) {
    if behaviours.is_empty() {
        assert_ne!(report.nat, Verdict::Known(true), "{case}");
        let independent = Mapping::EndpointIndependent;
        assert_eq!(report.mapping.known().unwrap_or(independent), independent, "{case}");
        let filtering = report.filtering.known().unwrap_or(Filtering::EndpointIndependent);
        assert_eq!(filtering, Filtering::EndpointIndependent, "{case}");
        return;
    }
    let [first, rest @ ..] = behaviours else { unreachable!() };
    let truth = rest.iter().fold(*first, |inner, outer| inner.behind(*outer));
    assert_ne!(report.nat, Verdict::Known(false), "{case}");
    assert_eq!(report.mapping.known().unwrap_or(truth.mapping), truth.mapping, "{case}");
    assert_eq!(report.filtering.known().unwrap_or(truth.filtering), truth.filtering, "{case}");
    assert_eq!(report.hairpin.known().unwrap_or(truth.hairpin), truth.hairpin, "{case}");
    let preserved = report.port_preservation.known().unwrap_or(truth.port_preservation);
    assert_eq!(preserved, truth.port_preservation, "{case}");
    // A device of ours remaps nobody: mappings that depend on nothing stay so.
    assert_ne!(report.collision, Verdict::Known(Collision::Remapped), "{case}");
}

fn sees(behaviours: &[Behaviour], loss: Loss, seed: u64) -> Report {
    let report = World::new(behaviours, Kind::Good, loss, seed).classify();
    assert_true(&report, behaviours, &format!("{loss:?} seed {seed}: {behaviours:?}"));
    report
}

/// With a good server and without loss, everything is known that can be.
#[test]
fn all_is_known_of_every_nat() {
    for behaviour in behaviours() {
        let report = sees(&[behaviour], Loss::None, 1);
        assert_eq!(report.nat, Verdict::Known(true));
        assert_eq!(report.mapping, Verdict::Known(behaviour.mapping), "{behaviour:?}");
        assert_eq!(report.filtering, Verdict::Known(behaviour.filtering), "{behaviour:?}");
        let open = behaviour.mapping == Mapping::EndpointIndependent
            || behaviour.filtering == Filtering::EndpointIndependent;
        let hairpin = if open {
            Verdict::Known(behaviour.hairpin)
        } else if report.hairpin == Verdict::Known(true) {
            report.hairpin
        } else {
            Verdict::Unknown(Reason::MayBeFiltered)
        };
        assert_eq!(report.hairpin, hairpin, "{behaviour:?}");
        assert_eq!(report.port_preservation, Verdict::Known(behaviour.port_preservation));
        if behaviour.mapping == Mapping::EndpointIndependent {
            assert_eq!(report.collision, Verdict::Known(Collision::Kept), "{behaviour:?}");
        }
        let name = behaviour.rfc3489().map(|name| name.to_string());
        assert_eq!(report.rfc3489().known().map(str::to_owned), name, "{behaviour:?}");
    }
}

#[test]
fn no_nat_is_known() {
    let report = sees(&[], Loss::None, 1);
    assert_eq!(report.nat, Verdict::Known(false));
    assert_eq!(report.mapping, Verdict::Known(Mapping::EndpointIndependent));
    assert_eq!(report.filtering, Verdict::Known(Filtering::EndpointIndependent));
    assert_eq!(report.rfc3489(), Verdict::Known("open internet"));
    assert_eq!(report.hairpin, Verdict::Unknown(Reason::NoNat));
    assert_eq!(report.collision, Verdict::Known(Collision::Kept));
}

#[test]
fn blocked_udp_says_nothing() {
    let mut blocked = Behaviour::FULL_CONE;
    blocked.blocks_udp = true;
    let report = sees(&[blocked], Loss::None, 1);
    assert_eq!(report, Report::nothing(Reason::NoAnswer));
}

/// Two NATs in a row are their element-wise maximum.
#[test]
fn two_nats_are_the_stricter_of_each() {
    for inner in behaviours().into_iter().step_by(3) {
        for outer in behaviours().into_iter().step_by(3) {
            let report = sees(&[inner, outer], Loss::None, 1);
            let truth = inner.behind(outer);
            assert_eq!(report.mapping, Verdict::Known(truth.mapping), "{inner} {outer}");
            assert_eq!(report.filtering, Verdict::Known(truth.filtering), "{inner} {outer}");
        }
    }
}

#[test]
fn allocations_are_told_apart() {
    let with = |change: &dyn Fn(&mut Behaviour)| {
        let mut behaviour = Behaviour::SYMMETRIC;
        change(&mut behaviour);
        let report = sees(&[behaviour], Loss::None, 1);
        (report.stride, report.parity, report.port_preservation)
    };
    let no = Verdict::Known(false);
    for stride in [1, 2, 256] {
        let step = Allocation::Sequential { stride: stride.try_into().expect("not zero") };
        let (seen, _, preserved) = with(&|behaviour| behaviour.allocation = step);
        assert_eq!((seen, preserved), (Verdict::Known(i32::from(stride)), no));
    }
    let random = Allocation::Random { seed: 5 };
    let (stride, parity, preserved) = with(&|behaviour| behaviour.allocation = random);
    assert_eq!((stride, parity), (Verdict::Unknown(Reason::NoStride), no));
    assert_eq!(preserved, no);
    let (stride, parity, _) = with(&|behaviour| {
        behaviour.allocation = random;
        behaviour.port_parity = true;
    });
    assert_eq!((stride, parity), (Verdict::Unknown(Reason::NoStride), Verdict::Known(true)));
    let (stride, _, preserved) = with(&|behaviour| behaviour.port_preservation = true);
    assert_eq!(stride, Verdict::Unknown(Reason::PortsPreserved));
    assert_eq!(preserved, Verdict::Known(true));
}

/// Lost packets make things unknown, never wrong; and at one in ten most is still known.
#[test]
fn loss_makes_nothing_wrong() {
    let mut known = 0;
    let losses = [
        Loss::Random(10),
        Loss::Random(20),
        Loss::Random(50),
        Loss::Random(80),
        Loss::Every(2),
        Loss::Every(3),
        Loss::Every(4),
        Loss::Every(5),
    ];
    for (number, loss) in losses.into_iter().enumerate() {
        for (index, behaviour) in behaviours().into_iter().enumerate() {
            let report = sees(&[behaviour], loss, (number * 100 + index) as u64);
            if matches!(loss, Loss::Random(10)) {
                known += usize::from(report.mapping.known().is_some());
                known += usize::from(report.filtering.known().is_some());
            }
        }
        sees(&[], loss, number as u64);
    }
    assert!(known > behaviours().len() * 2 * 9 / 10, "{known} known at one lost in ten");
}
