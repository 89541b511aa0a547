//! What each fuzz target checks, one module a target, so that a plain test can replay the corpora
//! (`tests/replay.rs`) without a fuzzer.

pub mod allocation;
pub mod bencode;
pub mod bencode_serde;
pub mod bencode_value;
pub mod bloom_wire;
pub mod chord_message;
pub mod chord_node;
pub mod cuts;
pub mod gnutella_extensions;
pub mod gnutella_handshake;
pub mod gnutella_link;
pub mod gnutella_message;
pub mod gnutella_payload;
pub mod gnutella_qrp;
pub mod gnutella_servent;
pub mod gnutella_servent06;
pub mod gnutella_text;
mod gnutella_world;
pub mod napster_message;
pub mod napster_peers;
pub mod nat_classify;
pub mod nat_device;
pub mod sim_texts;
pub mod stun_message;
pub mod torrent_edit;
pub mod torrent_magnet;
pub mod torrent_metadata;
pub mod torrent_metadata_peers;
pub mod torrent_metainfo;
pub mod torrent_verify;
