//! Joining and staying: handshakes, neighbours, the search for new ones.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use gnutella_wire::{
    Bye, Connect, Guid, Head, OwnedPayload, OwnedPing, OwnedPong, PayloadType, Reply, Role, Version,
};
use overlay_peer::{Address, Context, Link, Reason, Time};
use rand_core::Rng;

use crate::counters::count;
use crate::hosts::Source;
use crate::neighbours::Neighbour;
use crate::routes::Route;
use crate::servent::{ipv4, random_guid, timer};
use crate::{
    Descriptor, Event, FetchFailure, HeadKind, Message, Misbehaviour, Phase, Servent, Settings,
};

const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

/// A link that is neither a neighbour's nor a transfer's yet.
#[derive(Clone, Debug)]
pub(crate) struct Greeting {
    pub link: Link,
    pub stage: Stage,
    pub deadline: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// We asked for it, to become a neighbour of this host.
    Connecting { to: Address },
    /// Our handshake is sent.
    Greeted { to: Address },
    /// They opened it, and have not said what for.
    Accepted { remote: Address },
    /// A handshake for which there is no room: the first Ping is answered with hosts we know, the
    /// newcomer is asked for its own address (others come here too), then the link is closed. Host
    /// caches did this in 0.4.
    Courtesy {
        /// Where the newcomer comes from.
        remote: Address,
        /// The newcomer's Ping is answered.
        given: bool,
        /// The Ping whose Pong is awaited.
        asked: Option<Guid>,
    },
}

impl Servent {
    /// [`Command::Join`](crate::Command::Join).
    pub(crate) fn join(&mut self, hosts: &[Address], cx: &mut Context<'_, Self>) {
        self.away = false;
        self.stand(cx);
        let own = self.public(cx);
        for &host in hosts {
            if host == cx.here() || own.is_some_and(|own| host == Address::from(own)) {
                continue;
            }
            if let Some(host) = ipv4(host) {
                self.add_host(host, Source::User);
            }
            if self.may_connect() && !self.is_linked(host) {
                self.connect(host, cx);
            }
        }
        self.seek(cx);
    }

    /// [`Command::Leave`](crate::Command::Leave).
    pub(crate) fn leave(&mut self, cx: &mut Context<'_, Self>) {
        self.away = true;
        self.leave06(cx);
        for neighbour in core::mem::take(&mut self.neighbours).iter().flatten() {
            cx.close(neighbour.link);
            cx.emit(Event::Unlinked { link: neighbour.link, reason: None });
        }
        let duplicates = self.counters().duplicates;
        if duplicates > 0 {
            self.aside.duplicates = duplicates;
        }
        self.routes.reset();
        self.leave_fetches(cx);
        self.leave_web_caches(cx);
        while self.work.as_ref().is_some_and(|work| !work.pursuits.is_empty()) {
            self.end_pursuit(0, cx);
        }
        let Some(work) = &mut self.work else { return };
        for greeting in work.greetings.drain(..) {
            cx.close(greeting.link);
        }
        for upload in work.uploads.drain(..) {
            cx.close(upload.link);
        }
        work.searches.clear();
    }

    /// Fails all that is being fetched.
    fn leave_fetches(&mut self, cx: &mut Context<'_, Self>) {
        let Some(work) = &self.work else { return };
        let wanted = work.wanted.iter().map(|wanted| wanted.fetch);
        let swarms = work.swarms.iter().map(|swarm| swarm.fetch);
        let downloads = work.downloads.iter().map(|download| download.fetch);
        let mut fetches: Vec<u32> = wanted.chain(swarms).chain(downloads).collect();
        fetches.sort_unstable();
        fetches.dedup();
        for fetch in fetches {
            self.fail_fetch(fetch, FetchFailure::Left, cx);
        }
    }

    /// Someone opened a link to us.
    pub(crate) fn accepted(&mut self, link: Link, remote: Address, cx: &mut Context<'_, Self>) {
        let waiting = self.work.as_ref().map_or(0, |work| {
            work.greetings.iter().filter(|g| !matches!(g.stage, Stage::Connecting { .. })).count()
        });
        let full = waiting + self.welcomed() >= self.settings.greetings;
        let crowding = if full { self.crowding(remote) } else { None };
        if self.away || (full && crowding.is_none()) {
            count(&mut self.aside.refused);
            return cx.close(link);
        }
        if let Some(old) = crowding {
            count(&mut self.aside.refused);
            cx.close(old);
            let _ = self.closed06(old, Reason::TimedOut, cx) || self.greeting_closed(old, cx);
        }
        self.greet(link, Stage::Accepted { remote }, cx);
    }

    /// Who has to go when somebody comes from `remote` and no place is left: of the IP address that has the
    /// most links waiting, and more than `remote`'s then had, the one that waits longest. So one address
    /// can not take all the places.
    fn crowding(&self, remote: Address) -> Option<Link> {
        let greetings = self.work.iter().flat_map(|work| &work.greetings);
        let greetings = greetings.filter_map(|greeting| match greeting.stage {
            Stage::Accepted { remote } | Stage::Courtesy { remote, .. } => {
                Some((remote, greeting.deadline, greeting.link))
            }
            Stage::Connecting { .. } | Stage::Greeted { .. } => None,
        });
        let waiting: Vec<_> = greetings.chain(self.welcoming()).collect();
        let of = |from: Address| waiting.iter().filter(|(it, ..)| it.ip() == from.ip()).count();
        let most = waiting.iter().map(|&(from, ..)| of(from)).max()?;
        let crowd = waiting.iter().filter(|&&(from, ..)| of(from) == most);
        let (_, _, oldest) = crowd.min_by_key(|(_, deadline, link)| (*deadline, *link))?;
        (most > of(remote) + 1).then_some(*oldest)
    }

    /// A link we asked for is open; whether it is one for a handshake.
    pub(crate) fn greeting_opened(&mut self, link: Link, cx: &mut Context<'_, Self>) -> bool {
        let Some(greeting) = self.greeting(link) else { return false };
        if let Stage::Connecting { to } = greeting.stage {
            greeting.stage = Stage::Greeted { to };
            cx.send(link, Message::head(HeadKind::Connect, Connect::v04()));
            cx.phase(link, Phase::Reply);
        }
        true
    }

    /// Whether the link was one for a handshake; it is gone.
    pub(crate) fn greeting_closed(&mut self, link: Link, cx: &mut Context<'_, Self>) -> bool {
        let Some(greeting) = self.end_greeting(link) else { return false };
        if let Stage::Connecting { to } | Stage::Greeted { to } = greeting.stage {
            self.host_failed(to, cx);
        }
        true
    }

    /// A head arrived: on a new link it says what the link is for.
    pub(crate) fn head(
        &mut self,
        link: Link,
        kind: HeadKind,
        head: Head<'_>,
        cx: &mut Context<'_, Self>,
    ) {
        let stage = self.greeting(link).map(|greeting| greeting.stage);
        match (stage, kind) {
            (Some(Stage::Accepted { remote }), HeadKind::Connect) => {
                self.end_greeting(link);
                if self.v06.is_some() && crate::v06::is_v06(head) {
                    return self.offered06(link, remote, head, cx);
                }
                self.answer_handshake(link, remote, head, cx);
            }
            (Some(Stage::Accepted { .. }), HeadKind::Request) => {
                self.end_greeting(link);
                self.upload_requested(link, head, cx);
            }
            (Some(Stage::Accepted { .. }), HeadKind::Giv) => {
                self.end_greeting(link);
                self.download_given(link, head, cx);
            }
            (Some(Stage::Greeted { to }), HeadKind::Reply) => {
                self.end_greeting(link);
                match Reply::parse(head) {
                    Reply::AcceptedV04 => {
                        cx.phase(link, Phase::Descriptors);
                        self.seat_plain();
                        self.linked(link, to, false, cx);
                    }
                    Reply::Accepted { .. } | Reply::Refused { .. } => {
                        cx.close(link);
                        self.host_failed(to, cx);
                    }
                }
            }
            (None, HeadKind::Reply) if self.is_shaking(link) => self.answered06(link, head, cx),
            (None, HeadKind::Request) if self.is_upload(link) => {
                self.upload_requested(link, head, cx);
            }
            (None, HeadKind::Response) if self.is_download(link) => {
                self.download_answered(link, head, cx);
            }
            (None, HeadKind::Response) if self.web_answered(link, head, cx) => {}
            _ => self.out_of_place(link, cx),
        }
    }

    fn answer_handshake(
        &mut self,
        link: Link,
        remote: Address,
        head: Head<'_>,
        cx: &mut Context<'_, Self>,
    ) {
        match Connect::parse(head) {
            Err(_) => return self.misbehaved(link, Misbehaviour::BadHead, cx),
            // A newer servent tries again with 0.4 when an old one closes.
            Ok(connect) if connect.version != Version::V04 => {
                count(&mut self.aside.refused);
                return cx.close(link);
            }
            Ok(_) => {}
        }
        if self.has_room() {
            cx.phase(link, Phase::Descriptors);
            cx.send(link, Message::head(HeadKind::Reply, Reply::v04()));
            self.seat_plain();
            return self.linked(link, remote, true, cx);
        }
        count(&mut self.aside.refused);
        if self.settings.courtesy_pongs == 0 || self.v06.is_some() {
            return cx.close(link);
        }
        cx.phase(link, Phase::Descriptors);
        cx.send(link, Message::head(HeadKind::Reply, Reply::v04()));
        let asked = (self.settings.ping_ttl > 0).then(|| {
            let ping = self.own_ping(cx);
            let guid = ping.guid();
            cx.send(link, Message::Descriptor { ttl: 1, hops: 0, descriptor: ping });
            guid
        });
        self.greet(link, Stage::Courtesy { remote, given: false, asked }, cx);
    }

    /// A descriptor on a link that is no neighbour's.
    pub(crate) fn courtesy(
        &mut self,
        link: Link,
        hops: u8,
        descriptor: &Descriptor,
        cx: &mut Context<'_, Self>,
    ) {
        let most = self.settings.courtesy_pongs;
        let hosts = self.aside.hosts.sample(most, cx.rng());
        let Some(Greeting { stage: Stage::Courtesy { remote, given, asked }, .. }) =
            self.greeting(link)
        else {
            return self.out_of_place(link, cx);
        };
        let mut learnt = None;
        match descriptor.payload() {
            OwnedPayload::Ping(_) if !*given => {
                *given = true;
                for address in hosts {
                    let pong = OwnedPong { address, files: 0, kbytes: 0, extension: [].into() };
                    let pong = Descriptor::new(descriptor.guid(), OwnedPayload::Pong(pong));
                    let (ttl, descriptor) = (hops.saturating_add(1), Arc::new(pong));
                    // As if they came from a neighbour of ours: this servent is somebody else.
                    cx.send(link, Message::Descriptor { ttl, hops: 1, descriptor });
                }
            }
            OwnedPayload::Pong(pong) if hops == 0 && *asked == Some(descriptor.guid()) => {
                *asked = None;
                // Only where it comes from itself: elsewhere may be somebody who did not call.
                learnt = Some(pong.address).filter(|address| remote.ip() == *address.ip());
            }
            _ => {}
        }
        if *given && asked.is_none() {
            self.end_greeting(link);
            cx.close(link);
        }
        if let Some(address) = learnt {
            self.learn(address, Source::Callers, cx);
        }
    }

    /// The handshake is done.
    pub(crate) fn linked(
        &mut self,
        link: Link,
        remote: Address,
        inbound: bool,
        cx: &mut Context<'_, Self>,
    ) {
        let mut remote_v4 = ipv4(remote).unwrap_or(NOWHERE);
        if inbound {
            remote_v4.set_port(0);
        }
        self.neighbours.add(Neighbour::new(link, remote_v4, inbound));
        cx.emit(Event::Linked { link, remote, inbound });
        // Who comes in and knows few hosts asks who else is there; others only who this is.
        let explore = !inbound && self.neighbours().count() == 1 && self.knows_few();
        let ttl = if explore { self.settings.ping_ttl } else { self.settings.ping_ttl.min(1) };
        if ttl > 0 {
            let ping = self.own_ping(cx);
            cx.send(link, Message::Descriptor { ttl, hops: 0, descriptor: ping });
        }
        if let (Some(interval), false) = (self.settings.ping_interval, self.ping_armed) {
            self.ping_armed = true;
            // Servents that join together should not ping together.
            let part = f64::from(cx.rng().next_u32()) / 4_294_967_296.0;
            cx.wake_after(interval / 2 + interval.mul_f64(part / 2.0), timer::PING);
        }
        self.seek(cx);
    }

    fn knows_few(&self) -> bool {
        self.aside.hosts.len() < self.settings.explore_below
    }

    /// A Ping of this servent's own, whose Pongs find back.
    fn own_ping(&mut self, cx: &mut Context<'_, Self>) -> Arc<Descriptor> {
        let guid = random_guid(cx.rng());
        self.age_routes(cx);
        self.routes.insert(PayloadType::PING, &guid, Route::Own);
        Arc::new(Descriptor::new(guid, OwnedPayload::Ping(OwnedPing::default())))
    }

    pub(crate) fn neighbour_lost(
        &mut self,
        slot: u8,
        reason: Option<Reason>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(neighbour) = self.neighbours.get_mut(usize::from(slot)).and_then(Option::take)
        else {
            return;
        };
        // Before the slot can be another's: a stale route would lead there.
        self.routes.purge(slot);
        self.lost06(slot, cx);
        // Unless another link to it works.
        if let Some(host) = neighbour.host().filter(|&host| !self.is_linked(host.into())) {
            self.of_host(|hosts| hosts.failed(host));
        }
        cx.emit(Event::Unlinked { link: neighbour.link, reason });
        self.seek(cx);
    }

    pub(crate) fn host_failed(&mut self, host: Address, cx: &mut Context<'_, Self>) {
        if let Some(host) = ipv4(host) {
            self.of_host(|hosts| hosts.failed(host));
        }
        self.seek(cx);
    }

    /// A Pong named a host.
    pub(crate) fn learn(&mut self, host: SocketAddrV4, source: Source, cx: &mut Context<'_, Self>) {
        let own = self.public(cx) == Some(host) || cx.here() == Address::from(host);
        if !own && self.add_host(host, source) {
            self.seek(cx);
        }
    }

    /// A neighbour answered our Ping by telling where it accepts connections. Whether the link is
    /// still there: one to ourselves, and a second one to the same host, are closed.
    pub(crate) fn neighbour_named(
        &mut self,
        slot: u8,
        host: SocketAddrV4,
        cx: &mut Context<'_, Self>,
    ) -> bool {
        let own = self.reachable(cx);
        if own == Some(host) {
            self.linked_to_self(slot, cx);
            return false;
        }
        let Some(Some(neighbour)) = self.neighbours.get_mut(usize::from(slot)) else {
            return false;
        };
        // Only where the link leads, or whoever answers could speak for others.
        if !crate::hosts::usable(host) || neighbour.remote.ip() != host.ip() {
            return true;
        }
        neighbour.remote = host;
        let (link, inbound) = (neighbour.link, neighbour.inbound);
        if !inbound {
            self.of_host(|hosts| hosts.works(host));
        }
        let twin =
            self.neighbours.iter().flatten().find(|n| n.link != link && n.host() == Some(host));
        let Some(twin) = twin else { return true };
        // Of two links in one direction the later goes. When both sides opened one, both have to keep
        // the same: that of the lower address.
        let ours_stays = own.is_none_or(|own| own < host);
        let goes = if twin.inbound != inbound && inbound != ours_stays { twin.link } else { link };
        cx.close(goes);
        if let Some(slot) = self.slot(goes) {
            self.neighbour_lost(slot, None, cx);
        }
        goes != link
    }

    /// The neighbour in this slot is this servent.
    pub(crate) fn linked_to_self(&mut self, slot: u8, cx: &mut Context<'_, Self>) {
        let Some(Some(neighbour)) = self.neighbours.get(usize::from(slot)).copied() else { return };
        if let Some(host) = neighbour.host() {
            self.of_host(|hosts| hosts.forget(host));
        }
        cx.close(neighbour.link);
        self.neighbour_lost(slot, None, cx);
    }

    /// Arranges to look for a neighbour, if one is wanted and there is a host to try.
    pub(crate) fn seek(&mut self, cx: &mut Context<'_, Self>) {
        if self.reconnect_armed || self.missing() == 0 {
            return;
        }
        if self.aside.hosts.any(|host| !self.is_linked(host.into())) {
            self.reconnect_armed = true;
            let delay = self.settings.reconnect_delay * (1 << self.tries.min(6));
            let part = f64::from(cx.rng().next_u32()) / 4_294_967_296.0;
            cx.wake_after(delay + delay.mul_f64(part / 2.0), timer::RECONNECT);
        }
    }

    /// [`timer::RECONNECT`].
    pub(crate) fn reconnect(&mut self, cx: &mut Context<'_, Self>) {
        self.reconnect_armed = false;
        if self.missing() > 0 {
            self.tries = self.tries.saturating_add(1);
        }
        for _ in 0..self.missing() {
            let host = self.aside.hosts.pick(cx.rng(), |host| !self.is_linked(host.into()));
            let Some(host) = host else { return };
            self.connect(host.into(), cx);
        }
    }

    /// How many more links it should open.
    pub(crate) fn missing(&self) -> usize {
        if self.away {
            return 0;
        }
        if self.v06.is_some() {
            return self.missing06();
        }
        self.settings.target_links.min(self.most_links()).saturating_sub(self.taken())
    }

    /// Neighbours, and hosts that are about to be: a handshake under way has its room already.
    fn taken(&self) -> usize {
        self.neighbours().count() + self.connecting().count()
    }

    /// Whether one more link may be opened because the user says so.
    fn may_connect(&self) -> bool {
        if self.v06.is_some() { self.has_room_for_role(Role::Ultrapeer) } else { self.has_room() }
    }

    /// Whether there may be one more neighbour.
    pub(crate) fn has_room(&self) -> bool {
        if self.v06.is_some() {
            return self.has_room_for_plain();
        }
        self.taken() < self.most_links()
    }

    fn most_links(&self) -> usize {
        self.settings.max_links.min(Settings::LINKS)
    }

    /// The hosts that we are about to link to.
    pub(crate) fn connecting(&self) -> impl Iterator<Item = Address> {
        let old = self.work.iter().flat_map(|work| &work.greetings).filter_map(|g| match g.stage {
            Stage::Connecting { to } | Stage::Greeted { to } => Some(to),
            Stage::Accepted { .. } | Stage::Courtesy { .. } => None,
        });
        old.chain(self.shaking_with())
    }

    pub(crate) fn is_linked(&self, host: Address) -> bool {
        let linked = self.neighbours.iter().flatten().filter_map(Neighbour::host);
        linked.map(Address::from).chain(self.connecting()).any(|other| other == host)
    }

    fn connect(&mut self, to: Address, cx: &mut Context<'_, Self>) {
        if self.v06.is_some() {
            return self.connect06(to, false, cx);
        }
        self.connect04(to, cx);
    }

    pub(crate) fn connect04(&mut self, to: Address, cx: &mut Context<'_, Self>) {
        let link = cx.connect(to);
        self.greet(link, Stage::Connecting { to }, cx);
    }

    fn greet(&mut self, link: Link, stage: Stage, cx: &mut Context<'_, Self>) {
        let deadline = cx.now() + self.settings.handshake_timeout;
        self.work().greetings.push(Greeting { link, stage, deadline });
        self.wake_at(deadline, cx);
    }

    fn greeting(&mut self, link: Link) -> Option<&mut Greeting> {
        self.work.as_mut()?.greetings.iter_mut().find(|greeting| greeting.link == link)
    }

    fn end_greeting(&mut self, link: Link) -> Option<Greeting> {
        let greetings = &mut self.work.as_mut()?.greetings;
        let at = greetings.iter().position(|greeting| greeting.link == link)?;
        Some(greetings.remove(at))
    }

    /// A message that does not belong on its link.
    pub(crate) fn out_of_place(&mut self, link: Link, cx: &mut Context<'_, Self>) {
        self.misbehaved(link, Misbehaviour::OutOfPlace, cx);
        if let Some(slot) = self.slot(link) {
            self.neighbour_lost(slot, None, cx);
        } else {
            let _ = self.closed06(link, Reason::Malformed, cx)
                || self.greeting_closed(link, cx)
                || self.download_closed(link, Reason::Malformed, cx)
                || self.web_closed(link, Reason::Malformed, cx)
                || self.upload_closed(link);
        }
    }

    /// [`timer::PING`].
    pub(crate) fn keep_alive(&mut self, cx: &mut Context<'_, Self>) {
        /// Keep-alive Pings that a neighbour may leave unanswered.
        const SILENT: u8 = 3;
        self.ping_armed = false;
        let Some(interval) = self.settings.ping_interval else { return };
        for slot in 0..self.neighbours.len() {
            let Some(neighbour) = &mut self.neighbours[slot] else { continue };
            if neighbour.pinged() > SILENT {
                let link = neighbour.link;
                self.say_bye(u8::try_from(slot).unwrap_or(u8::MAX), Bye::IDLE, cx);
                cx.close(link);
                self.neighbour_lost(u8::try_from(slot).unwrap_or(u8::MAX), None, cx);
            }
        }
        if self.neighbours().next().is_none() {
            return;
        }
        let ping = self.own_ping(cx);
        // An ultrapeer also needs Pongs for others.
        let explore = self.missing() > 0 && self.knows_few() || self.is_ultrapeer() == Some(true);
        let mut ttl = if explore { self.settings.ping_ttl.max(1) } else { 1 };
        for neighbour in self.neighbours.iter_mut().flatten() {
            neighbour.ask_for_hosts();
            let descriptor = ping.clone();
            cx.send(neighbour.link, Message::Descriptor { ttl, hops: 0, descriptor });
            // Through one neighbour is enough.
            ttl = 1;
        }
        self.ping_armed = true;
        cx.wake_after(interval, timer::PING);
    }
}
