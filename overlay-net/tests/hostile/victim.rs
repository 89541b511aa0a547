//! The servent that is attacked: an ultrapeer with a file.

use std::sync::Arc;
use std::time::Duration;

use overlay_gnutella::{
    Catalogue, Command, Config, Mode, Servent, Settings, Settings06, SharedFile,
};
use overlay_net::{NoStore, Node};
use overlay_peer::Object;

pub const LINKS: usize = 60;
pub const PER_ADDRESS: usize = 20;

pub fn config() -> overlay_net::Config {
    overlay_net::Config {
        max_links: LINKS,
        max_per_address: PER_ADDRESS,
        close_timeout: Duration::from_secs(1),
        allow_private: true,
        ..overlay_net::Config::default()
    }
}

pub async fn node() -> Node<Servent> {
    let file = SharedFile { name: "blue train.ogg".to_owned(), size: 7, object: Object(0) };
    let catalogue = Arc::new(Catalogue::new([file]));
    let settings = Settings {
        v06: Some(Settings06 { deflate: true, ..Settings06::default() }),
        target_links: 0,
        handshake_timeout: Duration::from_secs(2),
        // What others ask for is told, as a program with a window would have it.
        monitor: true,
        ..Settings::default()
    };
    let mut servent = Config::new(gnutella_wire::Guid::from_bytes([7; 16]).marked());
    servent.capabilities.mode = Mode::Ultrapeer;
    servent.settings = Arc::new(settings);
    let servent = Servent::new(servent, catalogue, [0]);
    let mut node = Node::bind(servent, config(), Arc::new(NoStore)).await.expect("a port");
    node.command(Command::Join { hosts: vec![] });
    node
}
