//! Encoding owned trees.

use std::io;

use overlay_benches::{Bench, Unit};
use overlay_bencode::decode;

/// A tree into a buffer that is emptied and used again, so that after the first time nobody has to
/// make it grow. bendy and serde_bencode can not do that and make a new one each time: `other`.
pub fn tree(bench: &mut Bench, name: &'static str, input: &[u8]) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    let value = decode(input).and_then(|document| document.to_value()).expect("a message");
    let ours = move |out: &mut Vec<u8>| value.encode(out);
    case.ours(into_reused(input, ours));
    case.other("memcpy", into_reused(input, |out| out.extend_from_slice(input)));

    #[cfg(feature = "peers")]
    {
        let librqbit: librqbit_bencode::BencodeValueBorrowed<'_> =
            librqbit_bencode::from_bytes(input).expect("a message");
        let librqbit = move |out: &mut Vec<u8>| {
            librqbit_bencode::bencode_serialize_to_writer(&librqbit, out).expect("memory");
        };
        let bt_bencode: bt_bencode::Value = bt_bencode::from_slice(input).expect("a message");
        let bt_bencode =
            move |out: &mut Vec<u8>| bt_bencode::to_writer(out, &bt_bencode).expect("memory");
        let lava = lava_torrent::bencode::BencodeElem::from_bytes(input).expect("a message");
        let lava = move |out: &mut Vec<u8>| lava[0].write_into(out).expect("memory");
        case.peer("librqbit", into_reused(input, librqbit));
        case.peer("bt_bencode", into_reused(input, bt_bencode));
        case.peer("lava_torrent", into_reused(input, lava));

        let bendy: bendy::value::Value<'_> = bendy::serde::from_bytes(input).expect("a message");
        let bendy = move || {
            let mut encoder = bendy::encoding::Encoder::new().with_max_depth(100);
            encoder.emit(&bendy).and_then(|()| encoder.get_output()).expect("a message")
        };
        let serde_bencode: serde_bencode::value::Value =
            serde_bencode::from_bytes(input).expect("a message");
        let serde_bencode = move || serde_bencode::to_bytes(&serde_bencode).expect("a message");
        assert_eq!(bendy(), input);
        assert_eq!(serde_bencode(), input);
        case.other("bendy_new_buffer", bendy);
        case.other("serde_bencode_new_buffer", serde_bencode);
    }
    #[cfg(feature = "system-peers")]
    {
        use overlay_benches::libtorrent::Tree;
        let mut tree = Tree::decode(input).expect("a message");
        assert_eq!(tree.encode(), Some(input));
        case.peer("libtorrent", move || tree.encode().map(<[u8]>::len));
        let tree = Tree::decode(input).expect("a message");
        let mut unchecked = tree.encoder_unchecked().expect("memory");
        assert_eq!(unchecked.encode(), Some(input));
        // Trusts the caller that the buffer is long enough.
        case.other("libtorrent_unchecked", move || unchecked.encode().map(<[u8]>::len));
    }
    bench.run(case)
}

/// Checks that the encoding is as expected, then does it again and again.
pub fn into_reused<F: FnMut(&mut Vec<u8>)>(
    expected: &[u8],
    mut encode: F,
) -> impl FnMut() -> usize + use<F> {
    let mut out = Vec::new();
    encode(&mut out);
    assert!(out == expected, "the encoding differs");
    move || {
        out.clear();
        encode(&mut out);
        out.len()
    }
}
