//! Vendor messages between neighbours: what each understands.

use core::net::SocketAddrV4;

use gnutella_wire::{
    Capabilities, Guid, OwnedPayload, OwnedVendor, SupportedMessages, VendorId, VendorMessage,
};
use overlay_peer::Context;

use super::bloom::SUMMARY;
use super::known::Supported;
use crate::Servent;
use crate::counters::count;

const fn id(vendor: [u8; 4], selector: u16, version: u16) -> VendorId {
    VendorId { vendor, selector, version }
}

/// The messages that this servent understands.
const SUPPORTED: [VendorId; 8] = [
    id(*b"BEAR", 4, 1),
    id(*b"BEAR", 11, 1),
    id(*b"BEAR", 12, 1),
    id(*b"LIME", 11, 2),
    id(*b"LIME", 12, 2),
    id(*b"LIME", 21, 2),
    id(*b"LIME", 22, 2),
    id(*b"GTKG", 21, 1),
];

impl Servent {
    /// Tells a new neighbour which messages are understood.
    pub(super) fn introduce_vendor(&mut self, slot: u8, cx: &mut Context<'_, Self>) {
        let Some(v06) = &self.v06 else { return };
        if !v06.of(slot).is_some_and(|known| known.features.vendor) {
            return;
        }
        let of = |selector, data: alloc::vec::Vec<u8>| {
            let id = id([0; 4], selector, 0);
            OwnedPayload::Vendor(OwnedVendor { standard: false, id, data: data.into() })
        };
        let mut supported = SUPPORTED.to_vec();
        if self.settings.v06.as_ref().is_some_and(|it| it.bloom_one_in.is_some()) {
            supported.push(SUMMARY);
        }
        self.tell(slot, of(0, SupportedMessages::build(&supported)), cx);
        self.tell(slot, of(10, Capabilities::build(&[(*b"DYNQ", 1)])), cx);
    }

    /// A vendor message from a neighbour.
    pub(super) fn vendor_message(
        &mut self,
        slot: u8,
        guid: Guid,
        vendor: &OwnedVendor,
        cx: &mut Context<'_, Self>,
    ) {
        let Ok(message) = vendor.borrow().message() else {
            return count(&mut self.aside.malformed);
        };
        let Some(known) = self.v06.as_mut().and_then(|v06| v06.of_mut(slot)) else { return };
        match message {
            VendorMessage::MessagesSupported(messages) => {
                for id in messages.iter() {
                    match (&id.vendor, id.selector) {
                        (b"BEAR", 11) => known.supported.add(Supported::QUERY_STATUS),
                        (b"OVLY", 1) => known.supported.add(Supported::BLOOM),
                        (b"LIME", 21) => known.supported.add(Supported::PUSH_PROXY),
                        _ => {}
                    }
                }
                self.ask_for_proxy(slot, cx);
                self.send_bloom(slot, false, cx);
            }
            VendorMessage::Capabilities(_) => {}
            VendorMessage::HopsFlow { hops } => known.hops_flow = hops,
            VendorMessage::PushProxyRequest { .. } => self.proxy_wanted(slot, guid, cx),
            VendorMessage::PushProxyAck { ip: Some(ip), port, .. } => {
                self.proxy_found(slot, guid, SocketAddrV4::new(ip, port));
            }
            VendorMessage::PushProxyCancel => known.proxied = None,
            VendorMessage::QueryStatusRequest => self.status_wanted(slot, guid, cx),
            VendorMessage::QueryStatus { results } => self.query_status(slot, guid, results),
            VendorMessage::Other { id, data } if id == SUMMARY => self.bloom_received(slot, data),
            _ => count(&mut self.aside.unknown),
        }
    }
}
