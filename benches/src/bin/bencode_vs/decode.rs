//! Decoding: to a tape, to a tape and through all of it, to an owned tree.

use std::io;

use overlay_benches::{Bench, Tally, Unit};
use overlay_bencode::{Decoder, Tape, decode};

use crate::walk;

/// To a flat tape of tokens that borrows from the input. Ours and libtorrent's are fresh each time,
/// checked within limits of depth and tokens, and dropped; ours also refuses what is not canonical.
pub fn tape(bench: &mut Bench, name: &'static str, input: &[u8]) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    assert!(decode(input).is_ok());
    case.ours(|| decode(input).expect("a message"));

    // As a program that decodes one message after another would: libtorrent has no such call.
    let mut reused = Tape::new();
    case.other("ours_reused_tape", move || {
        Decoder::strict().decode_into(input, &mut reused).expect("a message").kind()
    });

    #[cfg(feature = "system-peers")]
    {
        use overlay_benches::libtorrent;
        assert_eq!(libtorrent::bdecode(input), Some(input.len()));
        assert_eq!(libtorrent::tally(input), Some(walk_ours(input)));
        case.peer("libtorrent", || libtorrent::bdecode(input));
    }
    bench.run(case)
}

fn walk_ours(input: &[u8]) -> Tally {
    walk::tape(decode(input).expect("a message").root())
}

/// From bytes to every value visited, strings as bytes, integers as numbers: what each library offers
/// for it with the least copying. Equal work by definition, whatever is built on the way.
pub fn walk(bench: &mut Bench, name: &'static str, input: &[u8]) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    case.ours(|| walk_ours(input));

    #[cfg(feature = "peers")]
    {
        let expected = walk_ours(input);
        let librqbit = || {
            let value: librqbit_bencode::BencodeValueBorrowed<'_> =
                librqbit_bencode::from_bytes(input).expect("a message");
            walk::librqbit(&value)
        };
        let bt_bencode = || {
            let value: bt_bencode::Value = bt_bencode::from_slice(input).expect("a message");
            walk::bt_bencode(&value)
        };
        let bendy = || {
            let value: bendy::value::Value<'_> =
                bendy::serde::from_bytes(input).expect("a message");
            walk::bendy(&value)
        };
        let serde_bencode = || {
            let value: serde_bencode::value::Value =
                serde_bencode::from_bytes(input).expect("a message");
            walk::serde_bencode(&value)
        };
        assert_eq!(librqbit(), expected);
        assert_eq!(bt_bencode(), expected);
        assert_eq!(bendy(), expected);
        assert_eq!(serde_bencode(), expected);
        assert_eq!(walk::bendy_pull(input), expected);
        case.peer("librqbit", librqbit);
        case.peer("bt_bencode", bt_bencode);
        case.peer("bendy", bendy);
        case.peer("serde_bencode", serde_bencode);
        // Leaves nothing to look anything up in.
        case.other("bendy_pull", || walk::bendy_pull(input));
    }
    #[cfg(feature = "system-peers")]
    {
        use overlay_benches::libtorrent;
        assert_eq!(libtorrent::tally(input), Some(walk_ours(input)));
        case.peer("libtorrent", || libtorrent::tally(input));
    }
    bench.run(case)
}

/// To a tree that owns copies of all strings, which is dropped.
pub fn tree(bench: &mut Bench, name: &'static str, input: &[u8]) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    let ours = || decode(input).and_then(|document| document.to_value()).expect("a message");
    assert_eq!(walk::value(&ours()), walk_ours(input));
    case.ours(ours);

    #[cfg(feature = "peers")]
    {
        use bendy::decoding::{Decoder as BendyDecoder, FromBencode};
        let expected = walk_ours(input);
        let librqbit = || -> librqbit_bencode::BencodeValueOwned {
            librqbit_bencode::from_bytes(input).expect("a message")
        };
        let bt_bencode =
            || -> bt_bencode::Value { bt_bencode::from_slice(input).expect("a message") };
        let bendy = || {
            let mut decoder = BendyDecoder::new(input).with_max_depth(100);
            let root = decoder.next_object().expect("a message").expect("a message");
            bendy::value::Value::decode_bencode_object(root).expect("a message")
        };
        let serde_bencode = || -> serde_bencode::value::Value {
            serde_bencode::from_bytes(input).expect("a message")
        };
        let lava = || lava_torrent::bencode::BencodeElem::from_bytes(input).expect("a message");
        assert_eq!(walk::librqbit(&librqbit()), expected);
        assert_eq!(walk::bt_bencode(&bt_bencode()), expected);
        assert_eq!(walk::bendy(&bendy()), expected);
        assert_eq!(walk::serde_bencode(&serde_bencode()), expected);
        assert_eq!(walk::lava(&lava()[0]), expected);
        case.peer("librqbit", librqbit);
        case.peer("bt_bencode", bt_bencode);
        case.peer("bendy", bendy);
        case.peer("serde_bencode", serde_bencode);
        case.peer("lava_torrent", lava);
    }
    #[cfg(feature = "system-peers")]
    {
        use overlay_benches::libtorrent::Tree;
        assert_eq!(Tree::decode(input).expect("a message").encode(), Some(input));
        case.peer("libtorrent", || Tree::decode(input));
    }
    bench.run(case)
}
