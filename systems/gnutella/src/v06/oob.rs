//! Answers out of band: over UDP, straight to who asked ("Out-of-Band Query Replies", Rohrs and
//! Osokine 2003).
//!
//! The query's GUID says where the asker is. Who has something tells it how much (`LIME/12`), the asker
//! says how much it wants (`LIME/11`), and gets it. So a forged address gets one small datagram, and
//! an asker takes hits only from those it has asked for them. If no answer comes (the asker is
//! firewalled after all, or a datagram got lost), the hit goes the way the query came.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddrV4;
use core::time::Duration;

use gnutella_wire::{
    Guid, OwnedPayload, OwnedQueryHit, OwnedVendor, PayloadType, Query, QueryFlags,
    ReplyNumberRest, VendorMessage,
};
use overlay_peer::{Address, Context, Time};

use super::Due;
use crate::counters::count;
use crate::flood::Came;
use crate::routes::Route;
use crate::{Descriptor, Message, Servent};

/// Hits on their way out of band.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutOfBand {
    /// Our hits that were announced.
    announced: Vec<Announced>,
    /// Who was asked for hits.
    awaited: Vec<Awaited>,
}

#[derive(Clone, Debug)]
struct Announced {
    guid: Guid,
    to: SocketAddrV4,
    hit: Box<OwnedQueryHit>,
    /// How far the query came.
    hops: u8,
    until: Time,
}

#[derive(Clone, Copy, Debug)]
struct Awaited {
    guid: Guid,
    from: Address,
    /// How many results may still come.
    left: u8,
    until: Time,
}

/// How many of each are kept; without room, hits go in band.
const MOST: usize = 64;
/// How long an announced hit waits to be asked for, and an asker for its hits.
const WAIT: Duration = Duration::from_secs(10);

impl OutOfBand {
    pub fn len(&self) -> usize {
        self.announced.len() + self.awaited.len()
    }

    pub fn heap_bytes(&self) -> usize {
        let hit = |it: &Announced| size_of::<OwnedQueryHit>() + it.hit.borrow().encoded_len();
        size_of::<Self>()
            + self.announced.capacity() * size_of::<Announced>()
            + self.announced.iter().map(hit).sum::<usize>()
            + self.awaited.capacity() * size_of::<Awaited>()
    }
}

impl Servent {
    /// Where answers to this servent's own queries may be sent; `None` if they are to come in band.
    pub(super) fn out_of_band(&self, cx: &Context<'_, Self>) -> Option<SocketAddrV4> {
        let wanted = self.settings.v06.as_ref().is_some_and(|it| it.out_of_band);
        self.reachable(cx).filter(|_| wanted)
    }

    /// The GUID of an own query.
    pub(crate) fn query_guid06(&self, guid: Guid, cx: &Context<'_, Self>) -> Guid {
        match self.out_of_band(cx) {
            Some(own) => guid.with_reply_address(own),
            None => guid,
        }
    }

    /// Announces a hit to who asks for that; gives it back if it has to go in band.
    pub(super) fn announce(
        &mut self,
        came: Came,
        query: Query<'_>,
        guid: Guid,
        hit: OwnedQueryHit,
        cx: &mut Context<'_, Self>,
    ) -> Option<OwnedQueryHit> {
        let settings = self.settings.v06.as_ref()?;
        let to = guid.reply_address();
        // A neighbour is as near as it can be.
        let apart = settings.out_of_band && query.flags().has(QueryFlags::OUT_OF_BAND);
        if !apart || came.hops == 0 || !crate::hosts::usable(to) || self.public(cx) == Some(to) {
            return Some(hit);
        }
        let unsolicited = self.reachable(cx).is_some();
        let until = cx.now() + WAIT;
        let out = self.v06.as_mut()?.oob.get_or_insert_default();
        if out.announced.len() >= MOST {
            return Some(hit);
        }
        let results = u8::try_from(hit.borrow().results.len()).unwrap_or(u8::MAX);
        let (hops, hit) = (came.hops, Box::new(hit));
        out.announced.push(Announced { guid, to, hit, hops, until });
        let rest = ReplyNumberRest::default();
        let number = VendorMessage::ReplyNumber { version: 2, results, unsolicited, rest };
        send_to(to.into(), guid, 0, OwnedPayload::Vendor(number.to_vendor()), cx);
        self.due(Due::OutOfBand, until, cx);
        None
    }

    /// A datagram.
    pub(crate) fn datagram06(
        &mut self,
        from: Address,
        message: &Message,
        cx: &mut Context<'_, Self>,
    ) {
        let Message::Descriptor { ttl, hops, descriptor } = message else { return };
        if self.v06.is_none() || self.away {
            return;
        }
        let Ok(ttl) = self.settings.ttl_rules.received(*ttl, *hops) else {
            return count(&mut self.aside.ttl_dropped);
        };
        match descriptor.payload() {
            OwnedPayload::Vendor(vendor) => self.vendor_datagram(from, descriptor, vendor, cx),
            OwnedPayload::QueryHit(hit) => self.hit_datagram(from, *hops, hit, descriptor, cx),
            OwnedPayload::Ping(_) => self.ping_datagram(from, descriptor, cx),
            OwnedPayload::Push(push) => self.push_datagram(ttl, *hops, push, descriptor, cx),
            _ => count(&mut self.aside.unknown),
        }
    }

    fn vendor_datagram(
        &mut self,
        from: Address,
        descriptor: &Descriptor,
        vendor: &OwnedVendor,
        cx: &mut Context<'_, Self>,
    ) {
        match vendor.borrow().message() {
            Ok(VendorMessage::ReplyNumber { results, .. }) => {
                self.wants_more(from, descriptor.guid(), results, cx);
            }
            Ok(VendorMessage::ReplyAck { wanted, .. }) => {
                self.deliver_announced(from, descriptor.guid(), wanted, cx);
            }
            Ok(_) => count(&mut self.aside.unknown),
            Err(_) => count(&mut self.aside.malformed),
        }
    }

    /// Someone has so many results for an own query.
    fn wants_more(&mut self, from: Address, guid: Guid, results: u8, cx: &mut Context<'_, Self>) {
        let (now, until) = (cx.now(), cx.now() + WAIT);
        let asked = self.out_of_band(cx).is_some();
        let (Some(v06), Some(settings)) = (&mut self.v06, &self.settings.v06) else { return };
        let own = v06.own.iter().find(|own| own.guid == guid && asked);
        let Some(own) = own else { return count(&mut self.aside.unrouted) };
        // Nobody is asked twice, or it would be sent twice what it wants.
        let out = v06.oob.get_or_insert_default();
        out.awaited.retain(|it| it.until > now);
        let again = out.awaited.iter().any(|it| it.guid == guid && it.from == from);
        // Without room for one more it comes along the links, a little later.
        let full = out.awaited.len() >= MOST;
        if results == 0 || again || full || own.results >= settings.wanted {
            return;
        }
        out.awaited.push(Awaited { guid, from, left: results, until });
        let ack = VendorMessage::ReplyAck { version: 2, wanted: results, extension: &[] };
        send_to(from, guid, 0, OwnedPayload::Vendor(ack.to_vendor()), cx);
    }

    /// The asker wants an announced hit.
    fn deliver_announced(
        &mut self,
        from: Address,
        guid: Guid,
        wanted: u8,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(out) = self.v06.as_mut().and_then(|v06| v06.oob.as_mut()) else { return };
        let of = |it: &Announced| it.guid == guid && Address::from(it.to) == from;
        let Some(at) = out.announced.iter().position(of) else {
            return count(&mut self.aside.unrouted);
        };
        let Announced { hit, hops, .. } = out.announced.remove(at);
        let view = hit.borrow();
        if wanted == 0 {
            return;
        }
        // Its hops say how far the query came, as a hit's in band do on arrival.
        let some = view.results.take(wanted.into());
        let (address, speed, servent) = (view.address, view.speed, view.servent);
        let Ok(mut some) = OwnedQueryHit::new(address, speed, servent, some) else { return };
        some.trailer = hit.trailer.clone();
        send_to(from, guid, hops, OwnedPayload::QueryHit(some), cx);
    }

    /// A hit over UDP: only from who announced it, and no more of it.
    fn hit_datagram(
        &mut self,
        from: Address,
        hops: u8,
        hit: &OwnedQueryHit,
        descriptor: &Descriptor,
        cx: &mut Context<'_, Self>,
    ) {
        let now = cx.now();
        let results = hit.borrow().results.len();
        let Some(out) = self.v06.as_mut().and_then(|v06| v06.oob.as_mut()) else {
            return count(&mut self.aside.unrouted);
        };
        let of = |it: &Awaited| it.guid == descriptor.guid() && it.from == from && it.until > now;
        let Some(at) = out.awaited.iter().position(of) else {
            return count(&mut self.aside.unrouted);
        };
        match usize::from(out.awaited[at].left).checked_sub(results) {
            None => return count(&mut self.aside.malformed),
            Some(0) => drop(out.awaited.remove(at)),
            Some(left) => out.awaited[at].left = u8::try_from(left).unwrap_or(0),
        }
        self.count_results(descriptor.guid(), results);
        self.deliver(hops, hit, descriptor, cx);
    }

    /// What was announced and not asked for goes the way the query came.
    pub(super) fn sweep_out_of_band(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        while let Some(out) = self.v06.as_mut().and_then(|v06| v06.oob.as_mut()) {
            out.awaited.retain(|it| it.until > now);
            let Some(at) = out.announced.iter().position(|it| it.until <= now) else { break };
            let Announced { guid, hit, hops, .. } = out.announced.remove(at);
            match self.routes.find(PayloadType::QUERY, &guid) {
                Some(Route::Neighbour(from)) => {
                    let hit = Descriptor::new(guid, OwnedPayload::QueryHit(*hit));
                    self.answer(Came { from, ttl: 1, hops }, hit, cx);
                }
                _ => count(&mut self.aside.dead_routes),
            }
        }
        let Some(v06) = &mut self.v06 else { return };
        v06.oob.take_if(|out| out.len() == 0);
        let waiting = v06.oob.iter().flat_map(|out| &out.announced).map(|it| it.until);
        let waiting = waiting.chain(v06.oob.iter().flat_map(|out| &out.awaited).map(|it| it.until));
        if let Some(next) = waiting.min() {
            self.due(Due::OutOfBand, next, cx);
        }
    }
}

/// Sends a datagram.
pub(super) fn send_to(
    to: Address,
    guid: Guid,
    hops: u8,
    payload: OwnedPayload,
    cx: &mut Context<'_, Servent>,
) {
    let descriptor = Arc::new(Descriptor::new(guid, payload));
    cx.send_to(to, Message::Descriptor { ttl: 1, hops, descriptor });
}
