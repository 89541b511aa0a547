//! One file from several sources at once: parts are split among them, taken over from those that are
//! slow or die, and compared where they meet.
//!
//! Gnutella 0.4 knows no hashes, so two sources of one name and size may have different files. Each part
//! but the first is asked for from [`OVERLAP`] bytes before its start; these are compared with what
//! the source of the part before sent there. Of two that differ, the one goes that fewer others agreed
//! with, and all it sent is fetched again.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use overlay_peer::{Context, Object, Time};

use crate::parts::{
    Ended, OVERLAP, PARTS, Part, PartState, SPLIT, Share, Source, SourceState, Swarm, per_second,
    same_source, source_after,
};
use crate::{Event, FetchFailure, Hit, Servent};

/// How long a source is waited for that says when to ask again.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

impl Servent {
    /// [`Command::Swarm`](crate::Command::Swarm).
    pub(crate) fn swarm(
        &mut self,
        fetch: u32,
        hits: Vec<Hit>,
        into: Object,
        from: u64,
        cx: &mut Context<'_, Self>,
    ) {
        if let Err(reason) = self.may_fetch(fetch) {
            return cx.emit(Event::FetchFailed { fetch, reason });
        }
        if let Err(reason) = self.begin_swarm(fetch, hits, into, from, cx) {
            cx.emit(Event::FetchFailed { fetch, reason });
        }
    }

    /// Begins to fetch a file from all these, which should have the same name and size; those with
    /// another size are left out.
    pub(crate) fn begin_swarm(
        &mut self,
        fetch: u32,
        hits: Vec<Hit>,
        into: Object,
        from: u64,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), FetchFailure> {
        let Some(size) = hits.first().map(|hit| hit.size) else {
            return Err(FetchFailure::NoSource);
        };
        // The size is what the parts are cut by; of a larger file nobody could tell it.
        if size == u32::MAX {
            return Err(FetchFailure::SizeUnknown);
        }
        let most = self.settings.swarm_sources.clamp(1, Self::SOURCES);
        let mut sources: Vec<Source> = Vec::new();
        for hit in hits {
            let known = |source: &Source| same_source(&source.hit, &hit);
            if hit.size == size && sources.len() < most && !sources.iter().any(known) {
                sources.push(Source::new(hit));
            }
        }
        let size = u64::from(size);
        if from > 0 && from >= size {
            cx.emit(Event::Fetched { fetch, bytes: 0, pushed: false });
            return Ok(());
        }
        let part = Part {
            start: from,
            end: size,
            state: PartState::Missing,
            before: Box::default(),
            tail: Box::default(),
        };
        let deadline = cx.now() + self.settings.slow_after;
        self.work().swarms.push(Swarm {
            fetch,
            into,
            size,
            sources,
            // Of an empty file there is no part.
            parts: if size == 0 { Vec::new() } else { alloc::vec![part] },
            from,
            pushed: false,
            failure: FetchFailure::NoSource,
            deadline,
        });
        self.wake_at(deadline, cx);
        self.feed(fetch, cx);
        Ok(())
    }

    /// The most sources that a swarm can have; [`Settings::swarm_sources`](crate::Settings) says how
    /// many it has.
    const SOURCES: usize = 64;

    /// One more source for a fetch that is under way.
    pub(crate) fn join_swarm(&mut self, fetch: u32, hit: Hit, cx: &mut Context<'_, Self>) {
        let most = self.settings.swarm_sources.clamp(1, Self::SOURCES);
        let Some(swarm) = self.swarm_of(fetch) else { return };
        let fits = u64::from(hit.size) == swarm.size && swarm.sources.len() < most;
        if fits && !swarm.sources.iter().any(|source| same_source(&source.hit, &hit)) {
            swarm.sources.push(Source::new(hit));
            self.feed(fetch, cx);
        }
    }

    pub(crate) fn swarm_of(&mut self, fetch: u32) -> Option<&mut Swarm> {
        self.work.as_mut()?.swarms.iter_mut().find(|swarm| swarm.fetch == fetch)
    }

    /// Gives every free source something to do; ends the swarm if there is nothing left to do, or nobody
    /// to do it.
    fn feed(&mut self, fetch: u32, cx: &mut Context<'_, Self>) {
        let (now, segment) = (cx.now(), self.settings.segment.into());
        for number in 0..Self::SOURCES {
            // Starting one can end the swarm: another source of it, or its user's patience.
            let Some(swarm) = self.swarm_of(fetch) else { return };
            if swarm.is_done() {
                return self.end_swarm(fetch, Ok(()), cx);
            }
            let Some(source) = swarm.sources.get_mut(number) else { break };
            if let SourceState::Later(at) = source.state
                && at <= now
            {
                source.state = SourceState::Free;
            }
            if source.state != SourceState::Free {
                continue;
            }
            let rate = source.rate;
            let part = match swarm.missing(segment) {
                Some(part) => Some(part),
                None => self.take_over(fetch, rate, cx),
            };
            // Taking over can have given this source something to do already.
            let Some(swarm) = self.swarm_of(fetch) else { return };
            let free = swarm.sources[number].state == SourceState::Free;
            let missing = |at: &usize| {
                swarm.parts.get(*at).is_some_and(|part| part.state == PartState::Missing)
            };
            if let (true, Some(part)) = (free, part.filter(missing)) {
                self.ask_source(fetch, number as u8, part, cx);
            }
        }
        let Some(swarm) = self.swarm_of(fetch) else { return };
        if swarm.sources.iter().all(|source| source.state == SourceState::Gone) {
            // Its last writes may still be under way; whoever has them tells us again.
            let asked = |part: &Part| matches!(part.state, PartState::Asked(..));
            if !swarm.parts.iter().any(asked) {
                let failure = swarm.failure;
                self.end_swarm(fetch, Err(failure), cx);
            }
        }
    }

    /// Takes the rest, or a share of it, from the source that would need longest; the part that is then
    /// missing.
    fn take_over(&mut self, fetch: u32, rate: u64, cx: &mut Context<'_, Self>) -> Option<usize> {
        let (now, patience) = (cx.now(), self.settings.slow_after);
        let mut slowest: Option<(Duration, usize, u8, u64, u64)> = None;
        let swarm = self.swarm_of(fetch)?;
        if swarm.parts.len() as u64 >= 2 * PARTS {
            return None;
        }
        let parts: Vec<(usize, u8, Time, u64)> = swarm
            .parts
            .iter()
            .enumerate()
            .filter_map(|(at, part)| match part.state {
                PartState::Asked(source, since) => Some((at, source, since, part.end)),
                _ => None,
            })
            .collect();
        for (at, source, since, end) in parts {
            let elapsed = now - since;
            if elapsed < patience {
                continue;
            }
            let Some((start, received)) = self.progress(fetch, source) else { continue };
            let left = end.saturating_sub(start + received);
            let theirs = per_second(received, elapsed);
            let needed = match theirs {
                0 => Duration::MAX,
                theirs => Duration::from_micros(left.saturating_mul(1_000_000) / theirs),
            };
            let longer = slowest.is_none_or(|(longest, ..)| needed > longest);
            if left > 0 && longer {
                slowest = Some((needed, at, source, start + received, theirs));
            }
        }
        let (_, at, source, next, theirs) = slowest?;
        let swarm = self.swarm_of(fetch)?;
        let left = swarm.parts[at].end - next;
        // Who is as fast as each other gets as much; of what is not known, the same is believed.
        let ours = if rate == 0 { theirs } else { rate };
        let keep = match u128::from(theirs) + u128::from(ours) {
            0 => 0,
            both => (u128::from(left) * u128::from(theirs) / both) as u64,
        };
        if theirs > 0 && (left < SPLIT || left - keep < SPLIT / 2) {
            // Little is left: only from one that would need more than twice as long.
            if ours <= theirs.saturating_mul(2) || left > SPLIT {
                return None;
            }
            return self.cut(fetch, source, at, next, cx);
        }
        if keep == 0 {
            return self.cut(fetch, source, at, next, cx);
        }
        swarm.split(at, next + keep);
        self.shorten(fetch, source, next + keep);
        Some(at + 1)
    }

    /// Takes everything from `next` on from a source that has stalled, or is slow.
    fn cut(
        &mut self,
        fetch: u32,
        source: u8,
        at: usize,
        next: u64,
        cx: &mut Context<'_, Self>,
    ) -> Option<usize> {
        let start = self.swarm_of(fetch)?.parts[at].start;
        if next > start {
            self.swarm_of(fetch)?.split(at, next);
            self.shorten(fetch, source, next);
        }
        self.stop_share(fetch, source, FetchFailure::TooSlow, cx);
        // Which part is missing now is known when the writes of the other are done; if it had none, now.
        let swarm = self.swarm_of(fetch)?;
        swarm.parts.iter().position(|part| part.state == PartState::Missing)
    }

    fn ask_source(&mut self, fetch: u32, number: u8, at: usize, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let Some(swarm) = self.swarm_of(fetch) else { return };
        let into = swarm.into;
        let (part, source) = (&mut swarm.parts[at], &mut swarm.sources[usize::from(number)]);
        part.state = PartState::Asked(number, now);
        source.state = SourceState::Asked;
        // Before the first byte of the file, and of this fetch, there is nothing to compare with.
        let lead = (part.start - swarm.from).min(OVERLAP);
        let (start, hit) = (part.start, source.hit.clone());
        let share = Share {
            source: number,
            asked: part.end,
            end: part.end,
            lead,
            before: Vec::new(),
            tail: Vec::new(),
        };
        self.fetch_share(fetch, hit, into, start, share, cx);
    }

    /// A share ended: all of it came, or what came until it failed.
    pub(crate) fn share_ended(&mut self, ended: Ended, cx: &mut Context<'_, Self>) {
        let Ended {
            fetch,
            source: number,
            start,
            written,
            before,
            tail,
            pushed,
            retry_after,
            outcome,
        } = ended;
        let in_queue = !retry_after.is_zero();
        // Who comes back too early loses its place in gtk-gnutella's queue.
        let retry_after = retry_after.min(LONGEST_WAIT).max(self.settings.retry_after);
        let (now, later) = (cx.now(), cx.now() + retry_after);
        let Some(swarm) = self.swarm_of(fetch) else { return };
        swarm.pushed |= pushed && written > 0;
        let asked = |part: &Part| {
            part.start == start
                && matches!(part.state, PartState::Asked(source, _) if source == number)
        };
        let Some(at) = swarm.parts.iter().position(asked) else { return };
        let part = &mut swarm.parts[at];
        let PartState::Asked(_, since) = part.state else { return };
        let Some(source) = swarm.sources.get_mut(usize::from(number)) else { return };
        let rate = per_second(written, now - since);
        if written > 0 && rate > 0 {
            source.rate = rate;
        }
        let written = written.min(part.end - part.start);
        if source.state == SourceState::Gone || written == 0 && part.end > part.start {
            part.state = PartState::Missing;
        } else {
            part.state = PartState::Done(number);
            part.before = before.into();
            part.tail = tail.into();
            let (middle, end) = (part.start + written, part.end);
            if middle < end {
                swarm.split(at, middle);
            }
        }
        let mut fatal = None;
        let gone = source_after(
            &mut swarm.sources[usize::from(number)],
            outcome,
            later,
            in_queue,
            &mut fatal,
        );
        if let Some(reason) = gone {
            swarm.failure = reason;
            let servent = swarm.sources[usize::from(number)].hit.servent;
            cx.emit(Event::SourceLost { fetch, servent, reason });
        }
        if let Some(reason) = fatal {
            return self.end_swarm(fetch, Err(reason), cx);
        }
        while let Some(worse) = self.swarm_of(fetch).and_then(Swarm::compare) {
            self.drop_source(fetch, worse, cx);
        }
        if let Some(swarm) = self.swarm_of(fetch) {
            swarm.join();
        }
        self.feed(fetch, cx);
    }

    /// A source sent other bytes than the others.
    fn drop_source(&mut self, fetch: u32, number: u8, cx: &mut Context<'_, Self>) {
        let reason = FetchFailure::Differs;
        let Some(swarm) = self.swarm_of(fetch) else { return };
        let Some(source) = swarm.sources.get_mut(usize::from(number)) else { return };
        let asked = source.state == SourceState::Asked;
        source.state = SourceState::Gone;
        let servent = source.hit.servent;
        swarm.failure = reason;
        swarm.forget(number);
        cx.emit(Event::SourceLost { fetch, servent, reason });
        if asked {
            self.stop_share(fetch, number, reason, cx);
        } else {
            self.forget_shares(fetch, Some(number), cx);
        }
    }

    /// Looks after swarms whose time has come.
    pub(crate) fn sweep_swarms(&mut self, cx: &mut Context<'_, Self>) {
        let (now, next) = (cx.now(), cx.now() + self.settings.slow_after);
        let Some(work) = &mut self.work else { return };
        let due = work.swarms.iter_mut().filter(|swarm| swarm.deadline <= now);
        let due: Vec<u32> = due
            .map(|swarm| {
                swarm.deadline = next;
                swarm.fetch
            })
            .collect();
        for fetch in due {
            self.feed(fetch, cx);
        }
    }

    /// Ends a swarm. What was written stays.
    pub(crate) fn end_swarm(
        &mut self,
        fetch: u32,
        outcome: Result<(), FetchFailure>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(work) = &mut self.work else { return };
        let Some(at) = work.swarms.iter().position(|swarm| swarm.fetch == fetch) else { return };
        let swarm = work.swarms.remove(at);
        self.forget_shares(fetch, None, cx);
        let bytes = swarm.prefix();
        let written = swarm.parts.iter().rev().find(|part| part.state != PartState::Missing);
        let extent = written.map_or(swarm.from, |part| part.end);
        match outcome {
            Ok(()) if swarm.size == 0 => {
                // An empty file is a file too.
                cx.write(swarm.into, 0, Bytes::new());
                self.obtained(fetch);
                cx.emit(Event::Fetched { fetch, bytes: 0, pushed: false });
            }
            Ok(()) => {
                self.obtained(fetch);
                cx.emit(Event::Fetched { fetch, bytes, pushed: swarm.pushed });
            }
            Err(reason) => {
                let reason = match reason {
                    FetchFailure::Interrupted { reason, .. } => {
                        FetchFailure::Interrupted { bytes, reason }
                    }
                    FetchFailure::TimedOut { .. } => FetchFailure::TimedOut { bytes },
                    reason => reason,
                };
                self.fall_back(fetch, extent, reason, cx);
            }
        }
    }
}
