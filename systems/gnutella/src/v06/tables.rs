//! Query routing tables: what this servent and its leaves have, told to others, and what others have.
//!
//! A leaf tells its ultrapeers; an ultrapeer tells other ultrapeers what it has together with its
//! leaves ("Query Routing for the Gnutella Network", Rohrs 2002; "Ultrapeer Query Routing", Fisk
//! 2003). Everybody gets the same table, so one change serves all who have the last one.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use gnutella_wire::{
    OwnedPayload, OwnedQrp, PackedTable, QrpProgress, QrpReceiver, QrpSending, QueryRouteTable,
    Role, Urn, keywords,
};
use overlay_peer::Context;

use super::Due;
use super::known::Known;
use crate::servent::random_guid;
use crate::{Descriptor, Message, Misbehaviour, Servent};

/// The table that others were sent last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Published {
    pub table: Option<PackedTable>,
    /// Whether it has all that is in the leaves' tables: none has come since.
    pub complete: bool,
    /// The messages that build it from nothing, with entries of one bit: the next neighbour needs them
    /// too.
    full: Vec<Arc<Descriptor>>,
}

impl Published {
    pub fn heap_bytes(&self) -> usize {
        let messages = self.full.iter().map(|it| Message::descriptor_bytes(it));
        self.table.as_ref().map_or(0, PackedTable::heap_bytes)
            + self.full.capacity() * size_of::<Arc<Descriptor>>()
            + messages.sum::<usize>()
    }
}

impl Servent {
    /// What this servent has, and if it is an ultrapeer, what its leaves have.
    fn whole_table(&self) -> Option<QueryRouteTable> {
        let (v06, settings) = (self.v06.as_ref()?, self.settings.v06.as_ref()?);
        let mut table = QueryRouteTable::new(settings.table_bits);
        for sha1 in self.shares.iter().filter_map(|&index| self.catalogue.sha1(index)) {
            table.insert(Urn::Sha1(sha1).to_string().as_bytes());
        }
        for file in self.shares.iter().filter_map(|&index| self.catalogue.file(index)) {
            for word in keywords(file.name.as_bytes()) {
                // Lower case can be longer, but a keyword is short.
                let word: String = word.chars().collect();
                table.insert(word.as_bytes());
            }
        }
        for (_, known) in v06.leaves().filter(|_| v06.ultrapeer) {
            if let Some(theirs) = &known.table {
                theirs.merge_into(&mut table);
            }
        }
        Some(table)
    }

    /// A neighbour is there: it is sent the table.
    pub(super) fn introduce_table(&mut self, slot: u8, cx: &mut Context<'_, Self>) {
        let Some(v06) = &self.v06 else { return };
        if !v06.of(slot).is_some_and(|known| wants_table(v06.ultrapeer, known)) {
            return;
        }
        if v06.published.table.is_some() {
            return self.send_full(slot, cx);
        }
        if v06.ultrapeer {
            return self.table_changed(cx);
        }
        self.publish(cx);
    }

    /// What this servent or a leaf has changed: others are told after a while.
    pub(crate) fn table_changed(&mut self, cx: &mut Context<'_, Self>) {
        let Some(settings) = &self.settings.v06 else { return };
        let at = cx.now() + settings.table_interval;
        self.due(Due::Tables, at, cx);
    }

    /// Sends what has changed to all who should know.
    pub(super) fn publish(&mut self, cx: &mut Context<'_, Self>) {
        let Some(new) = self.whole_table() else { return };
        let Some(v06) = &mut self.v06 else { return };
        let old = v06.published.table.as_ref().map(PackedTable::unpack);
        if old.as_ref() != Some(&new) {
            let table = Some(PackedTable::of(&new));
            v06.published = Published { table, full: Vec::new(), complete: false };
        }
        v06.published.complete = true;
        let mut patches: [Option<Vec<Arc<Descriptor>>>; 2] = [None, None];
        for slot in (0_u8..=u8::MAX).take(v06.known.len()) {
            let Some(v06) = &self.v06 else { return };
            let Some(known) = v06.of(slot).filter(|known| wants_table(v06.ultrapeer, known)) else {
                continue;
            };
            if !known.in_step {
                self.send_full(slot, cx);
                continue;
            }
            let narrow = known.features.narrow;
            let messages = patches[usize::from(narrow)]
                .get_or_insert_with(|| descriptors(new.messages(old.as_ref(), &how(narrow)), cx));
            self.send_table(slot, messages, cx);
            self.send_bloom(slot, true, cx);
        }
    }

    /// The whole table, from nothing.
    fn send_full(&mut self, slot: u8, cx: &mut Context<'_, Self>) {
        let Some(v06) = &mut self.v06 else { return };
        let Some(table) = &v06.published.table else { return };
        let narrow = v06.of(slot).is_some_and(|known| known.features.narrow);
        let messages = if narrow && !v06.published.full.is_empty() {
            v06.published.full.clone()
        } else {
            descriptors(table.unpack().messages(None, &how(narrow)), cx)
        };
        self.send_table(slot, &messages, cx);
        let Some(v06) = &mut self.v06 else { return };
        if let Some(known) = v06.of_mut(slot) {
            known.in_step = true;
        }
        if narrow {
            v06.published.full = messages;
        }
    }

    fn send_table(&self, slot: u8, messages: &[Arc<Descriptor>], cx: &mut Context<'_, Self>) {
        let Some(Some(neighbour)) = self.neighbours.get(usize::from(slot)) else { return };
        for descriptor in messages {
            let descriptor = descriptor.clone();
            cx.send(neighbour.link, Message::Descriptor { ttl: 1, hops: 0, descriptor });
        }
    }

    /// A message of a neighbour's table.
    pub(super) fn table_received(
        &mut self,
        slot: u8,
        message: &OwnedQrp,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(max_bits) = self.settings.v06.as_ref().map(|it| it.max_table_bits) else { return };
        let Some(v06) = self.v06.as_mut().filter(|v06| v06.ultrapeer) else { return };
        let Some(known) = v06.of_mut(slot).filter(|known| known.role != Role::Plain) else {
            return;
        };
        let max_bits = max_bits.min(QueryRouteTable::MAX_BITS);
        let mut receiver = known.receiving.take().unwrap_or_else(|| {
            Box::new(match &known.table {
                Some(table) => QrpReceiver::resume(table.unpack(), max_bits),
                None => QrpReceiver::new(max_bits),
            })
        });
        match receiver.receive(&message.borrow()) {
            Ok(QrpProgress::Partial) => known.receiving = Some(receiver),
            Ok(QrpProgress::Reset | QrpProgress::Patched) => {
                known.table = receiver.table().map(PackedTable::of);
                if known.role == Role::Leaf {
                    v06.published.complete = false;
                    self.table_changed(cx);
                }
            }
            Err(_) => {
                let Some(link) = self.link_of(slot) else { return };
                self.part(slot, BAD_TABLE, cx);
                cx.emit(crate::Event::Misbehaved { link, what: Misbehaviour::BadTable });
            }
        }
    }
}

/// The code of a Bye because of a table that can not be right (gtk-gnutella).
const BAD_TABLE: u16 = 413;

fn how(narrow: bool) -> QrpSending {
    QrpSending { entry_bits: if narrow { 1 } else { 4 }, ..QrpSending::DEFAULT }
}

/// Whether a neighbour is to be sent our table.
fn wants_table(we_are_ultrapeer: bool, known: &Known) -> bool {
    known.role == Role::Ultrapeer
        && if we_are_ultrapeer { known.features.ultrapeer_routing } else { known.features.routing }
}

fn descriptors(messages: Vec<OwnedQrp>, cx: &mut Context<'_, Servent>) -> Vec<Arc<Descriptor>> {
    let descriptor =
        |message| Arc::new(Descriptor::new(random_guid(cx.rng()), OwnedPayload::Qrp(message)));
    messages.into_iter().map(descriptor).collect()
}
