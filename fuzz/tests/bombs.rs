//! What little input can make gnutella-wire allocate. One test, as the counters are everybody's.

use gnutella_wire::{
    Decoded, Extension, Extensions, Frame, GgepBuilder, Guid, Header, HitResult, Limits,
    LinkReader, Message, OwnedQueryHit, Payload, Pong, Qrp, QrpError, QrpPatch, QrpReceiver, Query,
    QueryFlags, Trailer, keywords,
};
use overlay_fuzz::allocation::{Counting, peak};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MIB: usize = 1 << 20;

#[test]
fn bombs_cost_the_cap_and_a_walk_costs_nothing() {
    a_ggep_bomb_in_a_pong();
    a_zlib_bomb_in_a_patch();
    a_zlib_bomb_on_a_link();
    announced_sizes_cost_nothing();
    a_full_walk();
}

/// 30 MiB in a Pong.
fn a_ggep_bomb_in_a_pong() {
    let block = GgepBuilder::new().push_deflated(b"IPP", &vec![0; 30 * MIB]).expect("it fits");
    let block = block.finish();
    let pong = Pong {
        address: "192.0.2.7:6346".parse().expect("an address"),
        files: 0,
        kbytes: 0,
        extension: &block,
    };
    let mut bytes = Vec::new();
    let payload = Payload::Pong(pong);
    Message { guid: Guid::ZERO, ttl: 1, hops: 0, payload }.encode(&mut bytes);
    assert!(bytes.len() < 65_536);
    let limits = Limits::DEFAULT;
    let cost = peak(|| {
        let message = Message::decode(&bytes).expect("a Pong");
        let Payload::Pong(pong) = message.payload else { panic!("a Pong") };
        let item = pong.extensions().ggep(b"IPP").expect("it is there");
        assert!(item.data(&limits).is_err());
    });
    assert!(cost <= limits.inflated + bytes.len(), "{cost} bytes");
    assert!(cost > 0, "nothing is counted");
}

/// 40 MiB in a patch for a table of 65,536 slots, whole and in fragments.
fn a_zlib_bomb_in_a_patch() {
    let block = GgepBuilder::new().push_deflated(b"Z", &vec![0; 40 * MIB]).expect("it fits");
    let block = block.finish();
    let bomb = Extensions::of(&block).ggep(b"Z").expect("it is there").raw();
    let cap = 65_536 / 2;
    for fragment in [bomb.len(), 4_096, 1_024] {
        let mut receiver = QrpReceiver::new(16);
        receiver.receive(&Qrp::Reset { slots: 65_536, infinity: 7, rest: &[] }).expect("a reset");
        let count = u8::try_from(bomb.chunks(fragment).len()).expect("few");
        let cost = peak(|| {
            let error = (1..=count).zip(bomb.chunks(fragment)).find_map(|(number, data)| {
                let patch = QrpPatch { number, count, compressor: 1, entry_bits: 4, data };
                receiver.receive(&Qrp::Patch(patch)).err()
            });
            assert_eq!(error, Some(QrpError::TooManyEntries { slots: 65_536 }));
        });
        assert!(cost <= cap + bomb.len(), "{cost} bytes");
    }
}

/// 8 MiB of empty Pings on a deflated link, taken one at a time.
fn a_zlib_bomb_on_a_link() {
    let block = GgepBuilder::new().push_deflated(b"Z", &vec![0; 8 * MIB]).expect("it fits");
    let block = block.finish();
    let bomb = Extensions::of(&block).ggep(b"Z").expect("it is there").raw();
    let limits = Limits::DEFAULT;
    // The longest descriptor, in a buffer that may have grown to twice that, and the inflater.
    let cap = 2 * (Header::LEN + limits.payload) + 44_000;
    let mut pings = 0;
    let cost = peak(|| {
        let mut link = LinkReader::new(limits, true);
        let mut rest = bomb;
        while !rest.is_empty() {
            rest = &rest[link.feed(rest)..];
            while let Some(frame) = link.next().expect("an empty Ping") {
                pings += usize::from(frame.payload.is_empty());
            }
        }
    });
    assert_eq!(pings, 8 * MIB / Header::LEN);
    assert!(cost <= cap, "{cost} bytes");
}

/// What is only announced is not allocated.
fn announced_sizes_cost_nothing() {
    let mut header = vec![0; 23];
    header[16] = 0x81;
    header[19..].copy_from_slice(&65_536_u32.to_le_bytes());
    let cost = peak(|| Frame::decode_prefix(&header, &Limits::DEFAULT).is_ok());
    assert_eq!(cost, 0);
    let mut receiver = QrpReceiver::new(24);
    receiver.receive(&Qrp::Reset { slots: 1 << 24, infinity: 7, rest: &[] }).expect("a reset");
    // A first fragment of nothing, of a patch that might become 16 MiB.
    let patch = QrpPatch { number: 1, count: 255, compressor: 1, entry_bits: 8, data: &[] };
    let cost = peak(|| receiver.receive(&Qrp::Patch(patch)).is_ok());
    assert!(cost < 20_000, "{cost} bytes");
}

/// Every hit, block and string of a stream, without allocation.
fn a_full_walk() {
    let urn = b"urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB";
    let block = GgepBuilder::without_nul().push(b"ALT", &[1; 12]).expect("it fits");
    let block = block.push(b"CT", &[1, 2, 3, 4]).expect("it fits").finish();
    let extension = [&urn[..], &block].join(&0x1c);
    let address = "192.0.2.7:6346".parse().expect("an address");
    let results = ["Blue Train.ogg", "Naïve.mp3"].map(|name| HitResult {
        index: 1,
        size: 2,
        name: name.as_bytes(),
        extension: &extension,
    });
    let mut hit = OwnedQueryHit::new(address, 1, Guid::ZERO, results).expect("a hit");
    let open = Trailer::open_data(true, false);
    let private = GgepBuilder::new().push(b"BH", &[]).expect("it fits").finish();
    let trailer = Trailer::new(*b"TEST", &open, &private).expect("a trailer");
    let mut bytes = Vec::new();
    trailer.encode(&mut bytes);
    hit.trailer = bytes.into();
    let query = Query::new(QueryFlags::default(), b"blue train").expect("a query");
    let mut stream = Vec::new();
    for payload in [
        Payload::QueryHit(hit.borrow()),
        Payload::Query(query.with_extension(&extension)),
        Payload::Pong(Pong { address, files: 1, kbytes: 8, extension: &private }),
    ] {
        Message { guid: Guid::ZERO, ttl: 1, hops: 0, payload }.encode(&mut stream);
    }
    let mut seen = 0;
    let mut visit = |extensions: Extensions<'_>| {
        for extension in extensions {
            seen += match extension {
                Extension::Ggep(block) => block.map(|item| item.raw().len() + 1).sum(),
                Extension::Urn(text) | Extension::Other(text) => text.len(),
                _ => 0,
            };
        }
    };
    let cost = peak(|| {
        let mut rest = stream.as_slice();
        while let Ok(Decoded::Complete { value, consumed }) =
            Frame::decode_prefix(rest, &Limits::DEFAULT)
        {
            match value.parse().expect("a payload").payload {
                Payload::QueryHit(hit) => {
                    let trailer = hit.trailer().expect("it is fine").expect("there is one");
                    visit(trailer.extensions());
                    hit.results.for_each(|result| visit(result.extensions()));
                }
                Payload::Query(query) => {
                    assert_eq!(keywords(query.text()).count(), 2);
                    visit(query.extensions());
                }
                Payload::Pong(pong) => visit(pong.extensions()),
                _ => panic!("nothing else is there"),
            }
            rest = &rest[consumed..];
        }
        assert!(rest.is_empty());
    });
    assert_eq!((cost, seen), (0, 1 + 2 * (41 + 18) + (41 + 18) + 1));
}
