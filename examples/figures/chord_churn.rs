//! Chord: lookups while nodes come and go. Ours are protocol nodes in a simulated world.

use std::time::Duration;

use overlay_chord::Routing;
use overlay_examples::{RingPlan, RingWorld};

use super::row::{Row, Tolerance};

/// C3, Table III of the paper: of 1,000 nodes, `rate` a second join and as many leave, telling their
/// neighbours; lists of 20; a stabilization and a finger every 15 to 45 s; one lookup a second, of which the
/// paper has 10,000 and we have 2,000. A path counts the owner.
///
/// Of ours none fails, since whoever is named as the owner is asked, and says who is. Half as many dead nodes
/// are asked as in the paper; here one that does not answer leaves the asking node's tables at once.
/// Delays are 10 to 150 ms here, by place, and there exponential with a mean of 50 ms.
pub fn churn() -> Vec<Row> {
    let mut rows = Vec::new();
    for Published { rate, path, timeouts, failed } in TABLE_III {
        let outcome = RingWorld::new(RingPlan {
            hosts: 1_000,
            places: 1,
            lookups: 2_000,
            lookup_rate: 1.0,
            churn: rate,
            crashes: 0.0,
            warm_up: Duration::from_secs(600),
            list: 20,
            upkeep_every: Duration::from_secs(30),
            routing: Routing::Finger,
            seed: 1,
        })
        .expect("a ring")
        .run();
        let what = |what: &str| format!("{what}, {rate} a second join and leave");
        let ours = outcome.hops.mean() + 1.0;
        rows.push(Row::new(what("path"), path, ours, Tolerance::Relative(0.05)));
        let ours = outcome.timeouts.mean();
        rows.push(Row::new(what("timeouts"), timeouts, ours, Tolerance::Report));
        let ours = f64::from(outcome.failed) * 5.0;
        // Of the same order: none to twice as many.
        let most = Tolerance::Absolute(failed.max(4.0));
        rows.push(Row::new(what("failures of 10,000"), failed, ours, most));
    }
    rows
}

struct Published {
    rate: f64,
    path: f64,
    timeouts: f64,
    failed: f64,
}

const TABLE_III: [Published; 3] = [
    Published { rate: 0.05, path: 3.90, timeouts: 0.05, failed: 0.0 },
    Published { rate: 0.20, path: 3.81, timeouts: 0.23, failed: 5.0 },
    Published { rate: 0.40, path: 4.06, timeouts: 0.46, failed: 15.0 },
];
