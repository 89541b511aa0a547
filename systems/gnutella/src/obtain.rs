//! Search, choose, fetch: what a user wants of a servent, as one command.

use alloc::vec::Vec;
use core::cmp::Reverse;

use gnutella_wire::{Source, SourceQuality};
use overlay_peer::{Address, Context, Object};

use crate::search::Asker;
use crate::{Event, FetchFailure, Hit, SearchPlan, Servent};

/// A file that is searched, or fetched from what was found.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub fetch: u32,
    into: Object,
    /// What was found and not tried yet.
    hits: Vec<Hit>,
    /// What is being fetched.
    chosen: Option<Hit>,
}

impl Wanted {
    pub fn heap_bytes(&self) -> usize {
        let names = self.hits.iter().map(|hit| hit.name.len()).sum::<usize>();
        let chosen = self.chosen.as_ref().map_or(0, |hit| hit.name.len());
        self.hits.capacity() * size_of::<Hit>() + names + chosen
    }

    fn is_chosen(&self, hit: &Hit) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| same_file(chosen, hit))
    }
}

impl Servent {
    /// [`Command::Obtain`](crate::Command::Obtain).
    pub(crate) fn obtain(
        &mut self,
        fetch: u32,
        text: &str,
        plan: SearchPlan,
        into: Object,
        cx: &mut Context<'_, Self>,
    ) {
        let checked = self.check_text(text).map_err(FetchFailure::Search);
        if let Err(reason) = checked.and_then(|()| self.may_fetch(fetch)) {
            return cx.emit(Event::FetchFailed { fetch, reason });
        }
        self.work().wanted.push(Wanted { fetch, into, hits: Vec::new(), chosen: None });
        // All who answer within the wait are sources to choose from.
        let enough = u32::try_from(self.settings.candidates).unwrap_or(u32::MAX);
        let plan = SearchPlan { enough: enough.max(1), ..plan };
        self.pursue(Asker::Fetch(fetch), text.as_bytes(), plan, cx);
    }

    fn wanted(&mut self, fetch: u32) -> Option<&mut Wanted> {
        self.work.as_mut()?.wanted.iter_mut().find(|wanted| wanted.fetch == fetch)
    }

    /// A hit for a file that is to be fetched. One of the file that is chosen already joins in.
    pub(crate) fn found_for(&mut self, fetch: u32, hit: Hit, cx: &mut Context<'_, Self>) {
        let most = self.settings.candidates;
        // Of a size that could not be told, no parts can be made.
        let can = hit.exact_size().is_some() && self.quality(&hit, cx).is_some();
        let Some(wanted) = self.wanted(fetch) else { return };
        if !can {
            return;
        }
        if wanted.is_chosen(&hit) {
            self.join_swarm(fetch, hit, cx);
        } else if wanted.hits.len() < most {
            wanted.hits.push(hit);
        }
    }

    /// How good a source is for us; `None` if there is no way to it.
    fn quality(&self, hit: &Hit, cx: &Context<'_, Self>) -> Option<SourceQuality> {
        let Address::V4(address) = hit.address else { return None };
        let source = Source {
            address,
            push: hit.push,
            busy: hit.busy,
            uploaded: hit.uploaded,
            measured_speed: hit.measured.then_some(hit.speed),
            firewall_transfer: false,
        };
        source.quality(self.reachable(cx).is_none())
    }

    /// The search is over: fetches the best of what was found.
    pub(crate) fn choose(&mut self, fetch: u32, failed: FetchFailure, cx: &mut Context<'_, Self>) {
        let Some(wanted) = self.wanted(fetch) else { return };
        let hits = core::mem::take(&mut wanted.hits);
        let into = wanted.into;
        // Without a way to it any more, a hit is the worst.
        let mut ranked: Vec<(Option<SourceQuality>, Hit)> =
            hits.into_iter().map(|hit| (self.quality(&hit, cx), hit)).collect();
        // Stable: of equal ones, the first that answered.
        ranked.sort_by_key(|(quality, _)| Reverse(*quality));
        let Some((_, best)) = ranked.first().cloned() else {
            self.obtained(fetch);
            return cx.emit(Event::FetchFailed { fetch, reason: failed });
        };
        // Of two files whose best sources are equally good, that of more sources.
        let copies = |hit: &Hit| ranked.iter().filter(|(_, other)| same_file(hit, other)).count();
        let equal = ranked.iter().take_while(|(quality, _)| *quality == ranked[0].0);
        let mut best = best;
        let mut most = copies(&best);
        for (_, hit) in equal {
            let count = copies(hit);
            if count > most {
                (best, most) = (hit.clone(), count);
            }
        }
        let (sources, others): (Vec<_>, Vec<_>) =
            ranked.into_iter().map(|(_, hit)| hit).partition(|hit| same_file(&best, hit));
        let Some(wanted) = self.wanted(fetch) else { return };
        wanted.hits = others;
        wanted.chosen = Some(best.clone());
        let count = u32::try_from(sources.len()).unwrap_or(u32::MAX);
        cx.emit(Event::Chosen { fetch, hit: best, sources: count });
        if let Err(reason) = self.begin_swarm(fetch, sources, into, 0, cx) {
            self.choose(fetch, reason, cx);
        }
    }

    /// The file that was chosen can not be had; the next best is tried. What was written stays, up to
    /// `extent`: a shorter file would end with the other's bytes.
    pub(crate) fn fall_back(
        &mut self,
        fetch: u32,
        extent: u64,
        failed: FetchFailure,
        cx: &mut Context<'_, Self>,
    ) {
        let hopeless = matches!(failed, FetchFailure::Store(_) | FetchFailure::Left);
        match self.wanted(fetch) {
            Some(wanted) if !hopeless => {
                wanted.hits.retain(|hit| u64::from(hit.size) >= extent);
                self.choose(fetch, failed, cx);
            }
            _ => {
                self.obtained(fetch);
                cx.emit(Event::FetchFailed { fetch, reason: failed });
            }
        }
    }

    /// A file is there, or given up.
    pub(crate) fn obtained(&mut self, fetch: u32) {
        if let Some(work) = &mut self.work {
            work.wanted.retain(|wanted| wanted.fetch != fetch);
        }
    }
}

fn same_file(a: &Hit, b: &Hit) -> bool {
    let other_hash = matches!((a.sha1, b.sha1), (Some(a), Some(b)) if a != b);
    a.name == b.name && a.size == b.size && !other_hash
}
