//! The servent: its state, and which part of it takes which input.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddrV4;

use bytes::Bytes;
use gnutella_wire::Guid;
use overlay_peer::{
    Address, Context, Expect, Link, LinkState, Peer, Reason, StoreError, Ticket, Time, Timer,
    prefetch,
};
use rand_core::Rng;

use crate::counters::Aside;
use crate::download::Download;
use crate::hosts::{Hosts, Source};
use crate::lazy::Lazy;
use crate::neighbours::Neighbours;
use crate::obtain::Wanted;
use crate::parts::Swarm;
use crate::routes::Routes;
use crate::search::{Asker, Pursuit};
use crate::sharing::Shared;
use crate::upkeep::Greeting;
use crate::upload::Upload;
use crate::v06::V06;
use crate::web_cache::WebCache;
use crate::words::Signature;
use crate::{
    Catalogue, Command, Config, Counters, Event, Message, Misbehaviour, Settings, Settings06,
};

/// A Gnutella servent: of 0.4, or of 0.6 if its settings say so.
///
/// One servent is a state machine for [`overlay_peer`]'s drivers; see the crate's front page for
/// what it does. A clone is a copy of its whole state.
// The first 64 bytes are what most descriptors need, and nothing else of a servent: in a simulation of
// many servents, what a message costs is what has to be fetched from memory for it.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Servent {
    pub(crate) neighbours: Neighbours,
    pub(crate) routes: Routes,
    pub(crate) settings: Arc<Settings>,
    /// The signatures of all its files together.
    pub(crate) signature: Signature,
    /// `None` in a servent that speaks 0.4 only.
    pub(crate) v06: Option<Box<V06>>,

    pub(crate) aside: Lazy<Aside>,
    /// What most servents have nothing of most of the time.
    pub(crate) work: Option<Box<Work>>,
    pub(crate) guid: Guid,
    pub(crate) catalogue: Arc<Catalogue>,
    /// Indices of its own files in the catalogue, sorted.
    pub(crate) shares: Box<[u32]>,
    /// The sizes of all its files together, as its Pongs tell them.
    pub(crate) kbytes: u32,
    /// Left, and not joined again.
    pub(crate) away: bool,
    pub(crate) ping_armed: bool,
    pub(crate) reconnect_armed: bool,
    /// How often it looked for neighbours since it last had enough.
    pub(crate) tries: u8,
}

/// Handshakes, transfers and own searches under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    pub greetings: Vec<Greeting>,
    pub downloads: Vec<Download>,
    pub uploads: Vec<Upload>,
    /// Web servers that are or were asked for hosts.
    pub web_caches: Vec<WebCache>,
    /// Files fetched from several sources.
    pub swarms: Vec<Swarm>,
    /// Files that are searched and then fetched.
    pub wanted: Vec<Wanted>,
    /// The GUIDs of own queries and whom they are for, oldest first.
    pub searches: Vec<(Guid, Asker)>,
    /// Searches that may send more queries, oldest first.
    pub pursuits: Vec<Pursuit>,
    /// When the next wake for a deadline is due. When all is done this is forgotten, and the wake
    /// comes for nothing.
    pub sweep_at: Option<Time>,
}

impl Servent {
    /// A servent that shares these files of the catalogue. Numbers the catalogue does not have are
    /// left out.
    pub fn new(
        config: Config,
        catalogue: Arc<Catalogue>,
        shares: impl IntoIterator<Item = u32>,
    ) -> Self {
        let Shared { shares, kbytes, signature } = Shared::of(shares, &catalogue);
        let mut aside = Lazy::<Aside>::default();
        if config.firewalled || config.advertise.is_some() {
            aside.firewalled = config.firewalled;
            aside.advertise = config.advertise.and_then(ipv4);
        }
        Self {
            guid: config.servent,
            v06: config.settings.v06.as_ref().map(|_| Box::new(V06::new(config.capabilities))),
            settings: config.settings,
            catalogue,
            shares,
            kbytes,
            signature,
            neighbours: Neighbours::default(),
            routes: Routes::default(),
            work: None,
            aside,
            away: false,
            ping_armed: false,
            reconnect_armed: false,
            tries: 0,
        }
    }

    /// Names this servent in its hits.
    pub fn guid(&self) -> Guid {
        self.guid
    }

    /// What it counted.
    pub fn counters(&self) -> Counters {
        let before = self.aside.duplicates;
        Counters { duplicates: before.saturating_add(self.routes.duplicates()), ..**self.aside }
    }

    /// The indices of the files it shares, sorted.
    pub fn shares(&self) -> &[u32] {
        &self.shares
    }

    /// The links to its neighbours.
    pub fn neighbours(&self) -> impl Iterator<Item = Link> {
        self.neighbours.iter().flatten().map(|neighbour| neighbour.link)
    }

    /// How many hosts it knows to connect to.
    pub fn known_hosts(&self) -> usize {
        self.aside.hosts.len()
    }

    /// What it remembers, as (entries, bytes): GUIDs and routes, cached hosts, links, own searches,
    /// transfers, and the list of shared files. The bytes are those on the heap, unused room in
    /// tables included; neither the shared [`Catalogue`] nor the servent's own struct.
    pub fn footprint(&self) -> (usize, usize) {
        let mut entries = self.routes.len()
            + self.aside.hosts.len()
            + self.neighbours().count()
            + self.shares.len();
        let mut bytes = self.routes.heap_bytes()
            + self.aside.hosts.heap_bytes()
            + size_of_val(&*self.neighbours)
            + size_of_val(&*self.shares);
        if let Some(v06) = &self.v06 {
            let more = v06.footprint();
            entries += more.0;
            bytes += more.1;
        }
        if let Some(work) = &self.work {
            entries += work.greetings.len()
                + work.downloads.len()
                + work.uploads.len()
                + work.searches.len()
                + work.pursuits.len()
                + work.swarms.len()
                + work.wanted.len()
                + work.web_caches.len();
            bytes += size_of::<Work>()
                + work.greetings.capacity() * size_of::<Greeting>()
                + work.downloads.capacity() * size_of::<Download>()
                + work.downloads.iter().map(Download::heap_bytes).sum::<usize>()
                + work.uploads.capacity() * size_of::<Upload>()
                + work.uploads.iter().map(Upload::heap_bytes).sum::<usize>()
                + work.searches.capacity() * size_of::<(Guid, Asker)>()
                + work.pursuits.capacity() * size_of::<Pursuit>()
                + work.pursuits.iter().map(Pursuit::heap_bytes).sum::<usize>()
                + work.swarms.capacity() * size_of::<Swarm>()
                + work.swarms.iter().map(Swarm::heap_bytes).sum::<usize>()
                + work.wanted.capacity() * size_of::<Wanted>()
                + work.wanted.iter().map(Wanted::heap_bytes).sum::<usize>()
                + work.web_caches.capacity() * size_of::<WebCache>()
                + work.web_caches.iter().map(WebCache::heap_bytes).sum::<usize>();
        }
        (entries, bytes)
    }

    /// Where it tells others to connect to. `None` if there is no such IPv4 address.
    pub(crate) fn public(&self, cx: &Context<'_, Self>) -> Option<SocketAddrV4> {
        self.aside
            .advertise
            .or_else(|| ipv4(cx.here()))
            .filter(|&address| crate::hosts::usable(address))
    }

    /// Whether others can connect to it.
    pub(crate) fn reachable(&self, cx: &Context<'_, Self>) -> Option<SocketAddrV4> {
        if self.aside.firewalled { None } else { self.public(cx) }
    }

    /// Adds a host to the cache; whether it is one that was not there.
    pub(crate) fn add_host(&mut self, host: SocketAddrV4, source: Source) -> bool {
        self.settings.hosts > 0 && self.aside.hosts.insert(host, source, self.settings.hosts)
    }

    /// Changes what the cache says of some host, if there is any in it.
    pub(crate) fn of_host(&mut self, change: impl FnOnce(&mut Hosts)) {
        if self.known_hosts() > 0 {
            change(&mut self.aside.hosts);
        }
    }

    /// Which program it says to be.
    pub(crate) fn user_agent(&self) -> &'static str {
        self.settings.v06.as_ref().map_or(Settings06::USER_AGENT, |it| it.user_agent)
    }

    pub(crate) fn work(&mut self) -> &mut Work {
        self.work.get_or_insert_default()
    }

    /// The slot of a neighbour.
    pub(crate) fn slot(&self, link: Link) -> Option<u8> {
        let slot =
            self.neighbours.iter().position(|n| n.is_some_and(|neighbour| neighbour.link == link));
        slot.and_then(|slot| u8::try_from(slot).ok())
    }

    /// Closes a link because of what the other side did on it.
    pub(crate) fn misbehaved(
        &mut self,
        link: Link,
        what: Misbehaviour,
        cx: &mut Context<'_, Self>,
    ) {
        cx.close(link);
        cx.emit(Event::Misbehaved { link, what });
    }

    /// Frees what holds nothing any more.
    fn tidy(&mut self) {
        let idle = |work: &mut Box<Work>| {
            work.greetings.is_empty()
                && work.downloads.is_empty()
                && work.uploads.is_empty()
                && work.searches.is_empty()
                && work.pursuits.is_empty()
                && work.swarms.is_empty()
                && work.wanted.is_empty()
                && work.web_caches.is_empty()
        };
        self.work.take_if(idle);
    }
}

/// A random GUID, marked as a modern servent's.
pub(crate) fn random_guid(rng: &mut impl Rng) -> Guid {
    let mut bytes = [0; Guid::LEN];
    rng.fill_bytes(&mut bytes);
    Guid::from_bytes(bytes).marked()
}

pub(crate) fn ipv4(address: Address) -> Option<SocketAddrV4> {
    match address {
        Address::V4(address) => Some(address),
        Address::V6(_) => None,
    }
}

/// The timers of a servent.
pub(crate) mod timer {
    use overlay_peer::Timer;

    /// Time to ping the neighbours.
    pub(crate) const PING: Timer = Timer(0);
    /// Time to look for a new neighbour.
    pub(crate) const RECONNECT: Timer = Timer(1);
    /// Something under way may have taken too long.
    pub(crate) const SWEEP: Timer = Timer(2);
}

impl Peer for Servent {
    type Message = Message;
    type Command = Command;
    type Event = Event;

    fn command(&mut self, command: Command, cx: &mut Context<'_, Self>) {
        match command {
            Command::JoinSaved { hosts } => {
                self.away = false;
                self.remember(&hosts, Source::Saved, cx);
            }
            Command::AskWebCache { server, name, path } => {
                self.ask_web_cache(server, &name, &path, cx);
            }
            Command::Join { hosts } => self.join(&hosts, cx),
            Command::Search { search, text } => self.search(search, &text, cx),
            Command::SearchBy { search, text, plan } => self.search_by(search, &text, plan, cx),
            Command::Fetch { fetch, hit, into, from } => self.fetch(fetch, hit, into, from, cx),
            Command::Swarm { fetch, hits, into, from } => self.swarm(fetch, hits, into, from, cx),
            Command::Obtain { fetch, text, plan, into } => {
                self.obtain(fetch, &text, plan, into, cx);
            }
            Command::AddSource { fetch, hit } => self.join_swarm(fetch, hit, cx),
            Command::Share { add, remove } => self.share(&add, &remove, cx),
            Command::Publish { catalogue, shares } => self.publish_files(catalogue, shares, cx),
            Command::Leave => self.leave(cx),
        }
        self.tidy();
    }

    fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Context<'_, Self>) {
        match state {
            LinkState::Open { remote, inbound: true } => self.accepted(link, remote, cx),
            LinkState::Open { inbound: false, .. } => {
                let _ = self.opened06(link, cx)
                    || self.greeting_opened(link, cx)
                    || self.download_opened(link, cx)
                    || self.web_opened(link, cx)
                    || self.upload_opened(link, cx);
            }
            LinkState::Congested => {}
            LinkState::Writable => self.upload_writable(link, cx),
            LinkState::Closed(reason) => self.closed(link, reason, cx),
        }
        self.tidy();
    }

    fn receive(&mut self, from: Link, message: Message, cx: &mut Context<'_, Self>) {
        match message {
            Message::Descriptor { ttl, hops, descriptor } => match self.slot(from) {
                Some(slot) => self.descriptor(slot, ttl, hops, descriptor, cx),
                None => self.courtesy(from, hops, &descriptor, cx),
            },
            Message::Head { kind, head } => {
                self.head(from, kind, head.borrow(), cx);
                self.tidy();
            }
            Message::Data(bytes) => {
                if !self.web_data(from, &bytes, cx) {
                    self.data(from, *bytes, cx);
                }
            }
        }
    }

    fn datagram(&mut self, from: Address, message: Message, cx: &mut Context<'_, Self>) {
        self.datagram06(from, &message, cx);
        self.tidy();
    }

    #[inline]
    fn expect(&self, message: &Message, step: Expect) {
        let Message::Descriptor { descriptor, .. } = message else { return };
        match step {
            Expect::First => prefetch(&self.neighbours),
            Expect::Second => {
                prefetch(&*self.neighbours);
                prefetch(self.routes.head());
            }
            Expect::Third => self.routes.expect(descriptor),
        }
    }

    fn wake(&mut self, timer: Timer, cx: &mut Context<'_, Self>) {
        match timer {
            timer::PING => self.keep_alive(cx),
            timer::RECONNECT => self.reconnect(cx),
            timer::SWEEP => self.sweep(cx),
            timer => self.wake06(timer, cx),
        }
        self.tidy();
    }

    fn stored(
        &mut self,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Context<'_, Self>,
    ) {
        if let Some(outcome) = self.upload_stored(ticket, outcome, cx) {
            self.download_stored(ticket, outcome.map(|_| ()), cx);
        }
        self.tidy();
    }
}

impl Servent {
    fn closed(&mut self, link: Link, reason: Reason, cx: &mut Context<'_, Self>) {
        if let Some(slot) = self.slot(link) {
            return self.neighbour_lost(slot, Some(reason), cx);
        }
        let _ = self.closed06(link, reason, cx)
            || self.greeting_closed(link, cx)
            || self.download_closed(link, reason, cx)
            || self.web_closed(link, reason, cx)
            || self.upload_closed(link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servent_is_two_cache_lines() {
        assert_eq!(size_of::<Servent>(), 128);
        assert_eq!(core::mem::offset_of!(Servent, aside), 64);
    }
}
