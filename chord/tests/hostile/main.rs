//! One node, and others that lie, flood and talk nonsense: it says so, drops what came, and goes on.
#![cfg(feature = "peer")]

mod alone;
mod coming_and_going;
mod exchanges;
mod gets;
mod links;
mod lookups;
mod pointers;
mod relays;
