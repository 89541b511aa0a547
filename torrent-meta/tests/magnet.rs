//! Magnet links: what is read, what is written, and what is refused where.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use proptest::prelude::*;
use torrent_meta::{
    FileRanges, Host, InfoHash, InfoHashV2, Magnet, MagnetError, MagnetErrorKind, PeerAddress,
};

const V1: &str = "0123456789abcdef0123456789abcdef01234567";
const V2: &str = "caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e";

fn v1() -> InfoHash {
    V1.parse().unwrap()
}

fn v2() -> InfoHashV2 {
    V2.parse().unwrap()
}

/// A link to the v1 torrent, with more behind it.
fn link(rest: &str) -> String {
    format!("magnet:?xt=urn:btih:{V1}{rest}")
}

fn error(link: &str) -> (usize, MagnetErrorKind) {
    let MagnetError { offset, kind } = Magnet::parse(link).unwrap_err();
    (offset, kind)
}

#[test]
fn each_form_of_a_hash() {
    let forms = [
        format!("magnet:?xt=urn:btih:{V1}"),
        format!("magnet:?xt=urn:btih:{}", V1.to_uppercase()),
        "magnet:?xt=urn:btih:AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH".to_owned(),
        "magnet:?xt=urn:btih:aerukz4jvpg66ajdivtytk6n54asgrlh".to_owned(),
        format!("MAGNET:?XT=URN:BTIH:{V1}"),
        format!("magnet:?xt=urn%3Abtih%3A{V1}"),
        format!("magnet:?xt.1=urn:btih:{V1}"),
        format!("magnet:?&&dn=&xt=urn:btih:{V1}&"),
        format!("magnet:?xt=urn:btih:{V1}&xt=urn:btih:{V1}"),
    ];
    for form in forms {
        assert_eq!(Magnet::parse(&form), Ok(Magnet::v1(v1())), "{form}");
    }
    let text = format!("magnet:?xt=urn:btmh:1220{V2}");
    assert_eq!(Magnet::parse(&text), Ok(Magnet::v2(v2())));
    assert_eq!(Magnet::v2(v2()).to_string(), text);
    let hybrid = Magnet::hybrid(v1(), v2());
    let text = format!("magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{V2}");
    assert_eq!(hybrid.to_string(), text);
    assert_eq!(Magnet::parse(&text).as_ref(), Ok(&hybrid));
    let swapped = format!("magnet:?xt=urn:btmh:1220{V2}&xt=urn:btih:{V1}");
    assert_eq!(Magnet::parse(&swapped), Ok(hybrid));
}

#[test]
fn every_parameter() {
    let text = link(
        "&dn=two+words%20%C3%BC&xl=1234&tr=http%3a%2f%2fa%2fb+c&tr.2=udp://d:1&TR=e&ws=http://w/\
         &xs=http://x/y.torrent&as=http://z&kt=one+two%2Bthree&x.pe=1.2.3.4:5&x.pe=[2001:db8::1]:6\
         &x.pe=%5B::1%5D:7&x.pe=some.host:8&so=8,0,2,4-6,5-7",
    );
    let magnet = Magnet::parse(&text).unwrap();
    assert_eq!(magnet.display_name.as_deref(), Some("two words ü"));
    assert_eq!(magnet.length, Some(1234));
    assert_eq!(magnet.trackers, ["http://a/b+c", "udp://d:1", "e"]);
    assert_eq!(magnet.web_seeds, ["http://w/"]);
    assert_eq!(magnet.exact_sources, ["http://x/y.torrent"]);
    assert_eq!(magnet.acceptable_sources, ["http://z"]);
    assert_eq!(magnet.keywords, ["one", "two+three"]);
    let peers: Vec<String> = magnet.peers.iter().map(ToString::to_string).collect();
    assert_eq!(peers, ["1.2.3.4:5", "[2001:db8::1]:6", "[::1]:7", "some.host:8"]);
    let files = magnet.select_only.as_ref().unwrap();
    assert_eq!(files.to_string(), "0,2,4-8");
    assert_eq!(magnet.other().count(), 0);
    assert_eq!(
        magnet.to_string(),
        link(
            "&dn=two%20words%20%C3%BC&xl=1234&tr=http%3A%2F%2Fa%2Fb%2Bc&tr=udp%3A%2F%2Fd%3A1&tr=e\
             &ws=http%3A%2F%2Fw%2F&xs=http%3A%2F%2Fx%2Fy.torrent&as=http%3A%2F%2Fz\
             &kt=one+two%2Bthree&x.pe=1.2.3.4:5&x.pe=[2001:db8::1]:6&x.pe=[::1]:7&x.pe=some.host:8\
             &so=0,2,4-8"
        )
    );
}

#[test]
fn unknown_parameters_stay_as_they_are_in_order() {
    let rest = "&xt=urn:tree:tiger:ABC&dht=1.2.3.4:5&x.foo=%zz%FF&lonely&=x&foo.1=+&foo.1=+";
    let magnet = Magnet::parse(&link(rest)).unwrap();
    let other: Vec<_> = magnet.other().collect();
    assert_eq!(other[0], ("xt", "urn:tree:tiger:ABC"));
    assert_eq!(other[3], ("lonely", ""));
    assert_eq!(other.len(), 7);
    assert_eq!(magnet.to_string(), link(rest));
    // What comes again although one is enough.
    let magnet = Magnet::parse(&link("&dn=a&dn=b&xl=1&xl=2&so=1&so=2")).unwrap();
    assert_eq!(magnet.to_string(), link("&dn=a&xl=1&so=1&dn=b&xl=2&so=2"));
    assert_eq!(Magnet::parse(&magnet.to_string()), Ok(magnet));
}

#[test]
fn what_is_refused_and_where() {
    assert_eq!(error(""), (0, MagnetErrorKind::NoMagnet));
    assert_eq!(error("http://example"), (0, MagnetErrorKind::NoMagnet));
    assert_eq!(error("magnet:xt"), (0, MagnetErrorKind::NoMagnet));
    assert_eq!(error("ürgendwo ist was"), (0, MagnetErrorKind::NoMagnet));
    assert_eq!(error("magnet:?dn=x"), (12, MagnetErrorKind::NoInfoHash));
    assert_eq!(error("magnet:?xt=urn:sha1:X"), (21, MagnetErrorKind::NoInfoHash));
    for hash in
        ["", "0123", "g123456789abcdef0123456789abcdef01234567", "1ERUKZ4JVPG66AJDIVTYTK6N54ASGRLH"]
    {
        let text = format!("magnet:?dn=x&xt=urn:btih:{hash}");
        assert_eq!(error(&text), (16, MagnetErrorKind::InfoHashV1), "{hash}");
    }
    for hash in ["", V2, &format!("1114{V1}"), &format!("1220{V1}"), &format!("1220{V2}0")] {
        let text = format!("magnet:?xt=urn:btmh:{hash}");
        assert_eq!(error(&text), (11, MagnetErrorKind::InfoHashV2), "{hash}");
    }
    let other = link(&format!("&xt=urn:btih:{}", V1.replace('0', "1")));
    assert_eq!(error(&other), (link("&xt=").len(), MagnetErrorKind::DifferentHashes));

    let start = link("&xx=").len();
    for length in ["-1", "+1", "1e3", "18446744073709551616"] {
        assert_eq!(error(&link(&format!("&xl={length}"))), (start, MagnetErrorKind::Length));
    }
    for files in ["a", "1-", "-1", "2-1", "0,,1", "0,", "+1", "4294967296", "1-2-3", " 1"] {
        let kind = MagnetErrorKind::SelectOnly;
        assert_eq!(error(&link(&format!("&so={files}"))), (start, kind), "{files}");
    }
    for peer in [
        "a",
        ":1",
        "a:",
        "a:0",
        "a:+1",
        "a:65536",
        "::1:5",
        "[::1]",
        "[1.2.3.4]:5",
        "[::1:5",
        "a b:1",
        "a/b:1",
        "ü:1",
        "user@a:1",
        "a%00:1",
    ] {
        let text = link(&format!("&x.pe={peer}"));
        assert_eq!(error(&text), (start + 2, MagnetErrorKind::Peer), "{peer}");
    }
    for key in ["dn", "tr", "ws", "xs", "as", "kt", "so"] {
        assert_eq!(error(&link(&format!("&{key}=%ff"))), (start, MagnetErrorKind::NotUtf8));
    }
}

#[test]
fn the_limits() {
    let long = link(&format!("&dn={}", "x".repeat(Magnet::MAX_LENGTH)));
    let max = Magnet::MAX_LENGTH;
    assert_eq!(error(&long), (max, MagnetErrorKind::TooLong { max }));
    assert!(Magnet::parse(&long[..max]).is_ok());
    let max = Magnet::MAX_PARAMETERS;
    assert!(Magnet::parse(&link(&"&a".repeat(max - 1))).is_ok());
    let many = link(&"&a".repeat(max));
    assert_eq!(error(&many), (many.len() - 1, MagnetErrorKind::TooManyParameters { max }));
}

#[test]
fn a_range_of_all_files_costs_what_its_text_costs() {
    let magnet = Magnet::parse(&link("&so=0-4294967295")).unwrap();
    let files = magnet.select_only.unwrap();
    assert!(files.contains(0) && files.contains(u32::MAX as usize));
    assert_eq!(files.ranges().collect::<Vec<_>>(), [0..=u32::MAX]);
}

#[test]
fn lenient_parsing_keeps_what_it_can_not_read() {
    let text = link("&dn=%ff&x.pe=nonsense&so=2-1&xl=many&tr=good");
    let (magnet, ignored) = Magnet::parse_lenient(&text).unwrap();
    assert_eq!(magnet.trackers, ["good"]);
    assert_eq!(magnet.display_name, None);
    let kinds: Vec<_> = ignored.iter().map(|error| error.kind).collect();
    let expected = [
        MagnetErrorKind::NotUtf8,
        MagnetErrorKind::Peer,
        MagnetErrorKind::SelectOnly,
        MagnetErrorKind::Length,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(Magnet::parse(&text), Err(ignored[0]));
    assert_eq!(magnet.to_string(), link("&tr=good&dn=%ff&x.pe=nonsense&so=2-1&xl=many"));
    assert!(Magnet::parse_lenient("magnet:?xt=urn:btih:1").is_err());
}

#[test]
fn a_peer_from_a_socket_address() {
    let address: std::net::SocketAddr = "[::ffff:1.2.3.4]:80".parse().unwrap();
    let peer = PeerAddress::try_from(address).unwrap();
    assert_eq!((peer.host(), peer.port()), (&Host::Ip(address.ip()), 80));
    assert_eq!(peer.to_string().parse(), Ok(peer));
    assert!(PeerAddress::try_from(std::net::SocketAddr::new(address.ip(), 0)).is_err());
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,20}",
        "\\PC{1,8}",
        prop::collection::vec(any::<char>(), 1..8).prop_map(String::from_iter)
    ]
}

fn peer() -> impl Strategy<Value = PeerAddress> {
    let ip = any::<(std::net::IpAddr, u16)>().prop_map(|(ip, port)| {
        PeerAddress::try_from(std::net::SocketAddr::new(ip, port.max(1))).unwrap()
    });
    prop_oneof![
        ip,
        "[a-z0-9_-]{1,10}(\\.[a-z]{1,5}){0,3}:[1-9][0-9]{0,3}"
            .prop_map(|text| text.parse().unwrap())
    ]
}

prop_compose! {
    fn magnet()(
        hashes in (any::<[u8; 20]>(), any::<[u8; 32]>(), 0..3),
        name in prop::option::of(text()),
        length in any::<Option<u64>>(),
        lists in prop::array::uniform5(prop::collection::vec(text(), 0..4)),
        peers in prop::collection::vec(peer(), 0..3),
        ranges in prop::collection::vec((any::<u32>(), 0u32..5), 0..5),
        other in "(&(foo|x\\.y|xt|dht)(=[!-%'-~]{1,10})?){0,3}",
    ) -> Magnet {
        let (v1, v2) = (InfoHash(hashes.0), InfoHashV2(hashes.1));
        let base = match hashes.2 {
            0 => Magnet::v1(v1),
            1 => Magnet::v2(v2),
            _ => Magnet::hybrid(v1, v2),
        };
        let mut magnet = Magnet::parse(&format!("{base}{other}")).unwrap();
        magnet.display_name = name;
        magnet.length = length;
        let [trackers, web_seeds, exact, acceptable, keywords] = lists;
        magnet.trackers = trackers;
        magnet.web_seeds = web_seeds;
        magnet.exact_sources = exact;
        magnet.acceptable_sources = acceptable;
        magnet.keywords = keywords;
        magnet.peers = peers;
        let ranges = ranges.into_iter().map(|(first, more)| first..=first.saturating_add(more));
        magnet.select_only = Some(FileRanges::new(ranges)).filter(|files| !files.is_empty());
        magnet
    }
}

proptest! {
    #[test]
    fn parse_of_display_is_identity(magnet in magnet()) {
        let text = magnet.to_string();
        prop_assert_eq!(Magnet::parse(&text), Ok(magnet));
        prop_assert!(text.is_ascii());
    }

    #[test]
    fn display_of_parse_is_stable(
        parts in prop::collection::vec(
            ("(?i:dn|tr|tr\\.1|x\\.pe|so|xl|kt|ws|xt|foo|)", "=?", "([!-~]|%[0-9a-f]{2}|[0-9,:-]){0,12}"),
            0..8,
        ),
    ) {
        let parts: String = parts.iter().map(|(key, is, value)| format!("&{key}{is}{value}")).collect();
        let (magnet, ignored) = Magnet::parse_lenient(&link(&parts)).unwrap_or_else(|_| {
            (Magnet::v1(v1()), Vec::new())
        });
        let text = magnet.to_string();
        let (again, _) = Magnet::parse_lenient(&text).unwrap();
        prop_assert_eq!(&again, &magnet);
        prop_assert_eq!(again.to_string(), text);
        prop_assert_eq!(Magnet::parse(&link(&parts)).is_ok(), ignored.is_empty());
    }

    #[test]
    fn ranges_contain_what_was_put_in(
        ranges in prop::collection::vec((0u32..60, 0u32..60), 0..8),
    ) {
        let set = FileRanges::new(ranges.iter().map(|&(first, last)| first..=last));
        for index in 0..70 {
            let expected = ranges.iter().any(|(first, last)| (first..=last).contains(&&index));
            prop_assert_eq!(set.contains(index as usize), expected);
        }
        let list: Vec<_> = set.ranges().collect();
        prop_assert!(list.windows(2).all(|pair| pair[0].end() + 1 < *pair[1].start()));
        if !set.is_empty() {
            prop_assert_eq!(set.to_string().parse(), Ok(set));
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,60}") {
        let _ = Magnet::parse_lenient(&text);
        let _ = Magnet::parse_lenient(&link(&text));
    }
}
