//! A STUN server: requests in, answers out, nothing remembered.

use core::net::SocketAddr;

use alloc::string::String;
use alloc::vec::Vec;

use super::{AttributeType, ChangeRequest, Class, ErrorCode, Message, MessageType, Method, Writer};

/// Answers Binding requests (RFC 8489), with two addresses also those that discover NATs (RFC 5780),
/// and those of RFC 3489.
///
/// It keeps no state, so it needs no clock and any number of threads can share it. Whoever has the
/// sockets hands in each datagram with the socket it came to, and sends the answer from the socket it
/// is told.
///
/// ```
/// use natsim::stun::{Addresses, Message, MessageType, Server, Socket, TransactionId, Writer};
///
/// let addresses =
///     Addresses { primary: "192.0.2.1:3478".parse()?, alternate: "192.0.2.2:3479".parse()? };
/// let server = Server::rfc5780(addresses).expect("both differ in address and port");
///
/// let mut request = Vec::new();
/// let id = TransactionId::new(*b"at random!!!");
/// Writer::new(&mut request, MessageType::BINDING_REQUEST, id).finish()?;
///
/// let mut response = Vec::new();
/// let client = "198.51.100.7:40000".parse()?;
/// let answer = server.answer(&request, client, Socket::PRIMARY, &mut response);
/// assert_eq!(answer.map(|answer| (answer.from, answer.to)), Some((Socket::PRIMARY, client)));
/// assert_eq!(Message::decode(&response)?.xor_mapped_address()?, Some(client));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Amplification
/// UDP sources can be forged, so an answer is never longer than three times the request (four times
/// over IPv6), or what [`with_amplification`](Self::with_amplification) says. What does not fit is left
/// out, the least important first: SOFTWARE, MAPPED-ADDRESS, RESPONSE-ORIGIN, OTHER-ADDRESS. The
/// shortest request over IPv4, 20 bytes, gets the three that discovery needs. RESPONSE-ADDRESS of RFC
/// 3489, which sends answers to third parties, is refused.
#[derive(Clone, Debug)]
pub struct Server {
    address: SocketAddr,
    alternate: Option<SocketAddr>,
    software: String,
    amplification: u8,
}

/// Which of a server's sockets: two addresses with two ports each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket {
    /// At the other IP address.
    pub other_ip: bool,
    /// At the other port.
    pub other_port: bool,
}

impl Socket {
    /// Where clients ask first.
    pub const PRIMARY: Self = Self { other_ip: false, other_port: false };

    /// All four; a server with one address has only the first.
    pub const ALL: [Self; 4] = [
        Self::PRIMARY,
        Self { other_ip: false, other_port: true },
        Self { other_ip: true, other_port: false },
        Self { other_ip: true, other_port: true },
    ];

    /// Where a client wants to be answered from.
    const fn changed(self, change: ChangeRequest) -> Self {
        Self { other_ip: self.other_ip ^ change.ip, other_port: self.other_port ^ change.port }
    }
}

/// The addresses of a server that helps to discover NATs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where clients ask first.
    pub primary: SocketAddr,
    /// Another IP address with another port.
    pub alternate: SocketAddr,
}

impl Addresses {
    /// The address of a socket.
    pub fn of(&self, socket: Socket) -> SocketAddr {
        let ip = if socket.other_ip { self.alternate } else { self.primary };
        let port = if socket.other_port { self.alternate } else { self.primary };
        SocketAddr::new(ip.ip(), port.port())
    }
}

/// What to send, apart from the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// From this socket.
    pub from: Socket,
    /// To this address.
    pub to: SocketAddr,
}

/// Attributes that need no error 420: they are obeyed, or say who asks, which does not matter here.
const KNOWN: [AttributeType; 9] = [
    AttributeType::CHANGE_REQUEST,
    AttributeType::RESPONSE_PORT,
    AttributeType::PADDING,
    AttributeType::USERNAME,
    AttributeType::USERHASH,
    AttributeType::REALM,
    AttributeType::NONCE,
    AttributeType::PASSWORD_ALGORITHM,
    AttributeType::PRIORITY,
];

impl Server {
    /// A server with one address: it says who you are, and refuses the rest of RFC 5780 with error 420.
    pub const fn new(address: SocketAddr) -> Self {
        Self { address, alternate: None, software: String::new(), amplification: 3 }
    }

    /// A server with two addresses and two ports; `None` if they do not differ in both, or are of
    /// different families.
    pub fn rfc5780(addresses: Addresses) -> Option<Self> {
        let Addresses { primary, alternate } = addresses;
        let fits = primary.ip() != alternate.ip()
            && primary.port() != alternate.port()
            && primary.is_ipv4() == alternate.is_ipv4();
        fits.then(|| Self { alternate: Some(alternate), ..Self::new(primary) })
    }

    /// Says who wrote the answers, where there is room; less than 128 characters.
    #[must_use]
    pub fn with_software(mut self, name: &str) -> Self {
        self.software = name.chars().take(127).collect();
        self
    }

    /// How many times as long as the request an answer may be, one more over IPv6. Below 3 clients
    /// have to pad their requests.
    #[must_use]
    pub fn with_amplification(mut self, times: u8) -> Self {
        self.amplification = times.max(1);
        self
    }

    /// Answers a datagram that came from `from` to `at`: appends the answer to `out`.
    ///
    /// `None`, and nothing appended, where nothing is to be answered: what is no request, what has a
    /// wrong fingerprint, what has no port to be answered at.
    pub fn answer(
        &self,
        datagram: &[u8],
        from: SocketAddr,
        at: Socket,
        out: &mut Vec<u8>,
    ) -> Option<Answer> {
        let request = Message::decode(datagram).ok()?;
        if (request.method(), request.class()) != (Method::BINDING, Class::Request) {
            return None;
        }
        if (request.has_fingerprint() && request.check_fingerprint().is_err()) || from.port() == 0 {
            return None;
        }
        let start = out.len();
        let answer = match self.obey(&request) {
            Ok(wish) => self.success(&request, wish, from, at, out),
            Err(refusal) => self.refusal(&request, &refusal, from, at, out),
        };
        if answer.is_none() {
            out.truncate(start);
        }
        answer
    }

    /// What a request wants, if it can have it.
    fn obey(&self, request: &Message<'_>) -> Result<Wish, Refusal> {
        let known = if self.alternate.is_some() { &KNOWN[..] } else { &KNOWN[1..] };
        let unknown: Vec<AttributeType> = request.unknown_required(known).collect();
        if !unknown.is_empty() {
            return Err(Refusal::Unknown(unknown));
        }
        let wish = || {
            Ok::<_, super::DecodeError>(Wish {
                change: request.change_request()?.unwrap_or_default(),
                port: request.response_port()?,
                padding: request.find(AttributeType::PADDING).map(|padding| padding.value.len()),
            })
        };
        match wish() {
            // Together they would send long answers to ports that did not ask (RFC 5780, section 6.1).
            Ok(Wish { port: Some(_), padding: Some(_), .. } | Wish { port: Some(0), .. }) => {
                Err(Refusal::Bad)
            }
            Ok(wish) => Ok(wish),
            Err(_) => Err(Refusal::Bad),
        }
    }

    fn success(
        &self,
        request: &Message<'_>,
        wish: Wish,
        from: SocketAddr,
        at: Socket,
        out: &mut Vec<u8>,
    ) -> Option<Answer> {
        let id = request.transaction_id();
        let own = at.changed(wish.change);
        let mut left = self.room(request, from)?;
        let mut fits = |len: usize| {
            let fits = len <= left;
            left -= if fits { len } else { 0 };
            fits
        };
        let address_len = if from.is_ipv4() { 12 } else { 24 };
        let [mapped, origin, other] = if id.is_classic() {
            [
                AttributeType::MAPPED_ADDRESS,
                AttributeType::SOURCE_ADDRESS,
                AttributeType::CHANGED_ADDRESS,
            ]
        } else {
            [
                AttributeType::MAPPED_ADDRESS,
                AttributeType::RESPONSE_ORIGIN,
                AttributeType::OTHER_ADDRESS,
            ]
        };

        let mut writer = Writer::new(out, MessageType::BINDING_SUCCESS, id);
        if !fits(address_len) {
            return None;
        }
        if id.is_classic() {
            writer.address(mapped, from);
        } else {
            writer.xor_mapped_address(from);
        }
        if let Some(alternate) = self.alternate {
            let addresses = Addresses { primary: self.address, alternate };
            let elsewhere = at.changed(ChangeRequest { ip: true, port: true });
            if fits(address_len) {
                writer.address(other, addresses.of(elsewhere));
            }
            if fits(address_len) {
                writer.address(origin, addresses.of(own));
            }
        } else if fits(address_len) {
            writer.address(origin, self.address);
        }
        if let Some(len) = wish.padding
            && fits(4 + len.next_multiple_of(4))
        {
            writer.padding(u16::try_from(len).ok()?);
        }
        if !id.is_classic() && fits(address_len) {
            writer.address(mapped, from);
        }
        self.finish(request, writer, &mut fits)?;
        let to = SocketAddr::new(from.ip(), wish.port.unwrap_or(from.port()));
        Some(Answer { from: own, to })
    }

    fn refusal(
        &self,
        request: &Message<'_>,
        refusal: &Refusal,
        from: SocketAddr,
        at: Socket,
        out: &mut Vec<u8>,
    ) -> Option<Answer> {
        let mut left = self.room(request, from)?;
        let mut fits = |len: usize| {
            let fits = len <= left;
            left -= if fits { len } else { 0 };
            fits
        };
        let (code, reason, types) = match refusal {
            Refusal::Bad => (ErrorCode::BAD_REQUEST, "Bad Request", &[][..]),
            Refusal::Unknown(types) => {
                (ErrorCode::UNKNOWN_ATTRIBUTE, "Unknown Attribute", &types[..])
            }
        };
        let mut writer = Writer::new(out, MessageType::BINDING_ERROR, request.transaction_id());
        if !fits(8) {
            return None;
        }
        let list = 4 + (types.len() * 2).next_multiple_of(4);
        let listed = !types.is_empty() && fits(list);
        let reason = if fits(reason.len().next_multiple_of(4)) { reason } else { "" };
        writer.error_code(ErrorCode { code, reason: reason.as_bytes() });
        if listed {
            writer.unknown_attributes(types);
        }
        self.finish(request, writer, &mut fits)?;
        Some(Answer { from: at, to: from })
    }

    /// What is the same in all answers.
    fn finish(
        &self,
        request: &Message<'_>,
        mut writer: Writer<&mut Vec<u8>>,
        fits: &mut impl FnMut(usize) -> bool,
    ) -> Option<()> {
        let software = &self.software;
        if !software.is_empty() && fits(4 + software.len().next_multiple_of(4)) {
            writer.software(software);
        }
        if request.has_fingerprint() {
            writer.fingerprint();
        }
        writer.finish().ok().map(drop)
    }

    /// How many bytes the attributes of an answer may have, the fingerprint not counted.
    fn room(&self, request: &Message<'_>, from: SocketAddr) -> Option<usize> {
        let times = usize::from(self.amplification) + usize::from(from.is_ipv6());
        let fixed = super::HEADER_LEN + if request.has_fingerprint() { 8 } else { 0 };
        (request.encoded_len() * times).checked_sub(fixed)
    }
}

/// What a request wants beyond a plain answer.
struct Wish {
    change: ChangeRequest,
    port: Option<u16>,
    padding: Option<usize>,
}

/// Why it gets none.
enum Refusal {
    Bad,
    Unknown(Vec<AttributeType>),
}
