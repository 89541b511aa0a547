//! Extensions: GGEP blocks, urns, XML. A walk ends, inflates no more than it may, and what was found
//! can be built again.

use gnutella_wire::{
    Extension, Extensions, Ggep, GgepBuilder, GgepValue, Limits, Urn, partial_nodes, partial_ranges,
};

const LIMITS: Limits = Limits { inflated: 4_096, ..Limits::DEFAULT };

/// Those whose data is looked into.
const IDS: [&[u8]; 18] = [
    b"IPP", b"ALT", b"PUSH", b"IPP6", b"ALT6", b"PUSH6", b"IP", b"6", b"DU", b"LF", b"CT", b"VC",
    b"UP", b"SCP", b"H", b"u", b"TT", b"BH",
];

/// Checks one input: what follows the fixed part of a payload.
pub fn check(data: &[u8]) {
    walk(Extensions::of(data));
    match Ggep::split(data) {
        Ok((block, rest)) => {
            assert_eq!(1 + block.as_bytes().len() + rest.len(), data.len());
            rebuild(block);
        }
        Err(error) => assert!(error.offset <= data.len()),
    }
    if let Ok(urn) = Urn::parse(data) {
        assert_eq!(urn.to_string().parse(), Ok(urn));
        assert!(urn.to_string().as_bytes().eq_ignore_ascii_case(data));
    }
    for id in IDS {
        if let Err(error) = GgepValue::decode(id, data) {
            assert!(error.offset <= data.len());
        }
    }
    if let Some((size, rest)) = data.split_first_chunk() {
        partial(u64::from_le_bytes(*size), Extensions::of(rest));
    }
}

/// Visits everything.
pub fn walk(extensions: Extensions<'_>) {
    for extension in extensions {
        match extension {
            Extension::Ggep(block) => {
                for item in block {
                    if !item.is_deflated() {
                        let mut buffer = vec![0; item.raw().len()];
                        let here = item.data_in(&mut buffer);
                        assert_eq!(here, item.data(&LIMITS).ok().as_deref());
                    }
                    if let Ok(data) = item.data(&LIMITS) {
                        assert!(data.len() <= LIMITS.inflated.max(item.raw().len()));
                        if let Ok(GgepValue::Addresses(list)) = GgepValue::decode(item.id(), &data)
                        {
                            assert!(matches!(
                                data.len().checked_div(list.iter().len()),
                                None | Some(6 | 18)
                            ));
                        }
                    }
                }
            }
            Extension::Urn(text) => {
                if let Err(error) = Urn::parse(text) {
                    assert!(error.offset <= text.len());
                }
            }
            Extension::Xml(xml) => {
                let _ = xml.text(&LIMITS);
            }
            Extension::Other(raw) => assert!(!raw.is_empty()),
            _ => {}
        }
    }
}

fn rebuild(block: Ggep<'_>) {
    let mut builder = GgepBuilder::without_nul();
    let mut values = Vec::new();
    for item in block {
        let Ok(data) = item.data(&LIMITS) else { return };
        values.push((item.id(), data.clone().into_owned()));
        builder = match item.is_deflated() {
            true => builder.push_deflated(item.id(), &data),
            false => builder.push(item.id(), &data),
        }
        .expect("an id that was read, and data that fits");
    }
    let bytes = builder.finish();
    assert!(!bytes.contains(&0));
    let (again, rest) = Ggep::split(&bytes).expect("a block that was built");
    assert!(rest.is_empty() && again.is_terminated());
    let again = again.map(|item| (item.id(), item.data(&LIMITS).expect("the same").into_owned()));
    assert_eq!(again.collect::<Vec<_>>(), values);
}

/// Ranges that are read cover nodes that mean the same bytes.
fn partial(size: u64, extensions: Extensions<'_>) {
    let Ok(Some(mut ranges)) = partial_ranges(extensions, size, &LIMITS) else { return };
    ranges.sort_unstable_by_key(|range| range.start);
    let mut end = 0;
    ranges.retain(|range| {
        assert!(range.start < range.end && range.end <= size);
        let after = range.start >= end;
        end = if after { range.end } else { end };
        after
    });
    let nodes = partial_nodes(&ranges, size);
    let covered: u64 = nodes
        .iter()
        .map(|node| gnutella_wire::partial_range(*node, size).expect("a node in the file"))
        .map(|range| range.end - range.start)
        .sum();
    assert_eq!(covered, ranges.iter().map(|range| range.end - range.start).sum::<u64>());
}
