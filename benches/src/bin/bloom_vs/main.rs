//! overlay-bloom side by side with other Bloom filters. The README says what is compared with what;
//! run with `--features peers`.

mod entry;
mod keys;
mod limit;
mod membership;
mod ours;
#[cfg(feature = "peers")]
mod peers;
mod sets;
mod threads;

use std::io;
use std::process::ExitCode;

use overlay_benches::Bench;

fn main() -> io::Result<ExitCode> {
    let mut bench = Bench::from_args("bloom_vs");
    for size in [entry::IN_CACHE, entry::OUT_OF_CACHE] {
        membership::run::<u64>(&mut bench, size)?;
        membership::run::<[u8; 16]>(&mut bench, size)?;
        membership::run_hashes(&mut bench, size)?;
    }
    threads::run(&mut bench)?;
    sets::run(&mut bench)?;
    Ok(bench.finish())
}
