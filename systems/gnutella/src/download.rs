//! Downloads: a request to the servent that has the file, or a Push so that it connects to us.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use gnutella_wire::{
    ByteRange, Giv, Head, OwnedPayload, OwnedPush, PayloadType, Request, TransferFields, Urn,
};
use overlay_peer::{Context, Link, Object, Reason, StoreError, Ticket, Time};

use crate::body::{body_length, share_length};
use crate::parts::{Ended, Share};
use crate::routes::Route;
use crate::servent::random_guid;
use crate::{
    Descriptor, Event, FetchFailure, HeadKind, Hit, Message, Misbehaviour, Phase, Servent,
};

#[derive(Clone, Debug)]
pub(crate) struct Download {
    pub fetch: u32,
    pub deadline: Time,
    hit: Hit,
    into: Object,
    from: u64,
    /// Which part of a file it is, if the file comes from several sources.
    share: Option<Share>,
    stage: Stage,
    link: Option<Link>,
    pushed: bool,
    /// Bytes received, and of these, written.
    received: u64,
    written: u64,
    /// Writes under way, and how many bytes each has.
    writes: Vec<(Ticket, u64)>,
    paused: bool,
    /// For how many seconds the other side does not want to be asked again.
    retry_after: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waiting for the link to open.
    Connecting,
    /// A Push is on its way; waiting for the link and its `GIV`.
    Pushed,
    /// The request is sent.
    Requested,
    /// So many bytes of the body are still to come.
    Body { left: u64 },
    /// A share is done; the link waits for the next.
    Idle,
    /// Waiting for the last writes.
    Ending(Result<(), FetchFailure>),
}

impl Download {
    pub fn heap_bytes(&self) -> usize {
        self.hit.name.len()
            + self.writes.capacity() * size_of::<(Ticket, u64)>()
            + self.share.as_ref().map_or(0, Share::heap_bytes)
    }
}

impl Servent {
    /// [`Command::Fetch`](crate::Command::Fetch).
    pub(crate) fn fetch(
        &mut self,
        fetch: u32,
        hit: Hit,
        into: Object,
        from: u64,
        cx: &mut Context<'_, Self>,
    ) {
        if let Err(reason) = self.may_fetch(fetch) {
            return cx.emit(Event::FetchFailed { fetch, reason });
        }
        if from > 0 && hit.exact_size().is_some_and(|size| from >= size) {
            return cx.emit(Event::Fetched { fetch, bytes: 0, pushed: false });
        }
        self.begin_download(fetch, hit, into, from, None, cx);
    }

    /// Whether a fetch of this number can begin.
    pub(crate) fn may_fetch(&self, fetch: u32) -> Result<(), FetchFailure> {
        let max = self.settings.fetches;
        let mut count = 0;
        if let Some(work) = &self.work {
            let whole = work.downloads.iter().filter(|it| it.share.is_none()).map(|it| it.fetch);
            let wanted = work.wanted.iter().map(|wanted| wanted.fetch);
            // What is wanted and chosen has a swarm too.
            let is_wanted = |fetch: u32| work.wanted.iter().any(|wanted| wanted.fetch == fetch);
            let others = work.swarms.iter().map(|it| it.fetch).filter(|&it| !is_wanted(it));
            for other in whole.chain(others).chain(wanted) {
                if other == fetch {
                    return Err(FetchFailure::NumberInUse);
                }
                count += 1;
            }
        }
        if count >= max { Err(FetchFailure::TooMany { max }) } else { Ok(()) }
    }

    fn begin_download(
        &mut self,
        fetch: u32,
        hit: Hit,
        into: Object,
        from: u64,
        share: Option<Share>,
        cx: &mut Context<'_, Self>,
    ) {
        let (address, push) = (hit.address, hit.push);
        let deadline = cx.now() + self.settings.transfer_timeout;
        self.work().downloads.push(Download {
            fetch,
            deadline,
            hit,
            into,
            from,
            share,
            stage: Stage::Connecting,
            link: None,
            pushed: false,
            received: 0,
            written: 0,
            writes: Vec::new(),
            paused: false,
            retry_after: 0,
        });
        let at = self.work().downloads.len() - 1;
        if push {
            self.ask_for_push(at, None, cx);
        } else {
            let link = cx.connect(address);
            self.work().downloads[at].link = Some(link);
            self.wake_at(deadline, cx);
        }
    }

    /// Asks one source of several for a part of the file, on the link it is connected by if there is one.
    pub(crate) fn fetch_share(
        &mut self,
        fetch: u32,
        hit: Hit,
        into: Object,
        from: u64,
        share: Share,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(at) = self.share_at(fetch, share.source) else {
            return self.begin_download(fetch, hit, into, from, Some(share), cx);
        };
        let Some(download) = self.download_at(at) else { return };
        (download.from, download.received, download.written) = (from, 0, 0);
        download.share = Some(share);
        // An idle download has its link.
        if let Some(link) = download.link {
            self.request(at, link, cx);
        }
    }

    /// How far a source is with its part: where the part starts, and how many bytes of it came.
    pub(crate) fn progress(&mut self, fetch: u32, source: u8) -> Option<(u64, u64)> {
        let at = self.share_at(fetch, source)?;
        let download = self.download_at(at)?;
        Some((download.from, download.received))
    }

    /// A source need send no more than this any more.
    pub(crate) fn shorten(&mut self, fetch: u32, source: u8, end: u64) {
        let at = self.share_at(fetch, source);
        let download = at.and_then(|at| self.download_at(at));
        if let Some(share) = download.and_then(|download| download.share.as_mut()) {
            share.end = share.end.min(end);
        }
    }

    /// Ends what a source is asked for.
    pub(crate) fn stop_share(
        &mut self,
        fetch: u32,
        source: u8,
        reason: FetchFailure,
        cx: &mut Context<'_, Self>,
    ) {
        if let Some(at) = self.share_at(fetch, source) {
            self.end_download(at, Err(reason), cx);
        }
    }

    /// Closes the links of a swarm that is over, or only that of one of its sources.
    pub(crate) fn forget_shares(
        &mut self,
        fetch: u32,
        source: Option<u8>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(work) = &mut self.work else { return };
        work.downloads.retain(|download| {
            let Some(share) = &download.share else { return true };
            let keep = download.fetch != fetch || source.is_some_and(|it| it != share.source);
            if let (false, Some(link)) = (keep, download.link) {
                cx.close(link);
            }
            keep
        });
    }

    fn share_at(&self, fetch: u32, source: u8) -> Option<usize> {
        let mut downloads = self.work.iter().flat_map(|work| &work.downloads);
        downloads.position(|download| {
            let of = download.share.as_ref().map(|share| share.source);
            download.fetch == fetch && of == Some(source)
        })
    }

    /// Sends a Push where the servent's hits came from. `failed` is why connecting to it failed, if
    /// that was tried.
    fn ask_for_push(&mut self, at: usize, failed: Option<Reason>, cx: &mut Context<'_, Self>) {
        let own = self.reachable(cx);
        let Some(download) = self.download_at(at) else { return };
        let Some(address) = own else {
            let reason = failed.map_or(FetchFailure::BothFirewalled, FetchFailure::Unreachable);
            return self.end_download(at, Err(reason), cx);
        };
        let (servent, index) = (download.hit.servent, download.hit.index);
        let proxies = download.hit.proxies.clone();
        let route = self.routes.find(PayloadType::PUSH, &servent);
        let neighbour = match route {
            Some(Route::Neighbour(slot)) => {
                self.neighbours.get(usize::from(slot)).copied().flatten()
            }
            _ => None,
        };
        let push = OwnedPush { servent, index, address, extension: Default::default() };
        if let Some(neighbour) = neighbour {
            let guid = random_guid(cx.rng());
            let descriptor = Arc::new(Descriptor::new(guid, OwnedPayload::Push(push)));
            let ttl = self.settings.ttl;
            cx.send(neighbour.link, Message::Descriptor { ttl, hops: 0, descriptor });
        } else if !self.push_by_proxy(&proxies, push, cx) {
            let reason = failed.map_or(FetchFailure::NoRoute, FetchFailure::Unreachable);
            return self.end_download(at, Err(reason), cx);
        }
        let deadline = cx.now() + self.settings.push_timeout;
        if let Some(download) = self.download_at(at) {
            download.stage = Stage::Pushed;
            download.pushed = true;
            download.link = None;
            download.deadline = deadline;
        }
        self.wake_at(deadline, cx);
    }

    /// A link we asked for is open; whether it is a download's.
    pub(crate) fn download_opened(&mut self, link: Link, cx: &mut Context<'_, Self>) -> bool {
        let Some(at) = self.download_on(link) else { return false };
        self.request(at, link, cx);
        true
    }

    fn request(&mut self, at: usize, link: Link, cx: &mut Context<'_, Self>) {
        let deadline = cx.now() + self.settings.transfer_timeout;
        let agent = self.user_agent();
        // Servents of 0.6 know a file by its hash, whatever its index is by now (HUGE).
        let by_hash = self.v06.is_some();
        let Some(download) = self.download_at(at) else { return };
        let range = match &download.share {
            // A part is not empty.
            Some(share) => Some(ByteRange::FromTo {
                first: download.from.saturating_sub(share.lead),
                last: share.end.saturating_sub(1),
            }),
            None => (download.from > 0).then_some(ByteRange::From { first: download.from }),
        };
        let hit = &download.hit;
        let request = match hit.sha1.filter(|_| by_hash) {
            Some(sha1) => Request::build_urn(&Urn::Sha1(sha1), hit.address, range),
            None => {
                // Of a long name the beginning: the index decides, and the head must not be too long to
                // read.
                let name = &hit.name[..hit.name.len().min(crate::upload::NAME)];
                Request::build(hit.index, name, hit.address, range)
            }
        };
        let request = request.field("User-Agent", agent).finish();
        download.stage = Stage::Requested;
        download.link = Some(link);
        download.deadline = deadline;
        cx.phase(link, Phase::Response);
        cx.send(link, Message::head(HeadKind::Request, request));
        self.wake_at(deadline, cx);
    }

    /// Someone opened a link to us and offers a file.
    pub(crate) fn download_given(
        &mut self,
        link: Link,
        head: Head<'_>,
        cx: &mut Context<'_, Self>,
    ) {
        let Ok(giv) = Giv::parse(head) else {
            return self.misbehaved(link, Misbehaviour::BadHead, cx);
        };
        let downloads = self.work.iter().flat_map(|work| &work.downloads);
        let pushed = downloads.enumerate().filter(|(_, download)| {
            download.stage == Stage::Pushed && download.hit.servent == giv.servent
        });
        // The index is a hint: LimeWire says 0, whatever the Push was for.
        let wanted = pushed.min_by_key(|(_, download)| download.hit.index != giv.index);
        match wanted.map(|(at, _)| at) {
            Some(at) => self.request(at, link, cx),
            None => self.misbehaved(link, Misbehaviour::UnaskedGiv, cx),
        }
    }

    /// The head of a response.
    pub(crate) fn download_answered(
        &mut self,
        link: Link,
        head: Head<'_>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(at) = self.download_on(link) else { return };
        let deadline = cx.now() + self.settings.transfer_timeout;
        let Some(download) = self.download_at(at) else { return };
        if download.stage != Stage::Requested {
            return self.out_of_place(link, cx);
        }
        let (size, from) = (download.hit.exact_size(), download.from);
        let length = match &download.share {
            // The end can have come nearer since the request; what is sent has not.
            Some(share) => share_length(size, from.saturating_sub(share.lead), share.asked, head),
            None => body_length(size, from, head),
        };
        match length {
            Err(reason) => {
                download.retry_after = TransferFields::of(head).retry_after().unwrap_or(0);
                self.end_download(at, Err(reason), cx);
            }
            Ok(0) => {
                // An empty file is a file too.
                let ticket = cx.write(download.into, download.from, Bytes::new());
                download.writes.push((ticket, 0));
                self.end_download(at, Ok(()), cx);
            }
            Ok(left) => {
                download.stage = Stage::Body { left };
                download.deadline = deadline;
                cx.phase(link, Phase::Body { left });
            }
        }
    }

    /// A piece of a body.
    pub(crate) fn data(&mut self, link: Link, bytes: Bytes, cx: &mut Context<'_, Self>) {
        let most = self.settings.download_writes.max(1);
        let deadline = cx.now() + self.settings.transfer_timeout;
        let Some(at) = self.download_on(link) else { return self.out_of_place(link, cx) };
        let Some(download) = self.download_at(at) else { return };
        let left = match download.stage {
            Stage::Body { left } if bytes.len() as u64 <= left => left - bytes.len() as u64,
            _ => return self.out_of_place(link, cx),
        };
        let offset = download.from.saturating_add(download.received);
        let (bytes, done) = match &mut download.share {
            Some(share) => share.take(offset, bytes),
            None => (bytes, left == 0),
        };
        let length = bytes.len() as u64;
        if length > 0 {
            let ticket = cx.write(download.into, offset, bytes);
            download.writes.push((ticket, length));
            download.received += length;
        }
        download.deadline = deadline;
        download.stage = Stage::Body { left };
        if done || left == 0 {
            return self.end_download(at, Ok(()), cx);
        }
        cx.phase(link, Phase::Body { left });
        if download.writes.len() >= most {
            download.paused = true;
            cx.pause(link, true);
        }
    }

    /// A write is done.
    pub(crate) fn download_stored(
        &mut self,
        ticket: Ticket,
        outcome: Result<(), StoreError>,
        cx: &mut Context<'_, Self>,
    ) {
        let most = self.settings.download_writes.max(1);
        let downloads = self.work.iter_mut().flat_map(|work| &mut work.downloads).enumerate();
        let mut found = None;
        for (at, download) in downloads {
            if let Some(write) = download.writes.iter().position(|(t, _)| *t == ticket) {
                found = Some((at, download.writes.remove(write).1));
                break;
            }
        }
        let Some((at, length)) = found else { return };
        let Some(download) = self.download_at(at) else { return };
        match outcome {
            Ok(()) => download.written += length,
            Err(error) => {
                return self.end_download(at, Err(FetchFailure::Store(error)), cx);
            }
        }
        if let (true, Some(link)) = (download.paused && download.writes.len() < most, download.link)
        {
            download.paused = false;
            cx.pause(link, false);
        }
        if let Stage::Ending(outcome) = download.stage {
            self.end_download(at, outcome, cx);
        }
    }

    /// Whether the link was a download's; it is gone.
    pub(crate) fn download_closed(
        &mut self,
        link: Link,
        reason: Reason,
        cx: &mut Context<'_, Self>,
    ) -> bool {
        let Some(at) = self.download_on(link) else { return false };
        let Some(download) = self.download_at(at) else { return false };
        download.link = None;
        match download.stage {
            Stage::Connecting => self.ask_for_push(at, Some(reason), cx),
            // All of it came; the link is not needed any more.
            Stage::Ending(Ok(())) => {}
            Stage::Idle => drop(self.work().downloads.remove(at)),
            _ => self.end_download(at, Err(FetchFailure::Interrupted { bytes: 0, reason }), cx),
        }
        true
    }

    pub(crate) fn fail_fetch(
        &mut self,
        fetch: u32,
        reason: FetchFailure,
        cx: &mut Context<'_, Self>,
    ) {
        self.end_swarm(fetch, Err(reason), cx);
        if self.work.iter().flat_map(|work| &work.wanted).any(|wanted| wanted.fetch == fetch) {
            // Still searched.
            self.obtained(fetch);
            cx.emit(Event::FetchFailed { fetch, reason });
        }
        let mut downloads = self.work.iter().flat_map(|work| &work.downloads);
        if let Some(at) = downloads.position(|download| download.fetch == fetch) {
            self.end_download(at, Err(reason), cx);
        }
    }

    /// Ends downloads that make no progress.
    pub(crate) fn sweep_downloads(&mut self, cx: &mut Context<'_, Self>) {
        let (now, again) = (cx.now(), cx.now() + self.settings.transfer_timeout);
        let mut at = 0;
        while let Some(download) = self.download_at(at) {
            at += 1;
            if download.deadline > now {
                continue;
            }
            let (stage, before) = (download.stage, self.work().downloads.len());
            match stage {
                Stage::Idle => {
                    let idle = self.work().downloads.remove(at - 1);
                    if let Some(link) = idle.link {
                        cx.close(link);
                    }
                }
                // The driver still owes an answer about a write.
                Stage::Ending(_) => self.work().downloads[at - 1].deadline = again,
                Stage::Pushed => {
                    self.end_download(at - 1, Err(FetchFailure::PushUnanswered), cx);
                }
                Stage::Connecting => {
                    let link = self.work().downloads[at - 1].link.take();
                    if let Some(link) = link {
                        cx.close(link);
                    }
                    self.ask_for_push(at - 1, Some(Reason::TimedOut), cx);
                }
                Stage::Requested | Stage::Body { .. } => {
                    self.end_download(at - 1, Err(FetchFailure::TimedOut { bytes: 0 }), cx);
                }
            }
            if self.work().downloads.len() < before {
                at -= 1;
            }
        }
    }

    /// Ends a download, once its last write is done.
    fn end_download(
        &mut self,
        at: usize,
        outcome: Result<(), FetchFailure>,
        cx: &mut Context<'_, Self>,
    ) {
        let again = cx.now() + self.settings.transfer_timeout;
        let Some(work) = &mut self.work else { return };
        let Some(download) = work.downloads.get_mut(at) else { return };
        // The next part can come on the same link, if this one's response is at its end.
        let reusable = outcome.is_ok()
            && download.share.is_some()
            && matches!(download.stage, Stage::Body { left: 0 } | Stage::Ending(Ok(())));
        if let (false, Some(link)) = (reusable, download.link) {
            cx.close(link);
            download.link = None;
        }
        if !download.writes.is_empty() {
            // The first failure is the reason.
            if !matches!(download.stage, Stage::Ending(Err(_))) {
                download.stage = Stage::Ending(outcome);
                download.deadline = again;
            }
            return;
        }
        let outcome = match download.stage {
            Stage::Ending(Err(first)) => Err(first),
            _ => outcome,
        };
        if let Some(share) = &mut download.share {
            let ended = Ended {
                fetch: download.fetch,
                source: share.source,
                start: download.from,
                written: download.written,
                before: core::mem::take(&mut share.before),
                tail: core::mem::take(&mut share.tail),
                pushed: download.pushed,
                retry_after: Duration::from_secs(download.retry_after.into()),
                outcome,
            };
            if download.link.is_some() {
                download.stage = Stage::Idle;
                download.deadline = again;
            } else {
                work.downloads.remove(at);
            }
            return self.share_ended(ended, cx);
        }
        let Download { fetch, written: bytes, pushed, .. } = work.downloads.remove(at);
        cx.emit(match outcome {
            Ok(()) => Event::Fetched { fetch, bytes, pushed },
            Err(FetchFailure::Interrupted { reason, .. }) => {
                Event::FetchFailed { fetch, reason: FetchFailure::Interrupted { bytes, reason } }
            }
            Err(FetchFailure::TimedOut { .. }) => {
                Event::FetchFailed { fetch, reason: FetchFailure::TimedOut { bytes } }
            }
            Err(reason) => Event::FetchFailed { fetch, reason },
        });
    }

    pub(crate) fn is_download(&self, link: Link) -> bool {
        self.download_on(link).is_some()
    }

    fn download_on(&self, link: Link) -> Option<usize> {
        let mut downloads = self.work.iter().flat_map(|work| &work.downloads);
        downloads.position(|download| download.link == Some(link))
    }

    fn download_at(&mut self, at: usize) -> Option<&mut Download> {
        self.work.as_mut()?.downloads.get_mut(at)
    }
}
