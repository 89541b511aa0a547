//! Sharing and fetching blobs: what comes is checked against its name, or it does not count.
#![cfg(feature = "peer")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use overlay_chord::{
    Command, Config, Event, FetchFailure, Id160, Limits, Node, Part, Refusal, SharedBlob,
};
use overlay_peer::{Object, Reason};
use overlay_sim::{Host, PeerIndex};
use support::{Net, USER, address, checked, outcome, quick};

const HOLDER: PeerIndex = PeerIndex(0);
const FETCHER: PeerIndex = PeerIndex(1);
const FILE: Object = Object(7);
const TARGET: Object = Object(9);

/// Bytes that do not repeat in any chunk.
fn file(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// The pieces of a file, as blobs.
fn pieces(file: &[u8], piece: usize) -> Vec<SharedBlob> {
    file.chunks(piece)
        .enumerate()
        .map(|(i, bytes)| SharedBlob {
            blob: Id160::hash(bytes),
            object: FILE,
            offset: (i * piece) as u64,
            len: bytes.len() as u32,
        })
        .collect()
}

fn into_target(blobs: &[SharedBlob]) -> Vec<Part> {
    let part = |b: &SharedBlob| Part {
        blob: b.blob,
        into: Some(TARGET),
        offset: b.offset,
        len: Some(b.len),
    };
    blobs.iter().map(part).collect()
}

/// A holder that shares `blobs` of `file`, and a fetcher; neither is on any ring.
fn two(file: Vec<u8>, blobs: &[SharedBlob], fetcher: Config) -> Net {
    let mut net = Net::new(checked(1));
    net.add(Node::new(quick()), Host::open(address(0)));
    net.add(Node::new(fetcher), Host::open(address(1)));
    net.store_mut().objects.insert((HOLDER.0, FILE.0), file);
    net.command(HOLDER, Command::Share { blobs: blobs.to_vec() }, USER);
    net
}

fn fetch(net: &mut Net, parts: Vec<Part>) -> Result<(u64, u32), FetchFailure> {
    let command = Command::Fetch { fetch: 3, from: address(0), parts };
    outcome(net, FETCHER, command, |event| match event {
        Event::Fetched { fetch: 3, bytes, verified } => Some(Ok((bytes, verified))),
        Event::FetchFailed { fetch: 3, reason } => Some(Err(reason)),
        _ => None,
    })
}

#[test]
fn a_file_comes_piece_by_piece_and_each_is_checked() {
    // Pieces longer than a chunk, the last one shorter.
    let file = file(1_000_003);
    let blobs = pieces(&file, 100_000);
    let mut net = two(file.clone(), &blobs, quick());
    assert_eq!(fetch(&mut net, into_target(&blobs)), Ok((1_000_003, 11)));
    assert_eq!(net.store().objects[&(FETCHER.0, TARGET.0)], file);
}

#[test]
fn a_blob_without_a_target_is_handed_over() {
    let file = file(5_000);
    let blobs = pieces(&file, 5_000);
    let mut net = two(file.clone(), &blobs, quick());
    // Its length need not be known.
    let part = Part { blob: blobs[0].blob, into: None, offset: 0, len: None };
    let command = Command::Fetch { fetch: 1, from: address(0), parts: vec![part, part] };
    net.command(FETCHER, command, USER);
    net.run_for(Duration::from_secs(5));
    let events: Vec<_> = net.drain_events().map(|(_, _, event)| event).collect();
    let blob = Event::Blob { fetch: 1, blob: blobs[0].blob, bytes: Bytes::from(file) };
    let fetched = Event::Fetched { fetch: 1, bytes: 10_000, verified: 2 };
    assert_eq!(events, [blob.clone(), blob, fetched]);
}

#[test]
fn bytes_that_do_not_match_their_name_are_refused_and_never_written() {
    let mut file = file(300_000);
    let blobs = pieces(&file, 100_000);
    // The holder's copy goes bad after it was shared.
    file[150_000] ^= 1;
    let mut net = two(file, &blobs, quick());
    let bad = FetchFailure::Mismatch { blob: blobs[1].blob };
    assert_eq!(fetch(&mut net, into_target(&blobs)), Err(bad));
    // The good piece before it may be there; nothing of the bad one is.
    let written = net.store().objects.get(&(FETCHER.0, TARGET.0)).map_or(0, Vec::len);
    assert!(written <= 100_000, "{written}");
}

#[test]
fn what_nobody_shares_is_refused() {
    let file = file(1_000);
    let blobs = pieces(&file, 1_000);
    let mut net = two(file, &[], quick());
    let blob = blobs[0].blob;
    let refused = FetchFailure::Refused { blob, reason: Refusal::NoSuchBlob };
    assert_eq!(fetch(&mut net, into_target(&blobs)), Err(refused));
    // And what is not shared any more.
    net.command(HOLDER, Command::Share { blobs: blobs.clone() }, USER);
    assert_eq!(fetch(&mut net, into_target(&blobs)), Ok((1_000, 1)));
    net.command(HOLDER, Command::Unshare { blobs: vec![blob] }, USER);
    assert_eq!(fetch(&mut net, into_target(&blobs)), Err(refused));
    // And what the holder has lost.
    net.command(HOLDER, Command::Share { blobs: blobs.clone() }, USER);
    net.store_mut().objects.clear();
    assert_eq!(fetch(&mut net, into_target(&blobs)), Err(refused));
}

#[test]
fn a_blob_of_another_length_is_refused_before_it_comes() {
    let file = file(100_000);
    let blobs = pieces(&file, 100_000);
    let small = Limits { blob_len: 50_000, ..Limits::default() };
    let mut net = two(file, &blobs, Config { limits: small, ..quick() });
    let blob = blobs[0].blob;
    let length = |expected| Err(FetchFailure::Length { blob, len: 100_000, expected, max: 50_000 });
    let part = Part { blob, into: None, offset: 0, len: None };
    assert_eq!(fetch(&mut net, vec![part]), length(None));
    let part = Part { len: Some(99_999), ..part };
    assert_eq!(fetch(&mut net, vec![part]), length(Some(99_999)));
}

#[test]
fn an_empty_blob_and_an_empty_fetch() {
    let mut blobs = pieces(b"x", 1);
    blobs[0] = SharedBlob { blob: Id160::hash(b""), len: 0, ..blobs[0] };
    let mut net = two(Vec::new(), &blobs, quick());
    assert_eq!(fetch(&mut net, into_target(&blobs)), Ok((0, 1)));
    assert_eq!(fetch(&mut net, Vec::new()), Ok((0, 0)));
}

#[test]
fn nobody_there_and_a_holder_that_dies() {
    let file = file(30_000_000);
    let blobs = pieces(&file, 1_000_000);
    let mut net = two(file, &blobs, quick());
    let command = Command::Fetch { fetch: 3, from: address(77), parts: into_target(&blobs) };
    let reason = outcome(&mut net, FETCHER, command, |event| match event {
        Event::FetchFailed { reason, .. } => Some(reason),
        _ => None,
    });
    assert!(matches!(reason, FetchFailure::Link(Reason::Unreachable | Reason::Refused)));
    // The holder goes silent in the middle.
    let command = Command::Fetch { fetch: 3, from: address(0), parts: into_target(&blobs) };
    net.command(FETCHER, command, USER);
    net.run_for(Duration::from_secs(10));
    net.fail(HOLDER);
    net.run_for(Duration::from_secs(60));
    let failed: Vec<_> = net.drain_events().map(|(_, _, event)| event).collect();
    assert_eq!(failed, [Event::FetchFailed { fetch: 3, reason: FetchFailure::Stalled }]);
}

#[test]
fn several_fetch_from_one_holder_at_once() {
    let file = file(400_000);
    let blobs = pieces(&file, 64 << 10);
    let mut net = two(file.clone(), &blobs, quick());
    for number in 2..10 {
        net.add(Node::new(quick()), Host::open(address(number)));
    }
    for number in 1..10 {
        let parts = into_target(&blobs);
        let command = Command::Fetch { fetch: number, from: address(0), parts };
        net.command(PeerIndex(number), command, USER);
    }
    net.run_for(Duration::from_secs(30));
    let fetched =
        net.drain_events().filter(|(_, _, event)| matches!(event, Event::Fetched { .. })).count();
    assert_eq!(fetched, 9);
    for number in 1..10 {
        assert_eq!(net.store().objects[&(number, TARGET.0)], file);
    }
}
