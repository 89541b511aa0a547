//! Links that others opened, until they say what for.

use std::sync::Arc;

use napster_wire::{Direction, OffsetAnswer, Refusal, SizeAnswer, TransferRequest};
use overlay_peer::{Link, Time, Wire};

use super::{Client, Cx, Use};
use crate::{Event, Message, Misbehaviour, Phase};

impl Client {
    /// Someone opened a link.
    pub(super) fn stranger(&mut self, link: Link, cx: &mut Cx<'_>) {
        let max = self.config.limits.strangers;
        if self.strangers().count() >= max {
            cx.emit(Event::Misbehaved { link, what: Misbehaviour::TooMany { max } });
            cx.close(link);
            return;
        }
        let deadline = cx.now() + self.config.limits.answer_timeout;
        self.links.insert(link, Use::Stranger { deadline });
        self.alarm.arm(deadline, cx);
        cx.phase(link, Phase::Request);
        cx.send(link, Message::Greeting);
    }

    pub(super) fn stranger_message(&mut self, from: Link, message: &Message, cx: &mut Cx<'_>) {
        match message {
            Message::Request(request) => match request.direction {
                Direction::Get => self.upload_asked(from, request, cx),
                Direction::Send => self.push_offered(from, request, cx),
            },
            other => {
                let what = Misbehaviour::OutOfPlace { kind: other.kind() };
                cx.emit(Event::Misbehaved { link: from, what });
                self.turn_away(from, cx);
            }
        }
    }

    /// Answers a request with a refusal and closes the link.
    pub(super) fn refuse(
        &mut self,
        link: Link,
        request: &Arc<TransferRequest<'static>>,
        refusal: Refusal,
        cx: &mut Cx<'_>,
    ) {
        let answer = match request.direction {
            Direction::Get => Message::Size(SizeAnswer::Refused(refusal)),
            Direction::Send => Message::Offset(OffsetAnswer::Refused(refusal)),
        };
        cx.send(link, answer);
        self.turn_away(link, cx);
    }

    /// Closes a link that is good for nothing.
    pub(super) fn turn_away(&mut self, link: Link, cx: &mut Cx<'_>) {
        cx.close(link);
        self.links.remove(&link);
    }

    pub(super) fn expire_strangers(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let silent: Vec<Link> = self
            .strangers()
            .filter_map(|(link, deadline)| (deadline <= now).then_some(link))
            .collect();
        for link in silent {
            cx.emit(Event::Misbehaved { link, what: Misbehaviour::Silent });
            self.turn_away(link, cx);
        }
    }

    pub(super) fn next_stranger_deadline(&self) -> Option<Time> {
        self.strangers().map(|(_, deadline)| deadline).min()
    }

    fn strangers(&self) -> impl Iterator<Item = (Link, Time)> {
        self.links.iter().filter_map(|(link, used)| match used {
            Use::Stranger { deadline } => Some((*link, *deadline)),
            _ => None,
        })
    }
}
