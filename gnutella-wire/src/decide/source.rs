//! From whom to download, of all who have the file.

use core::cmp::Reverse;
use core::net::SocketAddrV4;

use crate::QueryHit;

/// What a hit says of the servent that sent it, as far as it matters for a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it accepts connections.
    pub address: SocketAddrV4,
    /// Whether it must be asked with a Push; what it does not say is taken for no.
    pub push: bool,
    /// Whether all its slots are taken.
    pub busy: bool,
    /// Whether it ever uploaded anything.
    pub uploaded: bool,
    /// Its speed in kbit/s, if it measured it.
    pub measured_speed: Option<u32>,
    /// Whether it can transfer from firewall to firewall: the GGEP extension `FW`.
    pub firewall_transfer: bool,
}

/// How good a source is: greater is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceQuality {
    free: bool,
    direct: Reverse<u8>,
    uploaded: bool,
    speed: u32,
}

impl Source {
    /// What a hit says. Of one whose address nobody outside can reach, a Push is needed.
    pub fn of(hit: &QueryHit<'_>) -> Self {
        let trailer = hit.trailer().ok().flatten();
        let says = |flag: Option<Option<bool>>| flag.flatten().unwrap_or(false);
        let ip = hit.address.ip();
        let unreachable = ip.is_private()
            || ip.is_loopback()
            || ip.is_link_local()
            || ip.is_unspecified()
            || ip.is_multicast()
            || hit.address.port() == 0;
        let measured = says(trailer.map(|it| it.measured_speed()));
        Self {
            address: hit.address,
            push: unreachable || says(trailer.map(|it| it.push())),
            busy: says(trailer.map(|it| it.busy())),
            uploaded: says(trailer.map(|it| it.uploaded())),
            measured_speed: measured.then_some(hit.speed),
            firewall_transfer: trailer.is_some_and(|it| it.extensions().ggep(b"FW").is_some()),
        }
    }

    /// How good it is for a servent that can or can not be connected to itself; `None` if there is no way
    /// from one to the other. A free slot counts most, then that no one needs to be asked for help,
    /// then whether it ever worked, then the speed.
    pub fn quality(&self, we_are_firewalled: bool) -> Option<SourceQuality> {
        let steps = match (self.push, we_are_firewalled) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) if self.firewall_transfer => 2,
            (true, true) => return None,
        };
        Some(SourceQuality {
            free: !self.busy,
            direct: Reverse(steps),
            uploaded: self.uploaded,
            speed: self.measured_speed.unwrap_or(0),
        })
    }
}
