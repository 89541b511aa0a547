//! overlay-bencode side by side with other bencode libraries. The README says what is compared with
//! what; run with `--features peers`, and `system-peers` for libtorrent.

mod decode;
mod encode;
mod typed;
mod types;
mod walk;

use std::io;
use std::process::ExitCode;

use overlay_benches::{Bench, Inputs};

fn main() -> io::Result<ExitCode> {
    let mut bench = Bench::from_args("bencode_vs");
    let inputs = Inputs::new();

    decode::tape(&mut bench, "tape_files", &inputs.files)?;
    decode::tape(&mut bench, "tape_big", &inputs.big)?;
    decode::tape(&mut bench, "tape_krpc", &inputs.krpc)?;

    decode::walk(&mut bench, "walk_files", &inputs.files)?;
    decode::walk(&mut bench, "walk_big", &inputs.big)?;
    decode::walk(&mut bench, "walk_krpc", &inputs.krpc)?;

    decode::tree(&mut bench, "tree_files", &inputs.files)?;
    decode::tree(&mut bench, "tree_krpc", &inputs.krpc)?;

    typed::decode_torrent(&mut bench, "typed_files", &inputs.files)?;
    typed::decode_query(&mut bench, "typed_krpc", &inputs.krpc)?;

    encode::tree(&mut bench, "encode_files", &inputs.files)?;
    encode::tree(&mut bench, "encode_big", &inputs.big)?;
    encode::tree(&mut bench, "encode_krpc", &inputs.krpc)?;

    typed::encode_torrent(&mut bench, "encode_typed_files", &inputs.files)?;
    typed::encode_query(&mut bench, "encode_typed_krpc", &inputs.krpc)?;

    Ok(bench.finish())
}
