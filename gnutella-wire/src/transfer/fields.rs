//! The fields that Gnutella adds to HTTP.

use core::net::{Ipv4Addr, SocketAddr};
use core::str::FromStr;

use super::ByteRange;
use crate::{Head, Urn};

/// What a request or a response says besides HTTP. Fields that are missing or make no sense are
/// `None`, or not among what is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferFields<'a> {
    head: Head<'a>,
}

/// A place in the queue of a servent whose upload slots are taken (`X-Queue`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueuePlace {
    /// Our place, from 1.
    pub position: Option<u32>,
    /// How many wait.
    pub length: Option<u32>,
    /// How many are served at a time.
    pub limit: Option<u32>,
    /// In how many seconds to ask again, at the earliest.
    pub poll_min: Option<u32>,
    /// And at the latest: the place is lost then.
    pub poll_max: Option<u32>,
}

impl<'a> TransferFields<'a> {
    /// The port that an address without one means.
    pub const DEFAULT_PORT: u16 = 6346;

    /// The fields of this head.
    pub const fn of(head: Head<'a>) -> Self {
        Self { head }
    }

    /// `X-Gnutella-Content-URN`, or `X-Content-URN`: the hashes of the file.
    pub fn content_urns(&self) -> impl Iterator<Item = Urn> + use<'a> {
        let fields = self.list("X-Gnutella-Content-URN").chain(self.list("X-Content-URN"));
        fields.filter_map(|entry| Urn::parse(entry).ok())
    }

    /// `X-Alt`: who else has the file.
    pub fn alternate_locations(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        self.addresses("X-Alt")
    }

    /// `X-NAlt`: who has it no longer.
    pub fn former_locations(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        self.addresses("X-NAlt")
    }

    /// `X-Push-Proxies`, or `X-Push-Proxy`: to whom a Push can be sent.
    pub fn push_proxies(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        self.addresses("X-Push-Proxies").chain(self.addresses("X-Push-Proxy"))
    }

    /// `X-Available-Ranges`: which parts of the file are there, if not all of it.
    pub fn available_ranges(&self) -> impl Iterator<Item = ByteRange> + use<'a> {
        self.list("X-Available-Ranges").filter_map(|entry| {
            let numbers = entry.strip_prefix(b"bytes").unwrap_or(entry).trim_ascii_start();
            let numbers = numbers.strip_prefix(b"=").unwrap_or(numbers).trim_ascii_start();
            let (first, last) = core::str::from_utf8(numbers).ok()?.split_once('-')?;
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then_some(ByteRange::FromTo { first, last })
        })
    }

    /// `X-Queue`: our place in the queue.
    pub fn queue_place(&self) -> Option<QueuePlace> {
        self.head.field("X-Queue")?;
        let mut place = QueuePlace::default();
        for entry in self.list("X-Queue") {
            let Some(equals) = entry.iter().position(|&byte| byte == b'=') else { continue };
            let (name, value) = (entry[..equals].trim_ascii(), &entry[equals + 1..]);
            let slot = match name.to_ascii_lowercase().as_slice() {
                b"position" => &mut place.position,
                b"length" => &mut place.length,
                b"limit" => &mut place.limit,
                b"pollmin" => &mut place.poll_min,
                b"pollmax" => &mut place.poll_max,
                _ => continue,
            };
            *slot = parse(value.trim_ascii());
        }
        Some(place)
    }

    /// `Retry-After`: in how many seconds to ask again.
    pub fn retry_after(&self) -> Option<u32> {
        parse(self.head.field("Retry-After")?)
    }

    /// `X-Thex-URI`: where the Tiger tree is, and its root.
    pub fn thex(&self) -> Option<(&'a [u8], &'a [u8])> {
        let value = self.head.field("X-Thex-URI")?;
        let end = value.iter().position(|&byte| byte == b';')?;
        Some((value[..end].trim_ascii(), value[end + 1..].trim_ascii()))
    }

    fn list(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.head
            .values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
    }

    fn addresses(&self, name: &'static str) -> impl Iterator<Item = SocketAddr> + use<'a> {
        self.list(name).filter_map(|entry| {
            parse(entry).or_else(|| {
                let ip: Ipv4Addr = parse(entry)?;
                Some((ip, Self::DEFAULT_PORT).into())
            })
        })
    }
}

fn parse<T: FromStr>(text: &[u8]) -> Option<T> {
    core::str::from_utf8(text).ok()?.parse().ok()
}
