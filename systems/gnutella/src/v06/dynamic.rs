//! Dynamic querying: an ultrapeer asks its neighbours for itself and for its leaves, a few at first,
//! then one after another, only as far as needed ("Gnutella Dynamic Query Protocol 0.1", Fisk 2003).
//!
//! A leaf that guides its queries says how many results it kept and when it has enough ("Leaf Guided
//! Dynamic Queries"): it also gets results through other ultrapeers, and over UDP.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use gnutella_wire::{
    DynamicQuery, DynamicStep, Guid, OwnedPayload, QueryFlags, RoutedQuery, VendorMessage,
};
use overlay_peer::{Context, Time};

use super::Due;
use super::known::Supported;
use super::query::may_pass;
use crate::{Descriptor, Servent, Settings};

/// A query under way.
#[derive(Clone, Debug)]
pub(crate) struct Dynamic {
    descriptor: Arc<Descriptor>,
    routed: RoutedQuery,
    /// The leaf that asks; `None` for the servent itself.
    leaf: Option<u8>,
    /// Whether the leaf tells how many results it has.
    guided: bool,
    state: DynamicQuery,
    /// The slots of neighbours that were asked.
    asked: SlotSet,
    /// When the next step is due.
    at: Time,
}

impl Dynamic {
    pub fn heap_bytes(&self) -> usize {
        crate::Message::descriptor_bytes(&self.descriptor) + self.routed.heap_bytes()
    }
}

/// A set of slots.
#[derive(Clone, Copy, Debug, Default)]
struct SlotSet([u64; Settings::LINKS.div_ceil(64)]);

impl SlotSet {
    fn has(&self, slot: u8) -> bool {
        self.0[usize::from(slot / 64)] >> (slot % 64) & 1 != 0
    }

    fn set(&mut self, slot: u8, on: bool) {
        let (word, bit) = (&mut self.0[usize::from(slot / 64)], 1 << (slot % 64));
        *word = if on { *word | bit } else { *word & !bit };
    }
}

/// An own search, and how many results came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnSearch {
    pub guid: Guid,
    pub results: u32,
}

impl Servent {
    /// Begins to ask on behalf of a leaf, or of this servent.
    pub(super) fn begin_dynamic(
        &mut self,
        leaf: Option<u8>,
        routed: RoutedQuery,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        let (Some(v06), Some(settings)) = (&mut self.v06, &self.settings.v06) else { return };
        let OwnedPayload::Query(query) = descriptor.payload() else { return };
        let guided = leaf.and_then(|slot| v06.of(slot)).is_some_and(|known| {
            query.borrow().flags().has(QueryFlags::LEAF_GUIDED)
                && known.supported.has(Supported::QUERY_STATUS)
        });
        let wanted =
            if leaf.is_some() && !guided { settings.wanted_for_leaf } else { settings.wanted };
        let most = settings.dynamic_queries.max(1);
        // The oldest makes room; those of a leaf that asks too much, first.
        if let Some(slot) = leaf {
            let own = v06.dynamic.iter().filter(|it| it.leaf == Some(slot)).count();
            if own >= most.div_ceil(8) {
                let oldest = v06.dynamic.iter().position(|it| it.leaf == Some(slot));
                oldest.into_iter().for_each(|at| drop(v06.dynamic.remove(at)));
            }
        }
        if v06.dynamic.len() >= most {
            v06.dynamic.remove(0);
        }
        let state = DynamicQuery { wanted, results: 0, reached: 0, left: 0, asked: 0 };
        let (descriptor, asked, at) = (descriptor.clone(), SlotSet::default(), cx.now());
        v06.dynamic.push(Dynamic { descriptor, routed, leaf, guided, state, asked, at });
        let last = v06.dynamic.len() - 1;
        self.step(last, cx);
        self.step_later(cx);
    }

    /// The next steps that are due.
    pub(super) fn step_dynamic(&mut self, cx: &mut Context<'_, Self>) {
        let mut at = 0;
        while let Some(query) = self.v06.as_ref().and_then(|v06| v06.dynamic.get(at)) {
            let due = query.at <= cx.now();
            if !due || self.step(at, cx) {
                at += 1;
            }
        }
        self.step_later(cx);
    }

    fn step_later(&mut self, cx: &mut Context<'_, Self>) {
        let next = self.v06.iter().flat_map(|v06| &v06.dynamic).map(|query| query.at).min();
        if let Some(next) = next {
            self.due(Due::Dynamic, next, cx);
        }
    }

    /// Asks the next neighbour, or the neighbours of the probe; `false` if the query is over and gone.
    fn step(&mut self, at: usize, cx: &mut Context<'_, Self>) -> bool {
        loop {
            let Some(v06) = &mut self.v06 else { return false };
            let Some(query) = v06.dynamic.get(at) else { return false };
            let left: Vec<u8> = v06
                .ultrapeers()
                .filter(|(slot, _)| !query.asked.has(*slot))
                .map(|(slot, _)| slot)
                .collect();
            let mut state = query.state;
            state.left = u32::try_from(left.len()).unwrap_or(u32::MAX);
            // Those whose table has it are asked first.
            let offset = crate::hosts::below(cx.rng(), left.len());
            let mut order = left.iter().cycle().skip(offset).take(left.len());
            let promising = |slot: &&u8| {
                v06.of(**slot).and_then(|known| known.may_answer(&query.routed)) == Some(true)
            };
            let next = order.clone().find(promising).or_else(|| order.next()).copied();
            let known = next.and_then(|slot| v06.of(slot).map(|known| (slot, known)));
            let Some((slot, known)) = known else {
                v06.dynamic.remove(at);
                return false;
            };
            let DynamicStep::Ask { ttl, wait } = state.next(known.degree, known.max_ttl) else {
                v06.dynamic.remove(at);
                return false;
            };
            let hops = u8::from(query.leaf.is_some());
            let passes = may_pass(known, ttl, hops, &query.routed);
            let (descriptor, degree) = (query.descriptor.clone(), known.degree);
            let (guided, leaf) = (query.guided, query.leaf);
            let query = &mut v06.dynamic[at];
            query.state = state.asked(degree, ttl);
            query.asked.set(slot, true);
            query.at = cx.now() + Duration::from_millis(wait);
            if passes {
                self.send_descriptor(slot, ttl, hops, &descriptor, cx);
            }
            if wait > 0 {
                if let (true, Some(leaf)) = (guided, leaf) {
                    let ask = VendorMessage::QueryStatusRequest.to_vendor();
                    self.tell_of(leaf, descriptor.guid(), OwnedPayload::Vendor(ask), cx);
                }
                return true;
            }
        }
    }

    /// Results of a query passed here, or came for this servent itself.
    pub(crate) fn count_results(&mut self, guid: Guid, results: usize) {
        let Some(v06) = &mut self.v06 else { return };
        let results = u32::try_from(results).unwrap_or(u32::MAX);
        let mut own = v06.dynamic.iter_mut().filter(|it| !it.guided);
        if let Some(query) = own.find(|query| query.descriptor.guid() == guid) {
            query.state.results = query.state.results.saturating_add(results);
        }
    }

    /// A leaf says how many results it has.
    pub(super) fn query_status(&mut self, leaf: u8, guid: Guid, results: u16) {
        let Some(v06) = &mut self.v06 else { return };
        let of = |it: &Dynamic| it.leaf == Some(leaf) && it.descriptor.guid() == guid;
        let Some(at) = v06.dynamic.iter().position(of) else { return };
        if results == VendorMessage::STOP_QUERY {
            v06.dynamic.remove(at);
        } else {
            v06.dynamic[at].state.results = results.into();
        }
    }

    /// An ultrapeer asks how many results this servent has of its own search.
    pub(super) fn status_wanted(&mut self, slot: u8, guid: Guid, cx: &mut Context<'_, Self>) {
        let Some(v06) = &self.v06 else { return };
        // Of a search that is forgotten nobody waits for results.
        let own = v06.own.iter().find(|own| own.guid == guid).map(|own| own.results);
        let results = own.map_or(VendorMessage::STOP_QUERY, |results| {
            u16::try_from(results).unwrap_or(u16::MAX).min(VendorMessage::STOP_QUERY - 1)
        });
        let status = VendorMessage::QueryStatus { results }.to_vendor();
        self.tell_of(slot, guid, OwnedPayload::Vendor(status), cx);
    }

    /// An own search began.
    pub(super) fn own_search(&mut self, guid: Guid) {
        let most = self.settings.searches.max(1);
        let Some(v06) = &mut self.v06 else { return };
        if v06.own.len() >= most {
            v06.own.remove(0);
        }
        v06.own.push(OwnSearch { guid, results: 0 });
    }

    /// Results of an own search came: with enough of them, a leaf tells its ultrapeers to stop.
    pub(crate) fn own_results(&mut self, guid: Guid, results: usize, cx: &mut Context<'_, Self>) {
        let (Some(v06), Some(settings)) = (&mut self.v06, &self.settings.v06) else { return };
        let Some(own) = v06.own.iter_mut().find(|own| own.guid == guid) else { return };
        let before = own.results;
        own.results = before.saturating_add(u32::try_from(results).unwrap_or(u32::MAX));
        if v06.ultrapeer || before >= settings.wanted || own.results < settings.wanted {
            return;
        }
        let guides: Vec<u8> = v06
            .ultrapeers()
            .filter(|(_, known)| known.supported.has(Supported::QUERY_STATUS))
            .map(|(slot, _)| slot)
            .collect();
        let stop = VendorMessage::QueryStatus { results: VendorMessage::STOP_QUERY }.to_vendor();
        for slot in guides {
            self.tell_of(slot, guid, OwnedPayload::Vendor(stop.clone()), cx);
        }
    }

    /// A neighbour is gone: another in its slot was not asked yet, and a leaf's queries are over.
    pub(super) fn forget_asked(&mut self, slot: u8) {
        let Some(v06) = &mut self.v06 else { return };
        v06.dynamic.retain(|query| query.leaf != Some(slot));
        v06.dynamic.iter_mut().for_each(|query| query.asked.set(slot, false));
    }
}
