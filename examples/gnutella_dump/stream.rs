//! One direction of a connection: header blocks, if there are any, then descriptors.

use gnutella_wire::{
    DecodeErrorKind, Decoded, Guid, Head, Header, Limits, LinkReader, Message, Offer, Payload,
    PayloadType, Ping, Profile,
};

use crate::Failure;
use crate::output::Output;

/// What every header block of a handshake begins with.
const WORD: &[u8] = b"GNUTELLA";

pub struct Stream {
    /// How problems name it.
    name: String,
    /// Whether it is one of many, and may be something else than Gnutella.
    in_capture: bool,
    state: State,
    /// How many header blocks there were, and of how many bytes.
    blocks: u32,
    block_bytes: u64,
    /// Whether one of them says that the sender deflates. In the direction of who opened the
    /// connection there are two: the request, and the confirmation, which says it.
    deflated: bool,
    /// Whether there was anything after the header blocks.
    has_body: bool,
    /// Where the next descriptor begins.
    offset: u64,
}

enum State {
    /// What is not known yet to be header blocks or descriptors, or is not whole yet.
    Opening(Vec<u8>),
    Descriptors(LinkReader),
    /// It ended, went wrong, or is not Gnutella's.
    Over,
}

impl Stream {
    /// A file, which is what its user says.
    pub fn of_file(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            in_capture: false,
            state: State::Opening(Vec::new()),
            blocks: 0,
            block_bytes: 0,
            deflated: false,
            has_body: false,
            offset: 0,
        }
    }

    /// A stream of a capture: dumped if it begins with a header block, or with what can be the header
    /// of a descriptor.
    pub fn of_capture(name: String) -> Self {
        Self { in_capture: true, ..Self::of_file(&name) }
    }

    /// Whether nothing more comes of it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether it is known to be Gnutella's, or was until it ended.
    pub fn is_gnutella(&self) -> bool {
        match &self.state {
            State::Opening(bytes) => self.blocks > 0 || bytes.starts_with(WORD),
            State::Descriptors(_) => true,
            State::Over => self.blocks > 0 || self.offset > 0,
        }
    }

    /// Goes on with these bytes.
    pub fn feed(&mut self, bytes: &[u8], output: &mut Output) -> Result<(), Failure> {
        match &mut self.state {
            State::Opening(opening) => {
                opening.extend_from_slice(bytes);
                self.open(output)
            }
            State::Descriptors(_) => self.descriptors(bytes, output),
            State::Over => Ok(()),
        }
    }

    /// There are no more bytes.
    pub fn end(&mut self, output: &mut Output) -> Result<(), Failure> {
        let problem = match &mut self.state {
            State::Opening(bytes) if WORD.starts_with(&bytes[..bytes.len().min(WORD.len())]) => {
                let (at, there) = (self.block_bytes, bytes.len());
                let is_nothing = bytes.is_empty() || self.in_capture && !self.is_gnutella();
                (!is_nothing).then(|| {
                    format!(
                        "byte {at}: input ends inside a header block, after {there} bytes of it"
                    )
                })
            }
            State::Descriptors(reader) if reader.buffered() > 0 => {
                let (at, there) = (self.offset, reader.buffered());
                Some(format!("offset {at}: input ends inside a message, after {there} bytes of it"))
            }
            State::Descriptors(reader) if self.deflated && self.has_body => {
                // A note, as not everybody ends a block after each message.
                if is_inside_block(reader) {
                    let (name, at) = (&self.name, self.offset);
                    output.note(&format!(
                        "{name}: offset {at}: the deflated data ends inside a block, in which a \
                         message may have begun"
                    ))?;
                }
                None
            }
            _ => None,
        };
        self.state = State::Over;
        match problem {
            Some(problem) => output.problem(&format!("{}: {problem}", self.name)),
            None => Ok(()),
        }
    }

    /// It can not go on, because of something around it. Nothing is said of what is not Gnutella's,
    /// unless it is `known` to be from elsewhere.
    pub fn fail(&mut self, known: bool, why: &str, output: &mut Output) -> Result<(), Failure> {
        let worth_a_word = known || self.is_gnutella();
        self.state = State::Over;
        if worth_a_word {
            output.problem(&format!("{}: offset {}: {why}", self.name, self.offset))?;
        }
        Ok(())
    }

    /// Takes header blocks, and finds out what follows them.
    fn open(&mut self, output: &mut Output) -> Result<(), Failure> {
        let State::Opening(bytes) = &mut self.state else { return Ok(()) };
        let mut start = 0;
        let descriptors = loop {
            let rest = &bytes[start..];
            let common = rest.len().min(WORD.len());
            if rest[..common] != WORD[..common] {
                break true;
            }
            if common < WORD.len() {
                break false;
            }
            match Head::decode_prefix(rest, &Limits::DEFAULT) {
                Ok(Decoded::Complete { value: head, consumed }) => {
                    self.deflated |= Offer::of(head).sends_deflate();
                    self.blocks += 1;
                    self.block_bytes += consumed as u64;
                    start += consumed;
                }
                Ok(Decoded::Partial { .. }) => break false,
                Err(error) => {
                    let at = self.block_bytes + error.offset as u64;
                    let problem = format!("{}: byte {at}: header block: {}", self.name, error.kind);
                    self.state = State::Over;
                    return output.problem(&problem);
                }
            }
        };
        bytes.drain(..start);
        if !descriptors {
            return Ok(());
        }
        if self.in_capture && self.blocks == 0 {
            match Header::decode_prefix(bytes) {
                Decoded::Complete { value, .. } if !is_plausible(&value) => {
                    self.state = State::Over;
                    return Ok(());
                }
                Decoded::Complete { .. } => {}
                Decoded::Partial { .. } => return Ok(()),
            }
        }
        let bytes = std::mem::take(bytes);
        self.state = State::Descriptors(LinkReader::new(Limits::DEFAULT, self.deflated));
        self.descriptors(&bytes, output)
    }

    fn descriptors(&mut self, mut bytes: &[u8], output: &mut Output) -> Result<(), Failure> {
        let State::Descriptors(reader) = &mut self.state else { return Ok(()) };
        let label = self.in_capture.then_some(self.name.as_str());
        self.has_body |= !bytes.is_empty();
        while !bytes.is_empty() {
            bytes = &bytes[reader.feed(bytes)..];
            loop {
                let frame = match reader.next() {
                    Ok(Some(frame)) => frame,
                    Ok(None) => break,
                    Err(error) => {
                        let at = self.offset + error.offset as u64;
                        let problem = format!("{}: offset {at}: {}", self.name, error.kind);
                        self.state = State::Over;
                        return output.problem(&problem);
                    }
                };
                let offset = self.offset;
                self.offset += (Header::LEN + frame.payload.len()) as u64;
                // Where one message ends and the next begins is known, so that one that makes no
                // sense costs only itself.
                let (at, kind) = match frame.parse() {
                    Ok(message) => match Profile::Lenient.check(&frame.header, &message.payload) {
                        Ok(()) => {
                            output.message(label, offset, &frame.header, &message)?;
                            continue;
                        }
                        Err(violation) => (offset, violation.to_string()),
                    },
                    Err(error) => (offset + error.offset as u64, error.kind.to_string()),
                };
                let what = frame.header.payload_type;
                output.problem(&format!("{}: offset {at}: {what}: {kind}", self.name))?;
            }
        }
        Ok(())
    }
}

/// Whether deflated data ends inside a block, and not between two or with the last one: a message in a
/// block that is not compressed (RFC 1951, section 3.2.4) would not come out of it.
fn is_inside_block(reader: &mut LinkReader) -> bool {
    let mut probe = Vec::new();
    let guid = Guid::from_bytes(*b"no one sends it!");
    let message = Message { guid, ttl: 1, hops: 0, payload: Payload::Ping(Ping::default()) };
    message.encode(&mut probe);
    let length = (probe.len() as u16).to_le_bytes();
    let block = [0, length[0], length[1], !length[0], !length[1]];
    reader.feed(&[&block, probe.as_slice()].concat());
    match reader.next() {
        Ok(frame) => frame.is_none_or(|frame| frame.header.guid != guid),
        // After the last block.
        Err(error) => !matches!(error.kind, DecodeErrorKind::TrailingBytes { .. }),
    }
}

/// Whether a stream without header blocks can be descriptors: a type in use, and numbers as servents
/// make them. Text, and what is encrypted, is not.
fn is_plausible(header: &Header) -> bool {
    header.payload_type.name().is_some()
        && header.ttl <= 15
        && header.hops <= 15
        && Profile::Lenient.takes_length(header.payload_type, header.length)
        // Zeros are a Ping too, but one that nobody sends.
        && (header.ttl, header.hops, header.payload_type) != (0, 0, PayloadType::PING)
}
