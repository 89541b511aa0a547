//! A client's downloads.
//!
//! A download asks the server where the file's owner is (203, 204) and connects there. If the owner
//! takes no links from outside, or can not be reached although it says so, the server is asked (500)
//! to have the owner connect to this client.

use std::sync::Arc;

use bytes::Bytes;
use napster_wire::{
    Direction, Extra, FileReference, FileSource, HEADER, Limits, OffsetAnswer, OwnedMessage,
    Refusal, SizeAnswer, TransferRequest,
};
use overlay_peer::{Address, Link, Object, Reason, StoreError, Time, Wire};

use super::{Client, Cx, Job, Use, send};
use crate::{Event, FetchFailure, Hit, Message, Misbehaviour, Phase};

/// So many chunks may be on their way to the store before the link has to wait.
const MOST_WRITES: u32 = 8;

/// A download under way.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    hit: Hit,
    into: Object,
    stage: Stage,
    deadline: Time,
    /// Whether the other client connects to this one.
    alternate: bool,
    /// Tells the download from an earlier one of the same number.
    serial: u32,
    received: u64,
    /// Chunks on their way to the store.
    writes: u32,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// 203 is out.
    Asked,
    /// 500 is out.
    PushAsked,
    /// Connecting to the other client, or waiting for its greeting.
    Greeting { link: Link },
    /// `GET` is out.
    Requested { link: Link },
    /// The file is coming.
    Receiving { link: Link, paused: bool },
    /// All of the file came and is on its way to the store. The link stays until it is there, if the
    /// other client does not close it: more bytes would mean that the file is another one.
    Storing { link: Option<Link> },
}

impl Stage {
    fn link(self) -> Option<Link> {
        match self {
            Self::Greeting { link } | Self::Requested { link } | Self::Receiving { link, .. } => {
                Some(link)
            }
            Self::Storing { link } => link,
            Self::Asked | Self::PushAsked => None,
        }
    }

    /// Whether the server counts this as a download.
    fn is_counted(self) -> bool {
        matches!(self, Self::Receiving { .. } | Self::Storing { .. })
    }
}

impl Client {
    pub(super) fn fetch(&mut self, fetch: u32, hit: Hit, into: Object, cx: &mut Cx<'_>) {
        let limits = self.config.limits;
        let request = OwnedMessage::DownloadRequest(reference(&hit));
        let len = request.encoded_len() - HEADER;
        let max = usize::from(Limits::default().max_data);
        let refusal = if self.online().is_none() {
            Some(FetchFailure::NotJoined)
        } else if self.fetches.contains_key(&fetch) {
            Some(FetchFailure::SameNumber)
        } else if self.fetches.len() >= limits.fetches {
            Some(FetchFailure::TooMany { max: limits.fetches })
        } else if hit.nick.as_bytes().eq_ignore_ascii_case(self.config.nick.as_bytes()) {
            Some(FetchFailure::OwnFile)
        } else if len > max {
            Some(FetchFailure::TooLong { len, max })
        } else {
            None
        };
        let (Some(server), None) = (self.online(), refusal) else {
            let reason = refusal.unwrap_or(FetchFailure::NotJoined);
            cx.emit(Event::FetchFailed { fetch, reason });
            return;
        };
        let deadline = cx.now() + limits.answer_timeout;
        self.serial = self.serial.wrapping_add(1);
        self.fetches.insert(
            fetch,
            Fetch {
                hit,
                into,
                stage: Stage::Asked,
                deadline,
                alternate: false,
                serial: self.serial,
                received: 0,
                writes: 0,
            },
        );
        self.alarm.arm(deadline, cx);
        send(server, request, cx);
    }

    /// Message 204: where the file's owner is.
    pub(super) fn download_ack(&mut self, source: &FileSource<'static>, cx: &mut Cx<'_>) {
        let Some(number) = self.find_fetch(|fetch| {
            matches!(fetch.stage, Stage::Asked)
                && fetch.hit.nick.as_bytes().eq_ignore_ascii_case(source.nick.as_bytes())
                && fetch.hit.name == source.name
        }) else {
            // An answer that came too late.
            return;
        };
        if source.port == 0 {
            self.ask_push(number, FetchFailure::BothFirewalled, cx);
            return;
        }
        let Some(ip) = source.ip.to_ipv4() else {
            self.fail_fetch(number, FetchFailure::BadAddress(source.ip), cx);
            return;
        };
        let link = cx.connect(Address::from((ip, source.port)));
        self.links.insert(link, Use::Fetch(number));
        self.step(number, Stage::Greeting { link }, cx);
    }

    /// Message 206: the file can not be had.
    pub(super) fn get_error(&mut self, file: &FileReference<'static>, cx: &mut Cx<'_>) {
        if let Some(number) = self.find_fetch(|fetch| {
            matches!(fetch.stage, Stage::Asked | Stage::PushAsked)
                && fetch.hit.nick == file.nick
                && fetch.hit.name == file.name
        }) {
            self.fail_fetch(number, FetchFailure::Unavailable, cx);
        }
    }

    pub(super) fn fetch_opened(&mut self, link: Link, number: u32, cx: &mut Cx<'_>) {
        cx.phase(link, Phase::Greeting);
        self.step(number, Stage::Greeting { link }, cx);
    }

    pub(super) fn fetch_closed(&mut self, number: u32, reason: Reason, cx: &mut Cx<'_>) {
        let Some(fetch) = self.fetches.get_mut(&number) else {
            return;
        };
        let received = fetch.received;
        if let Stage::Storing { link } = &mut fetch.stage {
            // The other client is done as well, unless it sent what it should not.
            *link = None;
            if reason == Reason::Malformed {
                self.fail_fetch(number, FetchFailure::Surplus { expected: received }, cx);
            }
            return;
        }
        let nick = fetch.hit.nick.clone();
        let never_opened = matches!(fetch.stage, Stage::Greeting { .. })
            && matches!(reason, Reason::Refused | Reason::Unreachable | Reason::TimedOut);
        if never_opened {
            if let (Some(server), false) = (self.online(), self.config.firewalled) {
                send(server, OwnedMessage::DataPortError(nick), cx);
            }
            self.ask_push(number, FetchFailure::Unreachable(reason), cx);
        } else {
            self.fail_fetch(number, FetchFailure::Cut { received, reason }, cx);
        }
    }

    pub(super) fn fetch_message(
        &mut self,
        from: Link,
        number: u32,
        message: Message,
        cx: &mut Cx<'_>,
    ) {
        let Some(fetch) = self.fetches.get(&number) else {
            return;
        };
        let expected = fetch.hit.size;
        match (fetch.stage, message) {
            (Stage::Greeting { link }, Message::Greeting) => {
                let request = TransferRequest {
                    direction: Direction::Get,
                    nick: self.config.nick.clone(),
                    name: fetch.hit.name.clone(),
                    number: 0,
                };
                cx.phase(link, Phase::Size { expected });
                cx.send(link, Message::Request(Arc::new(request)));
                self.step(number, Stage::Requested { link }, cx);
            }
            (Stage::Requested { link }, Message::Size(SizeAnswer::Size(actual))) => {
                if actual == expected {
                    self.start_receiving(number, link, cx);
                } else {
                    let reason = FetchFailure::SizeChanged { expected, actual };
                    self.fail_fetch(number, reason, cx);
                }
            }
            (Stage::Requested { .. }, Message::Size(SizeAnswer::Refused(refusal))) => {
                self.fail_fetch(number, FetchFailure::Refused(refusal), cx);
            }
            (Stage::Receiving { link, .. }, Message::Body(bytes)) => {
                self.chunk_received(number, link, *bytes, cx);
            }
            (stage, other) => {
                let what = Misbehaviour::OutOfPlace { kind: other.kind() };
                cx.emit(Event::Misbehaved { link: from, what });
                let reason = match stage {
                    Stage::Storing { .. } => FetchFailure::Surplus { expected },
                    _ => FetchFailure::Cut { received: fetch.received, reason: Reason::Malformed },
                };
                self.fail_fetch(number, reason, cx);
            }
        }
    }

    /// `SEND` on a link that another client opened.
    pub(super) fn push_offered(
        &mut self,
        link: Link,
        request: &Arc<TransferRequest<'static>>,
        cx: &mut Cx<'_>,
    ) {
        let Some(number) = self.find_fetch(|fetch| {
            matches!(fetch.stage, Stage::PushAsked)
                && fetch.hit.nick.as_bytes().eq_ignore_ascii_case(request.nick.as_bytes())
                && fetch.hit.name == request.name
                && fetch.hit.size == request.number
        }) else {
            // Anyone can claim to be the file's owner: a wrong offer fails the link, not the
            // download, which goes on waiting for the right one.
            self.refuse(link, request, Refusal::InvalidRequest, cx);
            return;
        };
        self.links.insert(link, Use::Fetch(number));
        cx.send(link, Message::Offset(OffsetAnswer::Offset(0)));
        self.start_receiving(number, link, cx);
    }

    pub(super) fn chunk_written(
        &mut self,
        number: u32,
        serial: u32,
        outcome: Result<(), StoreError>,
        cx: &mut Cx<'_>,
    ) {
        let Some(fetch) = self.fetches.get_mut(&number).filter(|fetch| fetch.serial == serial)
        else {
            return;
        };
        fetch.writes = fetch.writes.saturating_sub(1);
        if let Err(error) = outcome {
            self.fail_fetch(number, FetchFailure::Storage(error), cx);
            return;
        }
        match fetch.stage {
            Stage::Receiving { link, paused: true } if fetch.writes <= MOST_WRITES / 2 => {
                fetch.stage = Stage::Receiving { link, paused: false };
                cx.pause(link, false);
            }
            Stage::Storing { .. } if fetch.writes == 0 => {
                let (bytes, alternate) = (fetch.received, fetch.alternate);
                self.remove_fetch(number, cx);
                cx.emit(Event::Fetched { fetch: number, bytes, alternate });
            }
            _ => {}
        }
    }

    pub(super) fn expire_fetches(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let late = self.fetches.iter().filter(|(_, fetch)| fetch.deadline <= now);
        let late: Vec<(u32, u64)> = late.map(|(number, fetch)| (*number, fetch.received)).collect();
        for (number, received) in late {
            self.fail_fetch(number, FetchFailure::TimedOut { received }, cx);
        }
    }

    pub(super) fn next_fetch_deadline(&self) -> Option<Time> {
        self.fetches.values().map(|fetch| fetch.deadline).min()
    }

    /// The link to the server is gone: downloads that wait for its answer can not go on. Those that
    /// wait for the other client to connect go on waiting: the server may have told it already.
    pub(super) fn fail_fetches_at_server(&mut self, cx: &mut Cx<'_>) {
        let waiting = self
            .fetches
            .iter()
            .filter(|(_, fetch)| matches!(fetch.stage, Stage::Asked))
            .map(|(number, _)| *number);
        for number in waiting.collect::<Vec<u32>>() {
            self.fail_fetch(number, FetchFailure::Disconnected, cx);
        }
    }

    /// Asks the server to have the file's owner connect to this client; fails with `failure` if none
    /// can.
    fn ask_push(&mut self, number: u32, failure: FetchFailure, cx: &mut Cx<'_>) {
        if self.config.firewalled {
            self.fail_fetch(number, failure, cx);
            return;
        }
        let Some(server) = self.online() else {
            self.fail_fetch(number, FetchFailure::Disconnected, cx);
            return;
        };
        let Some(fetch) = self.fetches.get_mut(&number) else {
            return;
        };
        fetch.alternate = true;
        send(server, OwnedMessage::AlternateRequest(reference(&fetch.hit)), cx);
        self.step(number, Stage::PushAsked, cx);
    }

    fn start_receiving(&mut self, number: u32, link: Link, cx: &mut Cx<'_>) {
        let Some(fetch) = self.fetches.get(&number) else {
            return;
        };
        let left = fetch.hit.size;
        if let Some(server) = self.online() {
            send(server, OwnedMessage::DownloadStart, cx);
        }
        cx.phase(link, Phase::Body { left });
        self.step(number, Stage::Receiving { link, paused: false }, cx);
        if left == 0 {
            // An empty file is made by an empty write.
            self.chunk_received(number, link, Bytes::new(), cx);
        }
    }

    fn chunk_received(&mut self, number: u32, link: Link, bytes: Bytes, cx: &mut Cx<'_>) {
        let Some(fetch) = self.fetches.get_mut(&number) else {
            return;
        };
        let size = fetch.hit.size;
        let len = bytes.len() as u64;
        if len > size - fetch.received {
            let what = Misbehaviour::OutOfPlace { kind: Message::Body(Box::new(bytes)).kind() };
            cx.emit(Event::Misbehaved { link, what });
            self.fail_fetch(number, FetchFailure::Surplus { expected: size }, cx);
            return;
        }
        let ticket = cx.write(fetch.into, fetch.received, bytes);
        self.tickets.insert(ticket, Job::Write { fetch: number, serial: fetch.serial });
        fetch.writes += 1;
        fetch.received += len;
        let left = size - fetch.received;
        let was_paused = matches!(fetch.stage, Stage::Receiving { paused: true, .. });
        let busy = was_paused || fetch.writes >= MOST_WRITES;
        if left == 0 {
            cx.phase(link, Phase::Silent);
            if was_paused {
                // Nothing more is to come, and what comes all the same has to be seen.
                cx.pause(link, false);
            }
            self.step(number, Stage::Storing { link: Some(link) }, cx);
        } else {
            cx.phase(link, Phase::Body { left });
            if busy {
                cx.pause(link, true);
            }
            self.step(number, Stage::Receiving { link, paused: busy }, cx);
        }
    }

    /// A download made progress: the next step has its own time.
    fn step(&mut self, number: u32, stage: Stage, cx: &mut Cx<'_>) {
        let Some(fetch) = self.fetches.get_mut(&number) else {
            return;
        };
        let limits = self.config.limits;
        fetch.stage = stage;
        fetch.deadline = cx.now()
            + match stage {
                Stage::Asked | Stage::Greeting { .. } => limits.answer_timeout,
                // The other client may have to wait for a place.
                _ => limits.transfer_timeout,
            };
        self.alarm.arm(fetch.deadline, cx);
    }

    fn fail_fetch(&mut self, number: u32, reason: FetchFailure, cx: &mut Cx<'_>) {
        if self.remove_fetch(number, cx) {
            cx.emit(Event::FetchFailed { fetch: number, reason });
        }
    }

    /// Forgets a download, and closes its link. Whether there was one.
    fn remove_fetch(&mut self, number: u32, cx: &mut Cx<'_>) -> bool {
        let Some(fetch) = self.fetches.remove(&number) else {
            return false;
        };
        if let Some(link) = fetch.stage.link()
            && self.links.remove(&link).is_some()
        {
            cx.close(link);
        }
        if let (true, Some(server)) = (fetch.stage.is_counted(), self.online()) {
            send(server, OwnedMessage::DownloadEnd, cx);
        }
        true
    }

    fn find_fetch(&self, matches: impl Fn(&Fetch) -> bool) -> Option<u32> {
        self.fetches.iter().find(|(_, fetch)| matches(fetch)).map(|(number, _)| *number)
    }
}

fn reference(hit: &Hit) -> FileReference<'static> {
    FileReference { nick: hit.nick.clone(), name: hit.name.clone(), extra: Extra::NONE }
}
