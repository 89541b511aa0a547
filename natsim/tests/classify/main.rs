//! The classifier against simulated NATs and servers of every kind, good and bad: what it says it knows
//! is true, and it always ends in time.

mod lifetimes;
mod servers;
mod truths;
mod world;
