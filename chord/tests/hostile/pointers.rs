//! Pointers that lie, and questions at the wrong time.

use std::time::Duration;

use overlay_chord::{Config, Contact, Event, Id, Message, Misbehaviour};

use crate::alone::{Alone, address, contact};

#[test]
fn pointers_out_of_order_are_not_taken_over() {
    let mut alone = Alone::member(Config::default());
    alone.datagram(address(3), Message::Notify { id: contact(3).id });
    let Some((to, Message::Pointers { request, .. })) = alone.sent() else {
        panic!("it checks the node before it takes over its list")
    };
    let id = contact(3).id;
    let successors = vec![
        Contact { id: id.add_power(9), ..contact(4) },
        Contact { id: id.next(), ..contact(5) },
    ];
    alone.datagram(to, Message::Neighbours { request, id, predecessor: None, successors });
    let what = Misbehaviour::OutOfOrder;
    assert_eq!(alone.events(), [Event::Misbehaved { from: to, what }]);
    let list = alone.node.member().expect("a member").successors().as_slice().to_vec();
    assert_eq!(list, [contact(0)]);
}

#[test]
fn a_node_that_waits_shows_its_pointers_to_nobody() {
    let mut alone = Alone::member(Config::default());
    let pointers = |request| Message::Pointers { request, joining: None };
    alone.datagram(address(9), pointers(1));
    assert!(matches!(alone.sent(), Some((_, Message::Neighbours { request: 1, .. }))));
    // Somebody notifies it; it asks that node for its pointers, and is busy until the answer.
    alone.datagram(address(3), Message::Notify { id: contact(3).id });
    let Some((to, Message::Pointers { request, .. })) = alone.sent() else {
        panic!("it checks the node before it takes over its list")
    };
    assert_eq!(to, address(3));
    alone.datagram(address(9), pointers(2));
    assert_eq!(alone.sent(), Some((address(9), Message::Busy { request: 2 })));
    alone.datagram(address(9), Message::Ping { request: 3 });
    assert_eq!(alone.sent(), Some((address(9), Message::Pong { request: 3 })), "it lives");
    let (id, me) = (contact(0).id, contact(0));
    let answer = |request, predecessor| Message::Neighbours {
        request,
        id: contact(3).id,
        predecessor,
        successors: vec![me],
    };
    alone.datagram(address(3), answer(request, None));
    assert_eq!(alone.sent(), Some((address(3), Message::Notify { id })));
    // A new successor may have a closer predecessor: it asks once more, and then knows.
    let Some((_, Message::Pointers { request, .. })) = alone.sent() else {
        panic!("it stabilizes after a change")
    };
    alone.datagram(address(3), answer(request, Some(me)));
    assert_eq!(alone.sent(), Some((address(3), Message::Notify { id })));
    alone.datagram(address(9), pointers(4));
    assert!(matches!(alone.sent(), Some((_, Message::Neighbours { request: 4, .. }))));
    assert_eq!(alone.events(), []);
}

#[test]
fn only_one_node_at_a_time_is_shown_the_place_to_join() {
    let mut alone = Alone::member(Config::default());
    let pointers = |number| {
        let joining = Some(contact(number).id);
        Message::Pointers { request: number.into(), joining }
    };
    alone.datagram(address(3), pointers(3));
    assert!(matches!(alone.sent(), Some((_, Message::Neighbours { .. }))));
    alone.datagram(address(4), pointers(4));
    assert!(matches!(alone.sent(), Some((_, Message::Busy { .. }))));
    alone.datagram(address(3), pointers(3));
    assert!(matches!(alone.sent(), Some((_, Message::Neighbours { .. }))), "it may ask again");
    alone.wait(Duration::from_secs(2));
    alone.datagram(address(4), pointers(4));
    assert!(matches!(alone.sent(), Some((_, Message::Neighbours { .. }))));
}
