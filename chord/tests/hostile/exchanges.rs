//! Exchanges of keys: who offers, lists or wants what it should not.

use std::net::SocketAddr;
use std::time::Duration;

use overlay_chord::{
    Bounds, Config, Event, Id, Id160, Limits, Message, Misbehaviour, Publication, Refusal,
};
use overlay_peer::{Link, LinkState, Peer, Time};

use crate::alone::{Alone, address, at, contact, publication};

/// A range of one key, which is not the node's own.
fn small_range(number: u8) -> (Id160, Id160) {
    let after = at(number, 0).id;
    (after, after.next())
}

#[test]
fn too_many_exchanges_of_keys_at_once_are_refused() {
    let mut alone = Alone::member(Config::default());
    alone.meet(contact(3));
    let port = |port| SocketAddr::new(address(3).ip(), port);
    for number in 0..9_u8 {
        let (after, upto) = small_range(number);
        assert_eq!(alone.offer(address(3), (after, upto)), Message::Differ { request: 7 });
        // The link comes from another port than the datagram.
        let link = alone.accept_from(number.into(), port(50_000));
        alone.receive(link, Message::Reconcile { after, upto });
        assert_eq!(alone.record.closed.contains(&link), number == 8);
    }
    let reason = Refusal::TooMuch;
    assert_eq!(alone.events(), [Event::Refused { from: port(50_000), reason }]);
}

#[test]
fn exchanges_with_strangers_leave_room_for_neighbours() {
    let mut alone = Alone::member(Config::default());
    alone.meet(contact(3));
    for number in 0..6_u8 {
        let from = address(if number < 5 { 10 + number } else { 3 });
        let (after, upto) = small_range(number);
        assert_eq!(alone.offer(from, (after, upto)), Message::Differ { request: 7 });
        let link = alone.accept_from(number.into(), from);
        alone.receive(link, Message::Reconcile { after, upto });
        assert_eq!(alone.record.closed.contains(&link), number == 4);
    }
}

#[test]
fn offers_are_answered_at_a_bounded_rate() {
    let mut alone = Alone::member(Config::default());
    alone.meet(contact(3));
    let answered = |alone: &mut Alone, from, times: u32| {
        let offer = |_: &u32| matches!(alone.offer(from, small_range(1)), Message::Differ { .. });
        (0..times).filter(offer).count()
    };
    assert_eq!(answered(&mut alone, address(9), 100), 4, "one stranger");
    let others = |alone: &mut Alone| -> usize {
        (10..110).map(|number| answered(alone, address(number), 1)).sum()
    };
    assert_eq!(others(&mut alone), 12, "all strangers together, 16");
    assert_eq!(answered(&mut alone, address(3), 100), 16, "a neighbour has a share of its own");
    alone.wait(Duration::from_secs(1));
    assert_eq!(others(&mut alone), 8);
    assert_eq!(answered(&mut alone, address(3), 100), 4);
}

#[test]
fn who_was_not_invited_gets_no_keys() {
    let mut alone = Alone::member(Config::default());
    let me = contact(0).id;
    let put = |key| Message::Put { request: 1, key, copy: true, publication: publication("x") };
    alone.datagram(address(9), put(me));
    alone.record.sent.clear();
    let before = Id160::ZERO.next().distance(me);
    let reconcile = |alone: &mut Alone, number, (after, upto)| {
        let link = alone.accept(number);
        alone.receive(link, Message::Reconcile { after, upto });
        if !alone.record.closed.contains(&link) {
            alone.receive(link, Message::End);
        }
        let sent: Vec<_> = alone.record.on_link.drain(..).map(|(_, message)| message).collect();
        sent
    };
    // Nobody said that it had anything else.
    assert_eq!(reconcile(&mut alone, 0, (before, me)), []);
    let reason = Refusal::TooMuch;
    assert_eq!(alone.events(), [Event::Refused { from: address(9), reason }]);
    // The whole store is a stranger's business in no case.
    let whole = alone.offer(address(9), (at(1, 0).id, at(1, 0).id));
    assert_eq!(whole, Message::Refused { request: 7, reason });
    // It may give us what is ours, and gets nothing for it. Nor is it invited twice.
    assert_eq!(alone.offer(address(9), (before, me)), Message::Differ { request: 7 });
    assert_eq!(reconcile(&mut alone, 1, (at(1, 0).id, me)), [], "another range");
    assert_eq!(reconcile(&mut alone, 2, (before, me)), [Message::End]);
    assert_eq!(reconcile(&mut alone, 3, (before, me)), []);
    // An invitation does not last.
    assert_eq!(alone.offer(address(9), (before, me)), Message::Differ { request: 7 });
    alone.wait(Duration::from_secs(31));
    assert_eq!(reconcile(&mut alone, 4, (before, me)), []);
    // A neighbour gets what it lacks.
    alone.meet(contact(3));
    assert_eq!(alone.offer(address(3), (before, me)), Message::Differ { request: 7 });
    let link = alone.accept_from(5, address(3));
    alone.receive(link, Message::Reconcile { after: before, upto: me });
    alone.record.on_link.clear();
    alone.receive(link, Message::End);
    let entries = Message::Entries { key: me, publications: vec![publication("x")] };
    assert_eq!(alone.record.on_link, [(link, entries), (link, Message::End)]);
}

#[test]
fn an_offer_is_compared_with_what_is_there_now() {
    let mut alone = Alone::member(Config::default());
    alone.meet(contact(3));
    let (after, upto) = small_range(1);
    let offer = |count| Message::Offer { request: 7, after, upto, count, digest: 0 };
    let put = Message::Put { request: 1, key: upto, copy: true, publication: publication("x") };
    for (message, answer) in [
        (offer(0), Message::Agreed { request: 7 }),
        (offer(1), Message::Differ { request: 7 }),
        (put, Message::Stored { request: 1, copies: vec![] }),
        (offer(0), Message::Differ { request: 7 }),
    ] {
        alone.record.sent.clear();
        alone.datagram(address(3), message);
        assert_eq!(alone.sent(), Some((address(3), answer)));
    }
}

/// A link on which a neighbour reconciles a range with the node.
fn taking(config: Config, (after, upto): (Id160, Id160)) -> (Alone, Link) {
    let mut alone = Alone::member(config);
    alone.meet(contact(3));
    assert_eq!(alone.offer(address(3), (after, upto)), Message::Differ { request: 7 });
    let link = alone.accept_from(0, address(3));
    alone.receive(link, Message::Reconcile { after, upto });
    assert_eq!(alone.record.closed, []);
    alone.record.on_link.clear();
    (alone, link)
}

#[test]
fn who_lists_more_than_the_store_could_hold_is_cut_off() {
    let bytes = 100 * size_of::<Publication>();
    let store = Bounds { publications_per_key: 10, bytes, value_len: 100 };
    let limits = Limits { store, ..Limits::default() };
    let (mut alone, link) = taking(Config { limits, ..Config::default() }, small_range(1));
    alone.receive(link, Message::Fingerprints { fingerprints: (0..100).collect() });
    alone.receive(link, Message::Fingerprints { fingerprints: vec![0, 99] });
    assert_eq!(alone.record.closed, []);
    alone.receive(link, Message::Fingerprints { fingerprints: vec![100] });
    assert_eq!(alone.record.closed, [link]);
    let what = Misbehaviour::Flood;
    assert_eq!(alone.events(), [Event::Misbehaved { from: address(3), what }]);
}

#[test]
fn who_wants_more_than_was_listed_is_cut_off() {
    let mut alone = Alone::member(Config::default());
    alone.meet(contact(3));
    let key = contact(0).id;
    let put = Message::Put { request: 1, key, copy: false, publication: publication("x") };
    alone.datagram(address(9), put);
    alone.record.sent.clear();
    let request = loop {
        match alone.sent() {
            Some((_, Message::Offer { request, .. })) => break request,
            Some(_) => {}
            None => alone.wait(Duration::from_millis(100)),
        }
        assert!(alone.record.now < Time::from_secs(5), "no offer");
    };
    alone.datagram(address(3), Message::Differ { request });
    let (link, to) = alone.record.connected[0];
    assert_eq!(to, address(3));
    let open = LinkState::Open { remote: to, inbound: false };
    alone.input(|node, cx| node.link_changed(link, open, cx));
    let listed = alone.record.on_link.iter().find_map(|(_, message)| match message {
        Message::Fingerprints { fingerprints } => Some(fingerprints.clone()),
        _ => None,
    });
    let fingerprints = listed.expect("what it has");
    assert_eq!(fingerprints.len(), 1);
    alone.receive(link, Message::Wanted { fingerprints });
    assert_eq!(alone.record.closed, []);
    alone.receive(link, Message::Wanted { fingerprints: vec![1] });
    assert_eq!(alone.record.closed, [link]);
    let what = Misbehaviour::Flood;
    assert_eq!(alone.events(), [Event::Misbehaved { from: address(3), what }]);
}

#[test]
fn keys_outside_the_agreed_range_are_not_taken() {
    let (after, upto) = (Id160::ZERO, Id160::ZERO.add_power(8));
    let (mut alone, link) = taking(Config::default(), (after, upto));
    alone.receive(link, Message::Fingerprints { fingerprints: vec![1, 2] });
    alone.receive(link, Message::End);
    let wanted = Message::Wanted { fingerprints: vec![1, 2] };
    assert_eq!(alone.record.on_link, [(link, wanted), (link, Message::End)]);
    let publications = vec![publication("x")];
    alone.receive(link, Message::Entries { key: upto, publications: publications.clone() });
    assert_eq!(alone.node.store().len(), 1);
    alone.receive(link, Message::Entries { key: upto.next(), publications });
    assert_eq!(alone.node.store().len(), 1);
    let what = Misbehaviour::OutOfOrder;
    assert_eq!(alone.events(), [Event::Misbehaved { from: address(3), what }]);
}
