//! Servers, good and bad, and what the classifier says about a NAT that it can not see through them.

use std::net::SocketAddr;

use natsim::Behaviour;
use natsim::Mapping;
use natsim::classify::{Reason, Report, Verdict};
use natsim::stun::{
    Attribute, AttributeType, Class, ErrorCode, Message, MessageType, Server, Socket, Writer,
};

use crate::truths;
use crate::world::{Loss, World, address, addresses, good_server};

/// How a server behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Good,
    OneAddress,
    /// Error 420 for CHANGE-REQUEST, with or without saying what it does not know.
    Refuses {
        listed: bool,
    },
    /// Answers from where it was asked, whatever the request says.
    IgnoresChange,
    /// Does not answer what it does not like.
    DropsChange,
    /// Names another address that nobody is at.
    NamesNobody,
    /// Names its own address with another port, or itself.
    NamesItself,
    /// Asked at its other addresses, it names a wrong one.
    NamesWrongElsewhere,
    /// Nobody answers at the other address, or from there.
    HalfDead,
    /// All answers come from a third address.
    FromElsewhere,
    /// A stranger answers too, from another address and with lies; sometimes before the server.
    Spoofed,
    /// Obeys all but RESPONSE-PORT, which it refuses or does not see.
    NoResponsePort {
        refused: bool,
    },
    Unauthorized,
    NamesNoAddress,
    Silent,
    Garbage,
    /// Sees even ports at another address, as if the NAT had two.
    SeesTwo,
}

impl Kind {
    pub const ALL: [Self; 18] = [
        Self::OneAddress,
        Self::Refuses { listed: true },
        Self::Refuses { listed: false },
        Self::IgnoresChange,
        Self::DropsChange,
        Self::NamesNobody,
        Self::NamesItself,
        Self::NamesWrongElsewhere,
        Self::HalfDead,
        Self::FromElsewhere,
        Self::Spoofed,
        Self::NoResponsePort { refused: true },
        Self::NoResponsePort { refused: false },
        Self::Unauthorized,
        Self::NamesNoAddress,
        Self::Silent,
        Self::Garbage,
        Self::Good,
    ];

    /// From where, to where, what.
    pub fn answer(
        self,
        datagram: &[u8],
        from: SocketAddr,
        at: Socket,
    ) -> Vec<(SocketAddr, SocketAddr, Vec<u8>)> {
        let request = Message::decode(datagram).expect("the classifier writes messages");
        let changes = request.change_request().expect("a request").is_some();
        let here = addresses().of(at);
        let plain = || {
            let mut plain = Vec::new();
            let id = request.transaction_id();
            let writer = Writer::new(&mut plain, MessageType::BINDING_REQUEST, id);
            writer.finish().expect("it fits");
            plain
        };
        match self {
            Self::Good => ask(&good_server(), datagram, from, at),
            Self::OneAddress if at == Socket::PRIMARY => {
                ask(&Server::new(addresses().primary), datagram, from, at)
            }
            Self::OneAddress => vec![],
            Self::Refuses { listed } if changes => {
                let mut out = Vec::new();
                let id = request.transaction_id();
                let mut writer = Writer::new(&mut out, MessageType::BINDING_ERROR, id);
                writer.error_code(ErrorCode { code: 420, reason: b"" });
                if listed {
                    writer.unknown_attributes(&[AttributeType::CHANGE_REQUEST]);
                }
                writer.finish().expect("it fits");
                vec![(here, from, out)]
            }
            Self::DropsChange if changes => vec![],
            Self::IgnoresChange => ask(&good_server(), &plain(), from, at),
            Self::NamesNobody => named(datagram, from, at, address("203.0.113.99:9999")),
            Self::NamesItself => named(datagram, from, at, address("203.0.113.1:3479")),
            Self::NamesWrongElsewhere if at != Socket::PRIMARY => {
                named(datagram, from, at, address("203.0.113.2:3478"))
            }
            Self::HalfDead => {
                let alive = |(source, ..): &(SocketAddr, _, _)| {
                    !at.other_ip && source.ip() == addresses().primary.ip()
                };
                let mut answers = ask(&good_server(), datagram, from, at);
                answers.retain(alive);
                answers
            }
            Self::FromElsewhere => {
                let mut answers = ask(&good_server(), datagram, from, at);
                answers.iter_mut().for_each(|answer| answer.0 = address("203.0.113.77:3478"));
                answers
            }
            Self::Spoofed => {
                let mut answers = ask(&good_server(), datagram, from, at);
                let mut lie = Vec::new();
                let id = request.transaction_id();
                let mut writer = Writer::new(&mut lie, MessageType::BINDING_SUCCESS, id);
                writer.xor_mapped_address(address("192.0.2.66:666"));
                writer.finish().expect("it fits");
                answers.insert(datagram.len() % 2, (address("203.0.113.66:666"), from, lie));
                answers
            }
            Self::NoResponsePort { refused } => match request.response_port() {
                Ok(Some(_)) if refused => {
                    let mut out = Vec::new();
                    let id = request.transaction_id();
                    let mut writer = Writer::new(&mut out, MessageType::BINDING_ERROR, id);
                    writer
                        .error_code(ErrorCode { code: 420, reason: b"" })
                        .unknown_attributes(&[AttributeType::RESPONSE_PORT]);
                    writer.finish().expect("it fits");
                    vec![(here, from, out)]
                }
                Ok(Some(_)) => {
                    let mut out = Vec::new();
                    let id = request.transaction_id();
                    let mut writer = Writer::new(&mut out, MessageType::BINDING_REQUEST, id);
                    let change = request.change_request().expect("a request");
                    writer.change_request(change.unwrap_or_default());
                    writer.finish().expect("it fits");
                    ask(&good_server(), &out, from, at)
                }
                _ => ask(&good_server(), datagram, from, at),
            },
            Self::Unauthorized | Self::NamesNoAddress => {
                let mut out = Vec::new();
                let id = request.transaction_id();
                if self == Self::Unauthorized {
                    let mut writer = Writer::new(&mut out, MessageType::BINDING_ERROR, id);
                    writer.error_code(ErrorCode { code: 401, reason: b"" });
                    writer.finish().expect("it fits");
                } else {
                    let mut writer = Writer::new(&mut out, MessageType::BINDING_SUCCESS, id);
                    writer.software("x");
                    writer.finish().expect("it fits");
                }
                vec![(here, from, out)]
            }
            Self::SeesTwo => rewritten(datagram, from, at, |writer, message, one| {
                let mapped = message.xor_mapped_address().expect("an address").filter(|mapped| {
                    one.kind == AttributeType::XOR_MAPPED_ADDRESS && mapped.port() % 2 == 0
                });
                match mapped {
                    Some(mapped) => {
                        writer.xor_mapped_address(([198, 51, 100, 2], mapped.port()).into())
                    }
                    None => writer.attribute(one.kind, one.value),
                };
            }),
            Self::Silent => vec![],
            Self::Garbage => vec![(here, from, datagram.repeat(2)), (here, from, vec![1, 1])],
            _ => ask(&good_server(), datagram, from, at),
        }
    }
}

type Answers = Vec<(SocketAddr, SocketAddr, Vec<u8>)>;

fn ask(server: &Server, datagram: &[u8], from: SocketAddr, at: Socket) -> Answers {
    let request = Message::decode(datagram).expect("a request");
    if request.class() != Class::Request {
        return vec![];
    }
    let mut out = Vec::new();
    let answer = server.answer(datagram, from, at, &mut out);
    let to_wire = |answer: natsim::stun::Answer| (addresses().of(answer.from), answer.to, out);
    answer.map(to_wire).into_iter().collect()
}

/// A good server's answers with another other address.
fn named(datagram: &[u8], from: SocketAddr, at: Socket, other: SocketAddr) -> Answers {
    rewritten(datagram, from, at, |writer, _, one| {
        if one.kind == AttributeType::OTHER_ADDRESS {
            writer.address(one.kind, other);
        } else {
            writer.attribute(one.kind, one.value);
        }
    })
}

/// A good server's answers, each attribute written again.
fn rewritten(
    datagram: &[u8],
    from: SocketAddr,
    at: Socket,
    write: impl Fn(&mut Writer<&mut Vec<u8>>, &Message<'_>, Attribute<'_>),
) -> Answers {
    let mut answers = ask(&good_server(), datagram, from, at);
    for (_, _, bytes) in &mut answers {
        let message = Message::decode(bytes).expect("an answer");
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, message.message_type(), message.transaction_id());
        for one in message.attributes() {
            write(&mut writer, &message, one);
        }
        writer.finish().expect("it fits");
        *bytes = out;
    }
    answers
}

fn through(kind: Kind, behaviours: &[Behaviour]) -> Report {
    let report = World::new(behaviours, kind, Loss::None, 1).classify();
    truths::assert_true(&report, behaviours, &format!("{kind:?} {behaviours:?}"));
    report
}

/// Through every server, every NAT: never wrong.
#[test]
fn no_server_makes_it_lie() {
    for kind in Kind::ALL {
        for behaviour in truths::behaviours() {
            through(kind, &[behaviour]);
        }
        through(kind, &[]);
    }
}

#[test]
fn reasons_are_right() {
    let unknown = |kind| {
        let report = through(kind, &[Behaviour::PORT_RESTRICTED]);
        let reason = |reason: Option<Reason>| reason.map(|reason| reason.to_string());
        (reason(report.mapping.reason()), reason(report.filtering.reason()))
    };
    let both = |reason: Reason| (Some(reason.to_string()), Some(reason.to_string()));
    let filter = |reason: Reason| (None, Some(reason.to_string()));

    assert_eq!(unknown(Kind::Good), (None, None));
    assert_eq!(unknown(Kind::NamesWrongElsewhere), (None, None));
    assert_eq!(unknown(Kind::Spoofed), (None, None));
    assert_eq!(unknown(Kind::NoResponsePort { refused: true }), (None, None));
    let (mapping, filtering) = unknown(Kind::OneAddress);
    assert_eq!(mapping, Some(Reason::NoOtherAddress.to_string()));
    assert_eq!(filtering, Some(Reason::Refused { code: 420 }.to_string()));
    for listed in [false, true] {
        assert_eq!(unknown(Kind::Refuses { listed }), filter(Reason::Refused { code: 420 }));
    }
    assert_eq!(unknown(Kind::IgnoresChange), filter(Reason::ChangeRequestIgnored));
    assert_eq!(unknown(Kind::DropsChange), filter(Reason::ChangeRequestIgnored));
    let nobody = Reason::AlternateSilent { address: address("203.0.113.99:9999") };
    assert_eq!(unknown(Kind::NamesNobody), both(nobody));
    let itself = Reason::UselessOtherAddress { address: address("203.0.113.1:3479") };
    assert_eq!(unknown(Kind::NamesItself), both(itself));
    let dead = Reason::AlternateSilent { address: addresses().alternate };
    assert_eq!(unknown(Kind::HalfDead), both(dead));
    assert_eq!(unknown(Kind::Unauthorized), both(Reason::Refused { code: 401 }));
    assert_eq!(unknown(Kind::NamesNoAddress), both(Reason::NoMappedAddress));
    assert_eq!(unknown(Kind::Silent), both(Reason::NoAnswer));
    assert_eq!(unknown(Kind::Garbage), both(Reason::NoAnswer));
    // From elsewhere nothing comes through this filter.
    assert_eq!(unknown(Kind::FromElsewhere), both(Reason::NoAnswer));
    let report = through(Kind::FromElsewhere, &[Behaviour::FULL_CONE]);
    let from = address("203.0.113.77:3478");
    assert_eq!(report.nat, Verdict::Unknown(Reason::UnexpectedSource { from }));
}

/// A server that never answers from elsewhere is found out behind a symmetric NAT too, where it obeys
/// RESPONSE-PORT.
#[test]
fn a_symmetric_nat_hides_no_liar() {
    let report = through(Kind::DropsChange, &[Behaviour::SYMMETRIC]);
    assert_eq!(report.filtering, Verdict::Unknown(Reason::ChangeRequestIgnored));
    let report = through(Kind::Good, &[Behaviour::SYMMETRIC]);
    assert_eq!(report.rfc3489(), Verdict::Known("symmetric"));
    for refused in [true, false] {
        let report = through(Kind::NoResponsePort { refused }, &[Behaviour::SYMMETRIC]);
        assert_eq!(report.rfc3489(), Verdict::Known("symmetric"));
    }
}

/// Where sockets are at different outside addresses, one that stays where it is may do so by accident.
#[test]
fn one_of_several_outside_addresses_is_no_proof() {
    let report = |behaviour| World::new(&[behaviour], Kind::SeesTwo, Loss::None, 1).classify();
    for behaviour in [Behaviour::FULL_CONE, Behaviour::RESTRICTED, Behaviour::PORT_RESTRICTED] {
        let report = report(behaviour);
        assert_eq!(report.mapping, Verdict::Unknown(Reason::SeveralAddresses));
        assert_eq!(report.filtering, Verdict::Known(behaviour.filtering));
        assert_eq!(report.collision, Verdict::Unknown(Reason::NotEndpointIndependent));
    }
    let symmetric = report(Behaviour::SYMMETRIC);
    assert_eq!(symmetric.rfc3489(), Verdict::Known("symmetric"));
}

/// Another server does for the mapping.
#[test]
fn an_alternate_given_by_hand() {
    let with = |behaviour, kind| {
        let mut world = World::new(&[behaviour], kind, Loss::None, 3);
        let mut settings = world.settings();
        // The simulated server's other address, which this kind does not name (rightly).
        settings.alternate = Some(addresses().alternate);
        let report = world.classify_with(settings);
        truths::assert_true(&report, &[behaviour], "by hand");
        report.mapping
    };
    let independent = Verdict::Known(Mapping::EndpointIndependent);
    for kind in [Kind::NamesNobody, Kind::NamesItself] {
        assert_eq!(with(Behaviour::RESTRICTED, kind), independent);
        assert_eq!(with(Behaviour::SYMMETRIC, kind), Verdict::Unknown(Reason::Dependent));
    }
}

#[test]
fn classic_messages_tell_the_same() {
    for behaviour in [Behaviour::FULL_CONE, Behaviour::RESTRICTED, Behaviour::PORT_RESTRICTED] {
        let mut world = World::new(&[behaviour], Kind::Good, Loss::None, 3);
        let mut settings = world.settings();
        settings.classic = true;
        let report = world.classify_with(settings);
        let expected = behaviour.rfc3489().map(|name| name.to_string());
        assert_eq!(report.rfc3489().known().map(str::to_owned), expected);
    }
}
