//! Gets and puts: who says more than can be, and who floods.

use overlay_chord::{
    Bounds, Command, Config, Event, Id160, Limits, Message, Misbehaviour, Refusal, Traffic,
};
use overlay_peer::Peer;

use crate::alone::{Alone, address, asking, contact, find_number, publication};

#[test]
fn a_get_that_is_paged_for_ever_ends() {
    let key = Id160::hash(b"key");
    let (mut alone, _) = asking(key);
    alone.input(|node, cx| node.command(Command::Get { request: 6, key }, cx));
    let (_, number) = find_number(alone.sent());
    let owner = Message::Owner {
        request: number,
        traffic: Traffic::User,
        id: contact(1).id,
        contacts: vec![contact(1)],
        before: Vec::new(),
    };
    alone.datagram(address(1), owner);
    let mut pages = 0;
    while let Some((to, Message::Get { request, after, .. })) = alone.sent() {
        assert_eq!(after.unwrap_or(0), pages);
        pages += 1;
        let values = Message::Values {
            request,
            complete: true,
            next: Some(pages),
            publications: vec![publication("always the same")],
        };
        alone.datagram(to, values);
    }
    assert_eq!(pages, 4_096);
    let values = vec![publication("always the same")];
    assert_eq!(alone.events(), [Event::Got { request: 6, hops: 1, values }]);
}

#[test]
fn the_store_stays_within_its_bounds_under_a_flood() {
    let store = Bounds { publications_per_key: 10, bytes: 20_000, value_len: 500 };
    let limits = Limits { store, ..Limits::default() };
    let mut alone = Alone::member(Config { limits, ..Config::default() });
    for number in 0..5_000_u32 {
        let key = Id160::hash(&(number / 20).to_be_bytes());
        let publication = publication(&"x".repeat(number as usize % 700));
        let put = Message::Put { request: number, key, copy: false, publication };
        alone.datagram(address(9), put);
        let answer = alone.sent().expect("an answer").1;
        assert!(matches!(answer, Message::Stored { .. } | Message::Refused { .. }));
    }
    assert!(alone.node.store().bytes() <= 20_000);
    let events = alone.events();
    for reason in [Refusal::KeyFull, Refusal::StoreFull, Refusal::ValueTooLong] {
        assert!(events.contains(&Event::Refused { from: address(9), reason }), "{reason}");
    }
    assert_eq!(events.len() as u64, alone.node.counters().refusals);
}

/// A client whose get has found the owner, `contact(1)`, and the number of its question.
fn getting(key: Id160, limits: Limits) -> (Alone, u32) {
    let mut alone = Alone::new(Config { member: false, limits, ..Config::default() });
    alone.input(|node, cx| node.command(Command::Join { via: vec![address(1)] }, cx));
    for command in [None, Some(Command::Get { request: 6, key })] {
        if let Some(command) = command {
            assert_eq!(alone.events(), [Event::Joined]);
            alone.input(|node, cx| node.command(command, cx));
        }
        let Some((to, Message::Find { request, traffic, .. })) = alone.sent() else {
            panic!("it looks for the owner first")
        };
        let (id, contacts) = (contact(1).id, vec![contact(1)]);
        alone.datagram(to, Message::Owner { request, traffic, id, contacts, before: vec![] });
    }
    match alone.sent() {
        Some((_, Message::Get { request, .. })) => (alone, request),
        other => panic!("it asks the owner, not {other:?}"),
    }
}

#[test]
fn a_get_takes_no_value_that_nobody_could_have_put() {
    let (mut alone, request) = getting(Id160::hash(b"key"), Limits::default());
    let before = alone.node.footprint().1;
    let publications = vec![publication("fine"), publication(&"x".repeat(60_000))];
    alone.datagram(
        address(1),
        Message::Values { request, complete: false, next: Some(1), publications },
    );
    let what = Misbehaviour::ValueTooLong { len: 60_000, max: 1_100 };
    assert_eq!(alone.events(), [Event::Misbehaved { from: address(1), what }]);
    assert!(alone.node.footprint().1 <= before + 1_000);
    while let Some((to, message)) = alone.sent() {
        assert!(!matches!(message, Message::Get { .. }), "it asks {to} for the rest");
    }
}

#[test]
fn a_get_keeps_no_more_bytes_than_it_may() {
    let limits = Limits { bytes_per_get: 10_000, ..Limits::default() };
    let (mut alone, mut request) = getting(Id160::hash(b"key"), limits);
    let mut pages = 0;
    loop {
        pages += 1;
        let publications = vec![publication(&format!("{pages:01000}"))];
        let (complete, next) = (false, Some(pages));
        alone.datagram(address(1), Message::Values { request, complete, next, publications });
        match alone.sent() {
            Some((_, Message::Get { request: next, after, .. })) => {
                assert_eq!(after, Some(pages));
                request = next;
            }
            None => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pages, 11, "ten fit, and the next does not");
    let events = alone.events();
    assert_eq!(events[0], Event::GetCut { request: 6, values: 10, bytes: 10_000 });
    assert!(matches!(&events[1..], [Event::Got { request: 6, values, .. }] if values.len() == 10));
}

#[test]
fn a_get_keeps_no_more_values_than_it_may() {
    let limits = Limits { values_per_get: 3, ..Limits::default() };
    let (mut alone, request) = getting(Id160::hash(b"key"), limits);
    let publications: Vec<_> = ["a", "b", "c", "d"].into_iter().map(publication).collect();
    let kept = publications[..3].to_vec();
    alone.datagram(
        address(1),
        Message::Values { request, complete: true, next: None, publications },
    );
    let cut = Event::GetCut { request: 6, values: 3, bytes: 3 };
    assert_eq!(alone.events(), [cut, Event::Got { request: 6, hops: 1, values: kept }]);
}

#[test]
fn a_page_whose_cursor_stands_still_is_the_last() {
    let (mut alone, request) = getting(Id160::hash(b"key"), Limits::default());
    let values = |request, text| Message::Values {
        request,
        complete: true,
        next: Some(9),
        publications: vec![publication(text)],
    };
    alone.datagram(address(1), values(request, "a"));
    let Some((_, Message::Get { request, after: Some(9), .. })) = alone.sent() else {
        panic!("it asks for the rest")
    };
    alone.datagram(address(1), values(request, "b"));
    assert_eq!(alone.sent(), None);
    let values = vec![publication("a"), publication("b")];
    assert_eq!(alone.events(), [Event::Got { request: 6, hops: 1, values }]);
}
