//! The handshake of 0.6: three heads, in which both sides say what they are.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::net::{SocketAddr, SocketAddrV4};

use gnutella_wire::{Connect, Handshake, HandshakeEvent, Head, Local, Offer, Role, Version};
use overlay_peer::{Address, Coding, Context, Link, Reason, Time};

use super::Due;
use super::known::{Known, is_gtk_gnutella};
use crate::counters::count;
use crate::hosts::Source;
use crate::servent::ipv4;
use crate::{HeadKind, Message, Misbehaviour, Phase, Servent};

/// A handshake under way.
#[derive(Clone, Debug)]
pub(crate) struct Shaking {
    link: Link,
    deadline: Time,
    stage: Stage,
    /// The state machine; `None` before anything is sent.
    handshake: Option<Box<Handshake>>,
}

#[derive(Clone, Debug)]
enum Stage {
    /// We asked for the link.
    Connecting { to: Address, promotion: bool },
    /// Our `CONNECT` is sent.
    Greeted { to: Address, promotion: bool },
    /// They asked, and we said yes: the last head is missing.
    Welcomed { remote: Address, known: Box<Known>, listen: Option<SocketAddrV4> },
}

impl Shaking {
    /// Whom we connected to.
    pub fn to(&self) -> Option<Address> {
        match self.stage {
            Stage::Connecting { to, .. } | Stage::Greeted { to, .. } => Some(to),
            Stage::Welcomed { .. } => None,
        }
    }

    pub fn close(&self, cx: &mut Context<'_, Servent>) {
        cx.close(self.link);
    }

    /// What someone is that we let in.
    pub fn coming(&self) -> Option<Role> {
        match &self.stage {
            Stage::Welcomed { known, .. } => Some(known.role),
            Stage::Connecting { .. } | Stage::Greeted { .. } => None,
        }
    }

    pub fn heap_bytes(&self) -> usize {
        // The fields of our own heads are few and short.
        const FIELDS: usize = 2_048;
        let known = if let Stage::Welcomed { .. } = self.stage { size_of::<Known>() } else { 0 };
        known + self.handshake.as_ref().map_or(0, |_| size_of::<Handshake>() + FIELDS)
    }
}

impl Servent {
    /// Connects to a host for a handshake of 0.6. With `promotion` a leaf asks whether it is needed
    /// as an ultrapeer.
    pub(crate) fn connect06(&mut self, to: Address, promotion: bool, cx: &mut Context<'_, Self>) {
        let link = cx.connect(to);
        self.shake(link, Stage::Connecting { to, promotion }, None, cx);
    }

    fn shake(
        &mut self,
        link: Link,
        stage: Stage,
        handshake: Option<Box<Handshake>>,
        cx: &mut Context<'_, Self>,
    ) {
        let deadline = cx.now() + self.settings.handshake_timeout;
        let Some(v06) = &mut self.v06 else { return };
        v06.shaking.push(Shaking { link, deadline, stage, handshake });
        self.due(Due::Shaking, deadline, cx);
    }

    fn end_shaking(&mut self, link: Link) -> Option<Shaking> {
        let shaking = &mut self.v06.as_mut()?.shaking;
        let at = shaking.iter().position(|shaking| shaking.link == link)?;
        let ended = shaking.remove(at);
        if shaking.is_empty() {
            shaking.shrink_to_fit();
        }
        Some(ended)
    }

    pub(crate) fn is_shaking(&self, link: Link) -> bool {
        self.v06.iter().flat_map(|v06| &v06.shaking).any(|shaking| shaking.link == link)
    }

    /// How many wait for the last head of someone who connected to us.
    pub(crate) fn welcomed(&self) -> usize {
        let shaking = self.v06.iter().flat_map(|v06| &v06.shaking);
        shaking.filter(|shaking| shaking.coming().is_some()).count()
    }

    /// Those: where they come from, until when they have time, and their links.
    pub(crate) fn welcoming(&self) -> impl Iterator<Item = (Address, Time, Link)> {
        let shaking = self.v06.iter().flat_map(|v06| &v06.shaking);
        shaking.filter_map(|shaking| match shaking.stage {
            Stage::Welcomed { remote, .. } => Some((remote, shaking.deadline, shaking.link)),
            Stage::Connecting { .. } | Stage::Greeted { .. } => None,
        })
    }

    /// What we say of ourselves to `remote`.
    fn local(&self, role: Role, remote: Address, cx: &Context<'_, Self>) -> Local {
        let Some(settings) = &self.settings.v06 else { return Local::new(role, "") };
        let mut local = Local::new(role, settings.user_agent)
            .field("X-Query-Routing", "0.2")
            .field("GGEP", "0.5")
            .field("Vendor-Message", "0.1")
            .field("Pong-Caching", "0.1")
            .field("Bye-Packet", "0.1")
            .field("X-Max-TTL", &settings.max_ttl.to_string())
            .field("Remote-IP", &remote.ip().to_string())
            .field("GUID", &self.guid.to_string());
        if role == Role::Ultrapeer {
            local = local
                .field("X-Ultrapeer-Query-Routing", "0.1")
                .field("X-Ext-Probes", "0.1")
                .field("X-Degree", &settings.ultrapeer_links.to_string());
            if settings.dynamic_querying {
                local = local.field("X-Dynamic-Querying", "0.1");
            }
        }
        if let Some(own) = self.reachable(cx) {
            local = local.field("Listen-IP", &own.to_string());
        }
        (local.inflates, local.deflates) = (settings.deflate, settings.deflate);
        local.may_become_leaf = role == Role::Ultrapeer && self.may_become_leaf();
        local.ultrapeers_needed = self.needs_ultrapeers() || !self.has_room_for_role(Role::Leaf);
        local
    }

    /// A link we asked for is open; whether it is for a handshake of 0.6.
    pub(crate) fn opened06(&mut self, link: Link, cx: &mut Context<'_, Self>) -> bool {
        let Some(v06) = &self.v06 else { return false };
        let Some(shaking) = v06.shaking.iter().find(|it| it.link == link) else { return false };
        let Stage::Connecting { to, promotion } = shaking.stage else { return true };
        let role = if promotion { Role::Ultrapeer } else { v06.role() };
        let (handshake, head) = Handshake::connect(self.local(role, to, cx));
        let shaking = self.v06.as_mut().map(|v06| &mut v06.shaking);
        if let Some(shaking) = shaking.and_then(|all| all.iter_mut().find(|it| it.link == link)) {
            shaking.stage = Stage::Greeted { to, promotion };
            shaking.handshake = Some(Box::new(handshake));
        }
        cx.phase(link, Phase::Reply);
        cx.send(link, Message::head(HeadKind::Connect, head));
        true
    }

    /// Whether the link was one for a handshake of 0.6; it is gone.
    pub(crate) fn closed06(
        &mut self,
        link: Link,
        reason: Reason,
        cx: &mut Context<'_, Self>,
    ) -> bool {
        let Some(shaking) = self.end_shaking(link) else { return false };
        let accept_v04 = self.settings.v06.as_ref().is_some_and(|it| it.accept_v04);
        let ultrapeer = self.is_ultrapeer() == Some(true);
        match shaking.stage {
            // Servents of 0.4 close when they read 0.6.
            Stage::Greeted { to, promotion: false }
                if reason == Reason::Remote && accept_v04 && ultrapeer =>
            {
                self.connect04(to, cx);
            }
            Stage::Connecting { to, .. } | Stage::Greeted { to, .. } => self.host_failed(to, cx),
            Stage::Welcomed { .. } => {}
        }
        true
    }

    /// Someone who connected to us begins a handshake of 0.6.
    pub(crate) fn offered06(
        &mut self,
        link: Link,
        remote: Address,
        head: Head<'_>,
        cx: &mut Context<'_, Self>,
    ) {
        let (Some(v06), Some(settings)) = (&self.v06, &self.settings.v06) else { return };
        let ours = v06.role();
        let offer = Offer::of(head);
        let known = Known::of(&offer, settings.max_ttl);
        let mut local = self.local(ours, remote, cx);
        // It does not stay the ultrapeer that it is when told to be a leaf, but goes, unless it may change
        // its role, has no leaf and knows that we are up for longer.
        local.ultrapeers_needed |=
            is_gtk_gnutella(&offer) && self.has_room_for_role(Role::Ultrapeer);
        let mut handshake = Handshake::accept(local);
        if handshake.receive(head).is_err() {
            return self.misbehaved(link, Misbehaviour::BadHead, cx);
        }
        let listen = listens(&offer, remote);
        let refusal = if ours == Role::Leaf {
            Some("I am a shielded leaf node")
        } else if offer.guid() == Some(self.guid) {
            Some("That is me")
        } else if listen.is_some_and(|host| self.is_neighbour(host)) {
            Some("Already connected")
        } else {
            let leaf = self.has_room_for_role(Role::Leaf);
            let room = match known.role {
                Role::Leaf => leaf,
                Role::Ultrapeer => {
                    self.has_room_for_role(Role::Ultrapeer) || leaf || self.may_make_room(cx.now())
                }
                Role::Plain => settings.accept_v04 && self.has_room_for_role(Role::Plain),
            };
            if room { None } else { Some("Too many connections") }
        };
        if let Some(reason) = refusal {
            count(&mut self.aside.refused);
            let others = self.try_ultrapeers(cx);
            if let Ok(head) = handshake.refuse(503, reason, &others) {
                cx.send(link, Message::head(HeadKind::Reply, head));
            }
            cx.close(link);
            return self.learn_if_ultrapeer(&known, listen, cx);
        }
        let Ok((head, _)) = handshake.welcome() else { return cx.close(link) };
        cx.phase(link, Phase::Reply);
        cx.send(link, Message::head(HeadKind::Reply, head));
        let stage = Stage::Welcomed { remote, known: Box::new(known), listen };
        self.shake(link, stage, Some(Box::new(handshake)), cx);
    }

    /// A head that answers one of ours.
    pub(crate) fn answered06(&mut self, link: Link, head: Head<'_>, cx: &mut Context<'_, Self>) {
        let Some(shaking) = self.end_shaking(link) else { return };
        let (Some(mut handshake), Some(settings)) = (shaking.handshake, &self.settings.v06) else {
            return self.misbehaved(link, Misbehaviour::OutOfPlace, cx);
        };
        let (max_ttl, offer) = (settings.max_ttl, Offer::of(head));
        let told = offer.try_ultrapeers().chain(offer.try_hosts());
        let told: alloc::vec::Vec<_> = told.filter_map(ipv4).take(TOLD).collect();
        for host in told {
            self.learn(host, Source::Refusals, cx);
        }
        // Another promotion may have come first, or this servent is not needed.
        let promotion = matches!(shaking.stage, Stage::Greeted { promotion: true, .. });
        if promotion
            && (self.is_ultrapeer() != Some(false) || offer.ultrapeer_needed() != Some(true))
        {
            return cx.close(link);
        }
        if self.is_ultrapeer() == Some(true) && !self.may_become_leaf() {
            handshake.keep_role();
        }
        let Ok(HandshakeEvent::Up { link: agreed, send }) = handshake.receive(head) else {
            cx.close(link);
            if let Stage::Greeted { to, .. } = shaking.stage {
                self.host_failed(to, cx);
            }
            return;
        };
        let (remote, inbound, mut known, listen) = match shaking.stage {
            Stage::Welcomed { remote, known, listen } => (remote, true, *known, listen),
            Stage::Connecting { to, .. } | Stage::Greeted { to, .. } => {
                (to, false, Known::of(&offer, max_ttl), ipv4(to))
            }
        };
        known.role = agreed.theirs;
        if offer.guid() == Some(self.guid) {
            cx.close(link);
            return listen.into_iter().for_each(|host| self.of_host(|hosts| hosts.forget(host)));
        }
        if let Some(head) = send {
            cx.send(link, Message::head(HeadKind::Reply, head));
        }
        if agreed.version == Version::V04 {
            known = Known::plain(max_ttl);
        }
        let ours = agreed.ours == Role::Ultrapeer;
        if !inbound && ours != self.is_ultrapeer().unwrap_or(ours) {
            // It is what it was told to be. Told in the meantime to be a leaf, it stays one unless an
            // ultrapeer is needed here.
            match ours {
                true if offer.ultrapeer_needed() == Some(true) => self.become_ultrapeer(cx),
                true => return cx.close(link),
                false => self.become_leaf(cx),
            }
        }
        // It may have filled up in the meantime, or this servent is no ultrapeer any more.
        if inbound && (self.is_ultrapeer() != Some(ours) || !self.finds_room(known.role, cx)) {
            count(&mut self.aside.refused);
            return cx.close(link);
        }
        let coding = Coding { inflate: agreed.inflate, deflate: agreed.deflate };
        let plain = coding == Coding::PLAIN;
        (known.version, known.coding) = (agreed.version, coding);
        cx.phase(link, if plain { Phase::Descriptors } else { Phase::Deflated(coding) });
        let slot = self.seat(known);
        self.linked(link, remote, inbound, cx);
        self.introduce(slot, listen, cx);
    }

    /// What is said first on a new link.
    fn introduce(&mut self, slot: u8, listen: Option<SocketAddrV4>, cx: &mut Context<'_, Self>) {
        if let Some(host) = listen
            && !self.neighbour_named(slot, host, cx)
        {
            return;
        }
        self.introduce_vendor(slot, cx);
        self.introduce_table(slot, cx);
    }

    fn learn_if_ultrapeer(
        &mut self,
        known: &Known,
        listen: Option<SocketAddrV4>,
        cx: &mut Context<'_, Self>,
    ) {
        if let (Role::Ultrapeer, Some(host)) = (known.role, listen) {
            self.learn(host, Source::Callers, cx);
        }
    }

    fn is_neighbour(&self, host: SocketAddrV4) -> bool {
        self.neighbours.iter().flatten().any(|neighbour| neighbour.host() == Some(host))
    }

    /// Ends handshakes that take too long.
    pub(super) fn sweep_shaking(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let all = self.v06.iter().flat_map(|v06| &v06.shaking);
        let late: alloc::vec::Vec<Link> =
            all.filter(|it| it.deadline <= now).map(|it| it.link).collect();
        for link in late {
            cx.close(link);
            self.closed06(link, Reason::TimedOut, cx);
        }
        let next = self.v06.iter().flat_map(|v06| &v06.shaking).map(|it| it.deadline).min();
        match next {
            Some(next) => self.due(Due::Shaking, next, cx),
            // Nothing is under way, and nothing is missing: it starts anew with little delay next time.
            None if self.missing06() == 0 => self.tries = 0,
            None => {}
        }
    }
}

/// How many hosts are learnt from one head.
const TOLD: usize = 10;

/// Where someone says to accept connections: only where it comes from, or it would speak for others.
fn listens(offer: &Offer<'_>, remote: Address) -> Option<SocketAddrV4> {
    match offer.listen_address()? {
        SocketAddr::V4(listen) if remote.ip() == *listen.ip() => Some(listen),
        _ => None,
    }
}

/// Whether a head asks for a link of 0.6 or later.
pub(crate) fn is_v06(head: Head<'_>) -> bool {
    Connect::parse(head).is_ok_and(|connect| connect.version >= Version::V06)
}
