//! Queries: shielded leaves, floods among ultrapeers, and tables that decide on the last hop.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use gnutella_wire::{
    Guid, OwnedPayload, OwnedQuery, PayloadType, Query, QueryFlags, Role, RoutedQuery, Urn, forward,
};
use overlay_peer::Context;

use super::known::Known;
use crate::counters::count;
use crate::flood::Came;
use crate::routes::Route;
use crate::{Descriptor, Message, Servent};

impl Servent {
    /// A descriptor from a neighbour, in a servent of 0.6. `ttl` is cut already.
    pub(crate) fn descriptor06(
        &mut self,
        came: Came,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        match descriptor.payload() {
            OwnedPayload::Ping(_) => self.ping06(came, descriptor, cx),
            OwnedPayload::Pong(pong) => self.pong06(came, pong, descriptor, cx),
            OwnedPayload::Query(query) => self.query_received(came, query, descriptor, cx),
            OwnedPayload::QueryHit(hit) => self.query_hit(came, hit, descriptor, cx),
            OwnedPayload::Push(push) => self.push(came, push, descriptor, cx),
            // What follows is between neighbours.
            _ if came.hops > 0 => count(&mut self.aside.ttl_dropped),
            OwnedPayload::Qrp(message) => self.table_received(came.from, message, cx),
            OwnedPayload::Vendor(vendor) => {
                self.vendor_message(came.from, descriptor.guid(), vendor, cx);
            }
            OwnedPayload::Bye(bye) => self.bye(came.from, bye, cx),
            OwnedPayload::Unknown { payload_type, .. } if is_known06(*payload_type) => {
                count(&mut self.aside.malformed);
            }
            _ => count(&mut self.aside.unknown),
        }
    }

    /// The flags of this servent's own queries.
    pub(crate) fn query_flags06(&self, cx: &Context<'_, Self>) -> Option<QueryFlags> {
        let settings = self.settings.v06.as_ref()?;
        let mut flags = QueryFlags::MARK;
        if settings.tell_firewalled && self.reachable(cx).is_none() {
            flags |= QueryFlags::FIREWALLED;
        }
        if self.is_ultrapeer() == Some(false) && settings.dynamic_querying {
            flags |= QueryFlags::LEAF_GUIDED;
        }
        if self.out_of_band(cx).is_some() {
            flags |= QueryFlags::OUT_OF_BAND;
        }
        Some(QueryFlags(flags))
    }

    /// The hashes that a query asks for. Servents of 0.4 look at its text only.
    pub(crate) fn urns_asked(&self, query: Query<'_>) -> Vec<[u8; 20]> {
        if self.v06.is_none() || query.extension().is_empty() {
            return Vec::new();
        }
        query.extensions().urns().filter_map(|urn| Urn::parse(urn).ok()?.sha1()).collect()
    }

    /// The urn that a search is for, if its text is one (HUGE 0.94, section 3). Of a bitprint the SHA-1,
    /// which is what tables have and everybody knows.
    pub(crate) fn urn_wanted(&self, text: &[u8]) -> Option<String> {
        let urn = Urn::parse(text).ok().filter(|_| self.v06.is_some())?;
        Some(urn.sha1().map_or(urn, Urn::Sha1).to_string())
    }

    /// Sends an own query: a leaf to its ultrapeers, an ultrapeer as if it came from a leaf.
    pub(crate) fn search06(&mut self, descriptor: &Arc<Descriptor>, cx: &mut Context<'_, Self>) {
        let (Some(v06), Some(settings)) = (&self.v06, &self.settings.v06) else { return };
        let (ttl, dynamic) = (settings.max_ttl, settings.dynamic_querying);
        if !v06.ultrapeer {
            for (slot, _) in v06.ultrapeers() {
                self.send_descriptor(slot, ttl, 0, descriptor, cx);
            }
            return self.own_search(descriptor.guid());
        }
        self.own_search(descriptor.guid());
        let OwnedPayload::Query(query) = descriptor.payload() else { return };
        let routed = RoutedQuery::of(&query.borrow());
        self.ask_leaves(None, 0, &routed, descriptor, cx);
        if dynamic {
            return self.begin_dynamic(None, routed, descriptor, cx);
        }
        self.ask_ultrapeers(None, ttl, 0, &routed, descriptor, cx);
    }

    fn query_received(
        &mut self,
        came: Came,
        query: &OwnedQuery,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        let query = query.borrow();
        if query.text().len() > self.settings.query_bytes {
            return count(&mut self.aside.malformed);
        }
        let (Some(v06), Some(settings)) = (&self.v06, &self.settings.v06) else { return };
        let (max_ttl, dynamic) = (settings.max_ttl, settings.dynamic_querying);
        let from_leaf = v06.of(came.from).is_some_and(|known| known.role == Role::Leaf);
        // A leaf passes nothing on.
        if from_leaf && came.hops > 0 {
            return count(&mut self.aside.ttl_dropped);
        }
        self.age_routes(cx);
        let (guid, back) = (descriptor.guid(), Route::Neighbour(came.from));
        let new = self.routes.insert(PayloadType::QUERY, &guid, back);
        let reach = if from_leaf { Reach::AllThatIsWanted } else { Reach::Ttl(came.ttl) };
        // Who was on the last hop of a probe may be on the way of what follows it.
        if !new && !self.goes_further(&guid, reach) {
            return self.routes.count_duplicate();
        }
        let routed = RoutedQuery::of(&query);
        if new {
            self.overhear(came, query, cx);
            self.answer_query(came, query, descriptor, cx);
        }
        let Some(v06) = &self.v06 else { return };
        if !v06.ultrapeer {
            let table = v06.published.table.as_ref();
            if table.is_some_and(|table| !table.may_answer(&routed)) {
                count(&mut self.aside.unasked);
            }
            return;
        }
        if new {
            let hops = came.hops.saturating_add(1);
            self.ask_leaves(Some(came.from), hops, &routed, descriptor, cx);
        }
        self.went(&guid, reach, cx);
        if from_leaf && dynamic {
            return self.begin_dynamic(Some(came.from), routed, descriptor, cx);
        }
        let onward = if from_leaf {
            Some((came.ttl.min(max_ttl).max(1), 1))
        } else {
            forward(came.ttl, came.hops)
        };
        if let Some((ttl, hops)) = onward {
            self.ask_ultrapeers(Some(came.from), ttl, hops, &routed, descriptor, cx);
        }
    }

    /// Whether a query that came before is to be passed on again, because it went less far then. Not if it
    /// is this servent's own.
    fn goes_further(&self, guid: &Guid, reach: Reach) -> bool {
        if self.is_ultrapeer() != Some(true)
            || reach <= Reach::Ttl(1)
            || self.routes.find(PayloadType::QUERY, guid) == Some(Route::Own)
        {
            return false;
        }
        reach.and_beyond().all(|kind| self.routes.find(kind, guid).is_none())
    }

    /// A query is passed on, so far. What ends here needs no memory.
    fn went(&mut self, guid: &Guid, reach: Reach, cx: &mut Context<'_, Self>) {
        self.age_routes(cx);
        if let Some(kind) = reach.and_beyond().next().filter(|_| reach > Reach::Ttl(1)) {
            self.routes.insert(kind, guid, Route::Own);
        }
    }

    /// Answers a query if there is something.
    fn answer_query(
        &mut self,
        came: Came,
        query: Query<'_>,
        descriptor: &Descriptor,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(hit) = self.hit_for(query, descriptor, cx) else { return };
        count(&mut self.aside.answered);
        let Some(hit) = self.announce(came, query, descriptor.guid(), hit, cx) else { return };
        let hit = Descriptor::new(descriptor.guid(), OwnedPayload::QueryHit(hit));
        self.answer(came, hit, cx);
    }

    /// To the leaves that may have an answer. They are one hop away whatever the TTL, and pass nothing
    /// on.
    fn ask_leaves(
        &mut self,
        from: Option<u8>,
        hops: u8,
        routed: &RoutedQuery,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(v06) = &self.v06 else { return };
        if routed.is_empty() {
            return;
        }
        // One look at what all tables have together is mostly enough.
        let together = v06.published.table.as_ref().filter(|_| v06.published.complete);
        let in_none = together.is_some_and(|table| !table.may_answer(routed));
        let mut suppressed = 0;
        for (slot, known) in v06.leaves().filter(|(slot, _)| Some(*slot) != from) {
            let in_table = known.bloom.is_none() && known.table.is_some();
            let may_answer = if in_none && in_table && !known.is_silent_on(routed) {
                Some(false)
            } else {
                known.may_answer(routed)
            };
            let Some(may_answer) = may_answer else { continue };
            if hops < known.hops_flow && may_answer {
                self.send_descriptor(slot, 1, hops, descriptor, cx);
            } else {
                suppressed += 1;
            }
        }
        self.aside.leaf_suppressed = self.aside.leaf_suppressed.saturating_add(suppressed);
    }

    /// To all ultrapeers, but on the last hop only to those whose table does not rule it out.
    fn ask_ultrapeers(
        &mut self,
        from: Option<u8>,
        ttl: u8,
        hops: u8,
        routed: &RoutedQuery,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(v06) = &self.v06 else { return };
        let mut suppressed = 0;
        for (slot, known) in v06.ultrapeers().filter(|(slot, _)| Some(*slot) != from) {
            if may_pass(known, ttl, hops, routed) {
                self.send_descriptor(slot, ttl, hops, descriptor, cx);
            } else {
                suppressed += 1;
            }
        }
        self.aside.last_hop_suppressed = self.aside.last_hop_suppressed.saturating_add(suppressed);
    }

    pub(super) fn send_descriptor(
        &self,
        slot: u8,
        ttl: u8,
        hops: u8,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(link) = self.link_of(slot) else { return };
        cx.send(link, Message::Descriptor { ttl, hops, descriptor: descriptor.clone() });
    }
}

/// How far a query was or is to be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// As this TTL says.
    Ttl(u8),
    /// To one neighbour after another: it is a leaf's of this servent.
    AllThatIsWanted,
}

impl Reach {
    /// Higher ones are cut before a query comes here, or as good as this.
    const MOST: u8 = 7;

    /// This and what is farther, as types under which GUIDs are remembered.
    fn and_beyond(self) -> impl Iterator<Item = PayloadType> {
        // Types that nobody sends; 0x82 is a walker's.
        const FIRST: u8 = 0x90;
        let least = match self {
            Self::Ttl(ttl) => ttl.min(Self::MOST),
            Self::AllThatIsWanted => Self::MOST + 1,
        };
        (least..=Self::MOST + 1).map(|reach| PayloadType(FIRST + reach))
    }
}

/// Whether a query with this TTL is sent to an ultrapeer.
pub(super) fn may_pass(known: &Known, ttl: u8, hops: u8, routed: &RoutedQuery) -> bool {
    let answers = ttl > 1 || known.may_answer(routed).unwrap_or(true);
    answers && hops < known.hops_flow
}

fn is_known06(payload_type: PayloadType) -> bool {
    crate::message::is_known(payload_type)
        || matches!(
            payload_type,
            PayloadType::QRP | PayloadType::VENDOR | PayloadType::STANDARD | PayloadType::BYE
        )
}
