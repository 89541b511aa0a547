//! Shows a Napster session as bytes: a client logs in, shares, searches and asks for a file; then the
//! two clients talk to each other without any framing.

use std::error::Error;

use napster_wire::{
    Checksum, Comparison, Criterion, Decoded, Direction, Extra, FileReference, GREETING, IpNumber,
    Limits, LinkSpeed, Login, Message, Search, SearchResult, Share, SizeAnswer, TransferRequest,
};

fn main() -> Result<(), Box<dyn Error>> {
    let login = Message::Login(Login {
        nick: "foo".try_into()?,
        password: "badpass".try_into()?,
        port: 6699,
        client_info: "nap v0.8".try_into()?,
        link_speed: LinkSpeed::CABLE,
        extra: Extra::NONE,
    });
    let share = Message::Share(Share {
        name: "generic band - generic song.mp3".try_into()?,
        checksum: Checksum::from_md5([0x42; 16]),
        size: 443_332,
        bitrate: 128,
        frequency: 44_100,
        seconds: 60,
        extra: Extra::NONE,
    });
    let search = Message::Search(
        Search::words("random song", 100)?
            .with(Criterion::Bitrate(Comparison::AtLeast, 128))?
            .with(Criterion::LineSpeed(Comparison::AtLeast, LinkSpeed::CABLE))?,
    );
    let result = Message::SearchResult(SearchResult {
        name: "random band - random song.mp3".try_into()?,
        checksum: Checksum::from_md5([0x43; 16]),
        size: 2_558_199,
        bitrate: 128,
        frequency: 44_100,
        seconds: 159,
        nick: "lefty".try_into()?,
        ip: IpNumber::from(std::net::Ipv4Addr::new(192, 0, 2, 7)),
        link_speed: LinkSpeed::T1,
        extra: Extra::NONE,
    });
    let download = Message::DownloadRequest(FileReference {
        nick: "lefty".try_into()?,
        name: "random band - random song.mp3".try_into()?,
        extra: Extra::NONE,
    });

    // Everything on one stream, as a connection carries it.
    let mut stream = Vec::new();
    for message in [&login, &share, &search, &result, &Message::SearchEnd, &download] {
        message.encode(&mut stream);
    }
    println!("a stream of {} bytes holds:", stream.len());
    let mut rest = &stream[..];
    while let Decoded::Complete { value, consumed } =
        Message::decode_prefix(rest, &Limits::default())?
    {
        let number = value.type_number();
        println!("{number:5} {}", napster_wire::type_name(number).unwrap_or("?"));
        println!("      \"{}\"", rest[4..consumed].escape_ascii());
        rest = &rest[consumed..];
        if rest.is_empty() {
            break;
        }
    }

    println!("\nbetween two clients, without any framing:");
    println!("      the one with the file: \"{}\"", char::from(GREETING));
    let request = TransferRequest {
        direction: Direction::Get,
        nick: "foo".try_into()?,
        name: "random band - random song.mp3".try_into()?,
        number: 0,
    };
    let mut bytes = Vec::new();
    request.encode(&mut bytes);
    println!("      the other one:         \"{}\"", bytes.escape_ascii());

    // The file begins with digits itself. Only who knows the size can tell them from it.
    let mut bytes = Vec::new();
    SizeAnswer::Size(2_558_199).encode(&mut bytes);
    bytes.extend_from_slice(b"1999 was the year");
    println!("      the one with the file: \"{}…\"", bytes.escape_ascii());
    for expected in [None, Some(2_558_199)] {
        match SizeAnswer::decode(&bytes, expected)? {
            Decoded::Complete { value: SizeAnswer::Size(size), .. } => {
                println!("      read with expectation {expected:?}: {size} bytes");
            }
            other => println!("      read with expectation {expected:?}: {other:?}"),
        }
    }

    // And what can not be said at all.
    let error = Search::words("a \"quoted\" string", 100).expect_err("no escape for quotes");
    println!("\nsearching for a \"quoted\" string: {error}");
    Ok(())
}
