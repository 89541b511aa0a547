//! Query routing: words hashed, tables built, patched and asked.

use std::io;

use gnutella_wire::{
    Payload, Qrp, QrpReceiver, QrpSending, Query, QueryRouteTable, keywords, qrp_hash,
};
use overlay_benches::gnutella::Mix;
use overlay_benches::{Bench, Unit};

use crate::descriptors::frames;

/// Names of a leaf's files.
fn files() -> Vec<String> {
    (0..1_000_u32)
        .map(|n| {
            let n = n.wrapping_mul(0x9e37_79b9);
            format!("Artist{} - Album {:x} - {:02} Song of {}.mp3", n >> 20, n >> 12, n % 20, n)
        })
        .collect()
}

fn table() -> QueryRouteTable {
    let mut table = QueryRouteTable::new(QueryRouteTable::DEFAULT_BITS);
    files().iter().for_each(|name| table.insert_name(name.as_bytes()));
    table
}

/// One word each.
pub fn hash(bench: &mut Bench, name: &'static str) -> io::Result<()> {
    let words: Vec<String> = files()
        .iter()
        .flat_map(|name| keywords(name.as_bytes()).map(|word| word.to_string()).collect::<Vec<_>>())
        .collect();
    let unit = Unit::MillionsPerSecond { items: words.len() };
    let Some(mut case) = bench.case(name, unit) else { return Ok(()) };
    case.ours(|| words.iter().fold(0, |sum, word| sum ^ qrp_hash(word.as_bytes(), 16)));
    bench.run(case)
}

/// File names into a table.
pub fn names(bench: &mut Bench, name: &'static str) -> io::Result<()> {
    let files = files();
    let unit = Unit::MillionsPerSecond { items: files.len() };
    let Some(mut case) = bench.case(name, unit) else { return Ok(()) };
    let mut table = table();
    case.ours(move || files.iter().for_each(|name| table.insert_name(name.as_bytes())));
    bench.run(case)
}

/// Whether a leaf may answer each of the stream's queries.
pub fn last_hop(bench: &mut Bench, name: &'static str, mix: &Mix) -> io::Result<()> {
    let unit = Unit::MillionsPerSecond { items: mix.holds.queries };
    let Some(mut case) = bench.case(name, unit) else { return Ok(()) };
    let queries: Vec<Query<'_>> = frames(&mix.stream)
        .filter_map(|frame| match frame.parse().ok()?.payload {
            Payload::Query(query) => Some(query),
            _ => None,
        })
        .collect();
    assert_eq!(queries.len(), mix.holds.queries);
    let table = table();
    case.ours(move || queries.iter().filter(|query| table.may_answer(query)).count());
    bench.run(case)
}

/// A first table of 65,536 slots: a reset and its patch, deflated.
pub fn patch(bench: &mut Bench, name: &'static str) -> io::Result<()> {
    let Some(mut case) = bench.case(name, Unit::Nanoseconds) else { return Ok(()) };
    let table = table();
    let messages = table.messages(None, &QrpSending::DEFAULT);
    let deflated: Vec<u8> = messages
        .iter()
        .filter_map(|message| match message.borrow() {
            Qrp::Patch(patch) => Some(patch.data.to_vec()),
            _ => None,
        })
        .flatten()
        .collect();
    let receive = move || {
        let mut receiver = QrpReceiver::new(16);
        messages.iter().for_each(|it| _ = receiver.receive(&it.borrow()).expect("a patch"));
        receiver
    };
    assert_eq!(receive().table(), Some(&table));
    case.ours(receive);
    let inflate = move || miniz_oxide::inflate::decompress_to_vec_zlib(&deflated);
    assert_eq!(inflate().expect("a zlib stream").len(), 65_536 / 2);
    case.other("limit", inflate);
    bench.run(case)
}
