//! Graphs: laws of each model, against plain sets and against published formulae.

mod crawls;
mod edge_list;
mod models;
