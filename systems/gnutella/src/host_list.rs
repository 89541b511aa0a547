//! Lists of hosts as text: what a servent saves between runs, and what web caches answer.

use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddrV4;

use crate::hosts::usable;

/// Hosts to connect to, as text one `address:port` a line.
///
/// ```
/// use overlay_gnutella::HostList;
///
/// let list = HostList::parse(b"192.0.2.1:6346\r\n# mine\r\nH|192.0.2.2:6347|60\r\n", 100);
/// assert_eq!(list.to_string(), "192.0.2.1:6346\n192.0.2.2:6347\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostList {
    hosts: Vec<SocketAddrV4>,
}

impl HostList {
    /// Reads a list: `address:port` lines as GWebCache answers `hostfile=1`, and its second version's
    /// `H|address:port|…`. Everything else, addresses nobody can have and repetitions are left out;
    /// after `most` hosts the rest is not looked at.
    pub fn parse(text: &[u8], most: usize) -> Self {
        let mut hosts: Vec<SocketAddrV4> = Vec::new();
        for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
            if hosts.len() >= most {
                break;
            }
            let line = line.trim_ascii();
            let line = line.strip_prefix(b"H|").or(line.strip_prefix(b"h|")).unwrap_or(line);
            let end = line.iter().position(|byte| *byte == b'|').unwrap_or(line.len());
            let host = core::str::from_utf8(&line[..end]).ok().and_then(|text| text.parse().ok());
            if let Some(host) = host.filter(|&host| usable(host) && !hosts.contains(&host)) {
                hosts.push(host);
            }
        }
        Self { hosts }
    }

    /// The hosts, in the order of the list.
    pub fn hosts(&self) -> &[SocketAddrV4] {
        &self.hosts
    }
}

impl FromIterator<SocketAddrV4> for HostList {
    fn from_iter<I: IntoIterator<Item = SocketAddrV4>>(hosts: I) -> Self {
        Self { hosts: hosts.into_iter().collect() }
    }
}

impl fmt::Display for HostList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hosts.iter().try_for_each(|host| writeln!(f, "{host}"))
    }
}
