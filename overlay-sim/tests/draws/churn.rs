//! Laws of comings and goings.

use std::collections::BTreeMap;

use overlay_peer::Time;
use overlay_sim::churn::ChurnTraceErrorKind;
use overlay_sim::{Change, Churn, ChurnEvent, ChurnModel, Distribution, PeerIndex, Start};
use proptest::prelude::*;

fn model(graceful: f64, start: Start) -> ChurnModel {
    ChurnModel {
        sessions: Distribution::Weibull { shape: 0.5, scale: 300.0 },
        pauses: Distribution::Exponential { mean: 400.0 },
        graceful,
        start,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 5))]

    /// Events are in the order of time; each peer goes up and down in turns, from how it starts.
    #[test]
    fn peers_go_up_and_down_in_turns(
        peers in 1u32..30,
        seed: u64,
        graceful in 0.0f64..=1.0,
        start in prop_oneof![Just(Start::AllUp), Just(Start::AllDown), Just(Start::Steady)],
    ) {
        let churn = Churn::drawn(model(graceful, start), peers, seed);
        let mut up: BTreeMap<PeerIndex, bool> =
            (0..peers).map(PeerIndex).map(|peer| (peer, churn.starts_up(peer))).collect();
        prop_assert!(start != Start::AllUp || up.values().all(|&up| up));
        prop_assert!(start != Start::AllDown || up.values().all(|&up| !up));
        let events: Vec<ChurnEvent> = churn.take(500).collect();
        prop_assert_eq!(events.len(), 500);
        prop_assert!(events.is_sorted_by_key(|event| (event.at, event.peer)));
        for event in &events {
            let was_up = up.insert(event.peer, event.change == Change::Up);
            prop_assert_eq!(was_up, Some(event.change != Change::Up));
            let never = if graceful == 0.0 { Change::Leave } else { Change::Up };
            prop_assert!(event.change == Change::Up || event.change != never);
        }
        let again: Vec<_> = Churn::drawn(model(graceful, start), peers, seed).take(500).collect();
        prop_assert_eq!(&events, &again);
    }

    /// A peer does the same whoever else there is, and whenever it all starts.
    #[test]
    fn a_peers_churn_is_its_own(seed: u64, few in 1u32..5, more in 5u32..20, start in 0u64..1_000) {
        let of_first = |churn: Churn| {
            churn.filter(|event| event.peer == PeerIndex(0)).take(20).collect::<Vec<_>>()
        };
        let drawn = |peers| Churn::drawn(model(0.5, Start::Steady), peers, seed);
        let alone = of_first(drawn(few));
        prop_assert_eq!(&alone, &of_first(drawn(more)));
        let start = Time::from_secs(start);
        for (before, after) in alone.iter().zip(of_first(drawn(few).starting_at(start))) {
            prop_assert_eq!(after.at.since(start), before.at.since(Time::ZERO));
        }
    }

    /// What is printed as a trace is read as the same events.
    #[test]
    fn round_trip(events in proptest::collection::vec((any::<u32>(), 0u32..9, 0usize..3), 0..50)) {
        let changes = [(Change::Up, "up"), (Change::Crash, "crash"), (Change::Leave, "leave")];
        let line = |&(at, peer, change): &(u32, u32, usize)| {
            format!("{}.{:06} {peer} {}\n", at / 1_000_000, at % 1_000_000, changes[change].1)
        };
        let text: String = events.iter().map(line).collect();
        let mut expected: Vec<ChurnEvent> = events
            .iter()
            .map(|&(at, peer, change)| ChurnEvent {
                at: Time::from_micros(at.into()),
                peer: PeerIndex(peer),
                change: changes[change].0,
            })
            .collect();
        expected.sort();
        let read: Vec<_> = Churn::parse_trace(text.as_bytes()).unwrap().collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn parsing_never_panics(text in "[0-9. ,updown#\n-]{0,120}") {
        let _ = Churn::parse_trace(text.as_bytes());
    }
}

/// Lengths of sessions and pauses are those of the model, and so is the share of leave-takings.
#[test]
fn lengths_are_the_models() {
    let model = model(0.25, Start::AllUp);
    let mut since: BTreeMap<PeerIndex, Time> = BTreeMap::new();
    let (mut sessions, mut pauses, mut leaves) = (Vec::new(), Vec::new(), 0);
    for event in Churn::drawn(model.clone(), 100, 4).take(40_000) {
        let length = event.at.since(since.insert(event.peer, event.at).unwrap_or(Time::ZERO));
        let lengths = if event.change == Change::Up { &mut pauses } else { &mut sessions };
        lengths.push(length.as_secs_f64());
        leaves += usize::from(event.change == Change::Leave);
    }
    for (lengths, distribution) in [(&sessions, &model.sessions), (&pauses, &model.pauses)] {
        for x in [1.0, 30.0, 300.0, 1_000.0] {
            let share = lengths.iter().filter(|&&l| l > x).count() as f64 / lengths.len() as f64;
            let expected = distribution.survival(x);
            assert!(
                (share - expected).abs() < 0.02,
                "{distribution} above {x}: {share}, {expected}"
            );
        }
    }
    let share = leaves as f64 / sessions.len() as f64;
    assert!((share - 0.25).abs() < 0.02, "{share}");
}

/// Peers of different availability are up for their shares of a long time.
#[test]
fn peers_are_up_for_their_share() {
    let availability = |peer: PeerIndex| [0.1, 0.5, 0.9, 1.0][peer.as_usize() % 4];
    let churn = Churn::drawn_by_availability(model(0.0, Start::Steady), 400, 6, availability);
    let mut up = [0.0; 4];
    let end = 100_000.0;
    for peer in (0..400).map(PeerIndex) {
        if churn.starts_up(peer) {
            up[peer.as_usize() % 4] += end;
        }
    }
    for event in churn.take_while(|event| event.at < Time::from_secs(end as u64)) {
        let left = end - event.at.since(Time::ZERO).as_secs_f64();
        up[event.peer.as_usize() % 4] += if event.change == Change::Up { left } else { -left };
    }
    for (class, up) in up.into_iter().enumerate() {
        let (share, expected) = (up / (100.0 * end), availability(PeerIndex(class as u32)));
        assert!((share - expected).abs() < 0.02, "{share}, not {expected}");
    }
}

#[test]
fn errors_say_where() {
    let error = |text: &str| {
        let error = Churn::parse_trace(text.as_bytes()).unwrap_err();
        (error.line, error.kind)
    };
    assert_eq!(error("1 2 up\n1 2"), (2, ChurnTraceErrorKind::Fields { fields: 2 }));
    assert_eq!(error("1 2 up down"), (1, ChurnTraceErrorKind::Fields { fields: 4 }));
    assert_eq!(error("-1 2 up"), (1, ChurnTraceErrorKind::NotATime));
    assert_eq!(error("18446744073710 2 up"), (1, ChurnTraceErrorKind::NotATime));
    assert_eq!(error("#\n1.5 4294967296 up"), (2, ChurnTraceErrorKind::NotAPeer));
    assert_eq!(error("1.5 3 UP"), (1, ChurnTraceErrorKind::NotAChange));
    let text = Churn::parse_trace(b"x 1 up").unwrap_err().to_string();
    assert_eq!(text, "line 1: expected seconds from 0 on in field 1");
}

#[test]
fn nobody_comes_or_goes() {
    let mut churn = Churn::none();
    assert!(churn.starts_up(PeerIndex(3)));
    assert_eq!((churn.next_at(), churn.next()), (None, None));
}
