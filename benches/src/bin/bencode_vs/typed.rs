//! Structs with serde: decoding and encoding.

use std::io;

use overlay_benches::{Bench, Unit};
use overlay_bencode::serde::Writer;
use serde::Serialize;

use crate::types::{Query, Torrent};

/// A torrent's metainfo with borrowed strings; keys without a field are skipped. serde_bencode can
/// not borrow and copies: `other`.
pub fn decode_torrent(bench: &mut Bench, name: &'static str, input: &[u8]) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    let ours = || -> Torrent<'_> { overlay_bencode::serde::from_bytes(input).expect("a torrent") };
    assert!(ours().sums().0 > 1_000);
    case.ours(ours);

    #[cfg(feature = "peers")]
    {
        use crate::types::OwnedTorrent;
        let expected = ours().sums();
        let librqbit =
            || -> Torrent<'_> { librqbit_bencode::from_bytes(input).expect("a torrent") };
        let bt_bencode = || -> Torrent<'_> { bt_bencode::from_slice(input).expect("a torrent") };
        let bendy = || -> Torrent<'_> { bendy::serde::from_bytes(input).expect("a torrent") };
        let owned = || -> OwnedTorrent { serde_bencode::from_bytes(input).expect("a torrent") };
        assert_eq!(librqbit().sums(), expected);
        assert_eq!(bt_bencode().sums(), expected);
        assert_eq!(bendy().sums(), expected);
        assert_eq!(owned().sums(), expected);
        case.peer("librqbit", librqbit);
        case.peer("bt_bencode", bt_bencode);
        case.peer("bendy", bendy);
        case.other("serde_bencode_owned", owned);
    }
    bench.run(case)
}

/// A DHT query with borrowed strings. Not bendy: it wants an `Option` to be a list of one item, which
/// no DHT node sends.
pub fn decode_query(bench: &mut Bench, name: &'static str, input: &[u8]) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    let ours = || -> Query<'_> { overlay_bencode::serde::from_bytes(input).expect("a query") };
    assert_eq!(&ours().q[..], b"get_peers");
    case.ours(ours);

    #[cfg(feature = "peers")]
    {
        use crate::types::OwnedQuery;
        let expected = ours();
        let librqbit = || -> Query<'_> { librqbit_bencode::from_bytes(input).expect("a query") };
        let bt_bencode = || -> Query<'_> { bt_bencode::from_slice(input).expect("a query") };
        let owned = || -> OwnedQuery { serde_bencode::from_bytes(input).expect("a query") };
        assert_eq!(librqbit(), expected);
        assert_eq!(bt_bencode(), expected);
        assert_eq!(owned().borrowed(), expected);
        case.peer("librqbit", librqbit);
        case.peer("bt_bencode", bt_bencode);
        case.other("serde_bencode_owned", owned);
    }
    bench.run(case)
}

/// The same torrent, encoded; see [`encode`].
pub fn encode_torrent(bench: &mut Bench, name: &'static str, input: &[u8]) -> io::Result<()> {
    let torrent: Torrent<'_> = overlay_bencode::serde::from_bytes(input).expect("a torrent");
    encode(bench, name, &torrent)
}

/// The same query, encoded; see [`encode`].
pub fn encode_query(bench: &mut Bench, name: &'static str, input: &[u8]) -> io::Result<()> {
    let query: Query<'_> = overlay_bencode::serde::from_bytes(input).expect("a query");
    encode(bench, name, &query)
}

/// A struct, whose fields happen to be in order, into a buffer that is used again. serde_bencode makes
/// a new one each time: `other`. Not bendy, as above.
fn encode(bench: &mut Bench, name: &'static str, value: &impl Serialize) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    let mut writer = Writer::new();
    case.ours(move || writer.write(value).expect("a message").len());

    #[cfg(feature = "peers")]
    {
        let expected = overlay_bencode::serde::to_vec(value).expect("a message");
        let librqbit = |out: &mut Vec<u8>| {
            librqbit_bencode::bencode_serialize_to_writer(value, out).expect("a message");
        };
        let bt_bencode = |out: &mut Vec<u8>| bt_bencode::to_writer(out, value).expect("a message");
        case.peer("librqbit", crate::encode::into_reused(&expected, librqbit));
        case.peer("bt_bencode", crate::encode::into_reused(&expected, bt_bencode));

        let serde_bencode = || serde_bencode::to_bytes(value).expect("a message");
        assert!(serde_bencode() == expected, "the encoding differs");
        case.other("serde_bencode_new_buffer", serde_bencode);
    }
    bench.run(case)
}
