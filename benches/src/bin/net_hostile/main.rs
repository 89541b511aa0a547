//! How long a servent on overlay-net takes to answer while strangers attack it, and what memory that costs.
//! The README says how it is measured.
//!
//! The attacks are those of overlay-net's own test, which holds that answers keep coming.

#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

#[path = "../../../../overlay-net/tests/hostile/attacks.rs"]
mod attacks;
#[path = "../../../../overlay-net/tests/hostile/victim.rs"]
mod victim;

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use attacks::{Attack, Leaf};
use clap::Parser;
use overlay_benches::Served;
use serde::Serialize;

#[derive(Debug, Parser)]
#[command(about = "Measures how a servent answers under attack")]
struct Options {
    /// What a process is that this program starts
    #[arg(hide = true)]
    role: Option<String>,
    /// A line of JSON for each attack
    #[arg(long)]
    json: bool,
    /// Only this attack (may be given several times)
    #[arg(long, value_name = "ATTACK")]
    only: Vec<String>,
    /// How long each attack goes on, in seconds
    #[arg(long, value_name = "N", default_value_t = 3.0)]
    seconds: f64,
    /// From how many addresses, each with a thread
    #[arg(long, value_name = "N", default_value_t = 4)]
    attackers: u8,
}

/// How long answers took, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Answers {
    count: usize,
    p50: f64,
    p99: f64,
    most: f64,
}

impl Answers {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let time = times.get(((times.len() as f64 * share) as usize).min(times.len() - 1));
            time.map_or(f64::NAN, Duration::as_secs_f64) * 1_000.0
        };
        Self { count: times.len(), p50: at(0.5), p99: at(0.99), most: at(1.0) }
    }
}

#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    attack: String,
    /// Of the servent that is attacked.
    attacked: Answers,
    /// Of another one, meanwhile: what the attackers' own work costs everybody on this machine.
    beside: Answers,
    /// What the attacked process grew by.
    grown_kbytes: u64,
    cpu_seconds: f64,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    if options.role.is_some() {
        return serve();
    }
    let calm = {
        let (one, other) = (Served::start(&[])?, Served::start(&[])?);
        measure("calm", None, &one, &other, &options)?
    };
    calm.print(options.json)?;
    for attack in Attack::ALL {
        let name = format!("{attack:?}");
        if options.only.is_empty() || options.only.contains(&name) {
            let (one, other) = (Served::start(&[])?, Served::start(&[])?);
            measure(&name, Some(attack), &one, &other, &options)?.print(options.json)?;
        }
    }
    Ok(())
}

/// A node, until the input ends.
fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    runtime.block_on(async {
        let mut node = victim::node().await;
        println!("{}", node.here());
        let run = async {
            loop {
                node.next().await;
            }
        };
        tokio::select! {
            () = run => {}
            _ = end => {}
        }
    });
    Ok(())
}

fn measure(
    name: &str,
    attack: Option<Attack>,
    attacked: &Served,
    beside: &Served,
    options: &Options,
) -> io::Result<Line> {
    let (to, other) = (attacked.addresses[0], beside.addresses[0]);
    // One answer before: what is made when first needed is there.
    let mut leaves = [to, other].map(|to| Leaf::insist([127, 0, 4, 1], to).0);
    for leaf in &mut leaves {
        leaf.is_served();
    }
    let before = attacked.usage()?;
    let stop = AtomicBool::new(false);
    let [times, other_times] = std::thread::scope(|scope| {
        if let Some(attack) = attack {
            let (stop, attackers) = (&stop, options.attackers);
            scope.spawn(move || attack.run(attackers, to, stop));
        }
        let times = ask(leaves, Duration::from_secs_f64(options.seconds));
        stop.store(true, Ordering::Relaxed);
        times
    });
    let after = attacked.usage()?;
    Ok(Line {
        bench: "net_hostile",
        attack: name.to_owned(),
        attacked: Answers::of(times),
        beside: Answers::of(other_times),
        grown_kbytes: after.peak_bytes.saturating_sub(before.peak_bytes) / 1_024,
        cpu_seconds: after.cpu_seconds - before.cpu_seconds,
    })
}

/// Asks both in turn.
fn ask(mut leaves: [Leaf; 2], span: Duration) -> [Vec<Duration>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    let start = Instant::now();
    while start.elapsed() < span {
        for (leaf, times) in leaves.iter_mut().zip(&mut times) {
            times.push(leaf.is_served());
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    times
}

impl Line {
    fn print(&self, json: bool) -> io::Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let Self { attack, attacked: a, beside: b, grown_kbytes, cpu_seconds, .. } = self;
        if attack == "calm" {
            println!(
                "{:<14}{:>9}{:>9}{:>9}{:>9} |{:>9}{:>9} |{:>9}{:>8}",
                "attack", "answers", "p50 ms", "p99 ms", "most", "p50", "p99", "+kB", "CPU s"
            );
        }
        println!(
            "{attack:<14}{:>9}{:>9.2}{:>9.2}{:>9.2} |{:>9.2}{:>9.2} |{grown_kbytes:>9}{cpu_seconds:>8.2}",
            a.count, a.p50, a.p99, a.most, b.p50, b.p99
        );
        Ok(())
    }
}
