//! STUN messages side by side: decoding with more and less checked, and encoding.
//!
//! `cargo run --release -p overlay-benches --features peers --bin stun_vs -- --json`

mod ours;
#[cfg(feature = "peers")]
mod peers;

use std::io;
use std::process::ExitCode;

use overlay_benches::{Bench, Unit};

/// RFC 5769, section 2.1: SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY, FINGERPRINT.
const REQUEST: [u8; 108] = *b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\
\xfa\x87\xdf\xae\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\
\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\x00\x06\x00\x09evtj:h6vY   \
\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\
\x80\x28\x00\x04\xe5\x7a\x3b\xcf";

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const SOFTWARE: &str = "test vector";
const ID: [u8; 12] = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

/// What every contender must find in the request.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    attributes: usize,
    software: usize,
    username: usize,
}

fn main() -> io::Result<ExitCode> {
    let mut bench = Bench::from_args("stun_vs");
    let seen = Seen { attributes: 6, software: 16, username: 9 };
    let ours = ours::Ours::new();
    #[cfg(feature = "peers")]
    let peers = peers::Peers::new();

    if let Some(mut case) = bench.case("decode", Unit::Nanoseconds) {
        assert_eq!(ours.decode(), seen);
        case.ours(|| ours.decode());
        #[cfg(feature = "peers")]
        peers.decode(&mut case, seen);
        bench.run(case)?;
    }
    if let Some(mut case) = bench.case("decode_fingerprint", Unit::Nanoseconds) {
        assert_eq!(ours.decode_fingerprint(), seen);
        case.ours(|| ours.decode_fingerprint());
        #[cfg(feature = "peers")]
        peers.decode_fingerprint(&mut case, seen);
        bench.run(case)?;
    }
    if let Some(mut case) = bench.case("decode_both", Unit::Nanoseconds) {
        assert_eq!(ours.decode_both(), seen);
        case.ours(|| ours.decode_both());
        case.other("ours_key_each_time", || ours.decode_both_new_key());
        #[cfg(feature = "peers")]
        peers.decode_both(&mut case, seen);
        bench.run(case)?;
    }
    let mut buffer = Vec::new();
    if let Some(mut case) = bench.case("encode_both", Unit::Nanoseconds) {
        let expected = ours.encoded();
        case.ours(|| ours.encode(&mut buffer));
        case.other("ours_key_each_time", || ours.encode_new_key());
        #[cfg(feature = "peers")]
        peers.encode_both(&mut case, &expected);
        #[cfg(not(feature = "peers"))]
        drop(expected);
        bench.run(case)?;
    }
    Ok(bench.finish())
}
