//! Links: which conversation each carries.

use core::time::Duration;

use bytes::Bytes;
use overlay_peer::{Address, Link, Reason, StoreError, Ticket, Time};

use super::admission::Terms;
use super::joining::Standing;
use super::serving::Serving;
use super::sync::{Giving, Taking};
use super::tasks::Task;
use super::{Cx, FetchFailure, Misbehaviour, Node};
use crate::{Message, Refusal};

/// A link and what it is for.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The other side.
    pub remote: Address,
    inbound: bool,
    /// When something last moved.
    active: Time,
    pub talk: Talk,
}

/// A conversation.
#[derive(Clone, Debug)]
pub(super) enum Talk {
    /// The other side opened the link and has said nothing yet.
    Silent,
    /// It fetches blobs from here.
    Serving(Serving),
    /// It reconciles keys with us.
    Taking(Taking),
    /// We reconcile keys with it.
    Giving(Giving),
    /// We fetch blobs from it; the user's number.
    Fetching(u32),
}

/// Exchanges of keys that others may have under way with this node. Each may make it remember as many
/// fingerprints as its store could hold.
const TAKING: usize = 8;
/// How many of these may be with nodes that are no neighbours.
const STRANGERS: usize = 4;
/// How often idle links are looked for.
const SWEEP: Duration = Duration::from_secs(5);

impl Node {
    /// Somebody opened a link.
    pub(super) fn link_accepted(&mut self, link: Link, remote: Address, cx: &mut Cx<'_>) {
        let open = self.sessions.values().filter(|session| session.inbound).count();
        if open >= self.config.limits.inbound_links {
            cx.close(link);
            return self.refused(remote, Refusal::TooMuch, cx);
        }
        self.add_session(link, remote, true, Talk::Silent, cx);
    }

    pub(super) fn add_session(
        &mut self,
        link: Link,
        remote: Address,
        inbound: bool,
        talk: Talk,
        cx: &mut Cx<'_>,
    ) {
        self.sessions.insert(link, Session { remote, inbound, active: cx.now(), talk });
        self.tasks.within(Task::Links, SWEEP, cx);
    }

    /// A link that we asked for is up.
    pub(super) fn link_opened(&mut self, link: Link, cx: &mut Cx<'_>) {
        let Some(session) = self.sessions.get_mut(&link) else { return };
        session.active = cx.now();
        match session.talk {
            Talk::Giving(_) => self.give_first(link, cx),
            Talk::Fetching(fetch) => self.ask_for_parts(fetch, cx),
            Talk::Silent | Talk::Serving(_) | Talk::Taking(_) => {}
        }
    }

    /// What we sent has gone.
    pub(super) fn link_writable(&mut self, link: Link, cx: &mut Cx<'_>) {
        let Some(session) = self.sessions.get_mut(&link) else { return };
        session.active = cx.now();
        match session.talk {
            Talk::Giving(_) | Talk::Taking(_) => self.pump(link, cx),
            Talk::Serving(_) => self.serve_more(link, cx),
            Talk::Silent | Talk::Fetching(_) => {}
        }
    }

    /// A message came on a link.
    pub(super) fn link_received(&mut self, link: Link, message: Message, cx: &mut Cx<'_>) {
        let Some(session) = self.sessions.get_mut(&link) else { return };
        session.active = cx.now();
        match (&mut session.talk, message) {
            (talk @ Talk::Silent, Message::Reconcile { after, upto }) => {
                let remote = session.remote;
                if self.standing != Standing::Member {
                    self.drop_link(link, cx);
                    return self.refused(remote, Refusal::NotMember, cx);
                }
                let terms = self.admission.accept(remote, (after, upto), cx.now());
                if let Some(terms) = terms {
                    *talk = Talk::Taking(Taking::new((after, upto), terms));
                }
                if terms.is_none_or(|terms| self.takes_too_much(terms)) {
                    self.drop_link(link, cx);
                    self.refused(remote, Refusal::TooMuch, cx);
                }
            }
            (talk @ Talk::Silent, Message::Want { part, blob }) => {
                *talk = Talk::Serving(Serving::default());
                self.wanted_blob(link, part, blob, cx);
            }
            (Talk::Serving(_), Message::Want { part, blob }) => {
                self.wanted_blob(link, part, blob, cx);
            }
            (Talk::Taking(_) | Talk::Giving(_), message) => self.reconcile(link, message, cx),
            (Talk::Fetching(fetch), message) => {
                let fetch = *fetch;
                self.fetched(fetch, message, cx);
            }
            (_, message) => {
                let what = Misbehaviour::OutOfPlace { kind: message.kind() };
                self.break_off(link, what, cx);
            }
        }
    }

    /// Whether others have more exchanges under way than they may, the last one on these terms. Nodes
    /// that are no neighbours leave some to those that are.
    fn takes_too_much(&self, terms: Terms) -> bool {
        let others = self.sessions.values().filter_map(|session| match &session.talk {
            Talk::Taking(taking) => Some(taking.terms.neighbour),
            _ => None,
        });
        let most = if terms.neighbour { TAKING } else { STRANGERS };
        others.filter(|neighbour| terms.neighbour || !neighbour).count() > most
    }

    /// A link is gone.
    pub(super) fn link_closed(&mut self, link: Link, reason: Reason, cx: &mut Cx<'_>) {
        let Some(session) = self.sessions.remove(&link) else { return };
        if reason == Reason::Malformed {
            self.misbehaved(session.remote, Misbehaviour::Malformed, cx);
        }
        match session.talk {
            Talk::Giving(giving) => self.give_over(&giving, reason == Reason::Remote, cx),
            Talk::Fetching(fetch) => self.fetch_failed(fetch, FetchFailure::Link(reason), cx),
            Talk::Silent | Talk::Serving(_) | Talk::Taking(_) => {}
        }
    }

    /// Closes a link from this side; no further input comes from it.
    pub(super) fn drop_link(&mut self, link: Link, cx: &mut Cx<'_>) {
        if self.sessions.remove(&link).is_some() {
            cx.close(link);
        }
    }

    /// The other side broke the protocol: ends the conversation.
    pub(super) fn break_off(&mut self, link: Link, what: Misbehaviour, cx: &mut Cx<'_>) {
        let Some(session) = self.sessions.remove(&link) else { return };
        cx.close(link);
        self.misbehaved(session.remote, what, cx);
        match session.talk {
            Talk::Giving(giving) => self.give_over(&giving, false, cx),
            Talk::Fetching(fetch) => self.fetch_failed(fetch, FetchFailure::Misbehaved, cx),
            Talk::Silent | Talk::Serving(_) | Talk::Taking(_) => {}
        }
    }

    /// Closes links where nothing moved for too long.
    pub(super) fn sweep_links(&mut self, cx: &mut Cx<'_>) {
        let (now, idle) = (cx.now(), self.config.limits.idle);
        let stale: alloc::vec::Vec<Link> = self
            .sessions
            .iter()
            .filter(|(_, session)| now.since(session.active) >= idle)
            .map(|(link, _)| *link)
            .collect();
        for link in stale {
            let Some(session) = self.sessions.remove(&link) else { continue };
            cx.close(link);
            match session.talk {
                Talk::Giving(giving) => self.give_over(&giving, false, cx),
                Talk::Fetching(fetch) => self.fetch_failed(fetch, FetchFailure::Stalled, cx),
                Talk::Silent | Talk::Serving(_) | Talk::Taking(_) => {}
            }
        }
        if !self.sessions.is_empty() {
            self.tasks.within(Task::Links, SWEEP.min(idle), cx);
        }
    }

    /// A read or write is done.
    pub(super) fn ticket_done(
        &mut self,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Cx<'_>,
    ) {
        // A ticket whose conversation is over is nobody's.
        if let Some(link) = self.blobs.reads.remove(&ticket) {
            self.read_done(link, ticket, outcome, cx);
        } else if let Some(fetch) = self.blobs.writes.remove(&ticket) {
            self.write_done(fetch, ticket, outcome, cx);
        }
    }
}
