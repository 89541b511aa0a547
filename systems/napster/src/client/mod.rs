//! A client.

mod alarm;
pub(crate) mod config;
mod fetches;
mod searches;
mod session;
mod shares;
mod strangers;
mod uploads;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use napster_wire::OwnedMessage;
use overlay_peer::{Context, Link, LinkState, Reason, StoreError, Ticket, Time, Timer};

use crate::{Catalogue, ClientConfig, Command, Event, Message, Misbehaviour, NapsterPeer};
use alarm::Alarm;
use fetches::Fetch;
use searches::Searches;
use session::Session;
use shares::Shares;
use uploads::Uploads;

type Cx<'a> = Context<'a, NapsterPeer>;

/// A client: it logs in at the index server, announces what it shares, searches there, and exchanges
/// files with other clients directly.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    catalogue: Arc<Catalogue>,
    session: Session,
    shares: Shares,
    searches: Searches,
    fetches: BTreeMap<u32, Fetch>,
    /// Counts downloads, to tell those of one number apart.
    serial: u32,
    uploads: Uploads,
    /// What each open or opening link is for.
    links: BTreeMap<Link, Use>,
    /// Reads and writes under way.
    tickets: BTreeMap<Ticket, Job>,
    alarm: Alarm,
}

/// What a link is for.
#[derive(Clone, Copy, Debug)]
enum Use {
    Server,
    /// Someone else opened it and has not said what for.
    Stranger {
        deadline: Time,
    },
    /// The download of this number.
    Fetch(u32),
    /// The upload of this number.
    Upload(u32),
}

/// What a read or write is for.
#[derive(Clone, Copy, Debug)]
enum Job {
    Read { upload: u32 },
    Write { fetch: u32, serial: u32 },
}

impl Client {
    /// A client that is not logged in and shares nothing yet.
    pub fn new(config: ClientConfig, catalogue: Arc<Catalogue>) -> Self {
        Self {
            config,
            catalogue,
            session: Session::default(),
            shares: Shares::default(),
            searches: Searches::default(),
            fetches: BTreeMap::new(),
            serial: 0,
            uploads: Uploads::default(),
            links: BTreeMap::new(),
            tickets: BTreeMap::new(),
            alarm: Alarm::default(),
        }
    }

    /// Who the client is.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Entries and bytes the client keeps, its own list of shared files included, without the
    /// overhead of allocators and tree nodes.
    pub fn footprint(&self) -> (usize, usize) {
        let entries = 1
            + self.shared_count()
            + self.search_count()
            + self.fetches.len()
            + self.uploads.len()
            + self.links.len()
            + self.tickets.len();
        let bytes = size_of::<Self>()
            + self.config.nick().as_bytes().len()
            + self.shared_count() * size_of::<crate::FileId>()
            + self.search_count() * size_of::<OwnedMessage>()
            + self.fetches.len() * size_of::<(u32, Fetch)>()
            + self.uploads.bytes()
            + self.links.len() * size_of::<(Link, Use)>()
            + self.tickets.len() * size_of::<(Ticket, Job)>();
        (entries, bytes)
    }

    pub(crate) fn command(&mut self, command: Command, cx: &mut Cx<'_>) {
        match command {
            Command::Join { server } => self.join(server, cx),
            Command::Leave => self.leave(cx),
            Command::Publish { files } => self.publish(files, cx),
            Command::Unshare { files } => self.unshare(files, cx),
            Command::UnshareAll => self.unshare_all(cx),
            Command::Search { search, query } => self.search(search, query, cx),
            Command::Fetch { fetch, hit, into } => self.fetch(fetch, hit, into, cx),
            Command::Stats => {
                if let Some(server) = self.online() {
                    send(server, OwnedMessage::StatsRequest, cx);
                }
            }
        }
    }

    pub(crate) fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Cx<'_>) {
        match state {
            LinkState::Open { inbound: true, .. } => self.stranger(link, cx),
            LinkState::Open { inbound: false, .. } => match self.links.get(&link) {
                Some(Use::Server) => self.server_opened(link, cx),
                Some(Use::Fetch(fetch)) => self.fetch_opened(link, *fetch, cx),
                Some(Use::Upload(upload)) => self.upload_opened(link, *upload, cx),
                Some(Use::Stranger { .. }) => {}
                None => cx.close(link),
            },
            LinkState::Writable => match self.links.get(&link) {
                Some(Use::Server) => self.announce_more(cx),
                Some(Use::Upload(upload)) => self.upload_drained(*upload, cx),
                _ => {}
            },
            LinkState::Congested => {}
            LinkState::Closed(reason) => {
                if reason == Reason::Malformed {
                    cx.emit(Event::Misbehaved { link, what: Misbehaviour::Malformed });
                }
                match self.links.remove(&link) {
                    Some(Use::Server) => self.server_closed(reason, cx),
                    Some(Use::Fetch(fetch)) => self.fetch_closed(fetch, reason, cx),
                    Some(Use::Upload(upload)) => self.upload_closed(upload, cx),
                    Some(Use::Stranger { .. }) | None => {}
                }
            }
        }
    }

    pub(crate) fn receive(&mut self, from: Link, message: Message, cx: &mut Cx<'_>) {
        match self.links.get(&from) {
            Some(Use::Server) => self.server_message(from, &message, cx),
            Some(Use::Stranger { .. }) => self.stranger_message(from, &message, cx),
            Some(Use::Fetch(fetch)) => self.fetch_message(from, *fetch, message, cx),
            Some(Use::Upload(upload)) => self.upload_message(from, *upload, &message, cx),
            None => {}
        }
    }

    pub(crate) fn wake(&mut self, _: Timer, cx: &mut Cx<'_>) {
        if !self.alarm.rings(cx.now()) {
            return;
        }
        self.expire_login(cx);
        self.expire_searches(cx);
        self.expire_fetches(cx);
        self.expire_uploads(cx);
        self.expire_strangers(cx);
        let next = [
            self.login_deadline(),
            self.next_search_deadline(),
            self.next_fetch_deadline(),
            self.next_upload_deadline(),
            self.next_stranger_deadline(),
        ];
        if let Some(deadline) = next.into_iter().flatten().min() {
            self.alarm.arm(deadline, cx);
        }
    }

    pub(crate) fn stored(
        &mut self,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Cx<'_>,
    ) {
        match self.tickets.remove(&ticket) {
            Some(Job::Read { upload }) => self.chunk_read(upload, outcome, cx),
            Some(Job::Write { fetch, serial }) => {
                self.chunk_written(fetch, serial, outcome.map(drop), cx);
            }
            None => {}
        }
    }
}

fn send(to: Link, message: OwnedMessage, cx: &mut Cx<'_>) {
    cx.send(to, Message::frame(message));
}
