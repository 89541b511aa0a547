//! Descriptors: floods, answers on the reverse path, Pushes along the path of the hits.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use gnutella_wire::{
    GgepValue, HitResult, Limits, OwnedPayload, OwnedPong, OwnedPush, OwnedQueryHit, PayloadType,
    Query, QueryFlags, Trailer, Urn, forward,
};
use overlay_peer::Context;
use rand_core::Rng;

use crate::counters::count;
use crate::hosts::{Source, below};
use crate::message::is_known;
use crate::routes::Route;
use crate::search::{WALKED, walk_steps};
use crate::words::contains_all;
use crate::{Descriptor, Event, Hit, Message, Servent};

/// The vendor code in the trailer of this servent's hits.
const VENDOR: [u8; 4] = *b"OVLY";

/// The bit in both flag bytes that says that a GGEP block follows.
const GGEP: u8 = 0x20;

/// How many hosts are learnt from a neighbour's Pongs until it is sent the next Ping.
const PONGS: u8 = 16;

impl Servent {
    /// A descriptor from a neighbour.
    pub(crate) fn descriptor(
        &mut self,
        from: u8,
        ttl: u8,
        hops: u8,
        descriptor: Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        if let Some(Some(neighbour)) = self.neighbours.get_mut(usize::from(from)) {
            neighbour.heard();
        }
        let ttl = match self.settings.ttl_rules.received(ttl, hops) {
            // Walkers and what they found have bounds of their own.
            judged if judged != Ok(ttl) && self.v06.is_none() && self.is_of_walk(&descriptor) => {
                ttl
            }
            Ok(ttl) => ttl,
            Err(_) => return count(&mut self.aside.ttl_dropped),
        };
        let came = Came { from, ttl, hops };
        if self.v06.is_some() {
            return self.descriptor06(came, &descriptor, cx);
        }
        match descriptor.payload() {
            OwnedPayload::Ping(_) => self.ping(came, descriptor, cx),
            OwnedPayload::Pong(_) => self.pong(came, &descriptor, cx),
            OwnedPayload::Query(_) => self.query(came, descriptor, cx),
            OwnedPayload::QueryHit(hit) => {
                self.query_hit(came, hit, &descriptor, cx);
            }
            OwnedPayload::Push(push) => self.push(came, push, &descriptor, cx),
            OwnedPayload::Unknown { payload_type, .. } if is_known(*payload_type) => {
                count(&mut self.aside.malformed);
            }
            _ => count(&mut self.aside.unknown),
        }
    }

    fn ping(&mut self, came: Came, ping: Arc<Descriptor>, cx: &mut Context<'_, Self>) {
        // A Ping that ends here only asks whether this servent is alive; nothing has to find back.
        let direct = came.hops == 0 && came.ttl <= 1;
        // Our own Ping, from the one it was sent to: the link leads back here.
        if came.hops == 0 && self.routes.find(PayloadType::PING, &ping.guid()) == Some(Route::Own) {
            return self.linked_to_self(came.from, cx);
        }
        if !direct && !self.is_new(PayloadType::PING, came, &ping, cx) {
            return;
        }
        let address = self.reachable(cx);
        if direct || (self.has_room() && address.is_some()) {
            // Port 0 where nobody can connect to: alive, but not a host for anybody's cache.
            let nowhere = core::net::SocketAddrV4::new(core::net::Ipv4Addr::UNSPECIFIED, 0);
            let pong = OwnedPong {
                address: address.unwrap_or(nowhere),
                files: u32::try_from(self.shares.len()).unwrap_or(u32::MAX),
                kbytes: self.kbytes,
                extension: Box::default(),
            };
            let pong = Descriptor::new(ping.guid(), OwnedPayload::Pong(pong));
            self.answer(came, pong, cx);
        }
        self.flood(came, ping, cx);
    }

    fn pong(&mut self, came: Came, pong: &Arc<Descriptor>, cx: &mut Context<'_, Self>) {
        let OwnedPayload::Pong(body) = pong.payload() else { return };
        let Some(route) = self.route(PayloadType::PING, came, pong) else { return };
        if came.hops == 0
            && route == Route::Own
            && !self.neighbour_named(came.from, body.address, cx)
        {
            return;
        }
        if self.may_learn(came.from) {
            self.learn(body.address, Source::Neighbour(came.from), cx);
        }
        if let Route::Neighbour(to) = route {
            self.pass(to, came, pong, cx);
        }
    }

    /// Whether one more host may be learnt from this neighbour's Pongs; counts it.
    pub(crate) fn may_learn(&mut self, from: u8) -> bool {
        match self.neighbours.get_mut(usize::from(from)) {
            Some(Some(neighbour)) => neighbour.may_tell(PONGS),
            _ => false,
        }
    }

    fn query(&mut self, came: Came, descriptor: Arc<Descriptor>, cx: &mut Context<'_, Self>) {
        let OwnedPayload::Query(query) = descriptor.payload() else { return };
        let query = query.borrow();
        if query.text().len() > self.settings.query_bytes {
            return count(&mut self.aside.malformed);
        }
        if let Some(steps) = walk_steps(query) {
            return self.walker(came, steps, query, &descriptor, cx);
        }
        if !self.is_new(PayloadType::QUERY, came, &descriptor, cx) {
            return;
        }
        self.overhear(came, query, cx);
        if let Some(hit) = self.hit_for(query, &descriptor, cx) {
            count(&mut self.aside.answered);
            let hit = Descriptor::new(descriptor.guid(), OwnedPayload::QueryHit(hit));
            self.answer(came, hit, cx);
        }
        self.flood(came, descriptor, cx);
    }

    /// A walker: it looks here, if it has not been here before, and goes on to one neighbour.
    fn walker(
        &mut self,
        came: Came,
        steps: u8,
        query: Query<'_>,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        let steps = steps.min(self.settings.walk_steps);
        if came.hops >= steps {
            return count(&mut self.aside.ttl_dropped);
        }
        self.age_routes(cx);
        let new = self.routes.insert(WALKED, &descriptor.guid(), Route::Neighbour(came.from));
        if new {
            self.overhear(came, query, cx);
            if let Some(hit) = self.hit_for(query, descriptor, cx) {
                count(&mut self.aside.answered);
                let hit = Descriptor::new(descriptor.guid(), OwnedPayload::QueryHit(hit));
                // Back along the walkers that were here and at the stops before first: as far as it is.
                self.answer_within(u8::MAX, came.from, hit, cx);
                return;
            }
        }
        if came.hops + 1 >= steps {
            return;
        }
        // Back only from a dead end.
        let from = usize::from(came.from);
        let others = || {
            let slots = self.neighbours.iter().enumerate();
            slots.filter(|(slot, _)| *slot != from).filter_map(|(_, it)| it.as_ref())
        };
        let next = match others().count() {
            0 => self.neighbours.get(from).and_then(Option::as_ref),
            count => others().nth(below(cx.rng(), count)),
        };
        if let Some(next) = next {
            let (ttl, hops) = (1, came.hops + 1);
            let descriptor = descriptor.clone();
            cx.send(next.link, Message::Descriptor { ttl, hops, descriptor });
        }
    }

    /// Whether this is a walker, or a hit for one that passed here.
    fn is_of_walk(&self, descriptor: &Descriptor) -> bool {
        match descriptor.payload() {
            OwnedPayload::Query(query) => walk_steps(query.borrow()).is_some(),
            OwnedPayload::QueryHit(_) => self.routes.find(WALKED, &descriptor.guid()).is_some(),
            _ => false,
        }
    }

    /// Tells the user what others search, if wanted.
    pub(crate) fn overhear(&self, came: Came, query: Query<'_>, cx: &mut Context<'_, Self>) {
        let neighbour = self.neighbours.get(usize::from(came.from)).and_then(Option::as_ref);
        if let (true, Some(neighbour)) = (self.settings.monitor, neighbour) {
            let (link, ttl, hops) = (neighbour.link, came.ttl, came.hops);
            let sha1 = self.urns_asked(query).first().copied();
            cx.emit(Event::Overheard { link, ttl, hops, text: query.text().into(), sha1 });
        }
    }

    /// What this servent has of what a query asks for.
    pub(crate) fn hit_for(
        &self,
        query: Query<'_>,
        descriptor: &Descriptor,
        cx: &Context<'_, Self>,
    ) -> Option<OwnedQueryHit> {
        let words = descriptor.words();
        let urns = self.urns_asked(query);
        let may_have = !words.is_empty() && words.signature.may_be_in(self.signature);
        if urns.is_empty() && !may_have {
            return None;
        }
        let flags = query.flags();
        let too_slow =
            flags.min_speed().is_some_and(|speed| u32::from(speed) > self.settings.speed);
        if too_slow {
            return None;
        }
        let wanted = flags.max_hits().filter(|&max| max > 0).map_or(usize::MAX, usize::from);
        let mut room = 32_768;
        let mut hashes: Vec<[u8; 20]> = Vec::new();
        let found: Vec<_> = self
            .shares
            .iter()
            .filter(|&&index| {
                !urns.is_empty() || words.signature.may_be_in(self.catalogue.signature(index))
            })
            .filter_map(|&index| Some((index, self.catalogue.entry(index)?)))
            .filter(|(index, entry)| match &urns[..] {
                [] => {
                    words.may_all_be_in(&entry.hashes)
                        && contains_all(entry.file.name.as_bytes(), query.text())
                }
                urns => self.catalogue.sha1(*index).is_some_and(|sha1| urns.contains(&sha1)),
            })
            .filter(|(index, _)| {
                // What is here under two names is told once: a hit that names a hash twice is spam to
                // gtk-gnutella.
                let Some(sha1) = self.catalogue.sha1(*index) else { return true };
                let new = !hashes.contains(&sha1);
                hashes.extend(new.then_some(sha1));
                new
            })
            .filter(|(_, entry)| {
                // The whole hit stays within what everybody accepts as a payload.
                let fits = entry.file.name.len() <= room;
                room -= if fits { entry.file.name.len() } else { 0 };
                fits
            })
            .take(self.settings.results.min(wanted).min(usize::from(u8::MAX)))
            .map(|(index, entry)| {
                let urn = self.catalogue.sha1(index).map(|sha1| Urn::Sha1(sha1).to_string());
                (index, entry, urn.unwrap_or_default())
            })
            .collect();
        let unreachable = !found.is_empty() && self.reachable(cx).is_none();
        if found.is_empty() || (unreachable && flags.has(QueryFlags::FIREWALLED)) {
            return None;
        }
        let results = found.iter().map(|(index, entry, urn)| HitResult {
            index: *index,
            size: u32::try_from(entry.file.size).unwrap_or(u32::MAX),
            name: entry.file.name.as_bytes(),
            extension: urn.as_bytes(),
        });
        let nowhere = core::net::SocketAddrV4::new(core::net::Ipv4Addr::UNSPECIFIED, 0);
        let address = self.public(cx).unwrap_or(nowhere);
        let mut hit = OwnedQueryHit::new(address, self.settings.speed, self.guid, results).ok()?;
        let open = Trailer::open_data(unreachable, self.is_busy());
        let mut trailer = Vec::new();
        let private = self.hit_extension();
        let open = if private.is_empty() { open } else { open.map(|flags| flags | GGEP) };
        Trailer::new(VENDOR, &open, &private).ok()?.encode(&mut trailer);
        hit.trailer = trailer.into();
        Some(hit)
    }

    pub(crate) fn query_hit(
        &mut self,
        came: Came,
        hit: &OwnedQueryHit,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        let guid = descriptor.guid();
        let asked = self.routes.find(PayloadType::QUERY, &guid);
        let asked = asked.or_else(|| self.routes.find(WALKED, &guid));
        let Some(route) = self.judge(asked, came) else { return };
        // A Push for this servent goes where its hits come from.
        self.age_routes(cx);
        self.routes.set(PayloadType::PUSH, &hit.servent, Route::Neighbour(came.from));
        self.count_results(descriptor.guid(), hit.borrow().results.len());
        match route {
            Route::Neighbour(to) => self.pass(to, came, descriptor, cx),
            Route::Own => self.deliver(came.hops, hit, descriptor, cx),
            Route::Gone => {}
        }
    }

    pub(crate) fn deliver(
        &mut self,
        hops: u8,
        hit: &OwnedQueryHit,
        descriptor: &Descriptor,
        cx: &mut Context<'_, Self>,
    ) {
        let searches = self.work.iter().flat_map(|work| &work.searches);
        let mut found = searches.filter(|(guid, _)| *guid == descriptor.guid());
        let Some(&(_, asker)) = found.next() else {
            return count(&mut self.aside.late_hits);
        };
        let hit = hit.borrow();
        self.own_results(descriptor.guid(), hit.results.len(), cx);
        let trailer = hit.trailer().ok().flatten();
        let proxies = crate::v06::proxies(trailer);
        let says = |flag: Option<Option<bool>>| flag.flatten().unwrap_or(false);
        let results = hit.results.map(|result| Hit {
            address: hit.address.into(),
            push: says(trailer.map(|it| it.push())),
            busy: says(trailer.map(|it| it.busy())),
            uploaded: says(trailer.map(|it| it.uploaded())),
            measured: says(trailer.map(|it| it.measured_speed())),
            sha1: sha1_of(&result),
            servent: hit.servent,
            index: result.index,
            size: result.size,
            speed: hit.speed,
            name: result.name.into(),
            proxies: proxies.clone(),
        });
        self.found(asker, hops.saturating_add(1), results.collect(), cx);
    }

    pub(crate) fn push(
        &mut self,
        came: Came,
        push: &OwnedPush,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        if push.servent == self.guid {
            let (guid, from) = (descriptor.guid(), came.from);
            return self.upload_pushed(guid, push.index, push.address, from, cx);
        }
        if let Some(to) = self.proxied(&push.servent) {
            return self.pass(to, came, descriptor, cx);
        }
        let found = self.routes.find(PayloadType::PUSH, &push.servent);
        if let Some(Route::Neighbour(to)) = self.judge(found, came) {
            self.pass(to, came, descriptor, cx);
        }
    }

    /// Whether a flooded descriptor is seen for the first time; if so, its answers find back.
    pub(crate) fn is_new(
        &mut self,
        kind: PayloadType,
        came: Came,
        descriptor: &Descriptor,
        cx: &mut Context<'_, Self>,
    ) -> bool {
        self.age_routes(cx);
        let new = self.routes.insert(kind, &descriptor.guid(), Route::Neighbour(came.from));
        if !new {
            self.routes.count_duplicate();
        }
        new
    }

    /// Where an answer goes: to the neighbour that the asking descriptor came from, or to the user.
    pub(crate) fn route(
        &mut self,
        asked: PayloadType,
        came: Came,
        answer: &Descriptor,
    ) -> Option<Route> {
        let found = self.routes.find(asked, &answer.guid());
        self.judge(found, came)
    }

    fn judge(&mut self, found: Option<Route>, came: Came) -> Option<Route> {
        match found {
            // Whoever sends us the answer to its own question makes it up.
            None => count(&mut self.aside.unrouted),
            Some(Route::Neighbour(slot)) if slot == came.from => count(&mut self.aside.unrouted),
            Some(Route::Gone) => count(&mut self.aside.dead_routes),
            route => return route,
        }
        None
    }

    /// Sends an answer of this servent's own back where the question came from. Its TTL is just
    /// enough for the way back.
    pub(crate) fn answer(&self, came: Came, answer: Descriptor, cx: &mut Context<'_, Self>) {
        self.answer_within(came.hops.saturating_add(1), came.from, answer, cx);
    }

    fn answer_within(&self, ttl: u8, to: u8, answer: Descriptor, cx: &mut Context<'_, Self>) {
        let Some(Some(neighbour)) = self.neighbours.get(usize::from(to)) else { return };
        let descriptor = Arc::new(answer);
        cx.send(neighbour.link, Message::Descriptor { ttl, hops: 0, descriptor });
    }

    /// Passes a descriptor on to one neighbour.
    fn pass(&mut self, to: u8, came: Came, it: &Arc<Descriptor>, cx: &mut Context<'_, Self>) {
        let Some(Some(neighbour)) = self.neighbours.get(usize::from(to)) else {
            return count(&mut self.aside.dead_routes);
        };
        let Some((ttl, hops)) = forward(came.ttl, came.hops) else {
            return count(&mut self.aside.expired);
        };
        cx.send(neighbour.link, Message::Descriptor { ttl, hops, descriptor: it.clone() });
    }

    /// Passes a descriptor on to every neighbour but the one it came from.
    fn flood(&self, came: Came, it: Arc<Descriptor>, cx: &mut Context<'_, Self>) {
        let Some((ttl, hops)) = forward(came.ttl, came.hops) else { return };
        let others = self.neighbours.iter().enumerate();
        let others = others.filter(|(slot, _)| *slot != usize::from(came.from));
        let mut links = others.filter_map(|(_, neighbour)| Some(neighbour.as_ref()?.link));
        let Some(mut link) = links.next() else { return };
        for next in links {
            cx.send(link, Message::Descriptor { ttl, hops, descriptor: it.clone() });
            link = next;
        }
        // The last one gets the descriptor itself: counting the copies takes time.
        cx.send(link, Message::Descriptor { ttl, hops, descriptor: it });
    }

    /// To be called before a GUID is remembered.
    pub(crate) fn age_routes(&mut self, cx: &mut Context<'_, Self>) {
        if self.routes.needs_key() {
            self.routes.set_key(cx.rng().next_u64());
        }
        self.routes.age(cx.now(), self.settings.route_lifetime, self.settings.routes);
    }
}

/// How a descriptor came here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    /// The slot of the neighbour.
    pub from: u8,
    /// The TTL it may go on with, before it is decreased.
    pub ttl: u8,
    pub hops: u8,
}

/// The SHA-1 that a newer servent tells of a file.
fn sha1_of(result: &HitResult<'_>) -> Option<[u8; 20]> {
    let in_text = result.extensions().urns().find_map(|urn| Urn::parse(urn).ok()?.sha1());
    in_text.or_else(|| {
        let item = result.extensions().ggep(b"H")?;
        match GgepValue::decode(item.id(), &item.data(&Limits::DEFAULT).ok()?) {
            Ok(GgepValue::Hash(urn)) => urn.sha1(),
            _ => None,
        }
    })
}
