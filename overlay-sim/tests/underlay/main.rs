//! Underlays: delays, routes, and what physical links carry.

mod matrix;
mod mismatch;
mod routes;
