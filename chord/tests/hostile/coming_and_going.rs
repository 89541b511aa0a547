//! What a node that joins or leaves says to who asks for its pointers.

use std::time::Duration;

use overlay_chord::{Command, Config, Contact, Event, Failure, Id, Message, Refusal, Traffic};
use overlay_peer::Peer;

use crate::alone::{Alone, address, contact, find_number};

fn pointers(request: u32) -> Message {
    Message::Pointers { request, joining: None }
}

#[test]
fn a_node_that_waits_for_its_place_is_busy() {
    let mut alone = Alone::new(Config::default());
    let not_member = |request| Message::Refused { request, reason: Refusal::NotMember };
    alone.datagram(address(9), pointers(1));
    assert_eq!(alone.sent(), Some((address(9), not_member(1))));

    alone.input(|node, cx| node.command(Command::Join { via: vec![address(1)] }, cx));
    let (to, request) = find_number(alone.sent());
    // An earlier life of it has to be dropped before it finds its place.
    alone.datagram(address(9), pointers(2));
    assert_eq!(alone.sent(), Some((address(9), not_member(2))));

    let (id, contacts) = (contact(1).id, vec![contact(1)]);
    let traffic = Traffic::Upkeep;
    alone.datagram(to, Message::Owner { request, traffic, id, contacts, before: vec![] });
    let Some((to, Message::Pointers { request, .. })) = alone.sent() else {
        panic!("it asks for its place")
    };
    assert_eq!(to, address(1));
    // The answer may be on its way.
    alone.datagram(address(9), pointers(3));
    assert_eq!(alone.sent(), Some((address(9), Message::Busy { request: 3 })));

    alone.datagram(to, Message::Busy { request });
    alone.datagram(address(9), pointers(4));
    assert_eq!(alone.sent(), Some((address(9), not_member(4))));
}

#[test]
fn who_leaves_nudges_its_predecessor_and_stays_to_say_that_it_is_no_member() {
    let mut alone = Alone::member(Config::default());
    let me = alone.node.contact().expect("somebody");
    let neighbour = Contact { id: me.id.add_power(150), address: address(5) };
    alone.meet(neighbour);
    alone.record.sent.clear();
    alone.input(|node, cx| node.command(Command::Leave, cx));
    let Some((to, Message::Offer { request, .. })) = alone.sent() else {
        panic!("it offers its keys")
    };
    alone.datagram(to, Message::Agreed { request });
    assert_eq!(alone.sent(), Some((neighbour.address, Message::Nudge)));
    let refused = Message::Refused { request: 8, reason: Refusal::NotMember };
    alone.datagram(neighbour.address, pointers(8));
    assert_eq!(alone.sent(), Some((neighbour.address, refused)));
    assert_eq!(alone.events(), []);
    alone.input(|node, cx| node.command(Command::Create, cx));
    assert_eq!(alone.events(), [Event::JoinFailed { reason: Failure::AlreadyJoined }]);

    alone.wait(Duration::from_secs(1));
    assert_eq!(alone.events(), [Event::Left { handed_over: true }]);
    alone.input(|node, cx| node.command(Command::Create, cx));
    assert_eq!(alone.events(), [Event::Joined]);
}
