//! overlay-chord's bulk ring: building it and looking up, in a ring that the caches hold and in one of
//! a million nodes. The README says what is compared with what; run with `--features peers`.

mod build;
mod limit;
mod lookup;
mod owner;
#[cfg(feature = "peers")]
mod peers;
mod workload;

use std::io;
use std::process::ExitCode;

use overlay_benches::Bench;
use overlay_chord::{Id64, Id160};

fn main() -> io::Result<ExitCode> {
    let mut bench = Bench::from_args("chord_vs");
    build::run::<Id64<64>>(&mut bench, &["build_small", "build_million"])?;
    build::run::<Id160>(&mut bench, &["build_160_small", "build_160_million"])?;
    lookup::run::<Id64<64>>(&mut bench, &lookup::NAMES)?;
    lookup::run::<Id160>(&mut bench, &lookup::NAMES_160)?;
    owner::run(&mut bench)?;
    Ok(bench.finish())
}
