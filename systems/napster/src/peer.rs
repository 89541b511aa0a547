//! Both sides of the protocol as one type of peer.

use bytes::Bytes;
use overlay_peer::{Context, Link, LinkState, Peer, StoreError, Ticket, Timer};

use crate::{Client, Command, Event, Message, Server};

/// The index server, or one of its clients.
#[derive(Clone, Debug)]
pub enum NapsterPeer {
    /// The index server.
    Server(Box<Server>),
    /// A client.
    Client(Box<Client>),
}

impl NapsterPeer {
    /// The server, if this is one.
    pub fn as_server(&self) -> Option<&Server> {
        match self {
            Self::Server(server) => Some(server),
            Self::Client(_) => None,
        }
    }

    /// The client, if this is one.
    pub fn as_client(&self) -> Option<&Client> {
        match self {
            Self::Client(client) => Some(client),
            Self::Server(_) => None,
        }
    }

    /// What this peer remembers of others: entries and bytes, without the overhead of allocators and
    /// of tree nodes. What a client's catalogue describes is its user's, and not counted.
    pub fn footprint(&self) -> (usize, usize) {
        match self {
            Self::Server(server) => server.footprint(),
            Self::Client(client) => client.footprint(),
        }
    }
}

impl From<Server> for NapsterPeer {
    fn from(server: Server) -> Self {
        Self::Server(Box::new(server))
    }
}

impl From<Client> for NapsterPeer {
    fn from(client: Client) -> Self {
        Self::Client(Box::new(client))
    }
}

impl Peer for NapsterPeer {
    type Message = Message;
    type Command = Command;
    type Event = Event;

    fn command(&mut self, command: Command, cx: &mut Context<'_, Self>) {
        match self {
            Self::Server(_) => {}
            Self::Client(client) => client.command(command, cx),
        }
    }

    fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Context<'_, Self>) {
        match self {
            Self::Server(server) => server.link_changed(link, state, cx),
            Self::Client(client) => client.link_changed(link, state, cx),
        }
    }

    fn receive(&mut self, from: Link, message: Message, cx: &mut Context<'_, Self>) {
        match self {
            Self::Server(server) => server.receive(from, message, cx),
            Self::Client(client) => client.receive(from, message, cx),
        }
    }

    fn wake(&mut self, timer: Timer, cx: &mut Context<'_, Self>) {
        match self {
            Self::Server(server) => server.wake(timer, cx),
            Self::Client(client) => client.wake(timer, cx),
        }
    }

    fn stored(
        &mut self,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Context<'_, Self>,
    ) {
        match self {
            Self::Server(_) => {}
            Self::Client(client) => client.stored(ticket, outcome, cx),
        }
    }
}
