//! A client's searches: one at a time, as the protocol has it.

use std::collections::VecDeque;
use std::sync::Arc;

use napster_wire::{HEADER, Limits, OwnedMessage, Search, SearchResult};
use overlay_peer::Time;

use super::{Client, Cx};
use crate::{Event, Hit, Message, SearchFailure};

/// What a client has asked for and what waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Searches {
    /// The one whose results come now.
    current: Option<Current>,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Debug)]
struct Current {
    /// `None` once its time is over: its end still has to come before the next can be sent.
    search: Option<u32>,
    found: u32,
    deadline: Time,
}

#[derive(Clone, Debug)]
struct Waiting {
    search: u32,
    query: Arc<OwnedMessage>,
    deadline: Time,
}

impl Client {
    pub(super) fn search(&mut self, search: u32, query: Search<'static>, cx: &mut Cx<'_>) {
        let query = OwnedMessage::Search(query);
        let limits = self.config.limits;
        let len = query.encoded_len() - HEADER;
        let max = usize::from(Limits::default().max_data);
        let failure = if self.online().is_none() {
            Some(SearchFailure::NotJoined)
        } else if self.searches.waiting.len() >= limits.searches {
            Some(SearchFailure::TooMany { max: limits.searches })
        } else if len > max {
            Some(SearchFailure::TooLong { len, max })
        } else {
            None
        };
        if let Some(reason) = failure {
            cx.emit(Event::SearchFailed { search, reason });
            return;
        }
        let deadline = cx.now() + limits.answer_timeout;
        self.searches.waiting.push_back(Waiting { search, query: Arc::new(query), deadline });
        self.alarm.arm(deadline, cx);
        self.next_search(cx);
    }

    pub(super) fn search_result(&mut self, result: &SearchResult<'static>, cx: &mut Cx<'_>) {
        if let Some(current) = &mut self.searches.current {
            current.found = current.found.saturating_add(1);
            if let Some(search) = current.search {
                cx.emit(Event::Hit { search, hit: Hit::from_result(result) });
            }
        }
    }

    pub(super) fn search_end(&mut self, cx: &mut Cx<'_>) {
        if let Some(Current { search: Some(search), found, .. }) = self.searches.current.take() {
            cx.emit(Event::SearchDone { search, found });
        }
        self.next_search(cx);
    }

    /// Whether results are expected.
    pub(super) fn is_searching(&self) -> bool {
        self.searches.current.is_some()
    }

    /// Gives up what took too long.
    pub(super) fn expire_searches(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        if let Some(current) = &mut self.searches.current
            && current.deadline <= now
            && let Some(search) = current.search.take()
        {
            cx.emit(Event::SearchFailed { search, reason: SearchFailure::TimedOut });
        }
        self.searches.waiting.retain(|waiting| {
            let over = waiting.deadline <= now;
            if over {
                let reason = SearchFailure::TimedOut;
                cx.emit(Event::SearchFailed { search: waiting.search, reason });
            }
            !over
        });
    }

    pub(super) fn next_search_deadline(&self) -> Option<Time> {
        let current = self.searches.current.iter().filter(|current| current.search.is_some());
        let waiting = self.searches.waiting.iter().map(|waiting| waiting.deadline);
        current.map(|current| current.deadline).chain(waiting).min()
    }

    /// The link to the server is gone.
    pub(super) fn fail_searches(&mut self, cx: &mut Cx<'_>) {
        let searches = core::mem::take(&mut self.searches);
        let current = searches.current.and_then(|current| current.search);
        let waiting = searches.waiting.into_iter().map(|waiting| waiting.search);
        for search in current.into_iter().chain(waiting) {
            cx.emit(Event::SearchFailed { search, reason: SearchFailure::Disconnected });
        }
    }

    /// How many searches are remembered.
    pub(super) fn search_count(&self) -> usize {
        usize::from(self.searches.current.is_some()) + self.searches.waiting.len()
    }

    fn next_search(&mut self, cx: &mut Cx<'_>) {
        if self.searches.current.is_some() {
            return;
        }
        let (Some(server), Some(next)) = (self.online(), self.searches.waiting.pop_front()) else {
            return;
        };
        cx.send(server, Message::Frame(next.query));
        self.searches.current =
            Some(Current { search: Some(next.search), found: 0, deadline: next.deadline });
    }
}
