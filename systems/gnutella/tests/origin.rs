//! Who searched? What observers can tell, by the experiment of the example `gnutella_origin`.

#[path = "../examples/gnutella_origin/guess.rs"]
mod guess;

use guess::Experiment;

const SMALL: Experiment =
    Experiment { servents: 300, links: 1_020, observers: 15, hide_hops: 0, searches: 120, seed: 5 };

/// Hops 0 gives the searcher away to every neighbour that watches, and to nobody else.
#[test]
fn hops_0_names_the_searcher() {
    let (certain, fewest) = SMALL.run();
    assert_eq!((certain.searches, certain.right), (120, certain.guessed));
    assert_eq!(certain.guessed, SMALL.watched());
    // Somebody is nearest even where nobody is near.
    assert!(fewest.guessed > certain.guessed);
    assert!(fewest.right >= certain.right && fewest.right < fewest.guessed);
}

/// With hops that start anywhere most neighbours that watch are no longer sure, and the best guess they
/// have is often wrong.
#[test]
fn hidden_hops_leave_a_guess() {
    let hidden = Experiment { hide_hops: 3, ..SMALL };
    let (certain, fewest) = hidden.run();
    let watched = hidden.watched();
    assert!(certain.guessed < watched / 2, "{} of {watched}", certain.guessed);
    assert!(fewest.right < fewest.guessed * 3 / 4, "{fewest:?}");
}
