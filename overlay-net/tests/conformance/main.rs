//! A run recorded in the simulator, replayed on real sockets: the same inputs give the same messages, the
//! same bytes on each link, and the same events.
//!
//! One peer of a small simulated network is watched. Then the same peer sits on a node, and the test plays
//! everybody else: it opens and closes the links, sends the messages, and moves the clock as recorded.

#[path = "../common/mod.rs"]
mod common;
mod gnutella;
mod napster;
mod recorder;
mod stage;

use std::fmt::Debug;

use overlay_peer::{LinkState, Peer};
use recorder::{Entry, Out};
use stage::Story;

/// What the inputs of a story have to have, so that its replay says something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    received: usize,
    datagrams: usize,
    woke: usize,
    stored: usize,
    closed: usize,
    packed: usize,
    /// Messages of query routing tables, on links of Gnutella.
    tables: usize,
}

impl Seen {
    fn of<C>(recorded: &[Entry<C>]) -> Self {
        let mut seen = Self::default();
        for entry in recorded {
            match entry {
                Entry::Received(_, _, bytes) => {
                    seen.received += 1;
                    seen.tables += usize::from(bytes.get(16) == Some(&0x30));
                }
                Entry::Datagram(..) => seen.datagrams += 1,
                Entry::Woke(..) => seen.woke += 1,
                Entry::Stored(..) => seen.stored += 1,
                Entry::Changed(_, _, LinkState::Closed(_)) => seen.closed += 1,
                Entry::Out(Out::Phase(_, _, coding)) if coding.inflate && coding.deflate => {
                    seen.packed += 1;
                }
                _ => {}
            }
        }
        seen
    }
}

/// Replays a story, and compares everything.
async fn conforms<P>(story: Story<P>) -> Seen
where
    P: Peer<Event: Debug, Command: Clone + Debug + PartialEq> + Clone,
{
    let replayed = story.replay().await;
    for (at, (left, right)) in story.recorded.iter().zip(&replayed.log).enumerate() {
        assert_eq!(left, right, "entry {at} of {}", story.recorded.len());
    }
    assert_eq!(story.recorded.len(), replayed.log.len());
    let expected = stage::sent(&story.recorded);
    assert_eq!(
        replayed.links.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "links on which something was sent"
    );
    for (link, sent) in &expected {
        sent.check(&replayed.links[link]).unwrap_or_else(|what| panic!("{link:?}: {what}"));
    }
    Seen::of(&story.recorded)
}

#[tokio::test]
async fn gnutella_04_sends_the_same() {
    let seen = conforms(gnutella::story(gnutella::Kind::V04)).await;
    assert!(seen.received > 20 && seen.woke > 0 && seen.stored > 1 && seen.closed > 0, "{seen:?}");
}

#[tokio::test]
async fn gnutella_06_sends_the_same() {
    let seen = conforms(gnutella::story(gnutella::Kind::V06 { deflate: false })).await;
    assert!(seen.received > 20 && seen.woke > 0 && seen.stored > 1 && seen.closed > 0, "{seen:?}");
    assert!(seen.datagrams > 1 && seen.tables > 3, "{seen:?}");
    assert_eq!(seen.packed, 0);
}

#[tokio::test]
async fn gnutella_06_deflated_sends_the_same() {
    let seen = conforms(gnutella::story(gnutella::Kind::V06 { deflate: true })).await;
    assert!(seen.received > 20 && seen.stored > 1 && seen.closed > 0, "{seen:?}");
    assert!(seen.packed == 3 && seen.tables > 3, "{seen:?}");
}

#[tokio::test]
async fn a_napster_server_sends_the_same() {
    let seen = conforms(napster::story(napster::Watched::Server)).await;
    assert!(seen.received > 10 && seen.closed > 0, "{seen:?}");
}

#[tokio::test]
async fn a_napster_client_sends_the_same() {
    let seen = conforms(napster::story(napster::Watched::Client)).await;
    assert!(seen.received > 5 && seen.stored > 1, "{seen:?}");
}

/// The comparison notices a difference: of a message, of its order, of a byte on a link.
#[tokio::test]
async fn what_differs_is_noticed() {
    let mut story = gnutella::story(gnutella::Kind::V06 { deflate: true });
    let sent = stage::sent(&story.recorded);
    let replayed = story.replay().await;
    for (link, sent) in &sent {
        let bytes = &replayed.links[link];
        sent.check(bytes).expect("the same");
        let last = bytes.len() - 1;
        assert!(sent.check(&bytes[..last]).is_err(), "a byte less");
        let mut other = bytes.clone();
        other[last / 2] ^= 1;
        assert!(sent.check(&other).is_err(), "another byte");
    }
    // Another seed is another run.
    story.seed += 1;
    let other = story.replay_until_different().await;
    assert!(other < story.recorded.len(), "nothing differs");
}
