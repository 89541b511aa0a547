//! Two crawls of the real Gnutella network, of August 2002 (Ripeanu, Foster and Iamnitchi; SNAP's
//! p2p-Gnutella08 and p2p-Gnutella31). They are read from `corpus/topology` in the directories beside
//! the repository, or from the directory that `TOPOLOGY_CORPUS` names; without them the test says
//! that it was skipped.

use std::path::PathBuf;

use overlay_sim::topology::EdgeList;

fn crawl(name: &str) -> Option<EdgeList> {
    let directory = match std::env::var_os("TOPOLOGY_CORPUS") {
        Some(directory) => Some(PathBuf::from(directory)),
        None => {
            let above = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
            let mut beside = std::fs::read_dir(above).ok()?;
            beside.find_map(|entry| {
                let directory = entry.ok()?.path().join("corpus/topology");
                directory.is_dir().then_some(directory)
            })
        }
    };
    let Some(bytes) = directory.and_then(|dir| std::fs::read(dir.join(name)).ok()) else {
        println!("skipped: no corpus/topology/{name} beside the repository");
        return None;
    };
    Some(EdgeList::parse(&gunzip(&bytes)).expect(name))
}

/// RFC 1952: a header, perhaps with the file's name, then raw deflate.
fn gunzip(bytes: &[u8]) -> Vec<u8> {
    assert_eq!(bytes[..3], [0x1f, 0x8b, 8]);
    let flags = bytes[3];
    assert_eq!(flags & !8, 0, "a header of other fields than the name");
    let name = bytes[10..].iter().position(|&byte| byte == 0).unwrap_or(0);
    let start = if flags & 8 != 0 { 10 + name + 1 } else { 10 };
    miniz_oxide::inflate::decompress_to_vec(&bytes[start..]).expect("deflated")
}

/// The counts and the breadth-first searches were made by an independent program.
#[test]
fn reach_on_the_crawls_is_an_independent_search() {
    if let Some(list) = crawl("p2p-Gnutella08.txt.gz") {
        assert_eq!((list.declared_nodes, list.listed), (Some(6_301), 20_777));
        assert_eq!((list.graph.nodes(), list.graph.edges().len()), (6_301, 20_777));
        assert!(list.labels.iter().copied().eq(0..6_301));
        let reach = |source| (1..=10).map(|ttl| list.graph.reach(source, ttl)).collect::<Vec<_>>();
        assert_eq!(reach(0), REACH_08);
        assert_eq!(reach(100), REACH_08_100);
    }
    if let Some(list) = crawl("p2p-Gnutella31.txt.gz") {
        assert_eq!((list.declared_nodes, list.listed), (Some(62_586), 147_892));
        assert_eq!((list.graph.nodes(), list.graph.edges().len()), (62_586, 147_892));
        let reach = |source| (1..=12).map(|ttl| list.graph.reach(source, ttl)).collect::<Vec<_>>();
        assert_eq!(reach(0), REACH_31);
    }
}

const REACH_08: [usize; 10] = [10, 327, 1594, 4961, 6218, 6298, 6298, 6298, 6298, 6298];
const REACH_08_100: [usize; 10] = [4, 50, 381, 2678, 5529, 6267, 6298, 6298, 6298, 6298];
const REACH_31: [usize; 12] =
    [23, 319, 2932, 19095, 49814, 62235, 62558, 62560, 62560, 62560, 62560, 62560];
