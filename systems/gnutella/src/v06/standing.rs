//! Leaf or ultrapeer: who becomes what, and when that changes.

use core::time::Duration;

use gnutella_wire::{Bye, Role};
use overlay_peer::Context;
use rand_core::Rng;

use super::tables::Published;
use super::{Due, Mode};
use crate::Servent;

/// After so many questions in vain a leaf asks no less often: every 16 intervals.
const ASKED: u32 = 4;

impl Servent {
    /// It joins: from now on it is what it can be.
    pub(crate) fn stand(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let Some(v06) = &mut self.v06 else { return };
        let first = v06.began.is_none();
        v06.began.get_or_insert(now);
        if first || self.neighbours().next().is_none() {
            let fits = self.fits(Duration::ZERO, cx);
            if let Some(v06) = &mut self.v06 {
                v06.ultrapeer = fits;
                v06.since = now;
            }
        }
        self.reconsider_later(cx);
    }

    /// Whether it can be an ultrapeer, if it were up for `more` than it is.
    fn fits(&self, more: Duration, cx: &Context<'_, Self>) -> bool {
        let (Some(v06), Some(settings)) = (&self.v06, &self.settings.v06) else { return false };
        let up = v06.began.map_or(Duration::ZERO, |began| cx.now() - began);
        let uptime = v06.capabilities.uptime.saturating_add(up).saturating_add(more);
        let sockets = settings.ultrapeer_links + settings.leaf_slots;
        let reachable = self.reachable(cx).is_some();
        settings.election.fits(&v06.capabilities, reachable, uptime, sockets)
    }

    /// Whether it would become a leaf if an ultrapeer told it to: nobody depends on it.
    pub(super) fn may_become_leaf(&self) -> bool {
        self.v06.as_ref().is_some_and(|v06| {
            v06.ultrapeer
                && v06.capabilities.mode == Mode::Elected
                && v06.known.iter().all(Option::is_none)
        })
    }

    pub(super) fn become_ultrapeer(&mut self, cx: &mut Context<'_, Self>) {
        self.change(true, cx);
    }

    pub(super) fn become_leaf(&mut self, cx: &mut Context<'_, Self>) {
        self.change(false, cx);
    }

    /// A role is for all links: the old ones are closed.
    fn change(&mut self, ultrapeer: bool, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let Some(v06) = &mut self.v06 else { return };
        v06.ultrapeer = ultrapeer;
        v06.since = now;
        v06.asked = 0;
        v06.published = Published::default();
        v06.pongs = Default::default();
        v06.dynamic = Default::default();
        for slot in (0..=u8::MAX).take(self.neighbours.len()) {
            self.part(slot, Bye::REPLACED, cx);
        }
        self.reconsider_later(cx);
        self.seek(cx);
    }

    fn reconsider_later(&mut self, cx: &mut Context<'_, Self>) {
        let (Some(v06), Some(settings)) = (&self.v06, &self.settings.v06) else { return };
        if v06.capabilities.mode != Mode::Elected || !self.fits(Duration::MAX, cx) {
            return;
        }
        let election = settings.election;
        let delay = match v06.ultrapeer {
            true => election.patience / 4,
            false => election.ask_interval * (1 << v06.asked.min(ASKED)),
        };
        let delay = delay.max(Duration::from_millis(1));
        let part = f64::from(cx.rng().next_u32()) / 4_294_967_296.0;
        let at = cx.now() + delay + delay.mul_f64(part / 2.0);
        self.due(Due::Standing, at, cx);
    }

    /// Is this servent what it should be?
    pub(super) fn reconsider(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let fits = self.fits(Duration::ZERO, cx);
        let (Some(v06), Some(settings)) = (&mut self.v06, &self.settings.v06) else { return };
        if self.away {
            return;
        }
        let election = settings.election;
        if v06.ultrapeer {
            if v06.leaves().count() >= election.min_leaves {
                v06.since = now;
            }
            // Others have to be there that can take it and its leaves.
            let others = v06.ultrapeers().filter(|(_, known)| known.role == Role::Ultrapeer);
            if now - v06.since >= election.patience && others.count() >= settings.leaf_links.max(1)
            {
                self.become_leaf(cx);
            }
        } else if fits {
            v06.asked = v06.asked.saturating_add(1);
            if v06.ultrapeers().next().is_none() {
                // Nobody has room: it makes some.
                self.become_ultrapeer(cx);
            } else if let Some(host) =
                self.aside.hosts.pick(cx.rng(), |host| !self.is_linked(host.into()))
            {
                self.connect06(host.into(), true, cx);
            }
        }
        self.reconsider_later(cx);
    }
}
