//! The `napster` program as its users meet it: a server and clients on the loopback, and raw sockets that
//! speak to them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use md5::{Digest, Md5};
use node::{LIMIT, Running, alone, assert_whole, directory, music, noise, text};
use serde_json::Value;

mod node;

const NAME: &str = "Generic Band - Blue Train.mp3";

fn server() -> (Running, String) {
    let mut server = Running::start("napster", &["server", "--listen", "127.0.0.1:0", "--json"]);
    let address = server.address();
    (server, address)
}

/// A client on a free port of the loopback, unless it says otherwise.
fn client(server: &str, user: &str, share: &Path, more: &[&str]) -> Running {
    let mut all = vec!["client", "--server", server, "--user", user, "--share", text(share)];
    all.extend(["--json", "--allow-private"]);
    if !more.contains(&"--firewalled") {
        all.extend(["--listen", "127.0.0.1:0"]);
    }
    all.extend(more);
    Running::start("napster", &all)
}

fn downloaded(client: &mut Running, content: &[u8]) -> Value {
    let told = client.wait("downloaded");
    let status = client.end();
    assert!(status.success(), "{status}: {}", client.errors());
    assert_eq!((&told["size"], &told["checksum"]), (&content.len().into(), &true.into()));
    told
}

#[test]
fn a_search_finds_and_a_get_fetches() {
    let content = noise(700_000, 1);
    let (music, fetched) = (music("napster", NAME, &content), directory("napster", "fetched"));
    let (mut server, address) = server();
    let mut lefty = client(&address, "lefty", &music, &[]);
    lefty.wait("joined");
    let online = server.wait("online");
    assert_eq!((&online["user"], &online["users"]), (&"lefty".into(), &1.into()));

    // It shows what is found, and goes on.
    let mut righty = client(&address, "righty", &fetched, &["--search", "TRAIN generic"]);
    let hit = righty.wait("hit");
    assert_eq!((&hit["user"], &hit["name"]), (&"lefty".into(), &NAME.into()));
    assert_eq!((&hit["ip"], &hit["size"]), (&"127.0.0.1".into(), &content.len().into()));
    assert_eq!(hit["md5"], hex::encode(Md5::digest(&content[..300_000])));
    assert_eq!(righty.wait("search_done")["found"], 1);
    assert!(righty.interrupt().success());
    server.wait_for("offline", |event| event["user"] == "righty");

    let get = format!("lefty/{NAME}");
    let mut righty = client(&address, "righty", &fetched, &["--get", &get]);
    let told = downloaded(&mut righty, &content);
    assert_eq!((&told["name"], &told["alternate"]), (&NAME.into(), &false.into()));
    assert_whole(&fetched, NAME, &content);
    let uploaded = lefty.wait("uploaded");
    assert_eq!((&uploaded["user"], &uploaded["complete"]), (&"righty".into(), &true.into()));
    // There is one of that name by now: another is kept beside it.
    let mut righty = client(&address, "righty", &fetched, &["--get", &get]);
    assert_eq!(downloaded(&mut righty, &content)["name"], "Generic Band - Blue Train (2).mp3");

    assert!(lefty.interrupt().success());
    let offline = server.wait_for("offline", |event| event["user"] == "lefty");
    assert_eq!(offline["files"], 0);
    server.signal("TERM");
    assert!(server.end().success());
}

#[test]
fn who_is_firewalled_connects_to_who_wants_a_file() {
    let content = noise(100_000, 2);
    let (music, fetched) = (music("behind", NAME, &content), directory("behind", "fetched"));
    let (_server, address) = server();
    let mut lefty = client(&address, "lefty", &music, &["--firewalled"]);
    assert!(lefty.wait("listening")["addr"].is_null());
    lefty.wait("joined");
    let get = format!("lefty/{NAME}");
    let mut righty = client(&address, "righty", &fetched, &["--get", &get]);
    assert_eq!(downloaded(&mut righty, &content)["alternate"], true);
    assert_whole(&fetched, NAME, &content);
    // Two of them can not exchange anything, and need not wait to know.
    let mut bar = client(&address, "bar", &fetched, &["--get", &get, "--firewalled"]);
    assert_eq!(bar.end().code(), Some(1));
    assert!(bar.errors().contains("behind firewalls"), "{}", bar.errors());
}

#[test]
fn a_client_comes_back_to_its_server() {
    let content = noise(1_000, 3);
    let (music, fetched) = (music("back", NAME, &content), directory("back", "fetched"));
    let (mut first, address) = server();
    let mut lefty = client(&address, "lefty", &music, &[]);
    lefty.wait("joined");
    assert!(first.interrupt().success());
    lefty.wait("disconnected");
    let mut second = Running::start("napster", &["server", "--listen", &address, "--json"]);
    assert_eq!(second.wait("online")["user"], "lefty");
    // With its files.
    let get = format!("lefty/{NAME}");
    downloaded(&mut client(&address, "righty", &fetched, &["--get", &get]), &content);
}

#[test]
fn what_can_not_be_had_is_said() {
    let empty = directory("not", "empty");
    let (_server, address) = server();
    let more = ["--get", "lefty/No Such Song.mp3", "--timeout", "2"];
    let mut righty = client(&address, "righty", &empty, &more);
    assert_eq!(righty.end().code(), Some(1));
    assert_eq!(righty.wait("refused")["what"], "get");
    assert!(righty.errors().contains("within 2 s"), "{}", righty.errors());
    // Nobody listens there; and a nick that no server takes.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let free = nobody.local_addr().expect("bound").to_string();
    drop(nobody);
    let mut righty = client(&free, "righty", &empty, &[]);
    assert_eq!(righty.end().code(), Some(1));
    assert_eq!(righty.wait("refused")["what"], "join");
    let mut odd = client(&address, "a b", &empty, &[]);
    assert_eq!(odd.end().code(), Some(1));
    assert!(odd.errors().contains("--user a b"), "{}", odd.errors());
    // The loopback is private.
    let basis = ["client", "--server", &address, "--listen", "127.0.0.1:0", "--user", "righty"];
    let more = ["--share", text(&empty), "--json"];
    let mut righty = Running::start("napster", &[&basis[..], &more].concat());
    assert_eq!(righty.end().code(), Some(1));
    let refused = righty.wait("refused");
    assert!(refused["reason"].as_str().expect("a text").contains("--allow-private"), "{refused}");
}

// --- raw sockets ---------------------------------------------------------------------------------

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(LIMIT)).expect("set");
    stream
}

/// Length and type, little-endian, and the data.
fn frame(kind: u16, data: &str) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short");
    let mut frame = [length.to_le_bytes(), kind.to_le_bytes()].concat();
    frame.extend_from_slice(data.as_bytes());
    frame
}

fn read_frame(stream: &mut TcpStream) -> (u16, String) {
    let mut head = [0; 4];
    stream.read_exact(&mut head).expect("a frame");
    let [a, b, c, d] = head;
    let mut data = vec![0; usize::from(u16::from_le_bytes([a, b]))];
    stream.read_exact(&mut data).expect("its data");
    (u16::from_le_bytes([c, d]), String::from_utf8(data).expect("ASCII"))
}

/// As drscholl's text has it, byte by byte: a login, a search, a request, and the transfer.
#[test]
fn a_client_of_another_kind_is_served() {
    let content = noise(50_000, 4);
    let music = music("raw-napster", NAME, &content);
    let (_server, address) = server();
    let mut lefty = client(&address, "lefty", &music, &[]);
    let listening = lefty.address();
    lefty.wait("joined");

    let mut stream = connect(&address);
    stream.write_all(&frame(2, "foo badpass 6699 \"nap v0.8\" 3")).expect("sent");
    let (kind, _) = read_frame(&mut stream);
    assert_eq!(kind, 3, "logged in");
    let search = "FILENAME CONTAINS \"blue train\" MAX_RESULTS 10";
    let result = loop {
        stream.write_all(&frame(200, search)).expect("sent");
        match read_frame(&mut stream) {
            (201, result) => break result,
            // What the other client shares may come after it has logged in.
            (202, _) => {}
            (kind, data) => panic!("{kind} {data}"),
        }
    };
    let md5 = hex::encode(Md5::digest(&content));
    assert!(result.starts_with(&format!("\"{NAME}\" {md5} 50000 ")), "{result}");
    assert_eq!(read_frame(&mut stream).0, 202);

    stream.write_all(&frame(203, &format!("lefty \"{NAME}\""))).expect("sent");
    let (kind, ack) = read_frame(&mut stream);
    let port = listening.rsplit(':').next().expect("a port");
    // 127.0.0.1, first octet last.
    assert_eq!(
        (kind, ack.starts_with(&format!("lefty 16777343 {port} \"{NAME}\""))),
        (204, true),
        "{ack}"
    );

    for offset in [0, 49_000] {
        let mut transfer = connect(&listening);
        let mut one = [0];
        transfer.read_exact(&mut one).expect("a greeting");
        assert_eq!(&one, b"1");
        transfer.write_all(b"GET").expect("sent");
        transfer.write_all(format!("foo \"{NAME}\" {offset}").as_bytes()).expect("sent");
        let mut all = Vec::new();
        transfer.read_to_end(&mut all).expect("the file");
        assert!(all == [b"50000", &content[offset..]].concat(), "from {offset}");
    }
    let mut transfer = connect(&listening);
    transfer.write_all(b"GETfoo \"Other Song.mp3\" 0").expect("sent");
    let mut all = String::new();
    transfer.read_to_string(&mut all).expect("a refusal");
    assert_eq!(all, "1FILE NOT SHARED");
}

/// What it does without arguments.
#[test]
fn alone_it_shows_what_it_does() {
    let output = alone("napster");
    for expected in ["server: online", "righty: hit", "righty: downloaded", "checksum=true"] {
        assert!(output.contains(expected), "{output}");
    }
}
