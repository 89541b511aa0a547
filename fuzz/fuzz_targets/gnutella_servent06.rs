#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| overlay_fuzz::gnutella_servent06::check(data));
