#![no_main]

/// So that `check` sees how much is allocated.
#[global_allocator]
static ALLOCATOR: overlay_fuzz::allocation::Counting = overlay_fuzz::allocation::Counting;

libfuzzer_sys::fuzz_target!(|data: &[u8]| overlay_fuzz::torrent_metainfo::check(data));
