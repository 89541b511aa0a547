//! Intervals on the ring, with every case of equal ends defined.
//!
//! Walk clockwise from `a`, at least one step, and stop at `b`. The points passed in between are
//! (a, b); with the end they are (a, b], with the start [a, b). Hence when `a == b` the walk goes
//! once around: (a, a) is the whole ring but a, and (a, a] and [a, a) are the whole ring. So a node
//! that is its own successor owns every key, as the first node of a ring must.
//!
//! This is the `between` of Zave's corrected Chord, and what the half-open intervals of Stoica et
//! al. (ToN 2003, section IV) mean.

use crate::Id;

/// Whether `x` lies in (a, b), clockwise from `a` to `b` without either end. If `a == b` that is the
/// whole ring but `a`.
pub fn between<I: Id>(a: I, x: I, b: I) -> bool {
    if a < b { a < x && x < b } else { a < x || x < b }
}

/// Whether `x` lies in (a, b]. If `a == b` that is the whole ring. A key `x` in (n, successor] of a
/// node n belongs to that successor.
pub fn in_open_closed<I: Id>(a: I, x: I, b: I) -> bool {
    x == b || between(a, x, b)
}

/// Whether `x` lies in [a, b). If `a == b` that is the whole ring.
pub fn in_closed_open<I: Id>(a: I, x: I, b: I) -> bool {
    x == a || between(a, x, b)
}
