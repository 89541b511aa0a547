//! Lookups that others pass on.

use overlay_chord::{Config, Contact, Event, Id, Id160, Limits, Message, Refusal, Traffic};

use crate::alone::{Alone, address};

fn forward(request: u32, key: Id160, hops: u8) -> Message {
    let (traffic, origin) = (Traffic::User, address(30));
    Message::Forward { request, traffic, key, origin, number: 77, hops }
}

#[test]
fn a_lookup_that_is_passed_on_for_ever_is_refused() {
    let mut alone = Alone::member(Config::default());
    let me = alone.node.contact().expect("somebody").id;
    alone.datagram(address(9), forward(1, me, 128));
    let refused = Message::Refused { request: 1, reason: Refusal::TooMuch };
    assert_eq!(alone.sent(), Some((address(9), refused)));
    assert_eq!(alone.events(), [Event::Refused { from: address(9), reason: Refusal::TooMuch }]);
}

#[test]
fn a_lookup_passed_on_is_answered_to_its_origin() {
    let mut alone = Alone::member(Config::default());
    let me = alone.node.contact().expect("somebody");
    alone.datagram(address(9), forward(1, Id160::hash(b"any"), 3));
    let (request, traffic, hops) = (77, Traffic::User, 3);
    let routed = Message::Routed { request, traffic, id: me.id, hops, contacts: vec![me] };
    assert_eq!(alone.sent(), Some((address(30), routed)));
    assert_eq!(alone.sent(), Some((address(9), Message::Pong { request: 1 })));
}

#[test]
fn no_more_lookups_of_others_are_kept_than_may_be() {
    let limits = Limits { relays: 3, ..Limits::default() };
    // Only the successor may answer, so what lies beyond it is passed on.
    let mut alone = Alone::member(Config { limits, successors: 1, ..Config::default() });
    let me = alone.node.contact().expect("somebody").id;
    let neighbour = Contact { id: me.add_power(150), address: address(5) };
    alone.meet(neighbour);
    // The successor's keys are known, and those from the predecessor on are its own; what lies between
    // them is passed on.
    let before = Contact { id: me.add_power(152), address: address(6) };
    alone.datagram(before.address, Message::Notify { id: before.id });
    let member = alone.node.member().expect("a member");
    assert_eq!(
        (member.predecessor(), member.successors().first()),
        (Some(before), Some(neighbour))
    );
    let _ = alone.events();
    let key = me.add_power(151);
    for request in 0..5 {
        alone.record.sent.clear();
        alone.datagram(address(9), forward(request, key, 1));
        let answers: Vec<_> = alone.record.sent.drain(..).collect();
        let passed = answers.iter().filter(|(_, m)| matches!(m, Message::Forward { .. })).count();
        let refused = answers.iter().any(|(_, m)| matches!(m, Message::Refused { .. }));
        assert_eq!((passed, refused), if request < 3 { (1, false) } else { (0, true) });
    }
    assert_eq!(alone.events().len(), 2, "each refusal is an event");
}

#[test]
fn nobody_answers_a_lookup_that_was_never_passed_on() {
    let mut alone = Alone::member(Config::default());
    let me = alone.node.contact().expect("somebody");
    let (traffic, contacts) = (Traffic::User, vec![me]);
    for request in 0..100 {
        alone.datagram(
            address(9),
            Message::Routed { request, traffic, id: me.id, hops: 1, contacts: contacts.clone() },
        );
    }
    assert_eq!(alone.events(), []);
    assert_eq!(alone.sent(), None);
}
