//! Neighbours of 0.6: how many of which kind, who may come, and how one goes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{SocketAddr, SocketAddrV4};

use gnutella_wire::{Bye, Guid, OwnedBye, OwnedPayload, Role};
use overlay_peer::{Address, Context, Link, Reason, Time};

use super::known::Known;
use crate::neighbours::Neighbour;
use crate::servent::random_guid;
use crate::{Descriptor, Event, Message, Servent, Settings};

impl Servent {
    pub(super) fn link_of(&self, slot: u8) -> Option<Link> {
        let neighbour = self.neighbours.get(usize::from(slot))?.as_ref()?;
        Some(neighbour.link)
    }

    /// How many more ultrapeers it should connect to.
    pub(crate) fn missing06(&self) -> usize {
        let (Some(v06), Some(settings)) = (&self.v06, &self.settings.v06) else { return 0 };
        let wanted = if v06.ultrapeer {
            settings.ultrapeer_target.min(settings.ultrapeer_links)
        } else {
            settings.leaf_links
        };
        wanted.saturating_sub(v06.ultrapeers().count() + self.connecting().count())
    }

    /// Whether there is room for one more neighbour of this role, handshakes under way included.
    pub(crate) fn has_room_for_role(&self, theirs: Role) -> bool {
        let (Some(v06), Some(settings)) = (&self.v06, &self.settings.v06) else { return false };
        let leaf = theirs == Role::Leaf;
        let coming = v06
            .shaking
            .iter()
            .filter(|it| it.coming().is_some_and(|role| leaf == (role == Role::Leaf)));
        let outward = if leaf { 0 } else { self.connecting().count() };
        let taken = v06.which(leaf).count() + coming.count() + outward;
        let most = match (leaf, v06.ultrapeer) {
            (true, true) => settings.leaf_slots,
            (true, false) => 0,
            (false, true) => settings.ultrapeer_links,
            (false, false) => settings.leaf_links,
        };
        let all = self.neighbours().count() + v06.shaking.len();
        taken < most && all < Settings::LINKS
    }

    /// The ultrapeers that a newcomer may take the place of: those that came by themselves. Who connects
    /// again and again can not take those away that this servent chose.
    fn replaceable(&self) -> impl Iterator<Item = u8> {
        let ultrapeers = self.v06.iter().flat_map(|v06| v06.ultrapeers());
        ultrapeers.filter(|(_, known)| known.role == Role::Ultrapeer).filter_map(|(slot, _)| {
            let neighbour = self.neighbours.get(usize::from(slot))?.as_ref()?;
            neighbour.inbound.then_some(slot)
        })
    }

    /// Whether an ultrapeer may come although there is no room for it.
    pub(super) fn may_make_room(&self, now: Time) -> bool {
        let (Some(v06), Some(settings)) = (&self.v06, &self.settings.v06) else { return false };
        let rested = v06.made_room.is_none_or(|at| now - at >= settings.room_interval);
        v06.ultrapeer && rested && self.replaceable().next().is_some()
    }

    /// Whether there is room for a neighbour of this role, or room is made.
    pub(super) fn finds_room(&mut self, theirs: Role, cx: &mut Context<'_, Self>) -> bool {
        self.has_room_for_role(theirs) || theirs == Role::Ultrapeer && self.make_room(cx)
    }

    /// Parts from an ultrapeer for another; whether there is room now.
    ///
    /// So newcomers come between those that are linked, and the network grows like a random graph
    /// ("Distributed Construction of Random Expander Networks", Law and Siu 2003).
    fn make_room(&mut self, cx: &mut Context<'_, Self>) -> bool {
        let now = cx.now();
        if !self.may_make_room(now) {
            return false;
        }
        let out = crate::hosts::below(cx.rng(), self.replaceable().count());
        let Some(out) = self.replaceable().nth(out) else { return false };
        if let Some(v06) = &mut self.v06 {
            v06.made_room = Some(now);
        }
        self.part(out, Bye::REPLACED, cx);
        self.has_room_for_role(Role::Ultrapeer)
    }

    /// Whether a servent of 0.4 may come.
    pub(crate) fn has_room_for_plain(&self) -> bool {
        let accepted = self.settings.v06.as_ref().is_some_and(|it| it.accept_v04);
        accepted && self.is_ultrapeer() == Some(true) && self.has_room_for_role(Role::Plain)
    }

    /// It leaves: neighbours are told, handshakes end.
    pub(crate) fn leave06(&mut self, cx: &mut Context<'_, Self>) {
        for slot in (0..=u8::MAX).take(self.neighbours.len()) {
            self.say_bye(slot, Bye::CLOSED_BY_USER, cx);
        }
        let Some(v06) = &mut self.v06 else { return };
        for shaking in v06.shaking.drain(..) {
            shaking.close(cx);
        }
        v06.known = Vec::new();
        v06.pongs = Vec::new();
        v06.dynamic = Vec::new();
        v06.own = Vec::new();
        v06.oob = None;
    }

    /// Whether it wants a further ultrapeer rather than a further leaf: most places for leaves are
    /// taken.
    pub(super) fn needs_ultrapeers(&self) -> bool {
        let (Some(v06), Some(settings)) = (&self.v06, &self.settings.v06) else { return false };
        v06.leaves().count() * 10 >= settings.leaf_slots * 9
    }

    /// A neighbour is about to take the next free slot, which this returns; this is what is known of it.
    pub(super) fn seat(&mut self, known: Known) -> u8 {
        let slot = self.neighbours.iter().position(Option::is_none);
        let slot = slot.unwrap_or(self.neighbours.len());
        if let Some(v06) = &mut self.v06 {
            if v06.known.len() <= slot {
                v06.known.resize_with(slot + 1, || None);
            }
            v06.known[slot] = Some(known);
        }
        u8::try_from(slot).unwrap_or(u8::MAX)
    }

    /// The neighbour in this slot came without a handshake of 0.6.
    pub(crate) fn seat_plain(&mut self) {
        if let Some(max_ttl) = self.settings.v06.as_ref().map(|it| it.max_ttl) {
            self.seat(Known::plain(max_ttl));
        }
    }

    /// The neighbour in this slot is gone.
    pub(crate) fn lost06(&mut self, slot: u8, cx: &mut Context<'_, Self>) {
        let Some(v06) = &mut self.v06 else { return };
        let known = v06.known.get_mut(usize::from(slot)).and_then(Option::take);
        v06.pongs.retain(|pong| pong.from != u32::from(slot));
        self.forget_asked(slot);
        if known.is_some_and(|known| known.role == Role::Leaf && known.table.is_some()) {
            self.table_changed(cx);
        }
    }

    /// Says Bye to a neighbour that understands it, and closes the link.
    pub(crate) fn part(&mut self, slot: u8, code: u16, cx: &mut Context<'_, Self>) {
        let Some(link) = self.link_of(slot) else { return };
        self.say_bye(slot, code, cx);
        cx.close(link);
        self.neighbour_lost(slot, None, cx);
    }

    /// The Bye alone: the link is about to be closed.
    pub(crate) fn say_bye(&mut self, slot: u8, code: u16, cx: &mut Context<'_, Self>) {
        let Some(v06) = &self.v06 else { return };
        if !v06.of(slot).is_some_and(|known| known.features.bye) {
            return;
        }
        let text: &[u8] = match code {
            Bye::SHUTDOWN => b"Servent shutdown",
            Bye::CLOSED_BY_USER => b"Closed by user",
            Bye::REPLACED => b"Replaced",
            Bye::IDLE => b"No answer",
            413 => b"Bad query routing table",
            _ => b"Closed",
        };
        let Ok(bye) = OwnedBye::new(code, text) else { return };
        self.tell(slot, OwnedPayload::Bye(bye), cx);
    }

    /// Sends a neighbour something that is not passed on.
    pub(super) fn tell(&self, slot: u8, payload: OwnedPayload, cx: &mut Context<'_, Self>) {
        self.tell_of(slot, random_guid(cx.rng()), payload, cx);
    }

    /// The same with a GUID that says what it is about.
    pub(super) fn tell_of(
        &self,
        slot: u8,
        guid: Guid,
        payload: OwnedPayload,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(link) = self.link_of(slot) else { return };
        let descriptor = Arc::new(Descriptor::new(guid, payload));
        cx.send(link, Message::Descriptor { ttl: 1, hops: 0, descriptor });
    }

    /// The neighbour is about to close the link.
    pub(super) fn bye(&mut self, slot: u8, bye: &OwnedBye, cx: &mut Context<'_, Self>) {
        let Some(link) = self.link_of(slot) else { return };
        cx.emit(Event::Bye { link, code: bye.code, text: bye.borrow().message().into() });
        cx.close(link);
        self.neighbour_lost(slot, Some(Reason::Remote), cx);
    }

    /// Hosts to try for who finds no room here: ultrapeers that are linked to this servent, then others
    /// it knows.
    pub(super) fn try_ultrapeers(&self, cx: &mut Context<'_, Self>) -> Vec<SocketAddr> {
        const MOST: usize = 10;
        let Some(v06) = &self.v06 else { return Vec::new() };
        let linked = v06.ultrapeers().filter(|(_, known)| known.role == Role::Ultrapeer);
        let linked = linked.filter_map(|(slot, _)| {
            self.neighbours.get(usize::from(slot))?.as_ref().and_then(Neighbour::host)
        });
        let mut hosts: Vec<SocketAddrV4> = linked.collect();
        // Not always the same ones.
        for at in 0..hosts.len() {
            let other = at + crate::hosts::below(cx.rng(), hosts.len() - at);
            hosts.swap(at, other);
        }
        hosts.truncate(MOST / 2);
        for host in self.aside.hosts.sample(MOST, cx.rng()) {
            if hosts.len() < MOST && !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts.into_iter().map(SocketAddr::V4).collect()
    }

    /// The hosts it shakes hands with, having connected to them.
    pub(crate) fn shaking_with(&self) -> impl Iterator<Item = Address> {
        self.v06.iter().flat_map(|v06| &v06.shaking).filter_map(super::Shaking::to)
    }
}
