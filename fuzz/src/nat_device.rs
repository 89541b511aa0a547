//! A NAT device against a plain model of it, through scripts of packets in both directions, closed
//! connections and passing time. `natsim`'s own property tests run the same scripts.

#[path = "../../natsim/tests/naive/mod.rs"]
mod naive;

pub use naive::check;
