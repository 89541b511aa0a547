//! Streams of descriptors, the same everywhere.

use gnutella_wire::{
    AddressList, GgepBuilder, Guid, HitResult, Message, OwnedQueryHit, Payload, PayloadType, Ping,
    Pong, Push, QrpPatch, Query, QueryFlags, SupportedMessages, Trailer, Urn, VendorId,
    VendorMessage, ggep_number,
};
use gnutella_wire::{Capabilities, Qrp};

use crate::inputs::{SplitMix, WORDS};

/// A stream, and what is in it.
#[derive(Debug)]
pub struct Mix {
    /// Descriptors, one after the other.
    pub stream: Vec<u8>,
    /// As counted when it was made.
    pub holds: Holds,
}

/// How much is in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Descriptors.
    pub messages: usize,
    /// Queries among them.
    pub queries: usize,
    /// Results of hits.
    pub results: usize,
    /// Urns with a hash.
    pub urns: usize,
    /// GGEP extensions.
    pub ggep_items: usize,
    /// Bytes of the queries' texts and of the results' names.
    pub text_bytes: usize,
    /// Bytes of all queries, headers too.
    pub query_bytes: usize,
}

/// One kind of descriptor, written to the end of a stream.
type Kind = fn(&mut Maker);

impl Mix {
    /// What a servent of 0.4 read in November 2000: by bytes, 36 % queries, and Pings and Pongs most of
    /// the rest, more Pongs than Pings. No descriptor has extensions.
    pub fn v04() -> Self {
        Self::of(&[
            (2_200, |m| m.plain_ping()),
            (3_600, |m| m.plain_pong()),
            (3_500, |m| m.plain_query()),
            (400, |m| m.plain_hit()),
            (300, |m| m.push()),
        ])
    }

    /// What an ultrapeer of 0.6 reads: by bytes, 92 % queries, most of which have urns, GGEP blocks or
    /// XML; and every other type of descriptor.
    pub fn v06() -> Self {
        Self::of(&[
            (1_010, |m| m.plain_query()),
            (5_200, |m| m.query()),
            (1_800, |m| m.query_with_xml()),
            (1_400, |m| m.query_by_hash()),
            (200, |m| m.ping()),
            (140, |m| m.pong()),
            (50, |m| m.hit(5)),
            (40, |m| m.push()),
            (100, |m| m.hops_flow()),
            (25, |m| m.messages_supported()),
            (15, |m| m.capabilities()),
            (3, |m| m.reset()),
            (16, |m| m.patch()),
            (1, |m| m.bye()),
        ])
    }

    /// What a searcher of 0.6 reads: hits of up to ten results, with hashes, other locations, XML and
    /// push proxies.
    pub fn hits() -> Self {
        Self::of(&[
            (100, |m| m.hit(1)),
            (100, |m| m.hit(2)),
            (100, |m| m.hit(4)),
            (100, |m| m.hit(7)),
            (100, |m| m.hit(10)),
        ])
    }

    fn of(kinds: &[(usize, Kind)]) -> Self {
        let mut order: Vec<Kind> =
            kinds.iter().flat_map(|(count, kind)| std::iter::repeat_n(*kind, *count)).collect();
        let mut random = SplitMix(order.len() as u64);
        for index in (1..order.len()).rev() {
            order.swap(index, random.below(index + 1));
        }
        let mut maker = Maker { random, stream: Vec::new(), holds: Holds::default() };
        order.iter().for_each(|kind| kind(&mut maker));
        maker.holds.messages = order.len();
        Self { stream: maker.stream, holds: maker.holds }
    }
}

struct Maker {
    random: SplitMix,
    stream: Vec<u8>,
    holds: Holds,
}

impl Maker {
    fn put(&mut self, payload: Payload<'_>) {
        let guid = self.guid();
        let ttl = 1 + self.random.below(4) as u8;
        let hops = self.random.below(5) as u8;
        Message { guid, ttl, hops, payload }.encode(&mut self.stream);
    }

    fn guid(&mut self) -> Guid {
        let bytes: [u8; 16] = std::array::from_fn(|_| self.random.next() as u8);
        Guid::from_bytes(bytes).marked()
    }

    fn address(&mut self) -> std::net::SocketAddrV4 {
        let host = [100, 64, self.random.next() as u8, self.random.next() as u8];
        std::net::SocketAddrV4::new(host.into(), 1024 + self.random.below(60_000) as u16)
    }

    fn addresses(&mut self, count: usize) -> Vec<u8> {
        let list: Vec<_> = (0..count).map(|_| self.address().into()).collect();
        AddressList::encode_v4(list)
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.random.below(WORDS.len())]
    }

    /// Three words, 20 bytes or so.
    fn text(&mut self) -> String {
        let text = [self.word(), self.word(), self.word()].join(" ");
        self.holds.text_bytes += text.len();
        text
    }

    /// 40 bytes or so.
    fn name(&mut self) -> String {
        let ending = ["mp3", "mp3", "mp3", "avi", "jpg"][self.random.below(5)];
        let track = self.random.below(20);
        let words = [self.word(), self.word(), self.word(), self.word()];
        let [artist, group, title, more] = words;
        let name = format!("{artist} {group} - {track:02} - {title} {more} (live).{ending}");
        self.holds.text_bytes += name.len();
        name
    }

    fn urn(&mut self) -> String {
        self.holds.urns += 1;
        Urn::Sha1(std::array::from_fn(|_| self.random.next() as u8)).to_string()
    }

    fn block(&mut self, items: &[(&[u8], &[u8])]) -> Vec<u8> {
        self.block_of(GgepBuilder::new(), items)
    }

    fn block_of(&mut self, mut block: GgepBuilder, items: &[(&[u8], &[u8])]) -> Vec<u8> {
        self.holds.ggep_items += items.len();
        for (id, data) in items {
            block = block.push(id, data).expect("it fits");
        }
        block.finish()
    }

    fn plain_ping(&mut self) {
        self.put(Payload::Ping(Ping::default()));
    }

    fn ping(&mut self) {
        let block = self.block(&[(b"SCP", &[1])]);
        self.put(Payload::Ping(Ping { extension: &block }));
    }

    fn plain_pong(&mut self) {
        let (address, files) = (self.address(), self.random.below(500) as u32);
        self.put(Payload::Pong(Pong { address, files, kbytes: files * 4_000, extension: &[] }));
    }

    fn pong(&mut self) {
        let hosts = self.addresses(10);
        let uptime = ggep_number(self.random.next() % 200_000);
        let block = self.block(&[
            (b"DU", &uptime),
            (b"IPP", &hosts),
            (b"UP", &[1, 12, 3]),
            (b"VC", b"LIME\x4d"),
        ]);
        let (address, files) = (self.address(), self.random.below(500) as u32);
        self.put(Payload::Pong(Pong { address, files, kbytes: 1 << 21, extension: &block }));
    }

    fn put_query(&mut self, flags: QueryFlags, text: &str, extension: &[u8]) {
        let before = self.stream.len();
        let query = Query::new(flags, text.as_bytes()).expect("a text");
        self.put(Payload::Query(query.with_extension(extension)));
        self.holds.queries += 1;
        self.holds.query_bytes += self.stream.len() - before;
    }

    fn plain_query(&mut self) {
        let text = self.text();
        self.put_query(QueryFlags::from_min_speed(0), &text, &[]);
    }

    fn modern() -> QueryFlags {
        QueryFlags(QueryFlags::MARK | QueryFlags::XML | QueryFlags::GGEP_H)
    }

    fn query(&mut self) {
        let text = self.text();
        let block = self.block(&[(b"NP", &[]), (b"PR", &[]), (b"SO", &[0x52; 4])]);
        self.put_query(Self::modern(), &text, &[b"urn:", &block[..]].join(&0x1c));
    }

    fn query_with_xml(&mut self) {
        let text = self.text();
        let xml = format!(
            "<?xml version=\"1.0\"?><audios noNamespaceSchemaLocation=\
             \"http://www.limewire.com/schemas/audio.xsd\"><audio title=\"{}\"/></audios>",
            self.word()
        );
        let block = self.block(&[(b"NP", &[]), (b"M", &[4])]);
        let extension = [xml.as_bytes(), b"urn:", &block].join(&0x1c);
        self.put_query(Self::modern(), &text, &extension);
    }

    fn query_by_hash(&mut self) {
        self.holds.text_bytes += 1;
        let urn = self.urn();
        self.put_query(Self::modern(), "\\", urn.as_bytes());
    }

    fn plain_hit(&mut self) {
        let names = [self.name(), self.name(), self.name()];
        let index = self.random.next() as u32;
        let results = names.iter().map(|name| HitResult {
            index,
            size: 4_000_000,
            name: name.as_bytes(),
            extension: b"",
        });
        let (address, servent) = (self.address(), self.guid());
        let hit = OwnedQueryHit::new(address, 128, servent, results).expect("a hit");
        self.holds.results += 3;
        self.put(Payload::QueryHit(hit.borrow()));
    }

    fn hit(&mut self, count: usize) {
        let files: Vec<(String, Vec<u8>)> = (0..count)
            .map(|index| {
                let (name, urn) = (self.name(), self.urn());
                let others = self.addresses(1 + index % 4);
                let made = ggep_number(1_100_000_000 + self.random.next() % 10_000_000);
                let items: [(&[u8], &[u8]); 2] = [(b"ALT", &others), (b"CT", &made)];
                let block = self.block_of(GgepBuilder::without_nul(), &items);
                (name, [urn.as_bytes(), &block].join(&0x1c))
            })
            .collect();
        let results = files.iter().enumerate().map(|(index, (name, extension))| HitResult {
            index: index as u32,
            size: 4_000_000 + index as u32,
            name: name.as_bytes(),
            extension,
        });
        let (address, servent) = (self.address(), self.guid());
        let mut hit = OwnedQueryHit::new(address, 350, servent, results).expect("a hit");
        let proxies = self.addresses(3);
        let block = self.block(&[(b"BH", &[]), (b"PUSH", &proxies)]);
        let xml = b"{plaintext}<audios><audio index=\"0\" bitrate=\"192\"/></audios>\0";
        let size = (xml.len() as u16).to_le_bytes();
        let open = [&Trailer::open_data(true, false)[..], &size].concat();
        let private = [&[1][..], &block, xml].concat();
        let trailer = Trailer::new(*b"LIME", &open, &private).expect("a trailer");
        let mut bytes = Vec::new();
        trailer.encode(&mut bytes);
        hit.trailer = bytes.into();
        self.holds.results += count;
        self.put(Payload::QueryHit(hit.borrow()));
    }

    fn push(&mut self) {
        let (servent, address) = (self.guid(), self.address());
        self.put(Payload::Push(Push { servent, index: 7, address, extension: &[] }));
    }

    fn vendor(&mut self, message: &VendorMessage<'_>) {
        self.put(Payload::Vendor(message.to_vendor().borrow()));
    }

    fn hops_flow(&mut self) {
        self.vendor(&VendorMessage::HopsFlow { hops: 5 });
    }

    fn messages_supported(&mut self) {
        let messages: [(&[u8; 4], u16, u16); 6] = [
            (b"BEAR", 4, 1),
            (b"BEAR", 7, 1),
            (b"GTKG", 7, 2),
            (b"LIME", 11, 3),
            (b"LIME", 12, 2),
            (b"LIME", 21, 2),
        ];
        let list = messages.map(|(vendor, selector, version)| VendorId {
            vendor: *vendor,
            selector,
            version,
        });
        self.raw_vendor(0, &SupportedMessages::build(&list));
    }

    fn capabilities(&mut self) {
        let list = [(*b"DHTC", 0), (*b"FPLS", 1), (*b"TLS!", 1), (*b"FWTP", 2)];
        self.raw_vendor(10, &Capabilities::build(&list));
    }

    fn raw_vendor(&mut self, selector: u16, data: &[u8]) {
        let id = VendorId { vendor: [0; 4], selector, version: 0 };
        let message = VendorMessage::decode(id, data).expect("a list that was built");
        self.vendor(&message);
    }

    fn reset(&mut self) {
        self.put(Payload::Qrp(Qrp::Reset { slots: 65_536, infinity: 7, rest: &[] }));
    }

    fn patch(&mut self) {
        let data = self.random.bytes(100);
        let patch = QrpPatch { number: 1, count: 4, compressor: 1, entry_bits: 4, data: &data };
        self.put(Payload::Qrp(Qrp::Patch(patch)));
    }

    fn bye(&mut self) {
        let payload = Payload::decode(PayloadType::BYE, b"\xc8\x00Shutdown\0");
        self.put(payload.expect("a Bye"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_as_the_readme_says() {
        let share = |mix: &Mix| {
            let queries = mix.holds.query_bytes as f64 / mix.stream.len() as f64;
            let average = mix.stream.len() as f64 / mix.holds.messages as f64;
            ((100.0 * queries).round(), average.round())
        };
        assert_eq!(share(&Mix::v04()), (36.0, 44.0));
        assert_eq!(share(&Mix::v06()), (92.0, 91.0));
        let hits = Mix::hits();
        assert_eq!((hits.holds.messages, hits.holds.results), (500, 2_400));
    }
}
