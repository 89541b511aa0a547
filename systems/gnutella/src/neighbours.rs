//! The servents at the other ends of a servent's links.

use alloc::boxed::Box;
use core::net::SocketAddrV4;
use core::ops::{Deref, DerefMut};

use overlay_peer::Link;

/// The other side of a link on which descriptors travel, in 12 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neighbour {
    pub link: Link,
    /// The address of the other side, and the port where it accepts connections, 0 as long as that is
    /// not known. All 0 for an IPv6 address, which no Pong can tell.
    pub remote: SocketAddrV4,
    pub inbound: bool,
    /// In the upper 3 bits keep-alive Pings sent since it last said something, in the lower 5 hosts
    /// learnt from its Pongs since it was last sent a Ping.
    counts: u8,
}

impl Neighbour {
    /// The most hosts that are counted.
    const HOSTS: u8 = 31;
    const PING: u8 = 32;

    pub fn new(link: Link, remote: SocketAddrV4, inbound: bool) -> Self {
        Self { link, remote, inbound, counts: 0 }
    }

    /// Where it accepts connections, as far as known.
    pub fn host(&self) -> Option<SocketAddrV4> {
        (self.remote.port() != 0).then_some(self.remote)
    }

    /// It said something.
    pub fn heard(&mut self) {
        // Most have nothing to forget, and then their memory need not be written.
        if self.counts > Self::HOSTS {
            self.counts &= Self::HOSTS;
        }
    }

    /// One more Ping; how many there were since it last said something, 7 at most.
    pub fn pinged(&mut self) -> u8 {
        if self.counts < 7 * Self::PING {
            self.counts += Self::PING;
        }
        self.counts / Self::PING
    }

    /// Its Pongs may tell of hosts again.
    pub fn ask_for_hosts(&mut self) {
        self.counts &= !Self::HOSTS;
    }

    /// Whether it may tell of one more host, of `most` (31 at most); counts it.
    pub fn may_tell(&mut self, most: u8) -> bool {
        let may = self.counts & Self::HOSTS < most.min(Self::HOSTS);
        self.counts += u8::from(may);
        may
    }
}

/// By slot; a route names one. Takes no more room than there are slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Neighbours(Box<[Option<Neighbour>]>);

impl Neighbours {
    /// Puts a neighbour in the first free slot.
    pub fn add(&mut self, neighbour: Neighbour) {
        match self.0.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(neighbour),
            None => {
                let mut slots = core::mem::take(&mut self.0).into_vec();
                slots.reserve_exact(1);
                slots.push(Some(neighbour));
                self.0 = slots.into();
            }
        }
    }
}

impl Deref for Neighbours {
    type Target = [Option<Neighbour>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Neighbours {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    fn neighbour(number: u32) -> Neighbour {
        let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        Neighbour::new(Link::from_raw(number), nowhere, false)
    }

    #[test]
    fn a_slot_is_12_bytes() {
        assert_eq!(size_of::<Option<Neighbour>>(), 12);
    }

    #[test]
    fn the_two_counts_keep_apart() {
        let mut it = neighbour(1);
        assert!((0..16).all(|_| it.may_tell(16)));
        assert!(!it.may_tell(16));
        assert_eq!([it.pinged(), it.pinged(), it.pinged(), it.pinged()], [1, 2, 3, 4]);
        assert!(!it.may_tell(16));
        it.ask_for_hosts();
        assert!(it.may_tell(16));
        assert_eq!(it.pinged(), 5);
        it.heard();
        assert_eq!(it.pinged(), 1);
        assert!((0..20).all(|_| it.pinged() <= 7));
        assert!((0..15).all(|_| it.may_tell(16)) && !it.may_tell(16));
    }

    #[test]
    fn a_free_slot_is_used_first() {
        let mut all = Neighbours::default();
        (0..3).for_each(|number| all.add(neighbour(number)));
        all[1] = None;
        all.add(neighbour(7));
        let links = all.iter().flatten().map(|it| it.link.as_raw());
        assert!(links.eq([0, 7, 2]));
    }
}
