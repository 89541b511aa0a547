//! One file from several sources: shared out, taken over, compared; and the whole way from a search to
//! the file.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use gnutella_wire::Guid;
use overlay_gnutella::{
    Catalogue, Command, Config, Event, FetchFailure, Hit, SearchPlan, SearchRejection, Servent,
    Settings, SharedFile, Strategy,
};
use overlay_peer::{Address, Object, Time};
use overlay_sim::{Host, PeerIndex, World};
use proptest::prelude::*;

const SIZE: usize = 1_000_003;
const FILE: Object = Object(5);
const INTO: Object = Object(77);
const SEEKER: PeerIndex = PeerIndex(0);
const TRUE: u32 = 4;

/// A servent that has the file.
#[derive(Clone, Copy, Debug)]
struct Holder {
    /// Which bytes it has.
    content: u32,
    /// In bytes a second.
    upload: u64,
    firewalled: bool,
}

const GOOD: Holder = Holder { content: TRUE, upload: 100_000, firewalled: false };

fn settings() -> Settings {
    Settings { segment: 65_536, chunk: 16_384, upload_queue: 16_384, ..quiet() }
}

/// Seeker 0 and holders 2, 3, … around the relay 1.
fn scene(holders: &[Holder], settings: Settings) -> World<Servent, Memory> {
    let mut world = world(3);
    let settings = Arc::new(settings);
    let file = |name: &str, size: usize, object| SharedFile {
        name: name.into(),
        size: size as u64,
        object,
    };
    let catalogue = Arc::new(Catalogue::new([
        file("A Long Song.ogg", SIZE, FILE),
        file("Empty.ogg", 0, Object(6)),
    ]));
    for n in 0..holders.len() as u32 + 2 {
        let holder = n.checked_sub(2).map(|at| holders[at as usize]);
        let firewalled = holder.is_some_and(|holder| holder.firewalled);
        let config = Config { firewalled, settings: settings.clone(), ..Config::new(guid(n)) };
        let host = if firewalled {
            let inside: Address = ([192, 168, 0, n as u8], 6346).into();
            Host::behind(inside, address(n).ip(), natsim::Behaviour::PORT_RESTRICTED)
        } else {
            Host::open(address(n))
        };
        let host = host.with_upload(holder.map_or(1_000_000, |holder| holder.upload));
        let shares = if holder.is_some() { vec![0, 1] } else { vec![] };
        world.add(Servent::new(config, catalogue.clone(), shares), host);
        if let Some(holder) = holder {
            world.store_mut().objects.insert((n, FILE.0), content(holder.content, SIZE));
        }
        if n != 1 {
            let hosts = vec![address(1)];
            // The relay comes second.
            if n > 1 {
                world.command(PeerIndex(n), Command::Join { hosts }, JOIN);
            }
        }
    }
    world.command(SEEKER, Command::Join { hosts: vec![address(1)] }, JOIN);
    world.run_for(Duration::from_secs(5));
    world.drain_events();
    world
}

/// All hits for the song, those of the lower numbers first.
fn search(world: &mut World<Servent, Memory>) -> Vec<Hit> {
    world.command(SEEKER, Command::Search { search: 1, text: "long song".into() }, SEARCH);
    world.run_for(Duration::from_secs(5));
    let mut hits: Vec<Hit> = hits(world, SEEKER).into_iter().map(|(_, _, hit)| hit).collect();
    hits.sort_by_key(|hit| *hit.servent.as_bytes());
    hits
}

fn swarm(hits: Vec<Hit>, from: u64) -> Command {
    Command::Swarm { fetch: 8, hits, into: INTO, from }
}

fn obtain(text: &str) -> Command {
    let plan = SearchPlan::new(Strategy::Flood { ttl: 7 });
    Command::Obtain { fetch: 8, text: text.into(), plan, into: INTO }
}

/// What happened until the fetch ended.
#[derive(Debug)]
struct Outcome {
    result: Result<u64, FetchFailure>,
    took: Duration,
    lost: Vec<(Guid, FetchFailure)>,
    chosen: Vec<(Guid, u32)>,
    /// Bytes that each holder sent in full responses.
    served: BTreeMap<u32, u64>,
}

fn outcome(world: &mut World<Servent, Memory>) -> Outcome {
    let start = world.now();
    let (mut lost, mut chosen, mut served) = (Vec::new(), Vec::new(), BTreeMap::new());
    loop {
        let more = world.run_until_event(start + Duration::from_secs(3_600));
        assert!(more, "the fetch does not end: {lost:?} {served:?}");
        let events: Vec<_> = world.drain_events().collect();
        let mut result = None;
        for (_, peer, event) in events {
            match event {
                Event::Fetched { fetch: 8, bytes, .. } if peer == SEEKER => {
                    result = Some(Ok(bytes))
                }
                Event::FetchFailed { fetch: 8, reason } if peer == SEEKER => {
                    result = Some(Err(reason));
                }
                Event::SourceLost { fetch: 8, servent, reason } => lost.push((servent, reason)),
                Event::Chosen { fetch: 8, hit, sources } => chosen.push((hit.servent, sources)),
                Event::Served { bytes, .. } => *served.entry(peer.0).or_default() += bytes,
                _ => {}
            }
        }
        if let Some(result) = result {
            return Outcome { result, took: world.now() - start, lost, chosen, served };
        }
    }
}

fn fetched(world: &World<Servent, Memory>) -> &[u8] {
    world.store().objects.get(&(SEEKER.0, INTO.0)).map_or(&[], Vec::as_slice)
}

/// A link to the relay, and what is remembered of searches; nothing of the fetch.
fn assert_forgotten(world: &World<Servent, Memory>) {
    let (entries, bytes) = world.peer(SEEKER).footprint();
    assert!(entries <= 16 && bytes <= 4_096, "{entries} entries, {bytes} bytes");
}

#[test]
fn a_file_comes_from_all_who_have_it() {
    let mut world = scene(&[GOOD; 4], settings());
    let hits = search(&mut world);
    assert_eq!(hits.len(), 4);
    world.command(SEEKER, swarm(hits.clone(), 0), FETCH);
    let many = outcome(&mut world);
    assert_eq!(many.result, Ok(SIZE as u64), "{many:?}");
    assert!(fetched(&world) == content(TRUE, SIZE));
    assert_eq!(many.lost, []);
    // Everybody did its part, and next to nothing was sent twice.
    assert!(many.served.len() == 4 && many.served.values().all(|bytes| *bytes >= 100_000));
    let sent: u64 = many.served.values().sum();
    assert!(sent >= SIZE as u64 && sent <= SIZE as u64 + 20 * 64, "{sent}");
    world.run_for(Duration::from_secs(100));
    assert_forgotten(&world);
    // Alone, one of them needs more than three times as long.
    let mut world = scene(&[GOOD; 4], settings());
    search(&mut world);
    world.command(SEEKER, swarm(hits[..1].to_vec(), 0), FETCH);
    let one = outcome(&mut world);
    assert_eq!(one.result, Ok(SIZE as u64));
    assert!(one.took > 3 * many.took, "{:?} and {:?}", one.took, many.took);
}

#[test]
fn a_source_that_is_found_later_joins_in() {
    let mut world = scene(&[GOOD; 3], settings());
    let mut hits = search(&mut world);
    let later = hits.split_off(1);
    let again = hits[0].clone();
    world.command(SEEKER, swarm(hits, 0), FETCH);
    world.run_for(Duration::from_secs(1));
    for hit in [again].into_iter().chain(later) {
        world.command(SEEKER, Command::AddSource { fetch: 8, hit: hit.clone() }, FETCH);
        // One of another fetch is of no use.
        world.command(SEEKER, Command::AddSource { fetch: 9, hit }, FETCH);
    }
    let many = outcome(&mut world);
    assert_eq!(many.result, Ok(SIZE as u64));
    assert!(fetched(&world) == content(TRUE, SIZE));
    assert!(many.served.len() == 3 && many.served.values().all(|bytes| *bytes >= 100_000));
}

#[test]
fn a_swarm_resumes_where_an_earlier_fetch_ended() {
    let mut world = scene(&[GOOD; 3], settings());
    let hits = search(&mut world);
    let have = 400_000;
    let there = content(TRUE, SIZE)[..have].to_vec();
    world.store_mut().objects.insert((SEEKER.0, INTO.0), there);
    world.command(SEEKER, swarm(hits, have as u64), FETCH);
    assert_eq!(outcome(&mut world).result, Ok((SIZE - have) as u64));
    assert!(fetched(&world) == content(TRUE, SIZE));
}

#[test]
fn what_a_dead_source_leaves_is_fetched_from_the_others() {
    for crash in [false, true] {
        let mut world = scene(&[GOOD; 3], settings());
        let hits = search(&mut world);
        world.command(SEEKER, swarm(hits, 0), FETCH);
        world.run_for(Duration::from_millis(900));
        if crash {
            world.fail(PeerIndex(3));
        } else {
            world.shut_down(PeerIndex(3));
        }
        let outcome = outcome(&mut world);
        assert_eq!(outcome.result, Ok(SIZE as u64), "{outcome:?}");
        assert!(fetched(&world) == content(TRUE, SIZE));
        // A crash is noticed by its silence, long before a transfer times out.
        assert!(outcome.took < Duration::from_secs(20), "{outcome:?}");
    }
}

/// One of three has a hundredth of the others' speed. Waiting for its part would take a minute.
#[test]
fn the_rest_of_a_slow_part_is_taken_over() {
    let slow = Holder { upload: 1_000, ..GOOD };
    let mut world = scene(&[GOOD, slow, GOOD], settings());
    let hits = search(&mut world);
    world.command(SEEKER, swarm(hits, 0), FETCH);
    let outcome = outcome(&mut world);
    assert_eq!(outcome.result, Ok(SIZE as u64));
    assert!(fetched(&world) == content(TRUE, SIZE));
    assert!(outcome.took < Duration::from_secs(25), "{outcome:?}");
}

/// A firewalled source is pushed once, and keeps its link for all its parts.
#[test]
fn firewalled_sources_swarm_too() {
    let pushed = Holder { firewalled: true, ..GOOD };
    let mut world = scene(&[GOOD, pushed], settings());
    let hits = search(&mut world);
    world.command(SEEKER, swarm(hits, 0), FETCH);
    let outcome = outcome(&mut world);
    assert_eq!(outcome.result, Ok(SIZE as u64));
    assert!(outcome.served[&3] > 300_000, "{outcome:?}");
    assert!(fetched(&world) == content(TRUE, SIZE));
    const PUSH: u8 = 4;
    assert_eq!(world.metrics().count(FETCH, PUSH).messages, 2, "one, over two links");
}

/// One of four has another file of the same name and size. All it sent is fetched again.
#[test]
fn who_has_other_bytes_is_dropped() {
    for liar in 0..4 {
        let mut holders = [GOOD; 4];
        holders[liar].content = 9;
        let mut world = scene(&holders, settings());
        let hits = search(&mut world);
        let servent = hits[liar].servent;
        world.command(SEEKER, swarm(hits, 0), FETCH);
        let outcome = outcome(&mut world);
        assert_eq!(outcome.result, Ok(SIZE as u64), "{liar}: {outcome:?}");
        assert!(fetched(&world) == content(TRUE, SIZE), "liar {liar}: {outcome:?}");
        assert_eq!(outcome.lost, [(servent, FetchFailure::Differs)]);
    }
}

/// Of two that contradict each other the first is believed: all of the file is of one of them.
#[test]
fn of_two_that_differ_the_first_is_believed() {
    let other = Holder { content: 9, ..GOOD };
    for holders in [[GOOD, other], [other, GOOD]] {
        let mut world = scene(&holders, settings());
        let hits = search(&mut world);
        world.command(SEEKER, swarm(hits, 0), FETCH);
        let outcome = outcome(&mut world);
        assert_eq!(outcome.result, Ok(SIZE as u64));
        assert!(fetched(&world) == content(holders[0].content, SIZE), "{outcome:?}");
    }
}

#[test]
fn without_any_source_left_the_fetch_fails() {
    let mut world = scene(&[GOOD; 2], settings());
    let hits = search(&mut world);
    world.command(SEEKER, swarm(hits, 0), FETCH);
    world.run_for(Duration::from_secs(1));
    world.shut_down(PeerIndex(2));
    world.shut_down(PeerIndex(3));
    let outcome = outcome(&mut world);
    assert!(outcome.result.is_err() && outcome.lost.len() == 2, "{outcome:?}");
    world.run_for(Duration::from_secs(100));
    assert_forgotten(&world);
}

#[test]
fn senseless_swarms_are_refused() {
    let mut world = scene(&[GOOD; 1], settings());
    let huge = offered(address(2), u32::MAX, b"x");
    for (hits, reason) in
        [(vec![], FetchFailure::NoSource), (vec![huge], FetchFailure::SizeUnknown)]
    {
        world.command(SEEKER, swarm(hits, 0), FETCH);
        assert_eq!(outcome(&mut world).result, Err(reason));
    }
    world.command(SEEKER, swarm(vec![offered(address(2), 0, b"x")], 0), FETCH);
    assert_eq!(outcome(&mut world).result, Ok(0));
}

#[test]
fn a_search_text_is_enough_to_obtain_a_file() {
    let mut world = scene(&[GOOD; 3], settings());
    world.command(SEEKER, obtain("long song"), FETCH);
    let outcome = outcome(&mut world);
    assert_eq!(outcome.result, Ok(SIZE as u64), "{outcome:?}");
    assert!(fetched(&world) == content(TRUE, SIZE));
    assert_eq!((outcome.chosen.len(), outcome.chosen[0].1), (1, 3));
    world.run_for(Duration::from_secs(100));
    assert_forgotten(&world);
}

/// Nobody needs to be asked for help: better. All slots taken: worse, even than that.
#[test]
fn the_best_source_is_chosen() {
    let pushed = Holder { firewalled: true, ..GOOD };
    let mut world = scene(&[pushed, GOOD], settings());
    world.command(SEEKER, obtain("long song"), FETCH);
    assert_eq!(outcome(&mut world).chosen, [(guid(3), 2)]);
    let mut world = scene(&[GOOD, pushed], Settings { uploads: 1, ..settings() });
    // Another's download takes the only slot of the first.
    let hits = search(&mut world);
    let other = Command::Fetch { fetch: 1, hit: hits[0].clone(), into: Object(9), from: 0 };
    world.command(PeerIndex(1), other, FETCH);
    world.run_for(Duration::from_secs(1));
    world.command(SEEKER, obtain("long song"), FETCH);
    world.run_for(Duration::from_secs(11));
    let chosen = world.drain_events().find_map(|(_, _, event)| match event {
        Event::Chosen { hit, .. } => Some(hit.servent),
        _ => None,
    });
    assert_eq!(chosen, Some(guid(3)));
}

#[test]
fn what_nobody_has_is_searched_twice_and_given_up() {
    let mut world = scene(&[GOOD; 2], settings());
    let before = world.now();
    world.command(SEEKER, obtain("no such film"), FETCH);
    let outcome = outcome(&mut world);
    assert_eq!(outcome.result, Err(FetchFailure::NothingFound));
    assert_eq!(world.now() - before, Duration::from_secs(20));
    const QUERY: u8 = 2;
    let messages = |cause| world.metrics().count(cause, QUERY).messages;
    assert_eq!((messages(FETCH), messages(UPKEEP)), (3, 3), "two floods over three links");
    world.command(SEEKER, obtain("?"), FETCH);
    let rejected = FetchFailure::Search(SearchRejection::NoKeyword);
    assert_eq!(self::outcome(&mut world).result, Err(rejected));
}

/// The best source of the best file is gone when it is asked: the other file is fetched.
#[test]
fn the_next_best_file_is_tried() {
    let mut world = scene(&[GOOD; 2], settings());
    // Found by both names, but fetched only once it is known who is there.
    world.command(SEEKER, obtain("ogg"), FETCH);
    world.run_for(Duration::from_secs(5));
    world.shut_down(PeerIndex(2));
    world.shut_down(PeerIndex(3));
    let outcome = outcome(&mut world);
    // Two files of two sources each; nobody is needed for the empty one.
    assert_eq!(outcome.chosen.len(), 2, "{outcome:?}");
    assert_eq!(outcome.result, Ok(0));
    assert_eq!(fetched(&world), b"");
}

/// Who answers after the choice still helps.
#[test]
fn late_hits_join_in() {
    // Its hit takes 50 ms longer to leave.
    let slow = Holder { upload: 2_000, ..GOOD };
    let mut world = scene(&[GOOD, slow], Settings { segment: 4_096, ..settings() });
    let strategy = Strategy::Flood { ttl: 7 };
    let plan = SearchPlan { wait: Duration::from_millis(220), ..SearchPlan::new(strategy) };
    let command = Command::Obtain { fetch: 8, text: "long song".into(), plan, into: INTO };
    world.command(SEEKER, command, FETCH);
    let outcome = outcome(&mut world);
    assert_eq!(outcome.chosen, [(guid(2), 1)]);
    assert_eq!(outcome.result, Ok(SIZE as u64));
    assert!(outcome.served[&3] >= 8_192, "{outcome:?}");
    assert!(fetched(&world) == content(TRUE, SIZE));
}

/// Who leaves gives up what it searches and what it fetches, and says so.
#[test]
fn leaving_ends_an_obtain() {
    for seconds in [1, 11] {
        let mut world = scene(&[GOOD; 2], settings());
        world.command(SEEKER, obtain("long song"), FETCH);
        world.run_for(Duration::from_secs(seconds));
        world.command(SEEKER, Command::Leave, FETCH);
        assert_eq!(outcome(&mut world).result, Err(FetchFailure::Left));
        assert_eq!(world.peer(SEEKER).footprint().0, 1, "the host it joined by");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 5))]

    /// Sources of any speed, that die at any time, one of which may lie: what is fetched is exactly the
    /// file that the honest ones have, or the fetch fails; and all is forgotten then.
    #[test]
    fn a_swarm_brings_the_honest_file_or_fails(
        holders in prop::collection::vec((500u64..300_000, any::<bool>(), prop::option::of(0u64..20_000)), 1..6),
        liar in prop::option::of(2usize..6),
        (segment, chunk) in (1u32..300_000, 1_000u32..65_536),
    ) {
        let hosts: Vec<Holder> = holders
            .iter()
            .enumerate()
            .map(|(n, &(upload, firewalled, _))| {
                let content = if liar == Some(n) { 9 } else { TRUE };
                Holder { content, upload, firewalled }
            })
            .collect();
        let mut world = scene(&hosts, Settings { segment, chunk, ..settings() });
        let hits = search(&mut world);
        world.command(SEEKER, swarm(hits, 0), FETCH);
        let start = world.now();
        let mut deaths: Vec<(u64, u32)> =
            holders.iter().zip(2..).filter_map(|(holder, n)| Some((holder.2?, n))).collect();
        deaths.sort_unstable();
        let mut ended = Vec::new();
        let mut collect = |world: &mut World<Servent, Memory>| {
            ended.extend(world.drain_events().filter_map(|(_, _, event)| match event {
                Event::Fetched { fetch: 8, bytes, .. } => Some(Ok(bytes)),
                Event::FetchFailed { fetch: 8, reason } => Some(Err(reason)),
                _ => None,
            }));
        };
        for (at, n) in deaths {
            world.run_until(Time::from_micros(start.as_micros() + at * 1_000));
            if at % 2 == 0 { world.fail(PeerIndex(n)) } else { world.shut_down(PeerIndex(n)) }
            collect(&mut world);
        }
        world.run_for(Duration::from_secs(6_000));
        collect(&mut world);
        prop_assert_eq!(ended.len(), 1);
        // At least two honest ones before the liar: they agree with each other and outrank it.
        if ended[0].is_ok() {
            prop_assert_eq!(&ended[0], &Ok(SIZE as u64));
            prop_assert_eq!(fetched(&world).len(), SIZE);
            let mixed = fetched(&world) != content(TRUE, SIZE);
            let all_of_one = fetched(&world) == content(9, SIZE);
            prop_assert!(!mixed || liar.is_some_and(|liar| liar < holders.len()), "other bytes");
            // Only where the honest ones died can the liar's version come through, and then all of it.
            prop_assert!(!mixed || all_of_one, "a mixture");
        }
        assert_forgotten(&world);
    }
}
