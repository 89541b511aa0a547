//! One node, and all that it asks for.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use overlay_chord::{Command, Config, Contact, Event, Id160, Message, Node, Publication, Traffic};
use overlay_peer::{
    Address, Context, Driver, Link, LinkState, Object, Peer, Ticket, Time, Timer, input_seed,
};

/// Carries out nothing, and remembers what was asked for.
#[derive(Default)]
pub struct Record {
    pub sent: VecDeque<(Address, Message)>,
    pub on_link: VecDeque<(Link, Message)>,
    pub connected: Vec<(Link, Address)>,
    pub closed: Vec<Link>,
    pub reads: Vec<(Ticket, u32)>,
    pub wakes: Vec<(Time, Timer)>,
    pub events: Vec<Event>,
    pub next: u32,
    pub now: Time,
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

pub struct Alone {
    pub node: Node,
    pub record: Record,
    pub inputs: u64,
}

impl Alone {
    pub fn new(config: Config) -> Self {
        Self { node: Node::new(config), record: Record::default(), inputs: 0 }
    }

    /// A member of a ring of one.
    pub fn member(config: Config) -> Self {
        let mut alone = Self::new(config);
        alone.input(|node, cx| node.command(Command::Create, cx));
        assert_eq!(alone.events(), [Event::Joined]);
        alone
    }

    pub fn input(&mut self, input: impl FnOnce(&mut Node, &mut Context<'_, Node>)) {
        self.inputs += 1;
        let (now, seed) = (self.record.now, input_seed(1, 0, self.inputs));
        input(&mut self.node, &mut Context::new(&mut self.record, now, seed));
    }

    pub fn datagram(&mut self, from: Address, message: Message) {
        self.input(|node, cx| node.datagram(from, message, cx));
    }

    pub fn accept(&mut self, number: u32) -> Link {
        self.accept_from(number, address(9))
    }

    pub fn accept_from(&mut self, number: u32, remote: Address) -> Link {
        let link = Link::from_raw(1_000 + number);
        let open = LinkState::Open { remote, inbound: true };
        self.input(|node, cx| node.link_changed(link, open, cx));
        link
    }

    pub fn receive(&mut self, link: Link, message: Message) {
        self.input(|node, cx| node.receive(link, message, cx));
    }

    /// Offers keys it has not; returns the answer.
    pub fn offer(&mut self, from: Address, (after, upto): (Id160, Id160)) -> Message {
        self.record.sent.clear();
        self.datagram(from, Message::Offer { request: 7, after, upto, count: 1, digest: 1 });
        let (to, answer) = self.sent().expect("an answer");
        assert_eq!(to, from);
        answer
    }

    /// Makes `neighbour` its successor and predecessor.
    pub fn meet(&mut self, neighbour: Contact) {
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

    pub fn events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.record.events)
    }

    /// The next datagram it sent, with the number of its request.
    pub fn sent(&mut self) -> Option<(Address, Message)> {
        self.record.sent.pop_front()
    }

    /// Lets time pass, waking the node as it asked.
    pub fn wait(&mut self, span: Duration) {
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

pub fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number + 1], 4000))
}

pub fn contact(number: u8) -> Contact {
    Contact { id: Id160::of_address(address(number)), address: address(number) }
}

pub fn publication(text: &str) -> Publication {
    Publication { publisher: address(9), value: Bytes::from(text.to_owned()) }
}

/// The number of a `Find` that was just sent.
pub fn find_number(sent: Option<(Address, Message)>) -> (Address, u32) {
    match sent {
        Some((to, Message::Find { request, .. })) => (to, request),
        other => panic!("expected a find, not {other:?}"),
    }
}

/// A client that looks up a key, with its question on the way to `address(1)`.
pub fn asking(key: Id160) -> (Alone, u32) {
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

/// A contact in a place of one's choice.
pub fn at(first: u8, number: u16) -> Contact {
    let mut id = [0; 20];
    id[0] = first;
    id[1..3].copy_from_slice(&number.to_be_bytes());
    let [high, low] = number.to_be_bytes();
    let address = SocketAddr::from(([10, first, high, low], 4000));
    Contact { id: Id160::from_bytes(id), address }
}
