//! gnutella-wire side by side with what else there is: a bare nom walk, httparse for the heads, and tshark.
//! The README says what is compared with what; run with `--features peers`.

mod descriptors;
mod framing;
mod heads;
mod routing;
mod tshark;

use std::io;
use std::process::ExitCode;

use overlay_benches::Bench;
use overlay_benches::gnutella::Mix;

fn main() -> io::Result<ExitCode> {
    let mut bench = Bench::from_args("gnutella_vs");
    let (v04, v06, hits) = (Mix::v04(), Mix::v06(), Mix::hits());

    descriptors::walk(&mut bench, "walk_v04", &v04)?;
    descriptors::walk(&mut bench, "walk_v06", &v06)?;
    descriptors::walk_results(&mut bench, "walk_hits", &hits)?;
    framing::run(&mut bench, "frame_v04", &v04)?;
    framing::run(&mut bench, "frame_v06", &v06)?;
    descriptors::parse(&mut bench, "parse_v06", &v06)?;
    descriptors::own(&mut bench, "own_v06", &v06)?;
    descriptors::encode(&mut bench, "encode_v06", &v06)?;
    descriptors::link(&mut bench, "link_v06", &v06)?;

    routing::hash(&mut bench, "qrp_hash")?;
    routing::names(&mut bench, "qrp_names")?;
    routing::last_hop(&mut bench, "qrp_queries", &v06)?;
    routing::patch(&mut bench, "qrp_patch")?;

    heads::run(&mut bench, "head_handshake", heads::HANDSHAKE)?;
    heads::run(&mut bench, "head_request", heads::REQUEST)?;
    heads::run(&mut bench, "head_response", heads::RESPONSE)?;
    heads::offer(&mut bench, "offer")?;
    Ok(bench.finish())
}
