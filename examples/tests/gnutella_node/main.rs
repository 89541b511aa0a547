//! The `gnutella_node` program as its users meet it.

use std::path::Path;

use gnutella_wire::Urn;
use node::{Running, text};
use serde_json::Value;
use sha1::{Digest, Sha1};

#[path = "../node/mod.rs"]
mod node;
mod programs;
mod sockets;

const NAME: &str = "John Coltrane - Blue Train.ogg";

/// A node on a free port of the loopback.
fn start(share: &Path, more: &[&str]) -> Running {
    let basis = ["--listen", "127.0.0.1:0", "--share", text(share), "--json", "--allow-private"];
    Running::start("gnutella_node", &[&basis, more].concat())
}

fn urn(content: &[u8]) -> String {
    Urn::Sha1(Sha1::digest(content).into()).to_string()
}

/// What it says of the file, when it has ended well.
fn downloaded(node: &mut Running, content: &[u8]) -> Value {
    let told = node.wait("downloaded");
    let status = node.end();
    assert!(status.success(), "{status}: {}", node.errors());
    assert_eq!(told["size"], content.len());
    assert_eq!(told["urn"], urn(content));
    told
}

/// What it does without arguments.
#[test]
fn alone_it_shows_what_it_does() {
    let output = node::alone("gnutella_node");
    for expected in ["one: listening", "two: hit", "two: downloaded", "verified=true"] {
        assert!(output.contains(expected), "{output}");
    }
}
