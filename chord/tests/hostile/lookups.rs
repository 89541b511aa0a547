//! Lookups that are led astray.

use std::time::Duration;

use overlay_chord::{
    Config, Contact, Event, Failure, Id, Id160, Message, Misbehaviour, Refusal, Traffic,
};
use overlay_peer::Time;

use crate::alone::{Alone, address, asking, at, contact};

#[test]
fn answers_nobody_asked_for_say_nothing() {
    let (mut alone, number) = asking(Id160::hash(b"key"));
    let lie = |request| Message::Owner {
        request,
        traffic: Traffic::User,
        id: contact(1).id,
        contacts: vec![contact(7)],
        before: Vec::new(),
    };
    alone.datagram(address(1), lie(number.wrapping_add(1)));
    alone.datagram(address(2), lie(number));
    alone.datagram(address(1), Message::Pong { request: number.wrapping_sub(1) });
    assert_eq!(alone.events(), []);
    assert_eq!(alone.sent(), None);
}

#[test]
fn nodes_out_of_order_are_not_believed() {
    let key = Id160::hash(b"key");
    let owner = |request, contacts| Message::Owner {
        request,
        traffic: Traffic::User,
        id: contact(1).id,
        contacts,
        before: Vec::new(),
    };
    let mut ring: Vec<Contact> = (1..9).map(contact).collect();
    ring.sort_by_key(|contact| key.distance(contact.id));
    let wrong = [vec![], vec![ring[0], ring[2], ring[1]], vec![ring[0], ring[1], ring[1]]];
    for contacts in wrong {
        let (mut alone, number) = asking(key);
        alone.datagram(address(1), owner(number, contacts));
        let out_of_order = Misbehaviour::OutOfOrder;
        let misbehaved = Event::Misbehaved { from: address(1), what: out_of_order };
        // Address 1 is asked again, as the one known way in; then that is it.
        assert_eq!(alone.events().first(), Some(&misbehaved));
    }
    let (mut alone, number) = asking(key);
    let other = Message::Closer {
        request: number,
        traffic: Traffic::User,
        id: contact(2).id,
        contacts: vec![],
    };
    alone.datagram(address(1), other);
    let what = Misbehaviour::OtherId { claimed: contact(2).id, known: contact(1).id };
    assert_eq!(alone.events()[0], Event::Misbehaved { from: address(1), what });
}

#[test]
fn a_lookup_that_is_led_on_for_ever_ends() {
    let key = Id160::ZERO;
    let (mut alone, mut number) = asking(key);
    let mut from = contact(1);
    let mut questions = 0;
    loop {
        questions += 1;
        // Each answer names one node, closer by a little, at an address that answers.
        let mut id = *Id160::MAX.as_bytes();
        id[16..].copy_from_slice(&(u32::MAX / 2 + questions).to_be_bytes());
        let next = Contact { id: Id160::from_bytes(id), address: address(questions as u8) };
        let closer = Message::Closer {
            request: number,
            traffic: Traffic::User,
            id: from.id,
            contacts: vec![next],
        };
        alone.datagram(from.address, closer);
        let Some((to, Message::Find { request, .. })) = alone.sent() else { break };
        assert_eq!(to, next.address);
        (from, number) = (next, request);
    }
    assert_eq!(questions, 128);
    let reason = Failure::TooManyHops { max: 128 };
    assert_eq!(alone.events(), [Event::Failed { request: 5, reason }]);
}

#[test]
fn a_lookup_without_answers_ends() {
    let (mut alone, _) = asking(Id160::hash(b"key"));
    alone.wait(Duration::from_secs(10));
    assert_eq!(alone.events(), [Event::Failed { request: 5, reason: Failure::NoAnswer }]);
    assert_eq!(alone.node.counters().timeouts, 2, "the contact, and then the bare address");
}

/// An answer that names `owner` and 128 nodes before the key that nobody has ever seen.
fn owner_and_crowd(request: u32, traffic: Traffic, id: Id160, owner: Contact) -> Message {
    let before = (0..128).map(|number| at(0x20, number)).collect();
    Message::Owner { request, traffic, id, contacts: vec![owner], before }
}

/// A client whose only contact names an owner that is of no use, and a crowd: how often the owner is
/// asked, how long the lookup takes, and what comes of it.
fn lookup_of_a_bad_owner(refuses: bool) -> (u32, Duration, Vec<Event>) {
    let (member, owner) = (contact(1), at(0x90, 0));
    let key = at(0x80, 0).id;
    let (mut alone, number) = asking(key);
    let begun = alone.record.now;
    let mut asked = 0;
    let mut answer = owner_and_crowd(number, Traffic::User, member.id, owner);
    let mut from = member.address;
    loop {
        alone.datagram(from, answer);
        (from, answer) = loop {
            let Some((to, message)) = alone.sent() else {
                if alone.record.wakes.is_empty() || !alone.record.events.is_empty() {
                    let events = alone.events();
                    return (asked, alone.record.now.since(begun), events);
                }
                alone.wait(Duration::from_millis(500));
                assert!(alone.record.now.since(begun) < Duration::from_secs(3_600), "no end");
                continue;
            };
            match message {
                Message::Find { request, traffic, .. } if to == member.address => {
                    break (to, owner_and_crowd(request, traffic, member.id, owner));
                }
                Message::Get { request, .. } if to == owner.address => {
                    asked += 1;
                    assert!(asked < 1_000, "the same owner is asked for ever");
                    if refuses {
                        break (to, Message::Refused { request, reason: Refusal::NotMember });
                    }
                }
                _ => {}
            }
        };
    }
}

#[test]
fn a_silent_owner_before_a_crowd_is_asked_once() {
    let (asked, took, events) = lookup_of_a_bad_owner(false);
    assert_eq!(asked, 2, "one question, repeated once");
    assert!(took <= Duration::from_secs(10), "{took:?}: the whole crowd is asked");
    assert_eq!(events, [Event::Failed { request: 5, reason: Failure::NoAnswer }]);
}

#[test]
fn a_refusing_owner_before_a_crowd_is_asked_once() {
    let (asked, took, events) = lookup_of_a_bad_owner(true);
    assert_eq!(asked, 1);
    assert!(took <= Duration::from_secs(10), "{took:?}: the whole crowd is asked");
    assert_eq!(events, [Event::Failed { request: 5, reason: Failure::NoAnswer }]);
}

#[test]
fn a_lookup_with_ever_new_owners_ends() {
    let key = at(0x80, 0).id;
    let (mut alone, number) = asking(key);
    let contacts = (0..200).map(|number| at(0x90, number)).collect();
    let traffic = Traffic::User;
    let answer =
        Message::Owner { request: number, traffic, id: contact(1).id, contacts, before: vec![] };
    alone.datagram(address(1), answer);
    let mut asked = 0;
    while let Some((to, Message::Get { request, .. })) = alone.sent() {
        asked += 1;
        alone.datagram(to, Message::Refused { request, reason: Refusal::NotMember });
    }
    assert_eq!(asked, 128);
    let reason = Failure::TooManyOwners { max: 128 };
    assert_eq!(alone.events(), [Event::Failed { request: 5, reason }]);
}

#[test]
fn one_lying_successor_does_not_stop_the_fingers() {
    let me = Contact { id: Id160::ZERO, address: address(0) };
    let mut alone = Alone::member(Config { id: Some(me.id), ..Config::default() });
    let (liar, next, owner) = (at(0x10, 0), at(0x18, 0), at(0xff, 0));
    let before = at(0xf0, 0);
    alone.datagram(liar.address, Message::Notify { id: liar.id });
    let mut told = false;
    let (mut keys, mut asked_in_vain, mut last) = (Vec::new(), 0, Time::ZERO);
    let hour = Time::from_secs(3_600);
    while alone.record.now < hour {
        let Some((to, message)) = alone.sent() else {
            if !told && alone.node.member().is_some_and(|m| m.successors().first() == Some(liar)) {
                // An honest predecessor, so that most of the ring is beyond this node.
                told = true;
                alone.datagram(before.address, Message::Notify { id: before.id });
            }
            alone.wait(Duration::from_millis(250));
            continue;
        };
        let answer = match message {
            Message::Find { request, traffic, key } if to == liar.address => {
                keys.push(key);
                last = alone.record.now;
                owner_and_crowd(request, traffic, liar.id, owner)
            }
            Message::Pointers { request, .. } if to == liar.address => Message::Neighbours {
                request,
                id: liar.id,
                predecessor: Some(me),
                successors: vec![next],
            },
            Message::Ping { request } if to == liar.address => Message::Pong { request },
            Message::Ping { .. } if to == owner.address => {
                asked_in_vain += 1;
                continue;
            }
            Message::Offer { request, .. } => Message::Agreed { request },
            _ => continue,
        };
        alone.datagram(to, answer);
    }
    let each = keys.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert!(each >= 2, "every finger beyond the successor is tried, not only the first: {each}");
    assert!(keys.len() >= 60, "{} refreshes in an hour", keys.len());
    assert!(hour.since(last) < Duration::from_secs(120), "the last refresh was at {last}");
    assert!(asked_in_vain <= 2 * keys.len(), "{asked_in_vain} pings, {} lookups", keys.len());
}
