//! A capture: its packets, with pcap-parser.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};

use crate::Failure;
use crate::flows::Flows;
use crate::output::Output;
use crate::packet::{self, Packet};

/// How much of the capture is in memory; it grows up to the longest block.
const BUFFER: usize = 256 << 10;
const MAX_BLOCK: usize = 16 << 20;

/// Whether a file begins like a capture.
pub fn is_capture(bytes: &[u8]) -> bool {
    let Some(&magic) = bytes.first_chunk() else { return false };
    let magics = [0x0a0d_0d0a, 0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34_u32];
    magics.contains(&u32::from_le_bytes(magic)) || magics.contains(&u32::from_be_bytes(magic))
}

/// Dumps every Gnutella stream of a capture.
pub fn dump(name: &str, input: Box<dyn Read + Send>, output: &mut Output) -> Result<(), Failure> {
    let fault = Arc::new(Mutex::new(None));
    let whole = Whole { input, fault: Arc::clone(&fault) };
    let about = |why: &str| -> Failure {
        match fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => format!("{name}: {error}").into(),
            None => format!("{name}: {why}").into(),
        }
    };
    let mut reader = create_reader(BUFFER, whole).map_err(|error| match error {
        PcapError::Eof => about("it is empty, expected a capture"),
        PcapError::Incomplete(_) => about("it ends inside the header of a capture"),
        _ => about("neither pcap nor pcapng"),
    })?;
    let mut capture = Capture::default();
    let mut capacity = BUFFER;
    let bad = loop {
        let step = match reader.next() {
            Ok((length, block)) => {
                capture.block(&block, output)?;
                Step::Consume(length)
            }
            Err(PcapError::Incomplete(_)) => Step::Refill,
            Err(PcapError::BufferTooSmall) => Step::Grow,
            Err(PcapError::Eof) => break None,
            Err(PcapError::UnexpectedEof) => Step::End,
            Err(_) => break Some("not a block of a capture"),
        };
        match step {
            Step::Consume(length) => {
                reader.consume(length);
                continue;
            }
            // It says so too if the last block was whole.
            Step::End if reader.data().is_empty() => break None,
            Step::End => break Some("input ends inside a block of the capture"),
            Step::Grow if capacity >= MAX_BLOCK => break Some("a block of more than 16 MiB"),
            Step::Grow => {
                capacity *= 2;
                reader.grow(capacity);
            }
            Step::Refill => {}
        }
        // What was found so far is seen before the input is waited for.
        output.flush()?;
        let before = reader.data().len();
        if reader.refill().is_err() {
            break Some("it can not be read");
        }
        if reader.data().len() == before && !reader.reader_exhausted() {
            capacity *= 2;
            reader.grow(capacity);
        }
    };
    let at = reader.consumed();
    capture.finish(name, output)?;
    match bad {
        Some(why) => Err(about(&format!("byte {at}: {why}"))),
        None => Ok(()),
    }
}

/// What comes after a block was looked for.
enum Step {
    Consume(usize),
    Refill,
    Grow,
    End,
}

#[derive(Default)]
struct Capture {
    /// The type of network of each interface.
    links: Vec<u16>,
    flows: Flows,
    segments: u64,
    others: u64,
    fragments: u64,
    damaged: u64,
    /// Types of networks that are not known, and how many packets they had.
    unsupported: BTreeMap<u16, u64>,
}

impl Capture {
    fn block(&mut self, block: &PcapBlockOwned<'_>, output: &mut Output) -> Result<(), Failure> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => self.links = vec![link_of(header.network.0)],
            PcapBlockOwned::Legacy(packet) => return self.packet(0, packet.data, output),
            PcapBlockOwned::NG(Block::SectionHeader(_)) => self.links.clear(),
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                self.links.push(link_of(interface.linktype.0));
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                return self.packet(packet.if_id as usize, packet.packet_data(), output);
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                return self.packet(0, packet.packet_data(), output);
            }
            PcapBlockOwned::NG(_) => {}
        }
        Ok(())
    }

    fn packet(
        &mut self,
        interface: usize,
        bytes: &[u8],
        output: &mut Output,
    ) -> Result<(), Failure> {
        let Some(&link) = self.links.get(interface) else {
            self.damaged += 1;
            return Ok(());
        };
        match packet::read(link, bytes) {
            Packet::Segment(segment) => {
                self.segments += 1;
                return self.flows.segment(&segment, output);
            }
            Packet::Other => self.others += 1,
            Packet::Fragment => self.fragments += 1,
            Packet::Damaged => self.damaged += 1,
            Packet::Unsupported => *self.unsupported.entry(link).or_default() += 1,
        }
        Ok(())
    }

    fn finish(self, name: &str, output: &mut Output) -> Result<(), Failure> {
        let gnutella = self.flows.finish(output)?;
        for (link, packets) in &self.unsupported {
            let what = format!(
                "{name}: {packets} packets passed over: networks of link type {link} are not \
                 supported"
            );
            if self.segments + self.others == 0 {
                output.problem(&what)?;
            } else {
                output.note(&what)?;
            }
        }
        for (packets, why) in [
            (self.fragments, "TCP in IP fragments, which are not put together"),
            (self.damaged, "their headers are not whole, or of an interface that is not described"),
        ] {
            if packets > 0 {
                output.note(&format!("{name}: {packets} packets passed over: {why}"))?;
            }
        }
        if gnutella == 0 {
            let segments = self.segments;
            output.note(&format!("{name}: no stream of Gnutella in {segments} TCP segments"))?;
        }
        Ok(())
    }
}

/// The upper bits say other things in some captures.
fn link_of(network: i32) -> u16 {
    (network & 0xffff) as u16
}

/// Reads until a buffer is full: pcap-parser wants whole headers at the start, and a pipe gives what
/// it has. What goes wrong is kept, as pcap-parser does not hand it on.
struct Whole {
    input: Box<dyn Read + Send>,
    fault: Arc<Mutex<Option<io::Error>>>,
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Once more after what there is.
                Err(_) if filled > 0 => break,
                Err(error) => {
                    let kind = error.kind();
                    *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return Err(kind.into());
                }
            }
        }
        Ok(filled)
    }
}
