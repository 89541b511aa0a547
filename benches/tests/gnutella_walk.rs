//! A walk through everything in a Gnutella stream finds what was written, and allocates nothing.
//!
//! Without the test harness, whose own threads would allocate in between: the counters are everybody's.

use overlay_benches::gnutella::{Holds, Mix, Seen, walk};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let before = dhat::HeapStats::get().total_blocks;
    let mixes = [Mix::v04(), Mix::v06(), Mix::hits()];
    assert!(dhat::HeapStats::get().total_blocks > before, "nothing is counted");
    for Mix { stream, holds } in mixes {
        let before = dhat::HeapStats::get();
        let seen = walk(&stream);
        let after = dhat::HeapStats::get();
        dhat::assert_eq!(after.total_blocks, before.total_blocks);
        dhat::assert_eq!(after.total_bytes, before.total_bytes);
        let Seen { messages, queries, results, urns, ggep_items, text_bytes, errors, .. } = seen;
        let query_bytes = holds.query_bytes;
        let found = Holds { messages, queries, results, urns, ggep_items, text_bytes, query_bytes };
        assert_eq!((found, errors), (holds, 0));
    }
}
