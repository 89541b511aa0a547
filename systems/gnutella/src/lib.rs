#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod body;
mod catalogue;
mod command;
mod config;
mod counters;
mod deadlines;
mod download;
mod event;
mod flood;
mod host_list;
mod hosts;
mod lazy;
mod link_info;
mod message;
mod neighbours;
mod obtain;
mod parts;
mod routes;
mod search;
mod servent;
mod sharing;
mod swarm;
mod upkeep;
mod upload;
mod v06;
mod web_cache;
mod words;

pub use catalogue::{Catalogue, SharedFile};
pub use command::Command;
pub use config::{Config, Settings};
pub use counters::Counters;
pub use event::{Event, FetchFailure, Hit, Misbehaviour, SearchRejection, WebCacheFailure};
pub use host_list::HostList;
pub use link_info::LinkInfo;
pub use message::{Descriptor, HeadKind, Message, Phase};
pub use search::{SearchPlan, Strategy};
pub use servent::Servent;
pub use v06::{Capabilities, Election, Mode, Settings06};
