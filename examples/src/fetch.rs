//! Fetching what was found: from one source after the other, every piece checked.

use std::collections::BTreeMap;
use std::time::Duration;

use overlay_core::{Failure, Outcome, Route, System};
use overlay_peer::Time;

use crate::net::{Net, Searched};
use crate::report::Fetches;

/// A fetch is tried at so many of the sources that a search found.
const SOURCES: usize = 5;
/// Fetches are given up when none of them has moved for so long.
const STALLED: Duration = Duration::from_secs(120);
/// How often outcomes are looked at; the next source is tried then.
const STEP: Duration = Duration::from_millis(100);

/// The fetches that follow a set of searches.
pub(crate) struct Fetching<'a, S: System> {
    net: &'a mut Net<S>,
    found: Vec<&'a Searched<S::Hit>>,
    under_way: BTreeMap<u32, Attempt>,
    fetches: Fetches,
}

/// One search's file from one of its sources.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    search: usize,
    source: usize,
}

impl<'a, S: System> Fetching<'a, S> {
    pub fn new(net: &'a mut Net<S>, searched: &'a [Searched<S::Hit>]) -> Self {
        let found = searched.iter().filter(|searched| !searched.sources.is_empty()).collect();
        Self { net, found, under_way: BTreeMap::new(), fetches: Fetches::default() }
    }

    /// Starts a fetch every `interval`, and runs until all have ended. `progress` is told the share
    /// that has ended.
    pub fn all(mut self, interval: Duration, mut progress: impl FnMut(f64)) -> Fetches {
        let start = self.net.world.now();
        for number in 0..self.found.len() {
            self.run_until(start + interval * number as u32);
            self.fetches.tried += 1;
            self.attempt(Attempt { search: number, source: 0 });
        }
        let mut moved = (self.net.world.now(), self.net.world.store().written);
        while !self.under_way.is_empty() && self.net.world.now() - moved.0 < STALLED {
            self.run_until(self.net.world.now() + Duration::from_secs(5));
            let written = self.net.world.store().written;
            if written != moved.1 {
                moved = (self.net.world.now(), written);
            }
            progress(1.0 - self.under_way.len() as f64 / self.found.len() as f64);
        }
        self.fetches.failed += self.under_way.len() as u32;
        self.fetches
    }

    fn run_until(&mut self, end: Time) {
        while self.net.world.now() < end {
            let mut ended = Vec::new();
            let step = (self.net.world.now() + STEP).min(end);
            self.net.run_until(step, |_, _, outcome| match outcome {
                Outcome::Fetched { fetch, route, .. } => ended.push((fetch, Ok(route))),
                Outcome::NotFetched { fetch, why } => ended.push((fetch, Err(why))),
                _ => {}
            });
            for (fetch, outcome) in ended {
                self.ended(fetch, outcome);
            }
        }
    }

    fn attempt(&mut self, attempt: Attempt) {
        let fetch = (attempt.search * SOURCES + attempt.source) as u32;
        let searched = self.found[attempt.search];
        let (_, hit) = &searched.sources[attempt.source];
        self.net.world.store_mut().expect(fetch, searched.wanted.file);
        self.under_way.insert(fetch, attempt);
        let commands = self.net.system.fetch(searched.wanted.by, fetch, hit);
        self.net.command(searched.wanted.by, commands);
    }

    fn ended(&mut self, fetch: u32, outcome: Result<Route, Failure>) {
        let Some(attempt) = self.under_way.remove(&fetch) else { return };
        let bytes = self.net.world.store_mut().finish(fetch);
        let why = match (outcome, bytes) {
            (Ok(route), Some(bytes)) => {
                self.fetches.bytes += bytes;
                match route {
                    Route::Direct => self.fetches.direct += 1,
                    Route::Reversed => self.fetches.reversed += 1,
                }
                return;
            }
            // The peer is content, the metainfo is not.
            (Ok(_), None) => Failure::Failed,
            (Err(why), _) => why,
        };
        let next = Attempt { source: attempt.source + 1, ..attempt };
        if next.source < self.found[next.search].sources.len().min(SOURCES) {
            return self.attempt(next);
        }
        match why {
            Failure::Unreachable => self.fetches.unreachable += 1,
            Failure::Failed => self.fetches.failed += 1,
        }
    }
}
