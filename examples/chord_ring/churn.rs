//! The same numbers from protocol nodes that come and go.

use std::time::Duration;

use overlay_examples::{Failure, RingPlan, RingWorld};

use crate::report::{Churned, Report};
use crate::{Mode, Options, report, usage};

/// A node that knows all others takes 52 bytes for each of them.
const MOST_FULL: u32 = 5_000;

pub(crate) fn measure(options: &Options, rate: f64) -> Result<Report, Failure> {
    let Options { nodes, vnodes, lookups, .. } = *options;
    if options.mode == Mode::Full && nodes.saturating_mul(vnodes) > MOST_FULL {
        let most = format!("with --churn, at most {MOST_FULL} nodes that know all others");
        return Err(format!("{most}: {nodes} times {vnodes} take too much memory").into());
    }
    let fits = |what: &str, most: u32| format!("with --churn, {what} {most} at most");
    let plan = RingPlan {
        hosts: nodes,
        places: u16::try_from(vnodes).map_err(|_| fits("--vnodes is", u16::MAX.into()))?,
        lookups: u32::try_from(lookups).map_err(|_| fits("--lookups is", u32::MAX))?,
        lookup_rate: f64::from(nodes) / 60.0,
        churn: rate,
        crashes: options.crashes,
        // Until the fingers of nodes that came meanwhile, and to nodes that went, are as they stay.
        warm_up: Duration::from_secs(if rate > 0.0 { 600 } else { 0 }),
        list: 20,
        upkeep_every: Duration::from_secs(30),
        routing: options.mode.routing(),
        seed: options.seed,
    };
    let before = usage::cpu_time();
    let world = RingWorld::new(plan)?;
    let build = usage::cpu_time() - before;
    let before = usage::cpu_time();
    let outcome = world.run();
    let spent = usage::cpu_time() - before;
    let churned = Churned {
        churn: rate,
        joined: outcome.joined,
        gone: outcome.gone,
        timeouts_mean: outcome.timeouts.mean(),
        failed: outcome.failed,
        messages: outcome.messages,
    };
    let report = report(options, &outcome.hops, &outcome.loads, build, spent);
    Ok(Report { churn: Some(churned), ..report })
}
