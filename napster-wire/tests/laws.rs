//! Laws that hold for all messages and all bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use napster_wire::{
    Checksum, Comparison, Criterion, Decoded, Direction, Extra, FileReference, FileSource, Frame,
    IpNumber, Limits, LinkSpeed, Login, MAX_CRITERIA, Message, OffsetAnswer, OwnedMessage, Quoted,
    Refusal, Registration, Search, SearchResult, Share, SizeAnswer, Stats, Text, TransferRequest,
    Unshare, Word,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn word() -> impl Strategy<Value = Word<'static>> {
    vec(any::<u8>().prop_filter("in a word", |byte| !b" \"".contains(byte)), 1..20)
        .prop_map(|bytes| Word::new(bytes).unwrap())
}

fn quoted() -> impl Strategy<Value = Quoted<'static>> {
    vec(any::<u8>().prop_filter("in quotes", |byte| *byte != b'"'), 0..40)
        .prop_map(|bytes| Quoted::new(bytes).unwrap())
}

fn text() -> impl Strategy<Value = Text<'static>> {
    vec(any::<u8>(), 0..60).prop_map(|bytes| Text::new(bytes).unwrap())
}

fn extra() -> impl Strategy<Value = Extra<'static>> {
    prop_oneof![
        Just(Extra::NONE),
        vec(any::<u8>(), 0..12).prop_map(|bytes| Extra::new([&b" "[..], &bytes].concat()).unwrap()),
    ]
}

fn checksum() -> impl Strategy<Value = Checksum<'static>> {
    prop_oneof![
        any::<[u8; 16]>().prop_map(Checksum::from_md5),
        Just(Checksum::new(Checksum::WMA).unwrap()),
        word().prop_map(|word| Checksum::new(word.as_bytes().to_vec()).unwrap()),
    ]
}

fn comparison() -> impl Strategy<Value = Comparison> {
    prop_oneof![Just(Comparison::AtLeast), Just(Comparison::AtBest), Just(Comparison::EqualTo)]
}

fn criterion() -> impl Strategy<Value = Criterion<'static>> {
    prop_oneof![
        quoted().prop_map(Criterion::FilenameContains),
        any::<u32>().prop_map(Criterion::MaxResults),
        (comparison(), any::<u32>())
            .prop_map(|(how, number)| Criterion::LineSpeed(how, LinkSpeed(number))),
        (comparison(), any::<u32>()).prop_map(|(how, number)| Criterion::Bitrate(how, number)),
        (comparison(), any::<u32>()).prop_map(|(how, number)| Criterion::Frequency(how, number)),
        Just(Criterion::WmaFile),
        Just(Criterion::LocalOnly),
    ]
}

fn search() -> impl Strategy<Value = Search<'static>> {
    vec(criterion(), 0..=MAX_CRITERIA).prop_map(|criteria| {
        criteria.into_iter().fold(Search::new(), |search, next| search.with(next).unwrap())
    })
}

fn login() -> impl Strategy<Value = Login<'static>> {
    (word(), word(), any::<u16>(), quoted(), any::<u32>(), extra()).prop_map(
        |(nick, password, port, client_info, speed, extra)| Login {
            nick,
            password,
            port,
            client_info,
            link_speed: LinkSpeed(speed),
            extra,
        },
    )
}

fn share() -> impl Strategy<Value = Share<'static>> {
    (quoted(), checksum(), any::<u64>(), any::<[u32; 3]>(), extra()).prop_map(
        |(name, checksum, size, [bitrate, frequency, seconds], extra)| Share {
            name,
            checksum,
            size,
            bitrate,
            frequency,
            seconds,
            extra,
        },
    )
}

fn reference() -> impl Strategy<Value = FileReference<'static>> {
    (word(), quoted(), extra()).prop_map(|(nick, name, extra)| FileReference { nick, name, extra })
}

fn source() -> impl Strategy<Value = FileSource<'static>> {
    (word(), any::<u64>(), any::<u16>(), quoted(), checksum(), any::<u32>(), extra()).prop_map(
        |(nick, ip, port, name, checksum, speed, extra)| FileSource {
            nick,
            ip: IpNumber::new(ip),
            port,
            name,
            checksum,
            link_speed: LinkSpeed(speed),
            extra,
        },
    )
}

fn result() -> impl Strategy<Value = SearchResult<'static>> {
    (share(), word(), any::<u64>(), any::<u32>()).prop_map(|(share, nick, ip, speed)| {
        SearchResult {
            name: share.name,
            checksum: share.checksum,
            size: share.size,
            bitrate: share.bitrate,
            frequency: share.frequency,
            seconds: share.seconds,
            nick,
            ip: IpNumber::new(ip),
            link_speed: LinkSpeed(speed),
            extra: share.extra,
        }
    })
}

fn message() -> impl Strategy<Value = OwnedMessage> {
    let with_text = prop_oneof![
        text().prop_map(Message::LoginError),
        text().prop_map(Message::LoginAck),
        text().prop_map(Message::Disconnect),
        text().prop_map(Message::Error),
        word().prop_map(Message::NickCheck),
        word().prop_map(Message::DataPortError),
    ];
    let of_client = prop_oneof![
        login().prop_map(Message::Login),
        (login(), word()).prop_map(|(login, email)| Message::Register(Registration {
            nick: login.nick,
            password: login.password,
            port: login.port,
            client_info: login.client_info,
            link_speed: login.link_speed,
            email,
            extra: login.extra,
        })),
        share().prop_map(Message::Share),
        (quoted(), any::<bool>())
            .prop_map(|(name, quoted)| Message::Unshare(Unshare { name, quoted })),
        search().prop_map(Message::Search),
        reference().prop_map(Message::DownloadRequest),
        reference().prop_map(Message::AlternateRequest),
    ];
    let of_server = prop_oneof![
        result().prop_map(Message::SearchResult),
        source().prop_map(Message::DownloadAck),
        source().prop_map(Message::AlternateAck),
        reference().prop_map(Message::GetError),
        (any::<[u64; 3]>(), extra()).prop_map(|([users, files, gigabytes], extra)| {
            Message::Stats(Stats { users, files, gigabytes, extra })
        }),
    ];
    let without_data = proptest::sample::select(vec![
        Message::NickFree,
        Message::NickTaken,
        Message::NickInvalid,
        Message::UnshareAll,
        Message::SearchEnd,
        Message::StatsRequest,
        Message::DownloadStart,
        Message::DownloadEnd,
        Message::UploadStart,
        Message::UploadEnd,
    ]);
    let any_parts = (any::<u16>(), vec(any::<u8>(), 0..40)).prop_map(|(number, data)| {
        Message::from_parts(number, &data).expect("short data").into_owned()
    });
    prop_oneof![with_text, of_client, of_server, without_data, any_parts]
}

/// Bytes that look like data: fields, quotes, digits and spaces.
fn almost_data() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(vec![
        &b" "[..],
        b"\"",
        b"\"a song.mp3\"",
        b"lefty",
        b"0",
        b"6699",
        b"4877911892",
        b"99999999999999999999",
        b"FILENAME CONTAINS ",
        b"MAX_RESULTS ",
        b"BITRATE \"AT LEAST\" \"128\"",
        b"LINESPEED \"EQUAL TO\" 10",
        b"LOCAL_ONLY",
        b"\xff\0",
    ]);
    vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn type_number() -> impl Strategy<Value = u16> {
    proptest::sample::select(vec![
        0, 2, 3, 6, 7, 8, 100, 102, 110, 200, 201, 202, 203, 204, 206, 214, 218, 316, 404, 500,
        501, 626, 700,
    ])
}

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(bytes.len(), message.encoded_len());
    bytes
}

proptest! {
    #[test]
    fn round_trip(message in message()) {
        let bytes = encoded(&message);
        let decoded = Message::decode_prefix_lossless(&bytes, &Limits::WIDEST).unwrap();
        prop_assert_eq!(
            decoded,
            Decoded::Complete { value: message.clone(), consumed: bytes.len() }
        );
        if !matches!(message, Message::Raw(_)) {
            prop_assert_eq!(Message::decode(&bytes).unwrap(), message);
        }
    }

    #[test]
    fn what_is_decoded_is_encoded_to_the_same_bytes(
        number in type_number(),
        data in almost_data(),
    ) {
        let frame = Frame::new(number, &data).unwrap();
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        prop_assert_eq!(encoded(&Message::from_frame_lossless(frame)), &bytes[..]);
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(encoded(&message), &bytes[..]);
            prop_assert_eq!(encoded(&message.into_owned()), bytes);
        }
    }

    #[test]
    fn errors_lie_within_the_bytes(number in type_number(), data in almost_data()) {
        let mut bytes = Vec::new();
        Frame::new(number, &data).unwrap().encode(&mut bytes);
        if let Err(error) = Message::decode(&bytes) {
            prop_assert!(error.offset <= bytes.len(), "{error}");
        }
    }

    #[test]
    fn no_panic_on_arbitrary_bytes(bytes in vec(any::<u8>(), 0..200), expected: Option<u64>) {
        let _ = Message::decode(&bytes);
        let _ = Message::decode_prefix(&bytes, &Limits::default());
        let _ = TransferRequest::decode_prefix(&bytes);
        let _ = SizeAnswer::decode(&bytes, expected);
        let _ = OffsetAnswer::decode(&bytes);
        let _ = napster_wire::decode_greeting(&bytes);
    }

    #[test]
    fn chunk_split_equality(message in message(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded(&message);
        let cut = cut.index(bytes.len());
        let Ok(Decoded::Partial { needed }) =
            Message::decode_prefix_lossless(&bytes[..cut], &Limits::WIDEST)
        else {
            return Err(TestCaseError::fail("a part is no whole"));
        };
        prop_assert!(needed >= 1 && needed <= bytes.len() - cut);
    }

    #[test]
    fn what_follows_a_message_does_not_change_it(
        message in message(),
        after in vec(any::<u8>(), 0..20),
    ) {
        let bytes = encoded(&message);
        let long = [&bytes[..], &after].concat();
        let decoded = Message::decode_prefix_lossless(&long, &Limits::WIDEST).unwrap();
        prop_assert_eq!(decoded, Decoded::Complete { value: message, consumed: bytes.len() });
    }

    #[test]
    fn transfer_requests_round_trip_and_can_be_cut_before_their_last_digits(
        nick in word(),
        name in quoted(),
        number: u64,
        send: bool,
        cut in any::<prop::sample::Index>(),
    ) {
        let direction = if send { Direction::Send } else { Direction::Get };
        let request = TransferRequest { direction, nick, name, number };
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        prop_assert_eq!(request.encoded_len(), bytes.len());
        prop_assert_eq!(
            TransferRequest::decode_prefix(&bytes),
            Ok(Decoded::Complete { value: request, consumed: bytes.len() })
        );
        let digits = number.to_string().len();
        let cut = cut.index(bytes.len() - digits + 1);
        let Ok(Decoded::Partial { needed }) = TransferRequest::decode_prefix(&bytes[..cut]) else {
            return Err(TestCaseError::fail("a part is no whole"));
        };
        prop_assert!(needed >= 1 && needed <= bytes.len() - cut);
    }

    #[test]
    fn an_expected_size_is_read_however_the_stream_is_cut(
        size: u64,
        body in vec(any::<u8>(), 0..40),
        digits_first: bool,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = Vec::new();
        SizeAnswer::Size(size).encode(&mut bytes);
        let len = bytes.len();
        if digits_first {
            bytes.extend_from_slice(b"1234");
        }
        bytes.extend_from_slice(&body);
        let whole = Decoded::Complete { value: SizeAnswer::Size(size), consumed: len };
        prop_assert_eq!(SizeAnswer::decode(&bytes, Some(size)), Ok(whole));
        let cut = cut.index(bytes.len());
        let of_part = SizeAnswer::decode(&bytes[..cut], Some(size)).unwrap();
        if cut < len {
            prop_assert_eq!(of_part, Decoded::Partial { needed: 1 });
        } else {
            prop_assert_eq!(of_part, whole);
        }
    }

    #[test]
    fn answers_round_trip(number: u64, refused in proptest::sample::select(vec![
        None, Some(Refusal::InvalidRequest), Some(Refusal::FileNotShared),
    ])) {
        let size = refused.map_or(SizeAnswer::Size(number), SizeAnswer::Refused);
        let mut bytes = Vec::new();
        size.encode(&mut bytes);
        prop_assert_eq!(bytes.len(), size.encoded_len());
        prop_assert_eq!(
            SizeAnswer::decode(&bytes, Some(number)),
            Ok(Decoded::Complete { value: size, consumed: bytes.len() })
        );
        let offset = refused.map_or(OffsetAnswer::Offset(number), OffsetAnswer::Refused);
        bytes.clear();
        offset.encode(&mut bytes);
        prop_assert_eq!(bytes.len(), offset.encoded_len());
        prop_assert_eq!(
            OffsetAnswer::decode(&bytes),
            Ok(Decoded::Complete { value: offset, consumed: bytes.len() })
        );
    }

    #[test]
    fn addresses_come_back_from_their_numbers(octets: [u8; 4]) {
        let address = core::net::Ipv4Addr::from(octets);
        prop_assert_eq!(IpNumber::from(address).to_ipv4(), Some(address));
    }
}
