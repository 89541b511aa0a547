//! One node, and others that lie, flood and talk nonsense: it says so, drops what came, and goes on.
#![cfg(feature = "peer")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use overlay_chord::{
    Bounds, Command, Config, Contact, Event, Failure, FetchFailure, Id, Id160, Limits, Message,
    Misbehaviour, Node, Part, Publication, Refusal, SharedBlob, Traffic,
};
use overlay_peer::{
    Address, Context, Driver, Link, LinkState, Object, Peer, Ticket, Time, Timer, input_seed,
};

/// Carries out nothing, and remembers what was asked for.
#[derive(Default)]
struct Record {
    sent: VecDeque<(Address, Message)>,
    on_link: VecDeque<(Link, Message)>,
    connected: Vec<(Link, Address)>,
    closed: Vec<Link>,
    reads: Vec<(Ticket, u32)>,
    wakes: Vec<(Time, Timer)>,
    events: Vec<Event>,
    next: u32,
    now: Time,
}

impl Driver<Node> for Record {
    fn here(&self) -> Address {
        address(0)
    }
    fn send(&mut self, link: Link, message: Message) {
        self.on_link.push_back((link, message));
    }
    fn connect(&mut self, to: Address) -> Link {
        self.next += 1;
        let link = Link::from_raw(self.next);
        self.connected.push((link, to));
        link
    }
    fn close(&mut self, link: Link) {
        self.closed.push(link);
    }
    fn phase(&mut self, _: Link, (): ()) {}
    fn when_writable(&mut self, _: Link) {}
    fn pause(&mut self, _: Link, _: bool) {}
    fn queued(&self, _: Link) -> usize {
        0
    }
    fn send_to(&mut self, to: Address, message: Message) {
        self.sent.push_back((to, message));
    }
    fn wake_after(&mut self, delay: Duration, timer: Timer) {
        self.wakes.push((self.now + delay, timer));
    }
    fn read(&mut self, _: Object, _: u64, len: u32) -> Ticket {
        self.next += 1;
        self.reads.push((Ticket(self.next), len));
        Ticket(self.next)
    }
    fn write(&mut self, _: Object, _: u64, _: Bytes) -> Ticket {
        self.next += 1;
        Ticket(self.next)
    }
    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

struct Alone {
    node: Node,
    record: Record,
    inputs: u64,
}

impl Alone {
    fn new(config: Config) -> Self {
        Self { node: Node::new(config), record: Record::default(), inputs: 0 }
    }

    /// A member of a ring of one.
    fn member(config: Config) -> Self {
        let mut alone = Self::new(config);
        alone.input(|node, cx| node.command(Command::Create, cx));
        assert_eq!(alone.events(), [Event::Joined]);
        alone
    }

    fn input(&mut self, input: impl FnOnce(&mut Node, &mut Context<'_, Node>)) {
        self.inputs += 1;
        let (now, seed) = (self.record.now, input_seed(1, 0, self.inputs));
        input(&mut self.node, &mut Context::new(&mut self.record, now, seed));
    }

    fn datagram(&mut self, from: Address, message: Message) {
        self.input(|node, cx| node.datagram(from, message, cx));
    }

    fn accept(&mut self, number: u32) -> Link {
        self.accept_from(number, address(9))
    }

    fn accept_from(&mut self, number: u32, remote: Address) -> Link {
        let link = Link::from_raw(1_000 + number);
        let open = LinkState::Open { remote, inbound: true };
        self.input(|node, cx| node.link_changed(link, open, cx));
        link
    }

    fn receive(&mut self, link: Link, message: Message) {
        self.input(|node, cx| node.receive(link, message, cx));
    }

    /// Offers keys it has not; returns the answer.
    fn offer(&mut self, from: Address, (after, upto): (Id160, Id160)) -> Message {
        self.record.sent.clear();
        self.datagram(from, Message::Offer { request: 7, after, upto, count: 1, digest: 1 });
        let (to, answer) = self.sent().expect("an answer");
        assert_eq!(to, from);
        answer
    }

    /// Makes `neighbour` its successor and predecessor.
    fn meet(&mut self, neighbour: Contact) {
        self.datagram(neighbour.address, Message::Notify { id: neighbour.id });
        let me = self.node.contact().expect("somebody");
        while let Some((to, message)) = self.sent() {
            if let Message::Pointers { request, .. } = message {
                let (id, successors) = (neighbour.id, vec![me]);
                let predecessor = Some(me);
                let answer = Message::Neighbours { request, id, predecessor, successors };
                self.datagram(to, answer);
            }
        }
        let member = self.node.member().expect("a member");
        assert_eq!(member.predecessor(), Some(neighbour));
        assert_eq!(member.successors().first(), Some(neighbour));
    }

    fn events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.record.events)
    }

    /// The next datagram it sent, with the number of its request.
    fn sent(&mut self) -> Option<(Address, Message)> {
        self.record.sent.pop_front()
    }

    /// Lets time pass, waking the node as it asked.
    fn wait(&mut self, span: Duration) {
        let end = self.record.now + span;
        loop {
            let due = self.record.wakes.iter().enumerate().min_by_key(|(_, (when, _))| *when);
            let Some((at, &(when, timer))) = due.filter(|(_, (when, _))| *when <= end) else {
                self.record.now = end;
                return;
            };
            self.record.wakes.remove(at);
            self.record.now = self.record.now.max(when);
            self.input(|node, cx| node.wake(timer, cx));
        }
    }
}

fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number + 1], 4000))
}

fn contact(number: u8) -> Contact {
    Contact { id: Id160::of_address(address(number)), address: address(number) }
}

fn publication(text: &str) -> Publication {
    Publication { publisher: address(9), value: Bytes::from(text.to_owned()) }
}

/// The number of a `Find` that was just sent.
fn find_number(sent: Option<(Address, Message)>) -> (Address, u32) {
    match sent {
        Some((to, Message::Find { request, .. })) => (to, request),
        other => panic!("expected a find, not {other:?}"),
    }
}

/// A client that looks up a key, with its question on the way to `address(1)`.
fn asking(key: Id160) -> (Alone, u32) {
    let mut alone = Alone::new(Config { member: false, ..Config::default() });
    alone.input(|node, cx| node.command(Command::Join { via: vec![address(1)] }, cx));
    let (to, number) = find_number(alone.sent());
    assert_eq!(to, address(1));
    let owner = Message::Owner {
        request: number,
        traffic: Traffic::Upkeep,
        id: contact(1).id,
        contacts: vec![contact(1)],
        before: Vec::new(),
    };
    alone.datagram(address(1), owner);
    assert_eq!(alone.events(), [Event::Joined]);
    alone.input(|node, cx| node.command(Command::Lookup { request: 5, key }, cx));
    let (to, number) = find_number(alone.sent());
    assert_eq!(to, address(1));
    (alone, number)
}

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

/// A contact in a place of one's choice.
fn at(first: u8, number: u16) -> Contact {
    let mut id = [0; 20];
    id[0] = first;
    id[1..3].copy_from_slice(&number.to_be_bytes());
    let [high, low] = number.to_be_bytes();
    let address = SocketAddr::from(([10, first, high, low], 4000));
    Contact { id: Id160::from_bytes(id), address }
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
                Message::Ping { request } if to == owner.address => {
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
    while let Some((to, Message::Ping { request })) = alone.sent() {
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

/// A key just before a node's place.
fn key_before(id: Id160) -> Id160 {
    let mut bytes = *id.as_bytes();
    for byte in bytes.iter_mut().rev() {
        let (less, borrow) = byte.overflowing_sub(1);
        *byte = less;
        if !borrow {
            break;
        }
    }
    Id160::from_bytes(bytes)
}

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
    // The neighbour's own keys are known; those before this node are its own; so none is passed on
    // between two nodes, unless the predecessor is gone.
    alone.record.sent.clear();
    alone.datagram(
        neighbour.address,
        Message::Leaving {
            id: neighbour.id,
            successors: vec![Contact { id: me.add_power(152), address: address(6) }],
        },
    );
    let _ = alone.events();
    let key = key_before(me);
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

#[test]
fn who_leaves_with_a_list_that_is_out_of_order_misbehaves() {
    let mut alone = Alone::member(Config::default());
    let me = alone.node.contact().expect("somebody");
    let neighbour = Contact { id: me.id.add_power(150), address: address(5) };
    alone.meet(neighbour);
    let _ = alone.events();
    let (id, successors) = (neighbour.id, vec![me, neighbour, me]);
    alone.datagram(neighbour.address, Message::Leaving { id, successors });
    let what = Misbehaviour::OutOfOrder;
    assert_eq!(alone.events(), [Event::Misbehaved { from: neighbour.address, what }]);
    let member = alone.node.member().expect("a member");
    assert_eq!(member.successors().first(), Some(neighbour), "nothing changed");
}
