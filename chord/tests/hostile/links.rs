//! Links and blobs.

use std::time::Duration;

use bytes::Bytes;
use overlay_chord::{
    Command, Config, Event, FetchFailure, Id160, Message, Misbehaviour, Part, Refusal, SharedBlob,
};
use overlay_peer::{LinkState, Object, Peer};

use crate::alone::{Alone, address};

#[test]
fn messages_for_links_do_not_come_as_datagrams_nor_the_other_way_round() {
    let mut alone = Alone::member(Config::default());
    let end = Message::End;
    let kind = end.kind();
    alone.datagram(address(9), end);
    let what = Misbehaviour::OutOfPlace { kind };
    assert_eq!(alone.events(), [Event::Misbehaved { from: address(9), what }]);
    let link = alone.accept(0);
    let ping = Message::Ping { request: 1 };
    let what = Misbehaviour::OutOfPlace { kind: ping.kind() };
    alone.receive(link, ping);
    assert_eq!(alone.events(), [Event::Misbehaved { from: address(9), what }]);
    assert_eq!(alone.record.closed, [link]);
}

#[test]
fn too_many_links_and_idle_ones_are_closed() {
    let mut alone = Alone::member(Config::default());
    for number in 0..64 {
        alone.accept(number);
    }
    assert_eq!(alone.events(), []);
    let refused = alone.accept(64);
    assert_eq!(alone.record.closed, [refused]);
    let reason = Refusal::TooMuch;
    assert_eq!(alone.events(), [Event::Refused { from: address(9), reason }]);
    alone.wait(Duration::from_secs(40));
    assert_eq!(alone.record.closed.len(), 65);
}

#[test]
fn who_wants_too_much_at_once_is_cut_off() {
    let mut alone = Alone::new(Config::default());
    let blob = SharedBlob { blob: Id160::hash(b"x"), object: Object(1), offset: 0, len: 100 };
    alone.input(|node, cx| node.command(Command::Share { blobs: vec![blob] }, cx));
    let link = alone.accept(0);
    for part in 0..30 {
        alone.receive(link, Message::Want { part, blob: blob.blob });
    }
    // One is being read, sixteen wait; whoever asks for more is not waiting for answers.
    assert_eq!(alone.record.reads.len(), 1);
    assert_eq!(alone.record.closed, [link]);
    let what = Misbehaviour::Flood;
    assert_eq!(alone.events(), [Event::Misbehaved { from: address(9), what }]);
    // The read comes back to nobody.
    let (ticket, len) = alone.record.reads[0];
    let bytes = Bytes::from(vec![0; len as usize]);
    alone.input(|node, cx| node.stored(ticket, Ok(bytes), cx));
    assert!(alone.record.on_link.is_empty());
}

#[test]
fn blob_data_that_does_not_fit_together_ends_the_fetch() {
    let data =
        |part, left, len: usize| Message::Data { part, left, bytes: Bytes::from(vec![0; len]) };
    let table = [
        (vec![data(1, 0, 10)], "a part that is not its turn"),
        (vec![data(0, 5, 0)], "a piece with nothing in it"),
        (vec![data(0, 90, 10), data(0, 70, 10)], "a total that changes"),
        (vec![data(0, 0, 100), data(1, 0, 100)], "more than was asked for"),
    ];
    for (messages, why) in table {
        let mut alone = Alone::new(Config::default());
        let blob = Id160::hash(&[0; 100]);
        let parts = vec![Part { blob, into: None, offset: 0, len: None }];
        let fetch = Command::Fetch { fetch: 1, from: address(4), parts };
        alone.input(|node, cx| node.command(fetch, cx));
        let (link, _) = alone.record.connected[0];
        let open = LinkState::Open { remote: address(4), inbound: false };
        alone.input(|node, cx| node.link_changed(link, open, cx));
        for message in messages {
            alone.receive(link, message);
        }
        let events = alone.events();
        let reason = FetchFailure::Misbehaved;
        let failed = events.contains(&Event::FetchFailed { fetch: 1, reason });
        let done = events.contains(&Event::Fetched { fetch: 1, bytes: 100, verified: 1 });
        assert!(failed != done, "{why}: {events:?}");
        assert_eq!(alone.record.closed, [link], "{why}");
    }
}
