//! Gnutella 0.6: leaves and ultrapeers, query routing, dynamic querying, and what belongs to them.
//!
//! All state of it hangs on one pointer of the servent, which is `None` in a servent that speaks 0.4
//! only. Routes, hosts, transfers and the catalogue are those of 0.4.

mod bloom;
mod dynamic;
mod known;
mod links;
mod oob;
mod pongs;
mod proxy;
mod query;
mod settings;
mod shake;
mod standing;
mod tables;
mod vendor;

use alloc::boxed::Box;
use alloc::vec::Vec;

use gnutella_wire::{CachedPong, Role};
use overlay_peer::{Context, Time, Timer};

pub(crate) use proxy::proxies;
pub use settings::{Capabilities, Election, Mode, Settings06};
pub(crate) use shake::is_v06;

use crate::Servent;
use dynamic::{Dynamic, OwnSearch};
use known::Known;
use oob::OutOfBand;
use shake::Shaking;
use tables::Published;

/// The state of a servent that speaks 0.6.
#[derive(Clone, Debug)]
pub(crate) struct V06 {
    pub capabilities: Capabilities,
    /// Whether it is an ultrapeer now, or wants to be; otherwise a leaf.
    ultrapeer: bool,
    /// When it joined for the first time.
    began: Option<Time>,
    /// When it became what it is, or an ultrapeer last had enough leaves.
    since: Time,
    /// When it last parted from an ultrapeer to make room for another.
    made_room: Option<Time>,
    /// How often it asked in vain whether it is needed as an ultrapeer.
    asked: u32,
    /// What is known of each neighbour, by slot.
    known: Vec<Option<Known>>,
    shaking: Vec<Shaking>,
    published: Published,
    pongs: Vec<CachedPong>,
    /// Queries under way, oldest first.
    dynamic: Vec<Dynamic>,
    /// Own searches, oldest first.
    own: Vec<OwnSearch>,
    /// Hits over UDP under way, if there are any.
    oob: Option<Box<OutOfBand>>,
    /// When each of its timers is due; wakes at other times are stale.
    due: [Option<Time>; 5],
}

/// The timers of 0.6 servents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// A handshake may have taken too long.
    Shaking = 0,
    /// The table has changed and can be sent.
    Tables = 1,
    /// Is this servent what it should be?
    Standing = 2,
    /// The next step of a query.
    Dynamic = 3,
    /// A hit that was announced was not asked for.
    OutOfBand = 4,
}

impl Due {
    const ALL: [Self; 5] =
        [Self::Shaking, Self::Tables, Self::Standing, Self::Dynamic, Self::OutOfBand];
    /// The first of their numbers among a servent's timers.
    const FIRST: u32 = 8;
}

impl V06 {
    pub fn new(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            ultrapeer: false,
            began: None,
            since: Time::ZERO,
            made_room: None,
            asked: 0,
            known: Vec::new(),
            shaking: Vec::new(),
            published: Published::default(),
            pongs: Vec::new(),
            dynamic: Vec::new(),
            own: Vec::new(),
            oob: None,
            due: [None; 5],
        }
    }

    fn role(&self) -> Role {
        if self.ultrapeer { Role::Ultrapeer } else { Role::Leaf }
    }

    /// What is known of the neighbour in this slot.
    pub(crate) fn of(&self, slot: u8) -> Option<&Known> {
        self.known.get(usize::from(slot))?.as_ref()
    }

    fn of_mut(&mut self, slot: u8) -> Option<&mut Known> {
        self.known.get_mut(usize::from(slot))?.as_mut()
    }

    /// The neighbours of a kind, by slot.
    fn which(&self, leaves: bool) -> impl Iterator<Item = (u8, &Known)> {
        let known = (0_u8..=u8::MAX).zip(&self.known);
        known
            .filter_map(|(slot, known)| known.as_ref().map(|known| (slot, known)))
            .filter(move |(_, known)| (known.role == Role::Leaf) == leaves)
    }

    fn leaves(&self) -> impl Iterator<Item = (u8, &Known)> {
        self.which(true)
    }

    /// Ultrapeers, and servents without roles.
    fn ultrapeers(&self) -> impl Iterator<Item = (u8, &Known)> {
        self.which(false)
    }

    /// What it remembers, as (entries, bytes) like [`Servent::footprint`].
    pub fn footprint(&self) -> (usize, usize) {
        let known = self.known.iter().flatten();
        let entries = self.shaking.len() + self.pongs.len() + self.dynamic.len() + self.own.len();
        let entries = entries + self.oob.as_ref().map_or(0, |out| out.len());
        let bytes = size_of::<Self>()
            + self.known.capacity() * size_of::<Option<Known>>()
            + known.map(Known::heap_bytes).sum::<usize>()
            + self.shaking.capacity() * size_of::<Shaking>()
            + self.shaking.iter().map(Shaking::heap_bytes).sum::<usize>()
            + self.published.heap_bytes()
            + self.pongs.capacity() * size_of::<CachedPong>()
            + self.dynamic.capacity() * size_of::<Dynamic>()
            + self.dynamic.iter().map(Dynamic::heap_bytes).sum::<usize>()
            + self.own.capacity() * size_of::<OwnSearch>()
            + self.oob.as_ref().map_or(0, |out| out.heap_bytes());
        (entries, bytes)
    }
}

impl Servent {
    /// Whether it is an ultrapeer, or wants to be one; `None` in 0.4, where there is no such thing.
    pub fn is_ultrapeer(&self) -> Option<bool> {
        self.v06.as_ref().map(|v06| v06.ultrapeer)
    }

    /// How many leaves it has.
    pub fn leaves(&self) -> usize {
        self.v06.as_ref().map_or(0, |v06| v06.leaves().count())
    }

    /// A wake that is no timer of 0.4.
    pub(crate) fn wake06(&mut self, timer: Timer, cx: &mut Context<'_, Self>) {
        let Some(v06) = &mut self.v06 else { return };
        let which = Due::ALL.into_iter().find(|due| timer.0 == Due::FIRST + *due as u32);
        let Some(which) = which else { return };
        let due = &mut v06.due[which as usize];
        if due.is_none_or(|at| cx.now() < at) {
            return;
        }
        *due = None;
        match which {
            Due::Shaking => self.sweep_shaking(cx),
            Due::Tables => self.publish(cx),
            Due::Standing => self.reconsider(cx),
            Due::Dynamic => self.step_dynamic(cx),
            Due::OutOfBand => self.sweep_out_of_band(cx),
        }
    }

    /// Asks for a wake, unless there is an earlier one.
    fn due(&mut self, which: Due, at: Time, cx: &mut Context<'_, Self>) {
        let Some(v06) = &mut self.v06 else { return };
        let due = &mut v06.due[which as usize];
        if due.is_none_or(|other| at < other) {
            *due = Some(at);
            cx.wake_after(at - cx.now(), Timer(Due::FIRST + which as u32));
        }
    }
}
