//! The answer to a crawler over UDP: a servent's neighbours.

use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::BufMut;

use crate::addresses::{address, put_address};
use crate::{DecodeError, DecodeErrorKind};

/// The data of `LIME/6`, version 1: ultrapeers, then leaves, each with what the
/// [`CrawlerPing`](crate::VendorMessage::CrawlerPing) asked for and the servent knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrawlerPong<'a> {
    ultrapeers: u8,
    features: u8,
    entries: &'a [u8],
    rest: &'a [u8],
    leaves: u8,
}

/// A neighbour of who answered a crawler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrawledHost {
    /// Where it accepts connections.
    pub address: SocketAddr,
    /// For how many minutes they have been linked, if that was asked.
    pub minutes: Option<u16>,
    /// Its language, two letters, if that was asked.
    pub locale: Option<[u8; 2]>,
}

impl<'a> CrawlerPong<'a> {
    /// Feature: for how long each is linked.
    pub const CONNECTION_TIME: u8 = 0x01;
    /// Feature: the language of each.
    pub const LOCALE: u8 = 0x02;
    /// Feature: only those who understand crawlers.
    pub const NEW_ONLY: u8 = 0x04;
    /// Feature: the `User-Agent` of each.
    pub const USER_AGENT: u8 = 0x08;
    /// The features of version 1; an entry may have other parts with others.
    pub const FEATURES: u8 = 0x0f;

    /// Reads the data; features beyond version 1 are for the caller to refuse.
    pub(crate) fn decode(data: &'a [u8]) -> Result<Self, DecodeError> {
        let short = |expected| {
            let kind = DecodeErrorKind::ValueLength { length: data.len(), expected };
            DecodeError { offset: data.len(), kind }
        };
        let [ultrapeers, leaves, features, after @ ..] = data else {
            return Err(short("at least 3"));
        };
        let count = usize::from(*ultrapeers) + usize::from(*leaves);
        let (entries, rest) = after
            .split_at_checked(count * entry_size(*features))
            .ok_or(short("all the neighbours that are counted"))?;
        Ok(Self { ultrapeers: *ultrapeers, features: *features, entries, rest, leaves: *leaves })
    }

    /// What is told of each.
    pub fn features(&self) -> u8 {
        self.features
    }

    /// The ultrapeers it is linked to.
    pub fn ultrapeers(&self) -> impl Iterator<Item = CrawledHost> + use<'a> {
        self.hosts().take(self.ultrapeers.into())
    }

    /// Its leaves.
    pub fn leaves(&self) -> impl Iterator<Item = CrawledHost> + use<'a> {
        self.hosts().skip(self.ultrapeers.into())
    }

    /// The names of their programs, and its own as the last, separated by `;`: a little-endian length, and
    /// so many bytes of gzip, which are not looked into. Empty unless asked for.
    pub fn user_agents(&self) -> &'a [u8] {
        self.rest
    }

    fn hosts(&self) -> impl Iterator<Item = CrawledHost> + use<'a> {
        let features = self.features;
        self.entries.chunks_exact(entry_size(features)).filter_map(move |entry| {
            let (host, mut more) = entry.split_at_checked(6)?;
            let mut pair = |feature| {
                let (pair, after) = more.split_first_chunk().filter(|_| features & feature != 0)?;
                more = after;
                Some(*pair)
            };
            let minutes = pair(Self::CONNECTION_TIME).map(u16::from_le_bytes);
            let locale = pair(Self::LOCALE);
            Some(CrawledHost { address: address(host)?, minutes, locale })
        })
    }

    pub(crate) fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(&[self.ultrapeers, self.leaves, self.features]);
        out.put_slice(self.entries);
        out.put_slice(self.rest);
    }

    /// The data that tells of these neighbours, of each list at most 255; IPv6 ones are left out, as this
    /// version has no place for them. What is not known of one is 0.
    pub fn build(ultrapeers: &[CrawledHost], leaves: &[CrawledHost], features: u8) -> Vec<u8> {
        let features = features & (Self::CONNECTION_TIME | Self::LOCALE);
        let mut out = [0, 0, features].to_vec();
        for (index, hosts) in [ultrapeers, leaves].into_iter().enumerate() {
            for host in hosts.iter().filter(|host| host.address.is_ipv4()).take(255) {
                out[index] += 1;
                put_address(&mut out, host.address);
                if features & Self::CONNECTION_TIME != 0 {
                    out.put_u16_le(host.minutes.unwrap_or(0));
                }
                if features & Self::LOCALE != 0 {
                    out.put_slice(&host.locale.unwrap_or_default());
                }
            }
        }
        out
    }
}

fn entry_size(features: u8) -> usize {
    let wide = features & (CrawlerPong::CONNECTION_TIME | CrawlerPong::LOCALE);
    6 + 2 * wide.count_ones() as usize
}
