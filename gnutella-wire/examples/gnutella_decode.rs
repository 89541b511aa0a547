//! Takes a stream of Gnutella descriptors apart, a line for each, and goes on after one that makes no
//! sense. Give it hexadecimal digits, or nothing for a stream of its own:
//!
//! ```text
//! cargo run -p gnutella-wire --example gnutella_decode
//! cargo run -p gnutella-wire --example gnutella_decode -- 00…
//! ```

use std::error::Error;
use std::process::ExitCode;

use gnutella_wire::{
    Bye, Decoded, Extension, Extensions, Frame, GgepBuilder, Guid, Header, HitResult, Limits,
    Message, OwnedBye, OwnedQueryHit, Payload, PayloadType, Ping, Pong, Push, Qrp, Query,
    QueryFlags, VendorMessage,
};

fn main() -> ExitCode {
    let run = || -> Result<(), Box<dyn Error>> {
        let stream = match std::env::args().nth(1) {
            Some(digits) => hex::decode(digits.trim()).map_err(|error| error.to_string())?,
            None => sample()?,
        };
        dump(&stream)
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dump(stream: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut offset = 0;
    while offset < stream.len() {
        match Frame::decode_prefix(&stream[offset..], &Limits::DEFAULT)? {
            Decoded::Partial { needed } => {
                return Err(format!(
                    "the stream ends within the descriptor at {offset}, {needed} bytes are missing"
                )
                .into());
            }
            Decoded::Complete { value: frame, consumed } => {
                line(offset, &frame);
                offset += consumed;
            }
        }
    }
    Ok(())
}

fn line(offset: usize, frame: &Frame<'_>) {
    let Header { guid, payload_type, ttl, hops, length } = frame.header;
    print!("{offset:6}  {payload_type:9}  {guid}  ttl {ttl}  hops {hops}  {length:4} bytes  ");
    match frame.parse().map(|message| message.payload) {
        Ok(Payload::Ping(ping)) => println!("{}", list(ping.extensions())),
        Ok(Payload::Pong(pong)) => {
            print!("{} shares {} files, {} kB", pong.address, pong.files, pong.kbytes);
            println!("{}", list(pong.extensions()));
        }
        Ok(Payload::Query(query)) => {
            println!("\"{}\"{}", query.text().escape_ascii(), list(query.extensions()));
        }
        Ok(Payload::QueryHit(hit)) => {
            print!("{}", hit.address);
            for result in hit.results {
                print!("  {}: \"{}\"", result.index, result.name.escape_ascii());
                print!(" ({} bytes){}", result.size, list(result.extensions()));
            }
            if let Ok(Some(trailer)) = hit.trailer() {
                let vendor = trailer.vendor();
                print!("  by {}{}", vendor.escape_ascii(), list(trailer.extensions()));
            }
            println!();
        }
        Ok(Payload::Push(push)) => {
            print!("file {} of {} to {}", push.index, push.servent, push.address);
            println!("{}", list(push.extensions()));
        }
        Ok(Payload::Bye(bye)) => println!("{} {}", bye.code, bye.message().escape_ascii()),
        Ok(Payload::Qrp(Qrp::Reset { slots, infinity, .. })) => {
            println!("reset: {slots} slots, infinity {infinity}");
        }
        Ok(Payload::Qrp(Qrp::Patch(patch))) => {
            println!("patch {} of {}, {} bytes", patch.number, patch.count, patch.data.len());
        }
        Ok(Payload::Vendor(vendor)) => match vendor.message() {
            Ok(message) => println!("{} {message:?}", vendor.id),
            Err(error) => println!("{}: {error}", vendor.id),
        },
        Ok(_) => println!("{}", hex::encode(frame.payload)),
        Err(error) => println!("malformed: {error}"),
    }
}

/// The extensions, in brackets; nothing if there are none.
fn list(extensions: Extensions<'_>) -> String {
    let words: Vec<String> = extensions
        .map(|extension| match extension {
            Extension::Ggep(block) => format!("{block:?}"),
            Extension::Urn(text) => text.escape_ascii().to_string(),
            Extension::Xml(xml) => format!("XML of {} bytes", xml.as_bytes().len()),
            other => format!("{other:?}"),
        })
        .collect();
    if words.is_empty() { String::new() } else { format!(" [{}]", words.join(", ")) }
}

/// A Ping and its answer, a search and its answer, a Push, a query routing table's start, a vendor
/// message, a Bye, and a Pong that is too short.
fn sample() -> Result<Vec<u8>, Box<dyn Error>> {
    let (first, second) = (Guid::from_bytes([0x11; 16]), Guid::from_bytes([0x22; 16]).marked());
    let address = "192.0.2.7:6346".parse()?;
    let query = Query::new(QueryFlags::from_min_speed(0), b"blue train")?;
    let extension = b"urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB";
    let result = HitResult { index: 36, size: 4_356_789, name: b"Blue Train.ogg", extension };
    let block = GgepBuilder::new().push(b"DU", &[0x0b, 0x02])?.push(b"UP", &[1, 30, 2])?.finish();
    let servent = Guid::from_bytes([0x33; 16]);
    let hit = OwnedQueryHit::new(address, 1_000, servent, [result])?;
    let flow = VendorMessage::HopsFlow { hops: 3 }.to_vendor();
    let bye = OwnedBye::new(Bye::SHUTDOWN, b"Shutting down")?;
    let mut stream = Vec::new();
    for (guid, ttl, hops, payload) in [
        (first, 7, 0, Payload::Ping(Ping::default())),
        (first, 3, 4, Payload::Pong(Pong { address, files: 12, kbytes: 1_024, extension: &block })),
        (second, 6, 1, Payload::Query(query)),
        (second, 1, 1, Payload::QueryHit(hit.borrow())),
        (second, 7, 0, Payload::Push(Push { servent, index: 36, address, extension: &[] })),
        (Guid::ZERO, 1, 0, Payload::Qrp(Qrp::Reset { slots: 65_536, infinity: 7, rest: &[] })),
        (Guid::ZERO, 1, 0, Payload::Vendor(flow.borrow())),
        (Guid::ZERO, 1, 0, Payload::Bye(bye.borrow())),
    ] {
        Message { guid, ttl, hops, payload }.encode(&mut stream);
    }
    let pong = Header { guid: first, payload_type: PayloadType::PONG, ttl: 1, hops: 0, length: 2 };
    pong.encode(&mut stream);
    stream.extend_from_slice(&[0xca, 0x18]);
    Ok(stream)
}
