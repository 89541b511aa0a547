//! Metadata put together from what a few peers send, some of whom lie.

use torrent_meta::{
    InfoHash, METADATA_BLOCK, MetadataAssembler, MetadataBody, MetadataHash, Progress,
    answer_metadata_request, metadata_block,
};

/// Sizes that peers tell: of less than a block, of just one, of more.
const SIZES: [u32; 4] = [66, METADATA_BLOCK as u32, METADATA_BLOCK as u32 + 66, 40_000];

static ZEROS: [u8; 40_000] = [0; 40_000];

/// Checks one input: each byte is a step of one of four peers. The real metadata has the first size.
pub fn check(steps: &[u8]) {
    let info = b"d6:lengthi1e4:name1:n12:piece lengthi1e6:pieces20:aaaaaaaaaaaaaaaaaaaae";
    let real = info.len() as u32;
    let max = 40_000;
    let mut assembler = MetadataAssembler::new(MetadataHash::V1(InfoHash::of(info))).max_size(max);
    let mut honest = [true; 4];
    for step in steps.iter().take(1_000) {
        let (peer, what, more) = (step & 3, step >> 2 & 7, step >> 5);
        let size = SIZES[usize::from(more & 3)];
        match what {
            0 => _ = assembler.add_peer(peer, real),
            1 => _ = assembler.add_peer(peer, size),
            2 => assembler.remove_peer(&peer),
            3 => assembler.reject(&peer, u32::from(more)),
            4 => {
                let kept = assembler.data(&peer, u32::from(more), size, &[more; 66]);
                if let Ok(Progress::Stored | Progress::WrongHash { .. }) = kept {
                    honest[usize::from(peer)] = false;
                }
            }
            // What it is asked for: the truth, or as many zeros.
            _ => {
                let Some(block) = assembler.request(&peer) else { continue };
                let truth = what == 5;
                let told = SIZES.into_iter().chain([real]);
                for size in told {
                    let zeros = &ZEROS[..size as usize];
                    let source = if truth && size == real { &info[..] } else { zeros };
                    let Some(bytes) = metadata_block(source, block) else { continue };
                    match assembler.data(&peer, block, size, bytes) {
                        Ok(Progress::Complete { info: found, liars }) => {
                            assert_eq!(found.raw(), info);
                            assert!(liars.iter().all(|liar| !honest[usize::from(*liar)]));
                            let banned = (0..4).filter(|peer| assembler.is_banned(peer));
                            assert!(banned.into_iter().all(|peer| !honest[usize::from(peer)]));
                            assert!(assembler.is_done() && assembler.buffered() == 0);
                        }
                        Ok(Progress::Stored | Progress::WrongHash { .. }) => {
                            honest[usize::from(peer)] &= truth && size == real;
                        }
                        Ok(Progress::Ignored) | Err(_) => {}
                        Ok(other) => panic!("{other:?}"),
                    }
                }
            }
        }
        assert!(assembler.buffered() <= 2 * max as usize);
    }
    // Whatever happened, someone new who tells the truth is enough, once the others are gone.
    for peer in 0..4 {
        assembler.remove_peer(&peer);
    }
    assert_eq!(assembler.buffered(), 0);
    if !assembler.is_done() {
        assembler.add_peer(9, real).expect("the size is good");
        let block = assembler.request(&9).expect("nobody else is there");
        let MetadataBody::Data { block: bytes, .. } = answer_metadata_request(Some(info), block)
        else {
            panic!("no block {block}");
        };
        let progress = assembler.data(&9, block, real, bytes);
        assert!(matches!(progress, Ok(Progress::Complete { .. })), "{progress:?}");
    }
}
