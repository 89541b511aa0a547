#![no_main]

#[global_allocator]
static COUNTING: overlay_fuzz::allocation::Counting = overlay_fuzz::allocation::Counting;

libfuzzer_sys::fuzz_target!(|data: &[u8]| overlay_fuzz::sim_texts::check(data));
