//! Which descriptors to go on with, of those that can be decoded.

use crate::{
    Extension, Extensions, GgepValue, Header, Limits, Payload, PayloadType, QueryHit, Urn,
};

/// How much a servent puts up with.
///
/// Decoding itself is lenient: whatever has a place for each part is read. A profile says what to
/// drop, though it was read. Servents differ; each rule names who has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// What no servent accepts: descriptors whose parts contradict each other.
    Lenient,
    /// What the strictest servent would accept.
    Strict,
}

/// Why a descriptor should be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Lenient: the data of a vendor message is not what it holds (LimeWire, gtk-gnutella).
    #[error("vendor message that can not be read")]
    VendorMessage,
    /// Lenient: a list of addresses in a Pong is no multiple of their size (LimeWire).
    #[error("address list of a wrong length")]
    AddressList,
    /// Strict: a Bye that is not from a neighbour, with TTL 1 and hops 0 ("Bye", section 4).
    #[error("bye with ttl {ttl} and hops {hops}, expected 1 and 0")]
    ByePassedOn {
        /// Its TTL.
        ttl: u8,
        /// Its hops.
        hops: u8,
    },
    /// Strict: a query of more text than servents pass on (LimeWire and gtk-gnutella: 256 bytes).
    #[error("query of {length} bytes, expected at most {max}")]
    QueryTooLong {
        /// The length of its text.
        length: usize,
        /// The limit.
        max: usize,
    },
    /// Strict: a hit of nothing (gtk-gnutella).
    #[error("query hit without results")]
    NoResults,
    /// Strict: a hit's trailer that makes no sense; its results are fine (LimeWire ignores the trailer).
    #[error("trailer of a query hit that can not be read")]
    Trailer,
    /// Strict: a file's hash that is none (gtk-gnutella drops the hit).
    #[error("urn that can not be read")]
    Urn,
    /// Strict: a GGEP block without an end (LimeWire).
    #[error("GGEP block without a last extension")]
    UnterminatedGgep,
}

impl Profile {
    /// The most bytes of a query's text that strict servents pass on.
    pub const QUERY_BYTES: usize = 256;

    /// Judges a decoded descriptor. Nothing is inflated for it.
    ///
    /// # Errors
    /// It should be dropped.
    pub fn check(self, header: &Header, payload: &Payload<'_>) -> Result<(), Violation> {
        match payload {
            Payload::Vendor(vendor) => {
                vendor.message().map_err(|_| Violation::VendorMessage)?;
            }
            Payload::Pong(pong) => address_lists(pong.extensions())?,
            _ => {}
        }
        if self == Self::Lenient {
            return Ok(());
        }
        match payload {
            Payload::Ping(ping) => terminated(ping.extensions()),
            Payload::Pong(pong) => terminated(pong.extensions()),
            Payload::Push(push) => terminated(push.extensions()),
            Payload::Query(query) if query.text().len() > Self::QUERY_BYTES => {
                let (length, max) = (query.text().len(), Self::QUERY_BYTES);
                Err(Violation::QueryTooLong { length, max })
            }
            Payload::Query(query) => terminated(query.extensions()),
            Payload::QueryHit(hit) => strict_hit(hit),
            Payload::Bye(_) if (header.ttl, header.hops) != (1, 0) => {
                Err(Violation::ByePassedOn { ttl: header.ttl, hops: header.hops })
            }
            _ => Ok(()),
        }
    }

    /// Whether a payload of this type and length is taken at all: strict servents close the link on a
    /// query of more than 1,024 bytes and a hit of more than 65,536 (gtk-gnutella).
    pub const fn takes_length(self, payload_type: PayloadType, length: u32) -> bool {
        let max = match (self, payload_type) {
            (Self::Strict, PayloadType::QUERY) => 1_024,
            (Self::Strict, PayloadType::QUERY_HIT) => 65_536,
            (Self::Strict, _) => 40_960,
            (Self::Lenient, _) => 65_536,
        };
        length <= max
    }
}

fn strict_hit(hit: &QueryHit<'_>) -> Result<(), Violation> {
    if hit.results.len() == 0 {
        return Err(Violation::NoResults);
    }
    let trailer = hit.trailer().map_err(|_| Violation::Trailer)?;
    for result in hit.results {
        terminated(result.extensions())?;
        if result.extensions().urns().any(|urn| Urn::parse(urn).is_err()) {
            return Err(Violation::Urn);
        }
    }
    trailer.map_or(Ok(()), |trailer| terminated(trailer.extensions()))
}

fn terminated(mut extensions: Extensions<'_>) -> Result<(), Violation> {
    let ends = |extension| match extension {
        Extension::Ggep(block) => block.is_terminated(),
        _ => true,
    };
    if extensions.all(ends) { Ok(()) } else { Err(Violation::UnterminatedGgep) }
}

/// Lists that are deflated are not looked at: the sender's neighbours would not have, either.
fn address_lists(extensions: Extensions<'_>) -> Result<(), Violation> {
    for item in extensions.ggep_items() {
        if item.is_deflated() || !matches!(item.id(), b"IPP" | b"IPP6") {
            continue;
        }
        let data = item.data(&Limits::DEFAULT).map_err(|_| Violation::AddressList)?;
        GgepValue::decode(item.id(), &data).map_err(|_| Violation::AddressList)?;
    }
    Ok(())
}
