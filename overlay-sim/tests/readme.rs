//! The README shows the example as it is.

#[test]
fn the_readme_shows_the_example() {
    let readme = include_str!("../README.md");
    let example = include_str!("../examples/own_peer.rs");
    assert!(readme.contains(&format!("```rust\n{example}```\n")), "copy examples/own_peer.rs");
    let main = example.find("fn main").expect("a program");
    let lines = |text: &str| {
        let code = |line: &&str| !line.is_empty() && !line.trim_start().starts_with("//");
        text.lines().filter(code).count()
    };
    let (peer, world) = (lines(&example[..main]), lines(&example[main..]));
    assert!(peer <= 60 && world <= 25, "{peer} lines of peer, {world} of world");
}
