//! Texts with an edge a line.

use overlay_sim::topology::{EdgeList, EdgeListErrorKind, Graph};
use proptest::prelude::*;

proptest! {
    /// What is printed as edges is read as the same edges, whatever the nodes are called.
    #[test]
    fn round_trip(nodes in 2u32..50, share in 0.0f64..1.0, seed: u64, names in any::<u32>()) {
        let edges = (share * f64::from(nodes * (nodes - 1) / 2)) as usize;
        let graph = Graph::erdos_renyi(nodes, edges, seed);
        let name = |node: u32| u64::from(node) * 7 + u64::from(names);
        let lines = graph.edges().map(|(a, b)| format!("{}\t{}\r\n", name(b), name(a)));
        let text = format!("# FromNodeId\tToNodeId\n\n{}", lines.collect::<String>());
        let list = EdgeList::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(list.listed, edges);
        let label = |node: u32| list.labels[node as usize];
        let read: Vec<_> = list.graph.edges().map(|(a, b)| (label(a), label(b))).collect();
        let printed: Vec<_> = graph.edges().map(|(a, b)| (name(a), name(b))).collect();
        // One lone edge "7 0" may as well be a header: 7 nodes and no edge.
        prop_assert!(read == printed || edges == 1);
    }

    #[test]
    fn never_panics(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = EdgeList::parse(&text);
    }

    #[test]
    fn never_panics_on_digits(text in "[0-9 #\n\t]{0,200}") {
        if let Ok(list) = EdgeList::parse(text.as_bytes()) {
            prop_assert!(list.labels.len() <= text.len());
            prop_assert!(list.labels.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}

#[test]
fn headers_are_told_from_edges() {
    let declared = |text: &str| {
        let list = EdgeList::parse(text.as_bytes()).unwrap();
        (list.declared_nodes, list.listed)
    };
    assert_eq!(declared("# c\n3\n0\t1\n1\t2\n"), (Some(3), 2));
    assert_eq!(declared("3 2\n0 1\n1 2\n"), (Some(3), 2));
    assert_eq!(declared("3 0777\n0\t1\n1\t2\n"), (Some(3), 2));
    assert_eq!(declared("3 1\n0 1\n1 2\n"), (None, 3));
    assert_eq!(declared("2 0777\n0\t1\n1\t2\n"), (None, 3));
    assert_eq!(declared("1 2"), (None, 1));
    assert_eq!(declared(""), (None, 0));
}

/// Loops, repetitions and the other direction are listed, but no edges of the graph.
#[test]
fn directions_do_not_count() {
    let list = EdgeList::parse(b"5\t9\n9\t5\n5\t5\n5\t9\n70\t5").unwrap();
    assert_eq!((list.listed, list.labels), (5, vec![5, 9, 70]));
    assert!(list.graph.edges().eq([(0, 1), (0, 2)]));
}

#[test]
fn errors_say_where() {
    let error = |text: &str| {
        let error = EdgeList::parse(text.as_bytes()).unwrap_err();
        (error.line, error.kind)
    };
    assert_eq!(error("0 1\n0 x1"), (2, EdgeListErrorKind::NotANumber { column: 3 }));
    assert_eq!(error("0 1\n\n -2 1"), (3, EdgeListErrorKind::NotANumber { column: 2 }));
    assert_eq!(error("0 18446744073709551616").1, EdgeListErrorKind::NotANumber { column: 3 });
    assert_eq!(error("0 1\n2"), (2, EdgeListErrorKind::Fields { fields: 1 }));
    assert_eq!(error("0 1 2 "), (1, EdgeListErrorKind::Fields { fields: 3 }));
    let text = EdgeList::parse(b"0 1\n0 x1").unwrap_err().to_string();
    assert_eq!(text, "line 2: expected a node's number of at most 64 bits in column 3");
}
