//! Uploads: requests answered from storage, as fast as the other side reads.

use alloc::boxed::Box;
use core::net::{Ipv4Addr, SocketAddrV4};

use bytes::Bytes;
use gnutella_wire::{
    Giv, Guid, Head, HeadBuilder, Method, OwnedHead, PayloadType, Request, Response, Target, Urn,
};
use overlay_peer::{Context, Link, Object, StoreError, Ticket, Time};

use crate::counters::count;
use crate::routes::Route;
use crate::{Event, HeadKind, Message, Misbehaviour, Phase, Servent, Settings};

/// A link on which someone downloads from us.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub link: Link,
    pub deadline: Time,
    stage: Stage,
    /// A request that came while the body of the last one's response is on its way.
    next: Option<Box<OwnedHead>>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// A Push asked us to open it, for this file.
    Connecting { index: u32, push: Push },
    /// The `GIV` is sent, waiting for the first request.
    Offered { push: Push },
    /// Waiting for the next request.
    Idle,
    /// The response's body is on its way.
    Sending(Sending),
}

/// Who made us open a link.
#[derive(Clone, Copy, Debug)]
struct Push {
    to: Ipv4Addr,
    /// The slot of the neighbour it came from.
    from: u8,
}

/// What the file of a `GIV` or a request is called at most, in bytes: of a longer name the beginning
/// is told, so that the head stays well within what others read. The index says which file it is.
pub(crate) const NAME: usize = 1_024;

/// Pushed links that wait for their first request: so many to one address, and so many for one
/// neighbour.
const PUSHES: usize = 2;

/// The GUIDs of Pushes are remembered as if they had a type of their own: those of
/// [`PayloadType::PUSH`] are the servents that Pushes lead to.
const PUSHED: PayloadType = PayloadType(0x41);

#[derive(Clone, Copy, Debug)]
struct Sending {
    index: u32,
    object: Object,
    /// The next byte to read, and the byte to stop before.
    next: u64,
    end: u64,
    length: u64,
    /// A read under way, and how many bytes it is for.
    read: Option<(Ticket, u32)>,
}

impl Upload {
    fn new(link: Link, deadline: Time, stage: Stage) -> Self {
        Self { link, deadline, stage, next: None }
    }

    pub fn heap_bytes(&self) -> usize {
        self.next.as_ref().map_or(0, |head| size_of::<OwnedHead>() + head.borrow().encoded_len())
    }
}

impl Servent {
    /// A request, on a link that is an upload's or can become one.
    pub(crate) fn upload_requested(
        &mut self,
        link: Link,
        head: Head<'_>,
        cx: &mut Context<'_, Self>,
    ) {
        if let Some(upload) = self.upload(link)
            && let Stage::Sending(_) = upload.stage
        {
            // The next request may come before the body is there (RFC 9112, section 9.3.2), as gtk-gnutella
            // sends it. One is kept, and what follows it waits where it is.
            if upload.next.is_some() {
                return self.out_of_place(link, cx);
            }
            upload.next = Some(Box::new(head.to_owned()));
            return cx.pause(link, true);
        }
        let Ok(request) = Request::parse(head) else {
            self.upload_closed(link);
            return self.misbehaved(link, Misbehaviour::BadHead, cx);
        };
        let full = self.uploads_full() && !self.is_upload(link);
        let busy = full || (self.is_busy() && request.method == Method::Get);
        let refused = match self.resolve(&request) {
            _ if busy => Response::refusal(503),
            Ok(sending) => return self.start(link, sending, &request, cx),
            Err(refusal) => refusal,
        };
        if let (false, Target::Other { .. }, Some((head, list))) =
            (busy, request.target, self.list_hosts(cx))
        {
            self.upload_closed(link);
            cx.send(link, Message::head(HeadKind::Response, head));
            if !list.is_empty() {
                cx.send(link, Message::Data(list.into()));
            }
            return cx.close(link);
        }
        if busy {
            count(&mut self.aside.refused);
        }
        self.upload_closed(link);
        let refused = refused.field("Server", self.user_agent()).field("Connection", "close");
        cx.send(link, Message::head(HeadKind::Response, refused.finish()));
        cx.close(link);
    }

    /// What a request asks for, or the refusal.
    fn resolve(&self, request: &Request<'_>) -> Result<Sending, HeadBuilder> {
        let index = match request.target {
            Target::File { index, .. } => {
                self.shares.binary_search(&index).is_ok().then_some(index)
            }
            Target::Urn { service: b"N2R", urn } => self.shared_under(urn),
            _ => None,
        };
        let file = index.and_then(|index| Some((index, self.catalogue.file(index)?)));
        let Some((index, file)) = file else { return Err(Response::refusal(404)) };
        let range = match request.range() {
            Ok(Some(range)) => range
                .resolve(file.size)
                .ok_or_else(|| Response::range_not_satisfiable(file.size))?,
            // A Range field that makes no sense is ignored (RFC 9110, section 14.2).
            Ok(None) | Err(_) => 0..file.size,
        };
        let length = range.end - range.start;
        let (next, end, object) = (range.start, range.end, file.object);
        Ok(Sending { index, object, next, end, length, read: None })
    }

    /// The file of this servent's that has this urn.
    fn shared_under(&self, urn: &[u8]) -> Option<u32> {
        let sha1 = Urn::parse(urn).ok()?.sha1();
        let has = |index: &u32| sha1.is_some() && self.catalogue.sha1(*index) == sha1;
        self.shares.iter().copied().find(has)
    }

    fn start(
        &mut self,
        link: Link,
        sending: Sending,
        request: &Request<'_>,
        cx: &mut Context<'_, Self>,
    ) {
        let size = self.catalogue.file(sending.index).map_or(sending.end, |file| file.size);
        let ranged = request.range().is_ok_and(|range| range.is_some());
        let mut head = Response::ok(sending.next, sending.end, size, ranged)
            .field("Server", self.user_agent());
        if let Some(sha1) = self.catalogue.sha1(sending.index) {
            head = head.field("X-Gnutella-Content-URN", Urn::Sha1(sha1));
        }
        let (wait, stage) = match request.method {
            Method::Get => (self.settings.transfer_timeout, Stage::Sending(sending)),
            Method::Head => (self.settings.handshake_timeout, Stage::Idle),
        };
        let deadline = cx.now() + wait;
        match self.upload(link) {
            Some(upload) => (upload.deadline, upload.stage) = (deadline, stage),
            None => self.work().uploads.push(Upload::new(link, deadline, stage)),
        }
        self.wake_at(deadline, cx);
        cx.phase(link, Phase::Request);
        cx.send(link, Message::head(HeadKind::Response, head.finish()));
        self.pump(link, cx);
    }

    /// Reads the next piece, unless the other side is behind.
    fn pump(&mut self, link: Link, cx: &mut Context<'_, Self>) {
        let (queue, chunk) = (self.settings.upload_queue, self.settings.chunk);
        let idle = cx.now() + self.settings.handshake_timeout;
        let Some(upload) = self.upload(link) else { return };
        let Stage::Sending(sending) = &mut upload.stage else { return };
        let left = sending.end - sending.next;
        if left == 0 {
            cx.emit(Event::Served { index: sending.index, bytes: sending.length });
            upload.stage = Stage::Idle;
            upload.deadline = upload.deadline.max(idle);
            if let Some(head) = upload.next.take() {
                cx.pause(link, false);
                self.upload_requested(link, head.borrow(), cx);
            }
        } else if sending.read.is_none() {
            if cx.queued(link) > queue {
                return cx.when_writable(link);
            }
            let most = u64::from(chunk.clamp(1, Settings::CHUNK));
            let length = u32::try_from(left.min(most)).unwrap_or(Settings::CHUNK);
            sending.read = Some((cx.read(sending.object, sending.next, length), length));
        }
    }

    /// The link's queue has drained.
    pub(crate) fn upload_writable(&mut self, link: Link, cx: &mut Context<'_, Self>) {
        let deadline = cx.now() + self.settings.transfer_timeout;
        if let Some(upload) = self.upload(link) {
            upload.deadline = deadline;
            self.pump(link, cx);
        }
    }

    /// A read is done; gives the outcome back if it is no upload's.
    pub(crate) fn upload_stored(
        &mut self,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Context<'_, Self>,
    ) -> Option<Result<Bytes, StoreError>> {
        let deadline = cx.now() + self.settings.transfer_timeout;
        let uploads = self.work.iter_mut().flat_map(|work| &mut work.uploads);
        let mut reading = uploads.filter_map(|upload| match &mut upload.stage {
            Stage::Sending(sending) => match sending.read {
                Some((read, length)) if read == ticket => {
                    Some((upload.link, &mut upload.deadline, sending, length))
                }
                _ => None,
            },
            Stage::Connecting { .. } | Stage::Offered { .. } | Stage::Idle => None,
        });
        let Some((link, last, sending, length)) = reading.next() else { return Some(outcome) };
        sending.read = None;
        match outcome {
            Ok(bytes) if bytes.len() as u64 == u64::from(length) => {
                sending.next += u64::from(length);
                *last = deadline;
                drop(reading);
                cx.send(link, Message::Data(bytes.into()));
                self.pump(link, cx);
            }
            // The file is not what it was: the body stays incomplete, and the other side sees that.
            Ok(_) | Err(_) => {
                drop(reading);
                cx.close(link);
                self.upload_closed(link);
            }
        }
        None
    }

    /// A Push asks for a file of ours.
    pub(crate) fn upload_pushed(
        &mut self,
        guid: Guid,
        index: u32,
        to: SocketAddrV4,
        from: u8,
        cx: &mut Context<'_, Self>,
    ) {
        // Who knows the file's hash need not know its index: gtk-gnutella says 0 then.
        let sharing = !self.shares.is_empty();
        let usable = crate::hosts::usable(to) && self.public(cx) != Some(to);
        let push = Push { to: *to.ip(), from };
        if !sharing || !usable || self.is_busy() || !self.has_room_for(push) {
            return count(&mut self.aside.pushes_ignored);
        }
        self.age_routes(cx);
        if !self.routes.insert(PUSHED, &guid, Route::Own) {
            return count(&mut self.aside.pushes_ignored);
        }
        let link = cx.connect(to.into());
        let deadline = cx.now() + self.settings.handshake_timeout;
        let stage = Stage::Connecting { index, push };
        self.work().uploads.push(Upload::new(link, deadline, stage));
        self.wake_at(deadline, cx);
    }

    /// Whether one more link may be opened because of a Push. Whoever sends Pushes decides where these
    /// links lead, so they are few, and leave room for those who come with a request.
    fn has_room_for(&self, push: Push) -> bool {
        let (mut all, mut to, mut from) = (0, 0, 0);
        for upload in self.work.iter().flat_map(|work| &work.uploads) {
            if let Stage::Connecting { push: other, .. } | Stage::Offered { push: other } =
                upload.stage
            {
                all += 1;
                to += usize::from(other.to == push.to);
                from += usize::from(other.from == push.from);
            }
        }
        !self.uploads_full() && all < self.settings.uploads && to < PUSHES && from < PUSHES
    }

    /// A link we asked for is open; whether it is for a pushed upload.
    pub(crate) fn upload_opened(&mut self, link: Link, cx: &mut Context<'_, Self>) -> bool {
        let Some(upload) = self.upload(link) else { return false };
        if let Stage::Connecting { index, push } = upload.stage {
            upload.stage = Stage::Offered { push };
            let shared = self.shares.binary_search(&index).ok();
            let file = shared.and_then(|_| self.catalogue.file(index));
            let name = file.map_or(&b"file"[..], |file| file.name.as_bytes());
            let giv = Giv::build(index, self.guid, &name[..name.len().min(NAME)]);
            cx.phase(link, Phase::Request);
            cx.send(link, Message::head(HeadKind::Giv, giv));
        }
        true
    }

    /// Whether the link was an upload's; it is gone.
    pub(crate) fn upload_closed(&mut self, link: Link) -> bool {
        let Some(work) = &mut self.work else { return false };
        let Some(at) = work.uploads.iter().position(|upload| upload.link == link) else {
            return false;
        };
        work.uploads.remove(at);
        true
    }

    /// Ends uploads that make no progress.
    pub(crate) fn sweep_uploads(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let Some(work) = &mut self.work else { return };
        work.uploads.retain(|upload| {
            if upload.deadline <= now {
                cx.close(upload.link);
            }
            upload.deadline > now
        });
    }

    /// Whether all upload slots are taken. Links on which nothing is sent yet take none.
    pub(crate) fn is_busy(&self) -> bool {
        let uploads = self.work.iter().flat_map(|work| &work.uploads);
        let taken = uploads.filter(|upload| matches!(upload.stage, Stage::Sending(_))).count();
        taken >= self.settings.uploads
    }

    /// Whether there are as many links for uploads as allowed, those that wait for a request too.
    fn uploads_full(&self) -> bool {
        let links = self.work.as_ref().map_or(0, |work| work.uploads.len());
        links >= self.settings.uploads.saturating_add(self.settings.greetings)
    }

    pub(crate) fn is_upload(&self, link: Link) -> bool {
        self.work.iter().flat_map(|work| &work.uploads).any(|upload| upload.link == link)
    }

    fn upload(&mut self, link: Link) -> Option<&mut Upload> {
        self.work.as_mut()?.uploads.iter_mut().find(|upload| upload.link == link)
    }
}
