//! The times at which requests are sent, as the RFCs list them.

use std::time::Duration;

use natsim::stun::{Due, Retransmission, Schedule};
use overlay_peer::Time;

/// Milliseconds of each time it is sent, and of the end.
fn times(schedule: Schedule) -> (Vec<u64>, u64) {
    let mut request = Retransmission::new(schedule, Time::ZERO);
    let (mut now, mut sent) = (Time::ZERO, Vec::new());
    loop {
        match request.poll(now) {
            Due::Send => sent.push(now.as_micros() / 1_000),
            Due::Wait(until) => now = until,
            Due::Failed => return (sent, now.as_micros() / 1_000),
        }
    }
}

#[test]
fn rfc8489() {
    let sent = vec![0, 500, 1_500, 3_500, 7_500, 15_500, 31_500];
    assert_eq!(times(Schedule::RFC8489), (sent, 39_500));
    assert_eq!(Schedule::RFC8489.total(), Duration::from_millis(39_500));
}

#[test]
fn rfc3489() {
    let sent = vec![0, 100, 300, 700, 1_500, 3_100, 4_700, 6_300, 7_900];
    assert_eq!(times(Schedule::RFC3489), (sent, 9_500));
}

#[test]
fn rto_of_100_ms() {
    let sent = vec![0, 100, 300, 700, 1_500, 3_100, 6_300];
    assert_eq!(times(Schedule::with_rto(Duration::from_millis(100))), (sent, 7_900));
}

#[test]
fn who_asks_late_sends_once() {
    let mut request = Retransmission::new(Schedule::RFC8489, Time::ZERO);
    assert_eq!(request.poll(Time::from_secs(100)), Due::Send);
    assert_eq!(request.poll(Time::from_secs(100)), Due::Wait(Time::from_millis(100_500)));
    assert_eq!(request.sent(), 1);
}

#[test]
fn schedules_of_any_numbers_do_not_overflow() {
    let schedule =
        Schedule { first: Duration::MAX, longest: Duration::MAX, sends: 255, last: Duration::MAX };
    assert_eq!(schedule.total(), Duration::MAX);
    let mut request = Retransmission::new(schedule, Time::ZERO);
    assert_eq!(request.poll(Time::ZERO), Due::Send);
    assert_eq!(request.poll(Time::ZERO), Due::Wait(Time::MAX));
}
