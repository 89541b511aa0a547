//! The world, seen by puppets that do what they are told and write down what they see.

mod laws;
mod links;
mod nats;
mod puppet;
