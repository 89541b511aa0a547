//! Hostile strangers: what they make a node hold is bounded, and the others keep their service.
// Strangers have clocks of their own.
#![allow(clippy::disallowed_methods)]

mod attacks;
mod victim;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use attacks::{Attack, Leaf};
use overlay_net::Stats;

const HONEST: [u8; 4] = [127, 0, 4, 1];

/// What a node held at most, looked at every other millisecond or so.
#[derive(Clone, Copy, Debug, Default)]
struct Most {
    unread: usize,
    queued: usize,
    links: usize,
    /// What the servent itself remembers, in bytes.
    remembered: usize,
}

/// A node that runs by itself, in a thread of its own.
struct Victim {
    here: SocketAddr,
    stop: Arc<AtomicBool>,
    stats: Arc<Mutex<Stats>>,
    task: JoinHandle<Most>,
    resident: usize,
    /// One test at a time: memory is counted for the process.
    _alone: MutexGuard<'static, ()>,
}

impl Victim {
    fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (stop, stats) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Stats>>::default());
        let (tell, told) = mpsc::channel();
        let (stopped, shared) = (stop.clone(), Arc::clone(&stats));
        let task = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let mut node = victim::node().await;
                tell.send(node.here()).expect("somebody listens");
                let mut most = Most::default();
                while !stopped.load(Ordering::Relaxed) {
                    let _ = tokio::time::timeout(Duration::from_millis(2), node.next()).await;
                    let now = node.stats();
                    *shared.lock().expect("nobody panics") = now;
                    most.unread = most.unread.max(now.unread);
                    most.queued = most.queued.max(now.queued);
                    most.links = most.links.max(now.links);
                    most.remembered = most.remembered.max(node.peer().footprint().1);
                }
                most
            })
        });
        let here = told.recv().expect("it runs");
        Self { here, stop, stats, task, resident: resident(), _alone: alone }
    }

    fn stats(&self) -> Stats {
        *self.stats.lock().expect("nobody panics")
    }

    fn until(&self, what: impl Fn(&Stats) -> bool) {
        let start = Instant::now();
        while !what(&self.stats()) {
            assert!(start.elapsed() < Duration::from_secs(60), "{:?}", self.stats());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Nothing that strangers did has made it hold much, and they are gone.
    fn assert_bounded(self) {
        let grown = resident().saturating_sub(self.resident);
        self.stop.store(true, Ordering::Relaxed);
        let most = self.task.join().expect("it does not panic");
        eprintln!("{most:?}, grown by {grown} kB");
        let config = victim::config();
        // One read, or one round of the inflater, may come on top of what is not whole.
        let each = config.input_limit + (64 << 10);
        assert!(most.unread <= victim::LINKS * each, "{most:?}");
        assert!(most.queued <= config.total_queue_limit + (1 << 20), "{most:?}");
        assert!(most.links <= victim::LINKS, "{most:?}");
        assert!(most.remembered <= 16 << 20, "{most:?}");
        assert!(grown <= 96 << 10, "grown by {grown} kB, {most:?}");
    }
}

/// What this process has in memory, in kB; 0 where there is no such file.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// During an attack answers keep coming, to who was there before and to who comes now; it is over with the
/// attackers.
fn withstands(attack: Attack, does: impl Fn(&Stats) -> bool) {
    let victim = Victim::new();
    let mut leaf = Leaf::insist(HONEST, victim.here).0;
    leaf.is_served();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| attack.run(4, victim.here, &stop));
        // A panic in here has to end the attack, too.
        let _stop = Stop(&stop);
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(800) {
            leaf.is_served();
            std::thread::sleep(Duration::from_millis(1));
        }
        Leaf::insist([127, 0, 4, 2], victim.here).0.is_served();
        victim.until(&does);
    });
    leaf.is_served();
    victim.until(|stats| stats.links <= 2 && stats.unread == 0);
    leaf.is_served();
    victim.assert_bounded();
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn slow_heads_are_given_up() {
    withstands(Attack::SlowLoris, |stats| stats.turned_away > 0);
}

#[test]
fn connections_on_which_nothing_is_said_are_given_up() {
    withstands(Attack::HalfOpen, |stats| stats.turned_away > 0);
}

#[test]
fn heads_that_do_not_end_are_malformed() {
    withstands(Attack::EndlessHeads, |stats| stats.malformed > 3);
}

#[test]
fn oversize_lengths_are_malformed() {
    withstands(Attack::Oversize, |stats| stats.malformed > 3);
}

#[test]
fn pings_leave_room_for_others() {
    withstands(Attack::Pings, |stats| stats.received > 100_000);
}

#[test]
fn queries_whose_answers_nobody_reads_leave_room_for_others() {
    withstands(Attack::Queries, |stats| stats.slow > 0);
}

#[test]
fn tables_leave_room_for_others() {
    withstands(Attack::Tables, |stats| stats.received > 1_000);
}

#[test]
fn deflate_bombs_are_inflated_a_little_at_a_time() {
    withstands(Attack::DeflateBombs, |stats| stats.received > 1_000_000);
}

#[test]
fn empty_blocks_leave_room_for_others() {
    withstands(Attack::EmptyBlocks, |stats| stats.bytes_received > 500_000);
}

#[test]
fn connections_beyond_the_limit_are_turned_away() {
    withstands(Attack::Connections, |stats| stats.turned_away > 100);
}

#[test]
fn random_bytes_do_no_harm() {
    withstands(Attack::RandomBytes, |stats| stats.malformed > 10);
}

#[test]
fn datagrams_leave_room_for_others() {
    withstands(Attack::Datagrams, |stats| stats.received > 10_000 && stats.malformed > 1_000);
}
