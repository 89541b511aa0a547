//! Pings and Pongs: asked of neighbours only, answered from a cache ("Pong Caching", Rohrs and Falco
//! 2001).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use gnutella_wire::{
    CachedPong, GgepBuilder, OwnedPayload, OwnedPong, PayloadType, PingAnswer, Pong, Role,
    answer_ping,
};
use overlay_peer::{Address, Context};

use crate::flood::Came;
use crate::hosts::Source;
use crate::neighbours::Neighbour;
use crate::routes::Route;
use crate::{Descriptor, Servent};

/// What an ultrapeer says to hold, in kilobytes, whose number nobody told us: the least that marks one.
const MARK: u32 = 8;

impl Servent {
    pub(super) fn ping06(&mut self, came: Came, ping: &Descriptor, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        // Our own Ping, from the one it was sent to: the link leads back here.
        if came.hops == 0 && self.routes.find(PayloadType::PING, &ping.guid()) == Some(Route::Own) {
            return self.linked_to_self(came.from, cx);
        }
        let (Some(v06), Some(settings)) = (&mut self.v06, &self.settings.v06) else { return };
        let rules = settings.pong_rules;
        let Some(known) = v06.of_mut(came.from) else { return };
        let since = known.pinged.map(|at| (now - at).as_millis() as u64);
        let answer = answer_ping(came.ttl, came.hops, since, &rules);
        if answer == PingAnswer::Cached {
            known.pinged = Some(now);
        }
        match answer {
            PingAnswer::Nothing => {}
            PingAnswer::Ourselves => self.pong_ourselves(came, ping, cx),
            PingAnswer::Neighbours => {
                let hosts = self.neighbours.iter().flatten().filter_map(Neighbour::host);
                let hosts: Vec<SocketAddrV4> = hosts.collect();
                for host in hosts {
                    self.pong_other(came, ping, host, 0, cx);
                }
            }
            PingAnswer::Cached => {
                let v06 = self.v06.as_ref();
                let pongs: Vec<CachedPong> = v06.map_or(Vec::new(), |v06| {
                    let chosen =
                        rules.choose(&v06.pongs, came.from.into(), now.as_micros() / 1_000);
                    chosen.into_iter().map(|at| v06.pongs[at]).collect()
                });
                let room = self.has_room_for_role(Role::Leaf);
                if room || self.has_room_for_role(Role::Ultrapeer) {
                    self.pong_ourselves(came, ping, cx);
                }
                for pong in pongs {
                    self.pong_other(came, ping, pong.address, pong.hops, cx);
                }
            }
        }
    }

    fn pong_ourselves(&mut self, came: Came, ping: &Descriptor, cx: &mut Context<'_, Self>) {
        if let Some(pong) = self.own_pong(cx) {
            let pong = Descriptor::new(ping.guid(), OwnedPayload::Pong(pong));
            self.answer(came, pong, cx);
        }
    }

    /// A Ping over UDP. A forged address gets about twice as much as was sent in its name.
    pub(super) fn ping_datagram(
        &self,
        from: Address,
        ping: &Descriptor,
        cx: &mut Context<'_, Self>,
    ) {
        if let (Some(pong), true) = (self.own_pong(cx), self.reachable(cx).is_some()) {
            super::oob::send_to(from, ping.guid(), 0, OwnedPayload::Pong(pong), cx);
        }
    }

    fn own_pong(&self, cx: &Context<'_, Self>) -> Option<OwnedPong> {
        let settings = self.settings.v06.as_ref()?;
        let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let mut pong = OwnedPong {
            // Port 0 where nobody can connect to: alive, but not a host for anybody's cache.
            address: self.reachable(cx).unwrap_or(nowhere),
            files: u32::try_from(self.shares.len()).unwrap_or(u32::MAX),
            kbytes: self.kbytes,
            extension: [].into(),
        };
        if let Some(v06) = self.v06.as_ref().filter(|v06| v06.ultrapeer) {
            pong.kbytes = Pong::ultrapeer_kbytes(self.kbytes);
            let free = |most: usize, taken: usize| {
                u8::try_from(most.saturating_sub(taken)).unwrap_or(u8::MAX)
            };
            let leaves = free(settings.leaf_slots, v06.leaves().count());
            let ultrapeers = free(settings.ultrapeer_links, v06.ultrapeers().count());
            // Version 0.1.
            if let Ok(block) = GgepBuilder::new().push(b"UP", &[1, leaves, ultrapeers]) {
                pong.extension = block.finish().into();
            }
        }
        Some(pong)
    }

    /// A Pong about another ultrapeer that is `hops` further away.
    fn pong_other(
        &mut self,
        came: Came,
        ping: &Descriptor,
        address: SocketAddrV4,
        hops: u8,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(link) = self.link_of(came.from) else { return };
        let pong = OwnedPong { address, files: 0, kbytes: MARK, extension: [].into() };
        let descriptor = Arc::new(Descriptor::new(ping.guid(), OwnedPayload::Pong(pong)));
        let (ttl, hops) = (came.hops.saturating_add(1), hops.saturating_add(1));
        cx.send(link, crate::Message::Descriptor { ttl, hops, descriptor });
    }

    /// A Pong: Pings are not passed on, so it answers one of ours or nobody's.
    pub(super) fn pong06(
        &mut self,
        came: Came,
        pong: &OwnedPong,
        descriptor: &Descriptor,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(Route::Own) = self.route(PayloadType::PING, came, descriptor) else { return };
        if came.hops == 0 && !self.neighbour_named(came.from, pong.address, cx) {
            return;
        }
        let Some(settings) = &self.settings.v06 else { return };
        // Only ultrapeers have room for others; servents of 0.4 do not say what they are.
        let plain = self.v06.as_ref().and_then(|v06| v06.of(came.from));
        let plain = settings.accept_v04 && plain.is_some_and(|known| known.role == Role::Plain);
        if !pong.borrow().is_ultrapeer() && !plain {
            return;
        }
        let most = settings.pongs;
        if !self.may_learn(came.from) {
            return;
        }
        self.learn(pong.address, Source::Neighbour(came.from), cx);
        let at = cx.now().as_micros() / 1_000;
        let Some(v06) = self.v06.as_mut().filter(|v06| v06.ultrapeer && most > 0) else { return };
        if !crate::hosts::usable(pong.address) {
            return;
        }
        let (address, hops, from) = (pong.address, came.hops, came.from.into());
        // A neighbour's new Pongs replace its own old ones before others'.
        let share = v06.pongs.iter().filter(|pong| pong.from == from).count() * 4 >= most;
        let same = v06
            .pongs
            .iter()
            .position(|pong| pong.from == from && (share || pong.address == address));
        let out = same.or_else(|| (v06.pongs.len() >= most).then_some(0));
        if let Some(out) = out {
            v06.pongs.remove(out);
        }
        v06.pongs.push(CachedPong { address, hops, from, at });
    }
}
