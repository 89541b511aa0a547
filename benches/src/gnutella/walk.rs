//! A walk through everything that a stream of descriptors says.

use std::net::{IpAddr, SocketAddr};

use gnutella_wire::{
    Decoded, Extension, Extensions, Frame, GgepItem, GgepValue, Guid, Limits, Message, Payload,
    Qrp, QueryHit, Urn, Vendor, VendorMessage,
};

/// Sums over all values, cheap enough that taking them is a fair walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Descriptors.
    pub messages: usize,
    /// Queries.
    pub queries: usize,
    /// Results of hits.
    pub results: usize,
    /// Urns with a hash.
    pub urns: usize,
    /// GGEP extensions.
    pub ggep_items: usize,
    /// Bytes of the queries' texts and of the results' names.
    pub text_bytes: usize,
    /// The sum of all strings' first bytes, numbers, ports and hashes' first bytes, modulo 2⁶⁴.
    pub sum: u64,
    /// What could not be read.
    pub errors: usize,
}

impl Seen {
    fn number(&mut self, number: impl Into<u64>) {
        self.sum = self.sum.wrapping_add(number.into());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.first().copied().unwrap_or_default());
        self.number(bytes.len() as u64);
    }

    fn flag(&mut self, flag: Option<bool>) {
        self.number(u64::from(flag.is_some()) + u64::from(flag == Some(true)));
    }

    fn guid(&mut self, guid: &Guid) {
        self.number(guid.as_bytes()[0]);
    }

    fn address(&mut self, address: SocketAddr) {
        self.number(address.port());
        self.number(match address.ip() {
            IpAddr::V4(ip) => ip.octets()[3],
            IpAddr::V6(ip) => ip.octets()[15],
        });
    }

    fn message(&mut self, message: &Message<'_>) {
        self.guid(&message.guid);
        self.number(message.ttl);
        self.number(message.hops);
        match message.payload {
            Payload::Ping(ping) => self.extensions(ping.extensions()),
            Payload::Pong(pong) => {
                self.address(pong.address.into());
                self.number(pong.files);
                self.number(pong.kbytes);
                self.extensions(pong.extensions());
            }
            Payload::Query(query) => {
                self.queries += 1;
                self.number(query.flags().0);
                self.text(query.text());
                self.extensions(query.extensions());
            }
            Payload::QueryHit(hit) => self.hit(&hit),
            Payload::Push(push) => {
                self.guid(&push.servent);
                self.number(push.index);
                self.address(push.address.into());
                self.extensions(push.extensions());
            }
            Payload::Bye(bye) => {
                self.number(bye.code);
                self.bytes(bye.message());
            }
            Payload::Qrp(Qrp::Reset { slots, infinity, rest }) => {
                self.number(slots);
                self.number(infinity);
                self.bytes(rest);
            }
            Payload::Qrp(Qrp::Patch(patch)) => {
                self.number(patch.number);
                self.number(patch.count);
                self.bytes(patch.data);
            }
            Payload::Vendor(vendor) => self.vendor(&vendor),
            Payload::Unknown { bytes, .. } => self.bytes(bytes),
            _ => self.errors += 1,
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.text_bytes += text.len();
        self.bytes(text);
    }

    fn hit(&mut self, hit: &QueryHit<'_>) {
        self.address(hit.address.into());
        self.number(hit.speed);
        for result in hit.results {
            self.results += 1;
            self.number(result.index);
            self.number(result.size);
            self.text(result.name);
            self.extensions(result.extensions());
        }
        match hit.trailer() {
            Ok(Some(trailer)) => {
                self.bytes(&trailer.vendor());
                self.flag(trailer.push());
                self.flag(trailer.busy());
                self.flag(trailer.uploaded());
                self.flag(trailer.measured_speed());
                self.flag(trailer.ggep());
                self.flag(trailer.chat());
                self.extensions(trailer.extensions());
                self.bytes(trailer.xml().map(|xml| xml.as_bytes()).unwrap_or_default());
            }
            Ok(None) => {}
            Err(_) => self.errors += 1,
        }
        self.guid(&hit.servent);
    }

    fn vendor(&mut self, vendor: &Vendor<'_>) {
        match vendor.message() {
            Ok(VendorMessage::MessagesSupported(list)) => {
                list.iter().for_each(|id| self.number(id.selector));
            }
            Ok(VendorMessage::Capabilities(list)) => {
                list.iter().for_each(|(_, version)| self.number(version));
            }
            Ok(VendorMessage::HopsFlow { hops }) => self.number(hops),
            Ok(_) => self.bytes(vendor.data),
            Err(_) => self.errors += 1,
        }
    }

    fn extensions(&mut self, extensions: Extensions<'_>) {
        for extension in extensions {
            match extension {
                Extension::Ggep(block) => block.for_each(|item| self.ggep(&item)),
                Extension::Urn(text) if text.len() > 9 => match Urn::parse(text) {
                    Ok(urn) => {
                        self.urns += 1;
                        self.bytes(&urn.sha1().unwrap_or_default());
                    }
                    Err(_) => self.errors += 1,
                },
                Extension::Urn(text) | Extension::Other(text) => self.bytes(text),
                Extension::Xml(xml) => self.bytes(xml.as_bytes()),
                _ => self.errors += 1,
            }
        }
    }

    fn ggep(&mut self, item: &GgepItem<'_>) {
        self.ggep_items += 1;
        self.bytes(item.id());
        if item.is_cobs() {
            // Seldom, and no longer than that in these streams.
            match item.data_in(&mut [0; 256]) {
                Some(data) => self.ggep_value(item.id(), data),
                None => self.errors += 1,
            }
        } else {
            match item.data(&Limits::DEFAULT) {
                Ok(data) => self.ggep_value(item.id(), &data),
                Err(_) => self.errors += 1,
            }
        }
    }

    #[inline]
    fn ggep_value(&mut self, id: &[u8], data: &[u8]) {
        match GgepValue::decode(id, data) {
            Ok(GgepValue::Addresses(list)) => list.iter().for_each(|it| self.address(it)),
            Ok(GgepValue::Number(number)) => self.number(number),
            Ok(GgepValue::Vendor { vendor, .. }) => self.bytes(&vendor),
            Ok(GgepValue::Ultrapeer { leaves, .. }) => self.number(leaves),
            Ok(GgepValue::HostsWanted { flags }) => self.number(flags),
            Ok(_) => self.bytes(data),
            Err(_) => self.errors += 1,
        }
    }
}

/// Visits every header, payload, result, extension and string of a stream.
pub fn walk(stream: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let mut rest = stream;
    while let Ok(Decoded::Complete { value, consumed }) =
        Frame::decode_prefix(rest, &Limits::DEFAULT)
    {
        seen.messages += 1;
        match value.parse() {
            Ok(message) => seen.message(&message),
            Err(_) => seen.errors += 1,
        }
        rest = &rest[consumed..];
    }
    seen.errors += usize::from(!rest.is_empty());
    seen
}
