//! A client's uploads: asked for with `GET` on a link that another client opened, or with message
//! 501 by the server, on a link that this client opens.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use napster_wire::{
    Direction, FileSource, OffsetAnswer, OwnedMessage, Refusal, SizeAnswer, TransferRequest, Word,
};
use overlay_peer::{Address, Link, StoreError, Time, Wire};

use super::{Client, Cx, Job, Use, send};
use crate::{Event, FileId, MAX_CHUNK, Message, Misbehaviour, Phase};

/// Uploads under way and waiting, in the order in which they were asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Uploads {
    by_number: BTreeMap<u32, Upload>,
    next: u32,
}

#[derive(Clone, Debug)]
struct Upload {
    nick: Word<'static>,
    file: FileId,
    stage: Stage,
    deadline: Time,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Asked for with `GET`; no place is free yet.
    GetWaits { link: Link, offset: u64 },
    /// Asked for with 501; no place is free yet.
    PushWaits { to: Address },
    /// Connecting to the other client, or waiting for its greeting.
    Greeting { link: Link },
    /// `SEND` is out.
    Offered { link: Link },
    /// The file is on its way: from `start`, as far as `at`, as far as `end`.
    Sending { link: Link, start: u64, at: u64, end: u64 },
}

impl Stage {
    fn is_waiting(self) -> bool {
        matches!(self, Self::GetWaits { .. } | Self::PushWaits { .. })
    }

    fn link(self) -> Option<Link> {
        match self {
            Self::GetWaits { link, .. }
            | Self::Greeting { link }
            | Self::Offered { link }
            | Self::Sending { link, .. } => Some(link),
            Self::PushWaits { .. } => None,
        }
    }
}

impl Uploads {
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.len() * size_of::<(u32, Upload)>()
    }

    fn active(&self) -> usize {
        self.by_number.values().filter(|upload| !upload.stage.is_waiting()).count()
    }
}

impl Client {
    /// `GET` on a link that another client opened.
    pub(super) fn upload_asked(
        &mut self,
        link: Link,
        request: &Arc<TransferRequest<'static>>,
        cx: &mut Cx<'_>,
    ) {
        let Some(file) = self.shared_by_name(request.name.as_bytes()) else {
            self.refuse(link, request, Refusal::FileNotShared, cx);
            return;
        };
        let offset = request.number;
        if self.catalogue.size(file).is_none_or(|size| offset > size) {
            self.refuse(link, request, Refusal::InvalidRequest, cx);
            return;
        }
        cx.phase(link, Phase::Silent);
        let stage = Stage::GetWaits { link, offset };
        match self.queue_upload(request.nick.clone(), file, stage, cx) {
            Some(number) => {
                self.links.insert(link, Use::Upload(number));
                self.start_uploads(cx);
            }
            // Clients have no word for "busy" to each other.
            None => self.turn_away(link, cx),
        }
    }

    /// Message 501: the server asks to push a file to a client.
    pub(super) fn push_asked(
        &mut self,
        server: Link,
        source: &FileSource<'static>,
        cx: &mut Cx<'_>,
    ) {
        let (Some(ip), true) = (source.ip.to_ipv4(), source.port != 0) else {
            cx.emit(Event::Misbehaved { link: server, what: Misbehaviour::BadAddress });
            return;
        };
        let Some(file) = self.shared_by_name(source.name.as_bytes()) else {
            return;
        };
        let to = Address::from((ip, source.port));
        // Beyond the limit it is dropped, and the other client stops waiting after a while.
        if self.queue_upload(source.nick.clone(), file, Stage::PushWaits { to }, cx).is_some() {
            self.start_uploads(cx);
        }
    }

    pub(super) fn upload_opened(&mut self, link: Link, _upload: u32, cx: &mut Cx<'_>) {
        cx.phase(link, Phase::Greeting);
    }

    pub(super) fn upload_message(
        &mut self,
        from: Link,
        number: u32,
        message: &Message,
        cx: &mut Cx<'_>,
    ) {
        let Some(upload) = self.uploads.by_number.get_mut(&number) else {
            return;
        };
        let size = self.catalogue.size(upload.file).unwrap_or(0);
        match (upload.stage, message) {
            (Stage::Greeting { link }, Message::Greeting) => {
                let name = self.catalogue.name(upload.file).unwrap_or_default().to_vec();
                let Ok(name) = name.try_into() else {
                    return;
                };
                let request = TransferRequest {
                    direction: Direction::Send,
                    nick: self.config.nick.clone(),
                    name,
                    number: size,
                };
                upload.stage = Stage::Offered { link };
                upload.deadline = cx.now() + self.config.limits.transfer_timeout;
                cx.phase(link, Phase::Offset);
                cx.send(link, Message::Request(Arc::new(request)));
            }
            (Stage::Offered { link }, Message::Offset(OffsetAnswer::Offset(offset))) => {
                cx.phase(link, Phase::Silent);
                if *offset > size {
                    self.end_upload(number, cx);
                } else {
                    self.start_sending(number, link, *offset, size, cx);
                    self.start_uploads(cx);
                }
            }
            (Stage::Offered { .. }, Message::Offset(OffsetAnswer::Refused(_))) => {
                self.end_upload(number, cx);
            }
            (_, other) => {
                let what = Misbehaviour::OutOfPlace { kind: other.kind() };
                cx.emit(Event::Misbehaved { link: from, what });
                self.end_upload(number, cx);
            }
        }
    }

    /// The link has drained: the next chunk can go.
    pub(super) fn upload_drained(&mut self, number: u32, cx: &mut Cx<'_>) {
        self.read_chunk(number, cx);
    }

    pub(super) fn chunk_read(
        &mut self,
        number: u32,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Cx<'_>,
    ) {
        let Some(upload) = self.uploads.by_number.get_mut(&number) else {
            return;
        };
        let Stage::Sending { link, start, at, end } = upload.stage else {
            return;
        };
        match outcome {
            Ok(bytes) if !bytes.is_empty() && bytes.len() as u64 <= end - at => {
                let at = at + bytes.len() as u64;
                upload.stage = Stage::Sending { link, start, at, end };
                upload.deadline = cx.now() + self.config.limits.transfer_timeout;
                cx.send(link, Message::Body(Box::new(bytes)));
                if at == end {
                    self.end_upload(number, cx);
                } else {
                    cx.when_writable(link);
                }
            }
            // The file is not what it was. There is no way to say so within a transfer.
            _ => self.end_upload(number, cx),
        }
    }

    /// The other client is gone.
    pub(super) fn upload_closed(&mut self, number: u32, cx: &mut Cx<'_>) {
        self.end_upload(number, cx);
    }

    pub(super) fn expire_uploads(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let late = self.uploads.by_number.iter().filter(|(_, upload)| upload.deadline <= now);
        let late: Vec<u32> = late.map(|(number, _)| *number).collect();
        for number in late {
            self.end_upload(number, cx);
        }
    }

    pub(super) fn next_upload_deadline(&self) -> Option<Time> {
        self.uploads.by_number.values().map(|upload| upload.deadline).min()
    }

    fn queue_upload(
        &mut self,
        nick: Word<'static>,
        file: FileId,
        stage: Stage,
        cx: &mut Cx<'_>,
    ) -> Option<u32> {
        let limits = self.config.limits;
        if self.uploads.len() >= limits.uploads + limits.waiting_uploads {
            return None;
        }
        let number = self.uploads.next;
        self.uploads.next = number.wrapping_add(1);
        let deadline = cx.now() + limits.transfer_timeout;
        self.uploads.by_number.insert(number, Upload { nick, file, stage, deadline });
        self.alarm.arm(deadline, cx);
        Some(number)
    }

    /// Starts the uploads that waited longest, as far as there are places.
    fn start_uploads(&mut self, cx: &mut Cx<'_>) {
        while self.uploads.active() < self.config.limits.uploads {
            let first = self.uploads.by_number.iter().find(|(_, upload)| upload.stage.is_waiting());
            let Some((number, stage, file)) =
                first.map(|(number, upload)| (*number, upload.stage, upload.file))
            else {
                return;
            };
            match stage {
                Stage::GetWaits { link, offset } => {
                    let size = self.catalogue.size(file).unwrap_or(0);
                    cx.send(link, Message::Size(SizeAnswer::Size(size)));
                    self.start_sending(number, link, offset, size, cx);
                }
                Stage::PushWaits { to } => {
                    let link = cx.connect(to);
                    self.links.insert(link, Use::Upload(number));
                    if let Some(upload) = self.uploads.by_number.get_mut(&number) {
                        upload.stage = Stage::Greeting { link };
                        upload.deadline = cx.now() + self.config.limits.answer_timeout;
                        self.alarm.arm(upload.deadline, cx);
                    }
                }
                _ => return,
            }
        }
    }

    fn start_sending(&mut self, number: u32, link: Link, start: u64, end: u64, cx: &mut Cx<'_>) {
        if let Some(upload) = self.uploads.by_number.get_mut(&number) {
            upload.stage = Stage::Sending { link, start, at: start, end };
            upload.deadline = cx.now() + self.config.limits.transfer_timeout;
        }
        if let Some(server) = self.online() {
            send(server, OwnedMessage::UploadStart, cx);
        }
        if start == end {
            self.remove_upload(number, cx);
        } else {
            self.read_chunk(number, cx);
        }
    }

    fn read_chunk(&mut self, number: u32, cx: &mut Cx<'_>) {
        let Some(upload) = self.uploads.by_number.get(&number) else {
            return;
        };
        if let (Stage::Sending { at, end, .. }, Some(object)) =
            (upload.stage, self.catalogue.object(upload.file))
        {
            // The smaller of a chunk and the rest fits 32 bits.
            let len = (end - at).min(MAX_CHUNK as u64) as u32;
            let ticket = cx.read(object, at, len);
            self.tickets.insert(ticket, Job::Read { upload: number });
        }
    }

    /// Ends an upload, well or badly, and starts those that waited for its place.
    fn end_upload(&mut self, number: u32, cx: &mut Cx<'_>) {
        self.remove_upload(number, cx);
        self.start_uploads(cx);
    }

    /// Ends an upload. What is queued on its link is still sent.
    fn remove_upload(&mut self, number: u32, cx: &mut Cx<'_>) {
        let Some(upload) = self.uploads.by_number.remove(&number) else {
            return;
        };
        if let Some(link) = upload.stage.link()
            && self.links.remove(&link).is_some()
        {
            cx.close(link);
        }
        if let Stage::Sending { start, at, end, .. } = upload.stage {
            if let Some(server) = self.online() {
                send(server, OwnedMessage::UploadEnd, cx);
            }
            cx.emit(Event::Uploaded {
                file: upload.file,
                nick: upload.nick,
                bytes: at - start,
                complete: at == end,
            });
        }
    }
}
