//! How well can others tell who searched? Some of 1,000 servents watch the queries that pass them, tell
//! each other, and guess the neighbour that sent them a query with hops 0, or with the fewest hops;
//! with and without searchers that start with other hops than 0.
//!
//! ```text
//! cargo run --release -p overlay-gnutella --example gnutella_origin
//! ```

mod guess;

use guess::{Experiment, Guesses};

fn main() {
    println!("observers  hops hidden  a neighbour watches  rule         guessed  of these right");
    for observers in [10, 50, 200] {
        for hide_hops in [0, 1, 3] {
            let experiment = Experiment { observers, hide_hops, ..Experiment::default() };
            let (certain, fewest) = experiment.run();
            for (rule, guesses) in [("hops 0", certain), ("fewest hops", fewest)] {
                let Guesses { searches, guessed, right } = guesses;
                let percent = |part: u32, of: u32| 100.0 * f64::from(part) / f64::from(of.max(1));
                println!(
                    "{:7.1} %  0 to {hide_hops}       {:17.1} %  {rule:11} {:6.1} % {:13.1} %",
                    percent(observers, experiment.servents),
                    percent(experiment.watched(), searches),
                    percent(guessed, searches),
                    percent(right, guessed),
                );
            }
        }
    }
}
