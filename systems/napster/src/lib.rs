#![doc = include_str!("../README.md")]

mod catalogue;
mod client;
mod command;
mod event;
mod keywords;
mod message;
mod peer;
mod server;

pub use catalogue::{Catalogue, CatalogueError, FileId, MAX_NAME, SharedFile};
pub use client::Client;
pub use client::config::{ClientConfig, ClientLimits, ConfigError};
pub use command::Command;
pub use event::{Event, FetchFailure, Hit, JoinFailure, Misbehaviour, NotShared, SearchFailure};
pub use keywords::{MAX_WORDS, keywords};
pub use message::{MAX_CHUNK, MAX_NICK, Message, Phase};
pub use napster_wire as wire;
pub use peer::NapsterPeer;
pub use server::config::ServerConfig;
pub use server::{Server, UserView};
