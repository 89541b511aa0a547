//! Every corpus input, and every crash ever found (kept in the corpora under a name that says what
//! it was), goes through its check again.

use std::path::Path;

macro_rules! replay {
    ($($target:ident),* $(,)?) => {$(
        #[test]
        fn $target() {
            replay(stringify!($target), overlay_fuzz::$target::check);
        }
    )*};
}

replay!(
    bencode,
    bencode_serde,
    bencode_value,
    bloom_wire,
    chord_message,
    chord_node,
    gnutella_extensions,
    gnutella_handshake,
    gnutella_link,
    gnutella_message,
    gnutella_payload,
    gnutella_qrp,
    gnutella_servent,
    gnutella_servent06,
    gnutella_text,
    napster_message,
    napster_peers,
    nat_classify,
    nat_device,
    sim_texts,
    stun_message,
    torrent_edit,
    torrent_magnet,
    torrent_metadata,
    torrent_metadata_peers,
    torrent_metainfo,
    torrent_verify,
);

fn replay(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&corpus)
        .unwrap_or_else(|error| panic!("{}: {error}", corpus.display()))
        .map(|entry| entry.expect("corpus entry").path())
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", corpus.display());
    for input in inputs {
        check(
            &std::fs::read(&input).unwrap_or_else(|error| panic!("{}: {error}", input.display())),
        );
    }
}
