//! The world, seen by puppets that do what they are told and write down what they see.

mod capture;
mod churn;
mod datagrams;
mod downlink;
mod laws;
mod links;
mod nats;
mod partition;
mod puppet;
mod revive;
mod series;
