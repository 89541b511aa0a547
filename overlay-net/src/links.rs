//! The peer's numbers for its links, and what they stand for.

use overlay_peer::Link;
use tokio::task::AbortHandle;

/// A number is a slot and a generation, so that one comes back only after 255 others had the slot. The
/// numbers are given in the same order as overlay-sim's.
const SLOT_BITS: u32 = 22;
const GENERATIONS: u32 = 1 << 8;

/// What a link is.
#[derive(Debug)]
pub(crate) enum Conn {
    /// Being opened.
    Connecting(AbortHandle),
    /// Open, on this socket.
    Open(u32),
    /// Lost, or never opened; the peer is about to be told.
    Lost,
}

#[derive(Debug, Default)]
pub(crate) struct Links {
    slots: Vec<Slot>,
    /// The free slots; the last is used next.
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    conn: Option<Conn>,
}

impl Links {
    /// The most links: the numbers of slots have so many bits.
    pub const MOST: usize = (1 << SLOT_BITS) - 1;

    pub fn insert(&mut self, conn: Conn) -> Link {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, conn: None });
            self.slots.len() as u32 - 1
        });
        let entry = &mut self.slots[slot as usize];
        entry.conn = Some(conn);
        Link::from_raw(entry.generation << SLOT_BITS | slot)
    }

    fn slot(&self, link: Link) -> Option<usize> {
        let slot = (link.as_raw() & ((1 << SLOT_BITS) - 1)) as usize;
        let entry = self.slots.get(slot)?;
        (entry.generation == link.as_raw() >> SLOT_BITS && entry.conn.is_some()).then_some(slot)
    }

    pub fn get(&self, link: Link) -> Option<&Conn> {
        self.slots[self.slot(link)?].conn.as_ref()
    }

    pub fn get_mut(&mut self, link: Link) -> Option<&mut Conn> {
        let slot = self.slot(link)?;
        self.slots[slot].conn.as_mut()
    }

    /// The socket of an open link.
    pub fn socket(&self, link: Link) -> Option<u32> {
        match self.get(link)? {
            Conn::Open(token) => Some(*token),
            Conn::Connecting(_) | Conn::Lost => None,
        }
    }

    pub fn remove(&mut self, link: Link) -> Option<Conn> {
        let slot = self.slot(link)?;
        let entry = &mut self.slots[slot];
        entry.generation = (entry.generation + 1) % GENERATIONS;
        self.free.push(slot as u32);
        entry.conn.take()
    }

    /// All there are, in the order of their slots.
    pub fn all(&self) -> Vec<Link> {
        let slots = (0..).zip(&self.slots);
        slots
            .filter(|(_, slot)| slot.conn.is_some())
            .map(|(at, slot)| Link::from_raw(slot.generation << SLOT_BITS | at))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_after_255_others() {
        let mut links = Links::default();
        let first = links.insert(Conn::Lost);
        for _ in 0..255 {
            let used = links.all();
            assert_eq!(used.len(), 1);
            assert!(links.remove(used[0]).is_some());
            assert!(links.insert(Conn::Lost) != first);
            assert!(links.get(first).is_none());
        }
        assert!(links.remove(links.all()[0]).is_some());
        assert_eq!(links.insert(Conn::Lost), first);
    }

    #[test]
    fn the_slot_freed_last_is_used_first() {
        let mut links = Links::default();
        let all: Vec<Link> = (0..4).map(|_| links.insert(Conn::Lost)).collect();
        links.remove(all[1]);
        links.remove(all[3]);
        assert_eq!(links.insert(Conn::Lost), Link::from_raw(1 << SLOT_BITS | 3));
        assert_eq!(links.insert(Conn::Lost), Link::from_raw(1 << SLOT_BITS | 1));
        assert_eq!(links.insert(Conn::Lost), Link::from_raw(4));
    }
}
