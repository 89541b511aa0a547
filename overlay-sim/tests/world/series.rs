//! Counters over time, and their files.

use std::time::Duration;

use crate::puppet::{Do, address, pair};
use overlay_peer::Time;
use overlay_sim::{Cause, Churn, Config, Series};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 5))]

    /// Intervals add up to the counters, and running by intervals changes nothing.
    #[test]
    fn intervals_add_up(
        sends in proptest::collection::vec((0u64..700, 0usize..500), 1..40),
        interval in 1u64..3_000,
    ) {
        let config = || Config { seed: 5, datagram_loss: 0.2, ..Config::default() };
        let play = |intervals: bool| {
            let (mut world, a, _) = pair(config());
            let before = world.metrics().total();
            let mut series = Series::new(&world, Duration::from_millis(interval));
            // A datagram that is lost counts at once: the last row has to come after the last one.
            for &(wait, length) in sends.iter().chain([&(1_000, 0)]) {
                world.command(a, Do::Send(vec![length as u8; length]), Cause(1));
                world.command(a, Do::Datagram(address(2), vec![0; length]), Cause(2));
                let until = world.now() + Duration::from_millis(wait);
                match intervals {
                    true => series.run(&mut world, until),
                    false => world.run_until(until),
                }
            }
            let after = world.metrics().total();
            let delivered = (after.messages - before.messages, after.bytes - before.bytes);
            (series, delivered, world.metrics().dropped(), world.trace_hash())
        };
        let (series, delivered, dropped, trace) = play(true);
        let (_, plain_delivered, _, plain_trace) = play(false);
        prop_assert_eq!(trace, plain_trace);
        prop_assert_eq!(delivered, plain_delivered);
        let sums = series.rows().iter().fold((0, 0, 0), |sums, row| {
            let total = row.total();
            (sums.0 + total.messages, sums.1 + total.bytes, sums.2 + row.dropped)
        });
        prop_assert_eq!(sums, (delivered.0, delivered.1, dropped));
        prop_assert!(series.rows().windows(2).all(|pair| pair[0].end < pair[1].end));
    }
}

#[test]
fn files_say_what_happened() {
    let (mut world, a, b) = pair(Config::default());
    let start = world.now();
    let mut series = Series::new(&world, Duration::from_millis(1_500));
    world.command(a, Do::Send(vec![1; 10]), Cause(1));
    let mut churn = Churn::parse_trace(b"2 1 down").unwrap().starting_at(start);
    series.run_with(&mut world, start + Duration::from_millis(3_250), |world, until| {
        churn.run(world, until, |_, _| {}, |_, _| {});
    });
    assert!(!world.is_alive(b));
    assert_eq!(world.peers_up(), 1);
    let ups: Vec<_> = series.rows().iter().map(|row| (row.peers_up, row.total().bytes)).collect();
    assert_eq!(ups, [(2, 12), (1, 0), (1, 0)]);

    let mut csv = String::new();
    series.write_csv(&mut csv).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "seconds,peers_up,messages,bytes,dropped,blob messages,blob bytes");
    let end = start.since(Time::ZERO) + Duration::from_millis(1_500);
    assert_eq!(lines[1], format!("{},2,1,12,0,1,12", end.as_secs_f64()));
    assert_eq!(lines.len(), 4);

    let mut json = String::new();
    series.write_json(&mut json).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["kinds"]["blob"]["bytes"], 12);
    assert_eq!(json[2]["peers_up"], 1);
    assert_eq!(json.as_array().unwrap().len(), 3);
}

#[test]
fn counters_are_written_by_cause_and_kind() {
    let (mut world, a, _) = pair(Config::default());
    world.command(a, Do::Send(vec![1; 10]), Cause(1));
    world.command(a, Do::Send(vec![2; 20]), Cause(7));
    world.run_for(Duration::from_secs(1));
    let names: fn(u8) -> &'static str = |kind| if kind == 1 { "a \"one\"" } else { "two, or" };
    let (mut csv, mut json) = (String::new(), String::new());
    world.metrics().write_csv(&mut csv, names).unwrap();
    assert_eq!(csv, "cause,kind,messages,bytes\n1,\"a \"\"one\"\"\",1,12\n7,\"two, or\",1,22\n");
    world.metrics().write_json(&mut json, names).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["messages"], &json["bytes"]), (&2.into(), &34.into()));
    assert_eq!(json["counts"][0]["kind"], "a \"one\"");
    assert_eq!(json["counts"][1]["cause"], 7);
}
