//! Own searches: one flood, rings that grow, random walks, and the same again if nothing was found.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use gnutella_wire::{
    GgepBuilder, Guid, Limits, OwnedPayload, PayloadType, Query, QueryFlags, keywords,
};
use overlay_peer::{Context, Link, Time};

use crate::routes::Route;
use crate::servent::random_guid;
use crate::{Descriptor, Event, FetchFailure, Hit, Message, SearchRejection, Servent};

/// How a search goes through the network. In 0.6 that is not for who searches to say: its ultrapeers
/// ask as far as needed, whatever the strategy; pursuits still end and repeat as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// One flood: everybody within so many links is asked.
    Flood {
        /// How many links.
        ttl: u8,
    },
    /// Floods of growing TTL, until enough is found: popular files are found nearby, at the price of a
    /// few messages (Lv, Cao, Cohen, Li and Shenker, ICS 2002, section 4). Each ring asks those
    /// within it again.
    ExpandingRing {
        /// The TTL of the first flood.
        first: u8,
        /// By how much the next one's is greater.
        step: u8,
        /// The TTL of the last one.
        last: u8,
    },
    /// Walkers, each passed on to one neighbour at random at each step (the same, section 5). A walker
    /// ends where it finds something, or after so many steps.
    ///
    /// On the wire it is a Query of TTL 1 with a GGEP extension `WALK`, whose one byte says how many
    /// steps it may take in all; the header's hops count them. So a servent that does not know the
    /// extension answers, and does not pass it on.
    RandomWalks {
        /// How many walkers.
        walkers: u8,
        /// How many steps each may take.
        steps: u8,
    },
}

impl Strategy {
    /// TTL 1, 3, 5, 7.
    pub const RING: Self = Self::ExpandingRing { first: 1, step: 2, last: 7 };
    /// 32 walkers, the number Lv et al. settle on. Theirs walk up to 1,024 steps and ask every fourth
    /// whether to go on; these do not ask, and walk less far.
    pub const WALKS: Self = Self::RandomWalks { walkers: 32, steps: 64 };

    /// The TTL of the ring after one of this TTL.
    fn next_ring(self, ttl: u8) -> Option<u8> {
        match self {
            Self::ExpandingRing { step, last, .. } if ttl < last => {
                Some(ttl.saturating_add(step.max(1)).min(last))
            }
            _ => None,
        }
    }
}

/// How to search, and how patiently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchPlan {
    /// Which way the queries go.
    pub strategy: Strategy,
    /// The search is over when so many results were told.
    pub enough: u32,
    /// How long to wait for answers to a query, before the next ring, a repetition or the end.
    pub wait: Duration,
    /// How often to ask again, with a new GUID, if nothing at all was found.
    pub again: u8,
}

impl SearchPlan {
    /// A strategy that ends with the first result, waits ten seconds for answers, and asks once again if
    /// there are none.
    pub const fn new(strategy: Strategy) -> Self {
        Self { strategy, enough: 1, wait: Duration::from_secs(10), again: 1 }
    }
}

/// For whom a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The user, who gave it this number.
    User(u32),
    /// The user, who wants a file fetched under this number.
    Fetch(u32),
}

/// A search that may send more queries.
#[derive(Clone, Debug)]
pub(crate) struct Pursuit {
    asker: Asker,
    text: Box<[u8]>,
    plan: SearchPlan,
    /// The TTL of the last ring.
    ring: u8,
    /// How many more times it may be repeated.
    again: u8,
    /// Results told so far.
    results: u32,
    /// The first of these, so that those of the next ring are told once only.
    known: Vec<(Guid, u32)>,
    pub deadline: Time,
}

impl Pursuit {
    /// How many results are compared with.
    const KNOWN: usize = 256;

    pub fn heap_bytes(&self) -> usize {
        self.text.len() + self.known.capacity() * size_of::<(Guid, u32)>()
    }
}

/// The GUIDs of walkers are remembered as if they had a type of their own: those of
/// [`PayloadType::QUERY`] are dropped when they come again.
pub(crate) const WALKED: PayloadType = PayloadType(0x82);

const WALK: &[u8] = b"WALK";

/// How many steps a walker may take in all; `None` if the query is none.
pub(crate) fn walk_steps(query: Query<'_>) -> Option<u8> {
    if query.extension().is_empty() {
        return None;
    }
    match *query.extensions().ggep(WALK)?.data(&Limits::DEFAULT).ok()? {
        [steps] => Some(steps),
        _ => None,
    }
}

impl Servent {
    /// [`Command::Search`](crate::Command::Search).
    pub(crate) fn search(&mut self, search: u32, text: &str, cx: &mut Context<'_, Self>) {
        match self.check_text(text) {
            Ok(()) => {
                let strategy = Strategy::Flood { ttl: self.settings.ttl };
                self.ask(Asker::User(search), text.as_bytes(), strategy, None, cx);
            }
            Err(reason) => cx.emit(Event::SearchRejected { search, reason }),
        }
    }

    /// [`Command::SearchBy`](crate::Command::SearchBy).
    pub(crate) fn search_by(
        &mut self,
        search: u32,
        text: &str,
        plan: SearchPlan,
        cx: &mut Context<'_, Self>,
    ) {
        match self.check_text(text) {
            Ok(()) => self.pursue(Asker::User(search), text.as_bytes(), plan, cx),
            Err(reason) => cx.emit(Event::SearchRejected { search, reason }),
        }
    }

    pub(crate) fn check_text(&self, text: &str) -> Result<(), SearchRejection> {
        let max = self.settings.query_bytes;
        if text.len() > max {
            Err(SearchRejection::TooLong { length: text.len(), max })
        } else if keywords(text.as_bytes()).next().is_none() {
            Err(SearchRejection::NoKeyword)
        } else if text.contains('\0') {
            Err(SearchRejection::ContainsNul)
        } else {
            Ok(())
        }
    }

    /// Begins a search that may send several queries.
    pub(crate) fn pursue(
        &mut self,
        asker: Asker,
        text: &[u8],
        plan: SearchPlan,
        cx: &mut Context<'_, Self>,
    ) {
        let most = self.settings.searches.max(1);
        if self.work().pursuits.len() >= most {
            self.end_pursuit(0, cx);
        }
        let deadline = cx.now() + plan.wait;
        let ring = match plan.strategy {
            Strategy::ExpandingRing { first, last, .. } => first.clamp(1, last.max(1)),
            _ => 0,
        };
        let (text, again) = (text.into(), plan.again);
        let (results, known) = (0, Vec::new());
        self.work().pursuits.push(Pursuit {
            asker,
            text,
            plan,
            ring,
            again,
            results,
            known,
            deadline,
        });
        let at = self.work().pursuits.len() - 1;
        self.ask_again(at, cx);
        self.wake_at(deadline, cx);
    }

    /// Sends the query of a pursuit.
    fn ask_again(&mut self, at: usize, cx: &mut Context<'_, Self>) {
        let Some(pursuit) = self.work().pursuits.get(at) else { return };
        let (asker, text, ring) = (pursuit.asker, pursuit.text.clone(), pursuit.ring);
        let strategy = pursuit.plan.strategy;
        let ring = matches!(strategy, Strategy::ExpandingRing { .. }).then_some(ring);
        self.ask(asker, &text, strategy, ring, cx);
    }

    /// Sends one query with a GUID of its own.
    fn ask(
        &mut self,
        asker: Asker,
        text: &[u8],
        strategy: Strategy,
        ring: Option<u8>,
        cx: &mut Context<'_, Self>,
    ) {
        let flags = self.query_flags06(cx).unwrap_or(QueryFlags::from_min_speed(0));
        let urn = self.urn_wanted(text);
        let query = match &urn {
            // Beside a urn LimeWire's text, which nobody has a file for.
            Some(urn) => Query::new(flags, b"\\").map(|it| it.with_extension(urn.as_bytes())),
            None => Query::new(flags, text),
        };
        // The text was checked.
        let Ok(query) = query else { return };
        let guid = random_guid(cx.rng());
        let guid = self.query_guid06(guid, cx);
        self.age_routes(cx);
        let most = self.settings.searches.max(1);
        let searches = &mut self.work().searches;
        if searches.len() >= most {
            searches.remove(0);
        }
        searches.push((guid, asker));
        if self.v06.is_some() {
            self.routes.insert(PayloadType::QUERY, &guid, Route::Own);
            let query = OwnedPayload::Query(query.to_owned());
            return self.search06(&Arc::new(Descriptor::new(guid, query)), cx);
        }
        match strategy {
            Strategy::Flood { ttl } | Strategy::ExpandingRing { first: ttl, .. } => {
                self.routes.insert(PayloadType::QUERY, &guid, Route::Own);
                let query = OwnedPayload::Query(query.to_owned());
                let (ttl, hops) = self.first_hops(ring.unwrap_or(ttl), cx);
                if ttl == 0 {
                    return;
                }
                let descriptor = Arc::new(Descriptor::new(guid, query));
                for link in self.neighbours() {
                    let descriptor = descriptor.clone();
                    cx.send(link, Message::Descriptor { ttl, hops, descriptor });
                }
            }
            Strategy::RandomWalks { walkers, steps } => {
                self.routes.insert(WALKED, &guid, Route::Own);
                let Ok(block) = GgepBuilder::new().push(WALK, &[steps]) else { return };
                let block = block.finish();
                let query = OwnedPayload::Query(query.with_extension(&block).to_owned());
                let descriptor = Arc::new(Descriptor::new(guid, query));
                let links: Vec<Link> = self.neighbours().collect();
                if links.is_empty() || steps == 0 {
                    return;
                }
                // As evenly as it goes; who gets one more is left to chance.
                let start = crate::hosts::below(cx.rng(), links.len());
                for walker in 0..usize::from(walkers) {
                    let descriptor = descriptor.clone();
                    let link = links[(start + walker) % links.len()];
                    cx.send(link, Message::Descriptor { ttl: 1, hops: 0, descriptor });
                }
            }
        }
    }

    /// With which TTL and hops an own query starts; see
    /// [`Settings::hide_hops`](crate::Settings::hide_hops).
    fn first_hops(&self, ttl: u8, cx: &mut Context<'_, Self>) -> (u8, u8) {
        let most = self.settings.hide_hops;
        if most == 0 {
            return (ttl, 0);
        }
        let hops = crate::hosts::below(cx.rng(), usize::from(most) + 1);
        let hops = u8::try_from(hops).unwrap_or(most);
        (ttl.min(self.settings.ttl_rules.max.saturating_sub(hops)), hops)
    }

    /// The results of one hit, for one of our searches.
    pub(crate) fn found(
        &mut self,
        asker: Asker,
        hops: u8,
        hits: Vec<Hit>,
        cx: &mut Context<'_, Self>,
    ) {
        let mut pursuits = self.work.iter().flat_map(|work| &work.pursuits);
        let at = pursuits.position(|pursuit| pursuit.asker == asker);
        for hit in hits {
            if let Some(pursuit) = at.and_then(|at| self.work().pursuits.get_mut(at)) {
                let name = (hit.servent, hit.index);
                if pursuit.known.contains(&name) {
                    continue;
                }
                if pursuit.known.len() < Pursuit::KNOWN {
                    pursuit.known.push(name);
                }
                pursuit.results = pursuit.results.saturating_add(1);
            }
            match asker {
                Asker::User(search) => cx.emit(Event::Hit { search, hops, hit }),
                Asker::Fetch(fetch) => self.found_for(fetch, hit, cx),
            }
        }
        if let Some(at) = at
            && let Some(pursuit) = self.work().pursuits.get(at)
            && pursuit.results >= pursuit.plan.enough.max(1)
        {
            self.end_pursuit(at, cx);
        }
    }

    /// The next ring, the same again, or the end.
    pub(crate) fn sweep_pursuits(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let mut at = 0;
        while let Some(pursuit) = self.work().pursuits.get_mut(at) {
            if pursuit.deadline > now {
                at += 1;
                continue;
            }
            pursuit.deadline = now + pursuit.plan.wait;
            if let Some(ring) = pursuit.plan.strategy.next_ring(pursuit.ring) {
                pursuit.ring = ring;
            } else if pursuit.results == 0 && pursuit.again > 0 {
                // The widest ring again: the narrower ones are part of it.
                pursuit.again -= 1;
            } else {
                self.end_pursuit(at, cx);
                continue;
            }
            self.ask_again(at, cx);
            at += 1;
        }
    }

    pub(crate) fn end_pursuit(&mut self, at: usize, cx: &mut Context<'_, Self>) {
        let pursuit = self.work().pursuits.remove(at);
        match pursuit.asker {
            Asker::User(search) => {
                cx.emit(Event::SearchEnded { search, results: pursuit.results });
            }
            Asker::Fetch(fetch) => self.choose(fetch, FetchFailure::NothingFound, cx),
        }
    }
}
