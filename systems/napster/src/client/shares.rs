//! What a client shares, and telling the server.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use napster_wire::{OwnedMessage, Quoted, Unshare};

use super::{Client, Cx, send};
use crate::{Event, FileId, Message, NotShared};

/// So many announcements are queued on the link before the client waits for it to drain.
const BATCH: usize = 64;

/// What a client shares, and what the server has still to hear of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    files: BTreeSet<FileId>,
    news: VecDeque<News>,
    /// Whether the link was asked to say when it has drained.
    waiting: bool,
}

#[derive(Clone, Copy, Debug)]
enum News {
    Shared(FileId),
    Withdrawn(FileId),
    AllWithdrawn,
}

impl Client {
    pub(super) fn publish(&mut self, files: Vec<FileId>, cx: &mut Cx<'_>) {
        for file in files {
            let Some(name) = self.catalogue.name(file) else {
                cx.emit(Event::NotShared { file, reason: NotShared::Unknown });
                continue;
            };
            match self.shared_by_name(name) {
                Some(shared) if shared == file => {}
                Some(_) => cx.emit(Event::NotShared { file, reason: NotShared::SameName }),
                None => {
                    self.shares.files.insert(file);
                    self.shares.news.push_back(News::Shared(file));
                }
            }
        }
        self.announce(cx);
    }

    pub(super) fn unshare(&mut self, files: Vec<FileId>, cx: &mut Cx<'_>) {
        for file in files {
            if self.shares.files.remove(&file) {
                self.shares.news.push_back(News::Withdrawn(file));
            }
        }
        self.announce(cx);
    }

    pub(super) fn unshare_all(&mut self, cx: &mut Cx<'_>) {
        self.shares.files.clear();
        self.shares.news.clear();
        self.shares.news.push_back(News::AllWithdrawn);
        self.announce(cx);
    }

    /// A new login: the server knows nothing yet.
    pub(super) fn announce_all(&mut self, cx: &mut Cx<'_>) {
        self.shares.news = self.shares.files.iter().copied().map(News::Shared).collect();
        self.shares.waiting = false;
        if !self.shares.news.is_empty() {
            self.announce(cx);
        }
    }

    /// The link to the server has drained.
    pub(super) fn announce_more(&mut self, cx: &mut Cx<'_>) {
        if core::mem::take(&mut self.shares.waiting) {
            self.announce(cx);
        }
    }

    /// The file that is shared under this name.
    pub(super) fn shared_by_name(&self, name: &[u8]) -> Option<FileId> {
        let named = self.catalogue.named(name).iter().copied();
        named.into_iter().find(|file| self.shares.files.contains(file))
    }

    /// How many files are shared.
    pub fn shared_count(&self) -> usize {
        self.shares.files.len()
    }

    fn announce(&mut self, cx: &mut Cx<'_>) {
        let Some(server) = self.online() else {
            // The next login announces what is shared then.
            self.shares.news.clear();
            return;
        };
        if self.shares.waiting {
            return;
        }
        for _ in 0..BATCH {
            match self.shares.news.pop_front() {
                Some(News::Shared(file)) => {
                    if let Some(share) = self.catalogue.share(file) {
                        cx.send(server, Message::Frame(Arc::clone(share)));
                    }
                }
                Some(News::Withdrawn(file)) => {
                    if let Some(name) = self.catalogue.name(file)
                        && let Ok(name) = Quoted::new(name.to_vec())
                    {
                        let unshare = Unshare { name, quoted: false };
                        send(server, OwnedMessage::Unshare(unshare), cx);
                    }
                }
                Some(News::AllWithdrawn) => send(server, OwnedMessage::UnshareAll, cx),
                None => break,
            }
        }
        if self.shares.news.is_empty() {
            cx.emit(Event::Published { files: self.shares.files.len() });
        } else {
            self.shares.waiting = true;
            cx.when_writable(server);
        }
    }
}
