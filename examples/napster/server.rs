//! The index server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use overlay_examples::{Failure, Lines};
use overlay_napster::{Event, NapsterPeer, Server, ServerConfig};
use overlay_net::{NoStore, Node};
use serde_json::json;

pub struct ServerApp {
    node: Node<NapsterPeer>,
}

impl ServerApp {
    /// Binds the socket.
    pub async fn start(listen: SocketAddr, lines: &mut Lines) -> Result<Self, Failure> {
        let config = overlay_net::Config {
            listen: Some(listen),
            datagrams: false,
            max_links: 16_384,
            ..overlay_net::Config::default()
        };
        let server = Server::new(ServerConfig::default());
        let about = |error| format!("can not listen on {listen}: {error}");
        let node = Node::bind(server.into(), config, Arc::new(NoStore)).await.map_err(about)?;
        let addr = node.here().to_string();
        let keys = [("addr", json!(addr)), ("user", json!(null)), ("files", json!(0))];
        lines.event("listening", &keys)?;
        Ok(Self { node })
    }

    /// The address it listens on.
    pub fn here(&self) -> SocketAddr {
        self.node.here()
    }

    /// Goes on until something happened.
    pub async fn step(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        let event = self.node.next().await;
        self.told(event, lines)
    }

    /// Closes all links, when what was said on them has been sent.
    pub async fn leave(self, limit: Duration, lines: &mut Lines) -> Result<(), Failure> {
        let mut gone = Vec::new();
        self.node.shut_down(limit, |event| gone.push(event)).await;
        for event in gone {
            if let Event::UserOffline { nick } = event {
                lines.event("offline", &[("user", json!(nick.to_string()))])?;
            }
        }
        Ok(())
    }

    fn told(&mut self, event: Event, lines: &mut Lines) -> Result<(), Failure> {
        let (name, nick) = match event {
            Event::UserOnline { nick } => ("online", nick),
            Event::UserOffline { nick } => ("offline", nick),
            Event::Misbehaved { what, .. } => {
                let keys = [("what", json!("link")), ("reason", json!(what.to_string()))];
                return Ok(lines.event("refused", &keys)?);
            }
            _ => return Ok(()),
        };
        let server = self.node.peer().as_server();
        let (users, files) = server.map_or((0, 0), |it| (it.user_count(), it.file_count()));
        let keys =
            [("user", json!(nick.to_string())), ("users", json!(users)), ("files", json!(files))];
        Ok(lines.event(name, &keys)?)
    }
}
