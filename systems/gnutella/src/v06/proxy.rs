//! Push proxies: a servent that can not be reached names its ultrapeers in its hits, and a Push that is
//! sent to one of these, over UDP, finds it without a route ("Push Proxy", LimeWire).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{SocketAddr, SocketAddrV4};

use gnutella_wire::{
    AddressList, GgepBuilder, GgepValue, Guid, Limits, OwnedPayload, OwnedPush, Trailer,
    VendorMessage, forward,
};
use overlay_peer::Context;

use super::known::Supported;
use super::oob::send_to;
use crate::counters::count;
use crate::neighbours::Neighbour;
use crate::servent::random_guid;
use crate::{Descriptor, Servent};

/// How many proxies a hit names, and are believed of one.
const PROXIES: usize = 4;

impl Servent {
    /// A neighbour understands push proxies: it is asked to be one if that is needed.
    pub(super) fn ask_for_proxy(&mut self, slot: u8, cx: &mut Context<'_, Self>) {
        let wanted = self.settings.v06.as_ref().is_some_and(|it| it.push_proxies);
        if !wanted || self.reachable(cx).is_some() {
            return;
        }
        let Some(known) = self.v06.as_ref().and_then(|v06| v06.of(slot)) else { return };
        if known.role == gnutella_wire::Role::Ultrapeer
            && known.supported.has(Supported::PUSH_PROXY)
        {
            let request = VendorMessage::PushProxyRequest { version: 2 }.to_vendor();
            self.tell_of(slot, self.guid, OwnedPayload::Vendor(request), cx);
        }
    }

    /// A neighbour asks us to be its push proxy.
    pub(super) fn proxy_wanted(&mut self, slot: u8, guid: Guid, cx: &mut Context<'_, Self>) {
        let Some(own) = self.reachable(cx) else { return };
        let Some(v06) = self.v06.as_mut().filter(|v06| v06.ultrapeer) else { return };
        // One servent has one link; another's GUID can not be taken over.
        if v06.known.iter().flatten().any(|known| known.proxied == Some(guid)) {
            return;
        }
        let Some(known) = v06.of_mut(slot) else { return };
        known.proxied = Some(guid);
        let (ip, port) = (Some(*own.ip()), own.port());
        let ack = VendorMessage::PushProxyAck { version: 2, ip, port }.to_vendor();
        self.tell_of(slot, guid, OwnedPayload::Vendor(ack), cx);
    }

    /// A neighbour is our push proxy from now on, at this address.
    pub(super) fn proxy_found(&mut self, slot: u8, guid: Guid, proxy: SocketAddrV4) {
        let ours = guid == self.guid && crate::hosts::usable(proxy);
        let neighbour = self.neighbours.get(usize::from(slot)).copied().flatten();
        // Only its own address, or hits would aim Pushes at others.
        let own =
            neighbour.and_then(|it: Neighbour| it.host()).is_some_and(|it| it.ip() == proxy.ip());
        if let (true, Some(known)) =
            (ours && own, self.v06.as_mut().and_then(|v06| v06.of_mut(slot)))
        {
            known.proxy = Some(proxy);
        }
    }

    /// The private data of this servent's hits: its push proxies, if it has some.
    pub(crate) fn hit_extension(&self) -> Vec<u8> {
        let Some(v06) = &self.v06 else { return Vec::new() };
        let proxies = v06.known.iter().flatten().filter_map(|known| known.proxy).take(PROXIES);
        let list = AddressList::encode_v4(proxies.map(SocketAddr::V4));
        if list.is_empty() {
            return Vec::new();
        }
        GgepBuilder::new().push(b"PUSH", &list).map(GgepBuilder::finish).unwrap_or_default()
    }

    /// A Push for a neighbour whose proxy we are: its slot.
    pub(crate) fn proxied(&self, servent: &Guid) -> Option<u8> {
        let v06 = self.v06.as_ref()?;
        let at = v06.known.iter().position(|known| {
            known.as_ref().is_some_and(|known| known.proxied.as_ref() == Some(servent))
        })?;
        u8::try_from(at).ok()
    }

    /// A Push over UDP: for a neighbour whose proxy we are, or nobody.
    pub(super) fn push_datagram(
        &mut self,
        ttl: u8,
        hops: u8,
        push: &OwnedPush,
        descriptor: &Arc<Descriptor>,
        cx: &mut Context<'_, Self>,
    ) {
        match self.proxied(&push.servent) {
            Some(slot) => {
                // The proxy counts as the end of the way; the neighbour is one hop more.
                let (ttl, hops) = forward(ttl, hops).unwrap_or((1, hops.saturating_add(1)));
                self.send_descriptor(slot, ttl, hops, descriptor, cx);
            }
            None => count(&mut self.aside.unrouted),
        }
    }

    /// Sends a Push to the proxies that a hit names; whether it names some.
    pub(crate) fn push_by_proxy(
        &mut self,
        proxies: &[SocketAddrV4],
        push: OwnedPush,
        cx: &mut Context<'_, Self>,
    ) -> bool {
        let own = self.public(cx);
        let guid = random_guid(cx.rng());
        let usable = |it: &&SocketAddrV4| crate::hosts::usable(**it) && own != Some(**it);
        let mut sent = false;
        // The same GUID for all: whoever is asked twice connects once.
        for proxy in proxies.iter().filter(usable).take(PROXIES) {
            send_to((*proxy).into(), guid, 0, OwnedPayload::Push(push.clone()), cx);
            sent = true;
        }
        sent
    }
}

/// The push proxies that a hit names.
pub(crate) fn proxies(trailer: Option<Trailer<'_>>) -> Box<[SocketAddrV4]> {
    let item = trailer.and_then(|trailer| trailer.extensions().ggep(b"PUSH"));
    let Some(item) = item else { return Box::default() };
    let Ok(data) = item.data(&Limits::DEFAULT) else { return Box::default() };
    let Ok(GgepValue::Addresses(list)) = GgepValue::decode(item.id(), &data) else {
        return Box::default();
    };
    list.iter().filter_map(crate::servent::ipv4).take(PROXIES).collect()
}
