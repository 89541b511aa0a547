//! How many instructions the bulk ring takes, counted by valgrind: the same on every run, where times
//! are not. What is counted grows with the logarithm of the nodes, and the program fails if it grows faster.
//! It is skipped without valgrind.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};

use overlay_chord::{Id, Id64, Id160, Ring, Routing};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

/// Nodes of the small ring and of the large one.
const NODES: [usize; 2] = [1 << 10, 1 << 15];
const LOOKUPS: usize = 1 << 14;

/// Its logarithm is half as much again, and so may be a node's share of building, and a lookup; caches do
/// not count. A tenth more for what does not grow evenly.
const MOST: f64 = 1.6;

type Task = (&'static str, fn(&mut Case));

/// What `build` leaves out is counted in none.
const TASKS: &[Task] = &[
    ("build, 64 bits", |case| build::<Id64<64>>(case)),
    ("build, 160 bits", |case| build::<Id160>(case)),
    ("find one by one", |case| {
        for (from, key) in &case.lookups {
            black_box(case.ring.find(*from, *key, Routing::Finger));
        }
    }),
    ("find many", |case| {
        let mut found = Vec::new();
        case.ring.find_many(&case.lookups, Routing::Finger, &mut found);
        black_box(found);
    }),
    ("find owners", |case| {
        for (_, key) in &case.lookups {
            black_box(case.ring.owner_index(*key));
        }
    }),
];

struct Case {
    nodes: usize,
    ring: Ring<Id64<64>>,
    lookups: Vec<(usize, Id64<64>)>,
    rng: Pcg64,
}

fn build<I: Id>(case: &mut Case) {
    black_box(Ring::new(ids::<I>(case.nodes, &mut case.rng)).is_ok());
}

fn ids<I: Id>(nodes: usize, rng: &mut Pcg64) -> impl Iterator<Item = I> {
    (0..nodes).map(|_| {
        let mut bytes = [0; 20];
        rng.fill_bytes(&mut bytes);
        I::from_hash(&bytes)
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Ourselves, under valgrind.
    if let [first, task, nodes] = arguments.as_slice()
        && first == "--count"
    {
        run(task, nodes.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` only wants to see it start.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: no valgrind to count instructions with");
        return ExitCode::SUCCESS;
    }
    let mut worst = 0f64;
    println!(
        "instructions a node, or a lookup\n{:18} {:>9} {:>9} {:>6}",
        "", NODES[0], NODES[1], "times"
    );
    let nothing = NODES.map(|nodes| count("", nodes));
    for (task, _) in TASKS {
        let [small, large] = [0, 1].map(|i| {
            let items = if task.starts_with("build") { NODES[i] } else { LOOKUPS };
            (count(task, NODES[i]) - nothing[i]) as f64 / items as f64
        });
        println!("{task:18} {small:9.1} {large:9.1} {:6.3}", large / small);
        worst = worst.max(large / small);
    }
    println!("the worst is {worst:.3}, the most there may be {MOST}");
    if worst <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Gets everything ready, and does one task.
fn run(task: &str, nodes: usize) {
    let mut rng = Pcg64::seed_from_u64(1);
    let ring = Ring::new(ids(nodes, &mut rng)).expect("a ring");
    let lookups = (0..LOOKUPS)
        .map(|_| ((rng.next_u64() % nodes as u64) as usize, Id64::wrapping(rng.next_u64())))
        .collect();
    let mut case = black_box(Case { nodes, ring, lookups, rng });
    if let Some((_, work)) = TASKS.iter().find(|(name, _)| *name == task) {
        work(&mut case);
    }
    // Taking it down costs the same whatever was done.
    std::mem::forget(case);
}

/// Instructions of a process that does this.
fn count(task: &str, nodes: usize) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--count", task, &nodes.to_string()])
        .output()
        .expect("valgrind");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.expect("callgrind tells how many");
    number.trim().parse().expect("a number")
}
