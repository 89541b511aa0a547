//! Sends a filter over a wire, and asks the received bytes without copying them: a peer tells its
//! neighbours which words it can answer, and they ask before they forward a query.
//!
//! ```text
//! cargo run --release -p overlay-bloom --example bloom_send
//! ```

use std::error::Error;

use overlay_bloom::{Decoded, Header, Limits, Params, Standard, StandardView};

fn main() -> Result<(), Box<dyn Error>> {
    // The peer. The seed travels in the message.
    let shared = ["madonna", "music", "vivaldi", "winter", "goldberg", "variations"];
    let mut filter = Standard::new(Params::for_rate(1000, 0.01)?, 2026)?;
    filter.insert_many(&shared);
    let mut message = Vec::with_capacity(filter.encoded_len());
    filter.encode(&mut message);
    println!("sent: {} keys in {} bytes", shared.len(), message.len());

    // The neighbour. A stream brings the message in pieces, and another behind it.
    let stream = [message.as_slice(), b"the next message"].concat();
    let mut received = Vec::new();
    let limits = Limits { max_m: 1 << 20 };
    for piece in stream.chunks(500) {
        received.extend_from_slice(piece);
        match StandardView::decode_prefix(&received, &limits)? {
            Decoded::Partial { needed } => println!("{needed} bytes more, at least"),
            Decoded::Complete { value: view, consumed } => {
                println!("a filter of {consumed} bytes: {view:?}");
                // A filter that is nearly full would have us forward everything to its sender.
                println!("it is {:.1} % full", 100.0 * view.fill());
                for word in ["vivaldi", "beatles"] {
                    let forward = if view.contains(word.as_bytes()) { "forward" } else { "drop" };
                    println!("a query for {word}: {forward}");
                }
                println!("{} bytes of what follows", received.len() - consumed);
            }
        }
    }

    // What kind of filter it is can be told before it is decoded, and what is wrong with it.
    if let Decoded::Complete { value: header, .. } = Header::decode_prefix(&received)? {
        println!(
            "layout {}, hasher {}, {} bytes",
            header.layout,
            header.hasher,
            header.message_len()
        );
    }
    message[6] = 0;
    match Standard::decode(&message) {
        Ok(_) => println!("spoiled, and nobody noticed"),
        Err(error) => println!("spoiled: {error}"),
    }
    Ok(())
}
