//! torrent-meta side by side with other libraries: loading a torrent, hashing pieces and leaves. The
//! README says what is compared with what; run with `--features peers`, and `system-peers` for
//! libtorrent.

mod hash;
mod load;

use std::io;
use std::process::ExitCode;

use overlay_benches::{Bench, Inputs};

fn main() -> io::Result<ExitCode> {
    let mut bench = Bench::from_args("torrent_vs");
    let inputs = Inputs::new();

    load::with_paths(&mut bench, "load_files", &inputs.files)?;
    load::without_paths(&mut bench, "parse_files", &inputs.files)?;
    load::without_paths(&mut bench, "parse_big", &inputs.big)?;

    hash::pieces(&mut bench, "sha1_256k")?;
    hash::leaves(&mut bench, "sha256_leaves")?;

    Ok(bench.finish())
}
