//! Laws: the codec's, the words', and the one of the architecture.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use common::{JOIN, Network, PUBLISH, SERVER, address};
use napster_wire::{Direction, OffsetAnswer, Refusal, Search, SizeAnswer, TransferRequest};
use overlay_napster::{
    ClientConfig, Command, MAX_CHUNK, Message, Phase, keywords, wire::OwnedMessage,
};
use overlay_peer::{Decoded, Wire};
use overlay_sim::{Host, PeerIndex};
use proptest::collection::vec;
use proptest::prelude::*;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A message, and the phase in which it is read.
fn message() -> impl Strategy<Value = (Message, Phase)> {
    let refusal = prop_oneof![Just(Refusal::InvalidRequest), Just(Refusal::FileNotShared)];
    let nick = "[a-z]{1,20}";
    prop_oneof![
        (any::<u16>(), vec(any::<u8>(), 0..60)).prop_map(|(number, data)| {
            let message = napster_wire::Message::from_parts(number, &data).unwrap().into_owned();
            (Message::frame(message), Phase::Frames)
        }),
        "[a-z ]{0,40}".prop_map(|words| {
            let search = Search::words(&words, 100).unwrap().into_owned();
            (Message::frame(OwnedMessage::Search(search)), Phase::Frames)
        }),
        Just((Message::Greeting, Phase::Greeting)),
        (nick, "[a-zA-Z0-9 .-]{0,40}", any::<u64>(), any::<bool>()).prop_map(
            |(nick, name, number, get)| {
                let request = TransferRequest {
                    direction: if get { Direction::Get } else { Direction::Send },
                    nick: nick.try_into().unwrap(),
                    name: name.try_into().unwrap(),
                    number,
                };
                (Message::Request(Arc::new(request)), Phase::Request)
            }
        ),
        any::<u64>().prop_map(|size| {
            (Message::Size(SizeAnswer::Size(size)), Phase::Size { expected: size })
        }),
        (refusal.clone(), any::<u64>()).prop_map(|(refusal, expected)| {
            (Message::Size(SizeAnswer::Refused(refusal)), Phase::Size { expected })
        }),
        any::<u64>()
            .prop_map(|offset| (Message::Offset(OffsetAnswer::Offset(offset)), Phase::Offset)),
        refusal.prop_map(|refusal| {
            (Message::Offset(OffsetAnswer::Refused(refusal)), Phase::Offset)
        }),
        (vec(any::<u8>(), 1..200), 0_u64..1000).prop_map(|(bytes, more)| {
            let left = bytes.len() as u64 + more;
            (Message::Body(Box::new(Bytes::from(bytes))), Phase::Body { left })
        }),
    ]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Frames),
        Just(Phase::Greeting),
        Just(Phase::Request),
        any::<u64>().prop_map(|expected| Phase::Size { expected }),
        Just(Phase::Offset),
        any::<u64>().prop_map(|left| Phase::Body { left }),
        Just(Phase::Body { left: 0 }),
        Just(Phase::Silent),
    ]
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(bytes.len(), message.encoded_len());
    bytes
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn round_trip((message, phase) in message()) {
        let bytes = encoded(&message);
        let expected = Decoded::Complete { value: message.clone(), consumed: bytes.len() };
        prop_assert_eq!(Message::decode(phase, &bytes).unwrap(), expected);
        prop_assert_ne!(Message::kind_name(message.kind()), "unknown");
    }

    #[test]
    fn no_panic_on_arbitrary_bytes(phase in phase(), bytes in vec(any::<u8>(), 0..100)) {
        match Message::decode(phase, &bytes) {
            Ok(Decoded::Complete { value, consumed }) => {
                prop_assert_eq!(encoded(&value), &bytes[..consumed]);
            }
            Ok(Decoded::Partial { needed }) => prop_assert!(needed >= 1),
            Err(error) => prop_assert!(error.offset <= bytes.len()),
        }
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut(
        body in vec(any::<u8>(), 1..300),
        cuts in vec(1_usize..50, 1..20),
    ) {
        let mut left = body.len() as u64;
        let mut rest = &body[..];
        let mut out = Vec::new();
        for cut in cuts.into_iter().cycle() {
            let piece = &rest[..cut.min(rest.len())];
            let decoded = Message::decode(Phase::Body { left }, piece).unwrap();
            let Decoded::Complete { value, consumed } = decoded else {
                return Err(TestCaseError::fail("there are bytes"));
            };
            out.extend(encoded(&value));
            rest = &rest[consumed..];
            left -= consumed as u64;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(out, body);
        let after = Message::decode(Phase::Body { left }, b"x");
        prop_assert!(after.is_err() == (left == 0));
    }

    #[test]
    fn words_are_words_of_themselves(text in vec(any::<u8>(), 0..60)) {
        let words = keywords(&text);
        prop_assert!(words.is_sorted());
        for word in &words {
            let of_word = keywords(word.as_bytes());
            // A few letters have a lower case that is two characters, one of them no letter.
            prop_assert!(of_word.iter().all(|part| word.contains(part.as_str())));
            prop_assert!(!of_word.is_empty());
        }
        let shouted: Vec<u8> = text.to_ascii_uppercase();
        prop_assert_eq!(keywords(&shouted), words);
    }
}

#[test]
fn a_long_body_comes_in_chunks() {
    let bytes = vec![0; MAX_CHUNK + 1];
    let decoded = Message::decode(Phase::Body { left: 1 << 40 }, &bytes).unwrap();
    assert!(matches!(decoded, Decoded::Complete { consumed: MAX_CHUNK, .. }));
}

const VOCABULARY: [&str; 6] = ["red", "green", "blue", "song", "live", "two"];

/// What happens to one of five clients.
#[derive(Clone, Debug)]
enum Step {
    Join,
    Leave,
    Publish(Vec<usize>),
    Unshare(Vec<usize>),
    UnshareAll,
}

fn step() -> impl Strategy<Value = Step> {
    let files = || vec(0_usize..12, 0..6);
    prop_oneof![
        2 => Just(Step::Join),
        1 => Just(Step::Leave),
        3 => files().prop_map(Step::Publish),
        1 => files().prop_map(Step::Unshare),
        1 => Just(Step::UnshareAll),
    ]
}

proptest! {
    #![proptest_config(config(48))]

    /// The law of a central index: a search finds exactly what is online now.
    #[test]
    fn a_search_finds_exactly_what_is_online(
        names in vec(prop::sample::subsequence(VOCABULARY.to_vec(), 1..5), 12),
        steps in vec((0_usize..5, step()), 0..25),
        queries in vec(prop::sample::subsequence(VOCABULARY.to_vec(), 1..3), 1..6),
    ) {
        let names: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(number, words)| format!("{number}_{}.mp3", words.join("-")))
            .collect();
        let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 5)).collect();
        let mut network = Network::new(&files);
        let clients: Vec<PeerIndex> = (0..5)
            .map(|number| {
                let config = ClientConfig::new(format!("user{number}"), "x").unwrap();
                network.client(config, Host::open(address(number + 1)))
            })
            .collect();
        let mut online = [false; 5];
        let mut shared = vec![BTreeSet::new(); 5];
        for (who, step) in steps {
            let ids = |numbers: &[usize]| numbers.iter().map(|number| network.id(*number)).collect();
            let (command, cause) = match &step {
                Step::Join => (Command::Join { server: SERVER }, JOIN),
                Step::Leave => (Command::Leave, JOIN),
                Step::Publish(files) => (Command::Publish { files: ids(files) }, PUBLISH),
                Step::Unshare(files) => (Command::Unshare { files: ids(files) }, PUBLISH),
                Step::UnshareAll => (Command::UnshareAll, PUBLISH),
            };
            network.world.command(clients[who], command, cause);
            match step {
                Step::Join => online[who] = true,
                Step::Leave => online[who] = false,
                Step::Publish(files) => shared[who].extend(files),
                Step::Unshare(files) => shared[who].retain(|file| !files.contains(file)),
                Step::UnshareAll => shared[who].clear(),
            }
            // Some steps overlap with the ones before.
            if who % 2 == 0 {
                network.settle();
            }
        }
        network.settle();
        let searcher = network.open_client("searcher", 99, &[]);
        for query in queries {
            let mut expected = Vec::new();
            for (who, files) in shared.iter().enumerate().filter(|(who, _)| online[*who]) {
                for file in files {
                    let words = keywords(names[*file].as_bytes());
                    if query.iter().all(|word| words.iter().any(|have| have == word)) {
                        expected.push((names[*file].clone(), format!("user{who}")));
                    }
                }
            }
            expected.sort();
            let query = Search::words(&query.join(" "), 100).unwrap().into_owned();
            let found: Vec<(String, String)> = network
                .query(searcher, query)
                .iter()
                .map(|hit| (hit.name.to_string(), hit.nick.to_string()))
                .collect();
            prop_assert_eq!(found, expected);
        }
        let count: usize =
            shared.iter().zip(online).filter(|(_, online)| *online).map(|(files, _)| files.len()).sum();
        prop_assert_eq!(network.server_state().file_count(), count);
    }
}
