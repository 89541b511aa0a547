//! Sending blobs to those who fetch them: in the order asked, one chunk at a time, no faster than
//! the link takes them.

use alloc::collections::VecDeque;

use bytes::Bytes;
use overlay_peer::{Link, StoreError, Ticket};

use super::session::Talk;
use super::{Cx, Misbehaviour, Node, SharedBlob};
use crate::{Id160, Message, Refusal};

/// The longest piece of a blob in one message.
const CHUNK: u32 = 32 << 10;
/// Blobs that one link may have asked for and not begun to get.
const QUEUE: usize = 16;

/// A link over which blobs are fetched from here.
#[derive(Clone, Debug, Default)]
pub(super) struct Serving {
    queue: VecDeque<(u32, Id160)>,
    current: Option<Current>,
}

/// The blob being sent.
#[derive(Clone, Copy, Debug)]
struct Current {
    part: u32,
    blob: SharedBlob,
    /// Bytes sent.
    done: u32,
    /// The read under way.
    reading: Option<Ticket>,
}

impl Node {
    /// Somebody wants a blob.
    pub(super) fn wanted_blob(&mut self, link: Link, part: u32, blob: Id160, cx: &mut Cx<'_>) {
        let Some(serving) = self.serving(link) else { return };
        if serving.queue.len() >= QUEUE {
            return self.break_off(link, Misbehaviour::Flood, cx);
        }
        serving.queue.push_back((part, blob));
        if serving.current.is_none() {
            self.serve_more(link, cx);
        }
    }

    /// Begins to read the next chunk, if none is being read.
    pub(super) fn serve_more(&mut self, link: Link, cx: &mut Cx<'_>) {
        loop {
            let Some(serving) = self.serving(link) else { return };
            if let Some(current) = &mut serving.current {
                if current.reading.is_none() {
                    let len = CHUNK.min(current.blob.len - current.done);
                    let offset = current.blob.offset.saturating_add(current.done.into());
                    let ticket = cx.read(current.blob.object, offset, len);
                    current.reading = Some(ticket);
                    self.blobs.reads.insert(ticket, link);
                }
                return;
            }
            let Some((part, name)) = serving.queue.pop_front() else { return };
            match self.blobs.shared.get(&name).copied() {
                None => self.missing(link, part, cx),
                Some(blob) if blob.len == 0 => {
                    cx.send(link, Message::Data { part, left: 0, bytes: Bytes::new() });
                }
                Some(blob) => {
                    if let Some(serving) = self.serving(link) {
                        serving.current = Some(Current { part, blob, done: 0, reading: None });
                    }
                }
            }
        }
    }

    /// A chunk was read, or not.
    pub(super) fn read_done(
        &mut self,
        link: Link,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Cx<'_>,
    ) {
        let Some(serving) = self.serving(link) else { return };
        let Some(current) = &mut serving.current else { return };
        if current.reading != Some(ticket) {
            return;
        }
        current.reading = None;
        let part = current.part;
        let wanted = CHUNK.min(current.blob.len - current.done);
        match outcome {
            Ok(bytes) if bytes.len() == wanted as usize => {
                current.done += wanted;
                let left = current.blob.len - current.done;
                if left == 0 {
                    serving.current = None;
                }
                cx.send(link, Message::Data { part, left, bytes });
                cx.when_writable(link);
            }
            _ => {
                serving.current = None;
                self.missing(link, part, cx);
                self.serve_more(link, cx);
            }
        }
    }

    fn missing(&mut self, link: Link, part: u32, cx: &mut Cx<'_>) {
        let reason = Refusal::NoSuchBlob;
        cx.send(link, Message::Missing { part, reason });
        if let Some(session) = self.sessions.get(&link) {
            self.refused(session.remote, reason, cx);
        }
    }

    fn serving(&mut self, link: Link) -> Option<&mut Serving> {
        match &mut self.sessions.get_mut(&link)?.talk {
            Talk::Serving(serving) => Some(serving),
            _ => None,
        }
    }
}
