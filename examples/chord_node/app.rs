//! The nodes of one program, what their user wants of them, and what they say.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use overlay_chord::{
    Command, Config, Contact, Event, Failure as NoAnswer, Node as Chord, Publication,
};
use overlay_examples::{Failure, Lines};
use overlay_net::{NoStore, Node, is_public};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::Options;
use crate::key::Key;

/// How often pointers are looked at, whether they changed.
const LOOK: Duration = Duration::from_millis(250);

/// One place on the ring.
struct Place {
    node: Node<Chord>,
    /// What others know it by.
    address: SocketAddr,
    told: Pointers,
    left: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Pointers {
    predecessor: Option<Contact>,
    successors: Vec<Contact>,
    fingers: usize,
}

/// What the user wants, by its number as a request.
struct Wish {
    what: &'static str,
    key: Key,
    command: Command,
    done: bool,
}

pub struct App {
    options: Options,
    places: Vec<Place>,
    /// How many of the places have joined; the next one is on its way.
    joined: usize,
    wishes: Vec<Wish>,
    look: tokio::time::Interval,
    outcome: Option<Result<(), Failure>>,
}

impl App {
    /// Binds the sockets, and begins to join.
    pub async fn start(options: &Options, lines: &mut Lines) -> Result<Self, Failure> {
        check(options)?;
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| format!("no randomness: {error}"))?;
        let mut places = Vec::new();
        for number in 0..options.virtual_nodes {
            places.push(Place::bind(options, number, u64::from_le_bytes(seed)).await?);
        }
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (joined, wishes) = (0, wishes(options));
        let mut app =
            Self { options: options.clone(), places, joined, wishes, look, outcome: None };
        let join = app.options.join;
        app.join_next(join, lines)?;
        Ok(app)
    }

    /// Where the first of its nodes listens.
    pub fn here(&self) -> SocketAddr {
        self.places[0].address
    }

    /// Why it is over, once it is: all was done, or something can not be.
    pub fn outcome(&mut self) -> Option<Result<(), Failure>> {
        self.outcome.take()
    }

    /// Whether all that was wished has come true.
    pub fn is_done(&self) -> bool {
        self.joined == self.places.len() && self.wishes.iter().all(|wish| wish.done)
    }

    /// Whether each of its nodes knows its predecessor and so many successors.
    pub fn knows(&self, successors: usize) -> bool {
        self.places.iter().all(|place| {
            place.told.predecessor.is_some() && place.told.successors.len() >= successors
        })
    }

    /// Goes on until something happens.
    pub async fn step(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        let (number, event) = tokio::select! {
            event = next_event(&mut self.places) => event,
            _ = self.look.tick() => return self.tell_pointers(lines),
        };
        self.take(number, event, lines)
    }

    /// What one of the nodes says.
    fn take(&mut self, number: usize, event: Event, lines: &mut Lines) -> Result<(), Failure> {
        let addr = self.places[number].address.to_string();
        match event {
            Event::Joined => {
                let id = self.places[number].node.peer().contact().map(|me| me.id.to_string());
                lines.event("joined", &[("addr", json!(addr)), ("id", json!(id))])?;
                self.tell_pointers(lines)?;
                self.joined += 1;
                if self.joined < self.places.len() {
                    let first = self.here();
                    self.join_next(Some(first), lines)?;
                } else {
                    self.wish();
                }
            }
            Event::JoinFailed { reason } => {
                let to = self.options.join.map_or(String::new(), |to| format!(" the ring at {to}"));
                self.outcome = Some(Err(format!("can not join{to}: {reason}").into()));
            }
            Event::Isolated => lines.event("isolated", &[("addr", json!(addr))])?,
            Event::Left { handed_over } => {
                self.places[number].left = true;
                let handed_over = json!(handed_over);
                lines.event("left", &[("addr", json!(addr)), ("handed_over", handed_over)])?;
            }
            Event::Found { request, hops, timeouts, owner } => {
                let keys = [
                    ("owner", json!(owner.id.to_string())),
                    ("owner_addr", json!(owner.address.to_string())),
                    ("hops", json!(hops)),
                    ("timeouts", json!(timeouts)),
                ];
                self.answered(request, "found", &keys, lines)?;
            }
            Event::Stored { request, hops, replicas } => {
                let keys = [("replicas", json!(replicas)), ("hops", json!(hops))];
                self.answered(request, "stored", &keys, lines)?;
            }
            Event::Got { request, hops, values } => self.got(request, hops, &values, lines)?,
            Event::Failed { request, reason } => self.failed(request, &reason, lines)?,
            Event::Misbehaved { from, what } => {
                let keys = [("from", json!(from.to_string())), ("what", json!(what.to_string()))];
                lines.event("misbehaved", &[&[("addr", json!(addr))], &keys[..]].concat())?;
            }
            Event::Refused { from, reason } => {
                let keys = [("from", json!(from.to_string())), ("what", json!(reason.to_string()))];
                lines.event("refused", &[&[("addr", json!(addr))], &keys[..]].concat())?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The next place on the ring is to be taken.
    fn join_next(&mut self, via: Option<SocketAddr>, lines: &mut Lines) -> Result<(), Failure> {
        let Some(place) = self.places.get_mut(self.joined) else { return Ok(()) };
        let command = via.map_or(Command::Create, |via| Command::Join { via: vec![via] });
        place.node.command(command);
        let id = place.node.peer().contact().map(|me| me.id.to_string());
        lines
            .event("listening", &[("addr", json!(place.address.to_string())), ("id", json!(id))])?;
        Ok(())
    }

    /// One wish after the other, so that a get finds what was put.
    fn wish(&mut self) {
        match self.wishes.iter().find(|wish| !wish.done) {
            Some(wish) => self.places[0].node.command(wish.command.clone()),
            None if self.options.get.is_some() || self.options.lookup.is_some() => {
                self.outcome.get_or_insert(Ok(()));
            }
            None => {}
        }
    }

    /// A wish has come true, with these keys beside the wish's own.
    fn answered(
        &mut self,
        request: u32,
        event: &str,
        keys: &[(&str, Value)],
        lines: &mut Lines,
    ) -> Result<(), Failure> {
        let Some(wish) = self.wishes.get_mut(request as usize) else { return Ok(()) };
        wish.done = true;
        lines.event(event, &[&wish.names(), keys].concat())?;
        self.wish();
        Ok(())
    }

    fn got(
        &mut self,
        request: u32,
        hops: u32,
        values: &[Publication],
        lines: &mut Lines,
    ) -> Result<(), Failure> {
        let Some(wish) = self.wishes.get_mut(request as usize) else { return Ok(()) };
        wish.done = true;
        for Publication { publisher, value } in values {
            let keys = [
                ("hops", json!(hops)),
                ("publisher", json!(publisher.to_string())),
                ("value", json!(std::str::from_utf8(value).ok())),
                ("hex", json!(hex::encode(value))),
            ];
            lines.event("got", &[&wish.names(), &keys[..]].concat())?;
        }
        if values.is_empty() {
            lines.event("nothing", &[&wish.names(), &[("hops", json!(hops))][..]].concat())?;
            let nothing = format!("nothing is published under {:?}", wish.key.text);
            self.outcome = Some(Err(nothing.into()));
        }
        self.wish();
        Ok(())
    }

    fn failed(
        &mut self,
        request: u32,
        reason: &NoAnswer,
        lines: &mut Lines,
    ) -> Result<(), Failure> {
        let Some(wish) = self.wishes.get_mut(request as usize) else { return Ok(()) };
        wish.done = true;
        let keys = [&[("what", json!(wish.what))][..], &wish.names()].concat();
        lines.event("failed", &[&keys[..], &[("reason", json!(reason.to_string()))]].concat())?;
        let what = format!("{} {:?}: {reason}", wish.what, wish.key.text);
        self.outcome = Some(Err(what.into()));
        Ok(())
    }

    /// Says what the pointers of each node are, where that changed.
    fn tell_pointers(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        for place in &mut self.places {
            let peer = place.node.peer();
            let Some(member) = peer.member() else { continue };
            let now = Pointers {
                predecessor: member.predecessor(),
                successors: member.successors().as_slice().to_vec(),
                fingers: peer.fingers().as_slice().len(),
            };
            if now != place.told {
                let successors: Vec<_> = now.successors.iter().map(ToString::to_string).collect();
                let predecessor = now.predecessor.map(|contact| contact.to_string());
                let keys = [
                    ("addr", json!(place.address.to_string())),
                    ("predecessor", json!(predecessor)),
                    ("successors", json!(successors)),
                    ("fingers", json!(now.fingers)),
                ];
                lines.event("neighbours", &keys)?;
                place.told = now;
            }
        }
        Ok(())
    }

    /// Leaves the ring, the last place first, and closes what is open.
    pub async fn leave(mut self, limit: Duration, lines: &mut Lines) -> Result<(), Failure> {
        let until = Instant::now() + limit;
        for number in (0..self.places.len()).rev() {
            self.places[number].node.command(Command::Leave);
            while !self.places[number].left {
                let left = until.saturating_duration_since(Instant::now());
                match timeout(left, next_event(&mut self.places)).await {
                    Ok((from, event)) => self.take(from, event, lines)?,
                    Err(_) => break,
                }
            }
        }
        for place in self.places {
            let left = until.saturating_duration_since(Instant::now());
            place.node.shut_down(left.max(Duration::from_secs(1)), drop).await;
        }
        Ok(())
    }
}

impl Place {
    async fn bind(options: &Options, number: u16, seed: u64) -> Result<Self, Failure> {
        let listen = further(options.listen, number)?;
        let advertise = options.advertise.map(|to| further(to, number)).transpose()?;
        let every = Duration::from_secs_f64(options.upkeep);
        let config = Config {
            stabilize_every: every,
            fix_fingers_every: every,
            refresh_every: every * 4,
            advertise,
            ..Config::default()
        };
        let net = overlay_net::Config {
            listen: Some(listen),
            allow_private: options.allow_private,
            seed,
            number: number.into(),
            ..overlay_net::Config::default()
        };
        let about = |error| format!("can not listen on {listen}: {error}");
        let node = Node::bind(Chord::new(config), net, Arc::new(NoStore)).await.map_err(about)?;
        let address = advertise.unwrap_or(node.here());
        Ok(Self { node, address, told: Pointers::default(), left: false })
    }
}

impl Wish {
    fn names(&self) -> [(&'static str, Value); 2] {
        [("key", json!(self.key.text)), ("id", json!(self.key.id.to_string()))]
    }
}

fn wishes(options: &Options) -> Vec<Wish> {
    let mut wishes = Vec::new();
    let mut add = |what, key: &Key, command: &dyn Fn(u32) -> Command| {
        let command = command(wishes.len() as u32);
        wishes.push(Wish { what, key: key.clone(), command, done: false });
    };
    if let Some(put) = &options.put {
        let (key, value) = (put.key.id, put.value.clone().into_bytes());
        add("put", &put.key, &|request| Command::Put { request, key, value: value.clone().into() });
    }
    if let Some(key) = &options.get {
        add("get", key, &|request| Command::Get { request, key: key.id });
    }
    if let Some(key) = &options.lookup {
        add("lookup", key, &|request| Command::Lookup { request, key: key.id });
    }
    wishes
}

/// What can not work is said before anything is sent.
fn check(options: &Options) -> Result<(), Failure> {
    let reached = options.advertise.unwrap_or(options.listen);
    if reached.ip().is_unspecified() {
        return Err(format!("nobody can reach {reached}: name this host with --advertise").into());
    }
    if let Some(join) = options.join.filter(|join| !options.allow_private && !is_public(join.ip()))
    {
        return Err(format!("{join} is not a public address: that wants --allow-private").into());
    }
    Ok(())
}

/// The address of virtual node `number`; port 0 is any free one.
fn further(mut address: SocketAddr, number: u16) -> Result<SocketAddr, Failure> {
    if address.port() != 0 {
        let port = address.port().checked_add(number);
        address.set_port(port.ok_or_else(|| format!("no port {number} above {address}"))?);
    }
    Ok(address)
}

/// Drives all nodes until one of them says something.
async fn next_event(places: &mut [Place]) -> (usize, Event) {
    tokio::task::coop::consume_budget().await;
    tokio::task::unconstrained(poll_fn(|cx| {
        for (number, place) in places.iter_mut().enumerate() {
            if let Poll::Ready(event) = place.node.poll_next(cx) {
                return Poll::Ready((number, event));
            }
        }
        Poll::Pending
    }))
    .await
}
