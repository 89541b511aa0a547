//! How long a mapping lives in silence (RFC 5780, section 4.6).

use core::net::SocketAddr;
use core::time::Duration;

use alloc::vec::Vec;

use overlay_peer::Time;

use super::exchange::{Ask, Exchange, Exchanges, Standing, What, canonical};
use super::{Discovery, Fresh, Reason, Settings, SocketId, Transmit, Verdict};
use crate::stun::Schedule;

/// Finds out how long a UDP mapping lives after its last packet.
///
/// Each of several sockets asks once and is then silent for another time; when it is over, yet another
/// socket asks the server to answer to the silent one's port (RESPONSE-PORT). Whether the answer comes
/// in says on which side of the lifetime that time was. First the times are doubled from one second to
/// [`longest`](Self::new); between the two where it died, seven more at equal distances, and so on: a
/// binary search of three steps at once, each time with sockets that were silent until then.
///
/// What is found is the time of the longest silence that was survived, or a second or 2 % less than
/// the shortest one that was not.
#[derive(Debug)]
pub struct Lifetime {
    server: SocketAddr,
    net: Exchanges,
    fresh: Vec<Fresh>,
    asker: Option<SocketId>,
    /// Wakes the asker's own mapping, and shows that the server still answers.
    trials: Vec<Trial>,
    /// Silences survived and not survived, in microseconds.
    alive: Duration,
    dead: Option<Duration>,
    longest: Duration,
    now: Time,
    wake: Time,
    verdict: Option<Verdict<Duration>>,
}

/// One socket, one silence.
#[derive(Debug)]
struct Trial {
    socket: SocketId,
    silence: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    Asking(Exchange),
    Silent { since: Time, mapped: SocketAddr },
    Waking(Knock),
    Over(Result<bool, Reason>),
}

/// The server is asked to answer to the silent port, again and again, and to the asker too.
#[derive(Debug)]
struct Knock {
    port: u16,
    next: Time,
    sent: Vec<(super::exchange::ProbeId, super::exchange::ProbeId)>,
}

/// How often, and how far apart.
const KNOCKS: usize = 12;
const GAP: Duration = Duration::from_millis(250);
/// So many of the answers to the asker must arrive for silence to mean something.
const CONTROLS: usize = 8;
/// Trials at once, between two times.
const BETWEEN: u32 = 7;

impl Lifetime {
    /// So many sockets do for a lifetime of up to 17 minutes.
    pub const SOCKETS: usize = 40;

    /// Tries silences of up to `longest`, with as many of these sockets as it takes.
    pub fn new(settings: Settings, mut sockets: Vec<Fresh>, longest: Duration, now: Time) -> Self {
        let asker = sockets.pop().map(|fresh| fresh.id);
        let mut lifetime = Self {
            server: canonical(settings.server),
            net: Exchanges::new(settings.seed, settings.classic),
            fresh: sockets,
            asker,
            trials: Vec::new(),
            alive: Duration::ZERO,
            dead: None,
            longest,
            now,
            wake: now,
            verdict: None,
        };
        let doubled = (0..16).map(|step| Duration::from_secs(1 << step));
        let silences: Vec<Duration> =
            doubled.take_while(|silence| *silence < longest).chain([longest]).collect();
        lifetime.try_all(&silences);
        lifetime
    }

    /// The lifetime, once it is known that it is or is not.
    pub const fn verdict(&self) -> Option<Verdict<Duration>> {
        self.verdict
    }

    /// Starts a trial for each of these silences, as long as there are sockets.
    fn try_all(&mut self, silences: &[Duration]) {
        for silence in silences {
            let Some(Fresh { id, .. }) = self.fresh.pop() else { break };
            let schedule = Schedule { sends: 12, ..Exchange::QUICK };
            let exchange = Exchange::new(id, self.server, schedule, self.now);
            self.trials.push(Trial {
                socket: id,
                silence: *silence,
                state: State::Asking(exchange),
            });
        }
    }

    fn advance(&mut self, now: Time) {
        self.now = self.now.max(now);
        let Some(asker) = self.asker else {
            return self.decide(Verdict::Unknown(Reason::NotTested));
        };
        loop {
            let (net, server, now) = (&mut self.net, self.server, self.now);
            let mut next = Time::MAX;
            for trial in &mut self.trials {
                next = next.min(trial.poll(net, server, asker, now));
            }
            self.wake = next;
            if self.verdict.is_some() || !self.learn() {
                return;
            }
        }
    }

    /// Takes in what trials found; whether there are new ones, or an end.
    fn learn(&mut self) -> bool {
        let over = |trial: &Trial| match trial.state {
            State::Over(result) => Some((trial.silence, result)),
            _ => None,
        };
        let results: Vec<_> = self.trials.iter().filter_map(over).collect();
        for (silence, result) in &results {
            match result {
                Ok(true) => self.alive = self.alive.max(*silence),
                Ok(false) => {
                    self.dead = Some(self.dead.map_or(*silence, |dead| dead.min(*silence)));
                }
                Err(_) => {}
            }
        }
        // Longer silences than one that killed need not be waited for.
        let dead = self.dead.unwrap_or(Duration::MAX);
        self.trials.retain(|trial| trial.silence < dead && over(trial).is_none());
        if !self.trials.is_empty() {
            return false;
        }
        let unclear = results.iter().find_map(|(_, result)| result.err());
        match (self.dead, unclear) {
            (None, Some(reason)) => self.decide(Verdict::Unknown(reason)),
            (None, None) => {
                let seconds = self.longest.as_secs().try_into().unwrap_or(u32::MAX);
                self.decide(Verdict::Unknown(Reason::LongerThan { seconds }));
            }
            // It died, and was never seen alive: the answers do not come at all.
            (Some(_), _) if self.alive == Duration::ZERO => {
                self.decide(Verdict::Unknown(Reason::ResponsePortIgnored));
            }
            (Some(dead), _) if dead <= self.alive => {
                self.decide(Verdict::Unknown(Reason::Unsteady))
            }
            (Some(dead), _) => {
                let gap = dead - self.alive;
                let fine = Duration::from_secs(1).max(dead / 50);
                let step = (gap / (BETWEEN + 1)).max(fine / 2);
                let silences: Vec<Duration> = (1..=BETWEEN)
                    .map(|number| self.alive + step * number)
                    .take_while(|silence| *silence < dead)
                    .collect();
                if gap <= fine || silences.is_empty() || self.fresh.is_empty() {
                    self.decide(Verdict::Known(self.alive));
                } else {
                    self.try_all(&silences);
                }
            }
        }
        true
    }

    fn decide(&mut self, verdict: Verdict<Duration>) {
        self.verdict = Some(verdict);
        self.trials.clear();
        self.wake = Time::MAX;
    }
}

impl Trial {
    /// When to look again.
    fn poll(
        &mut self,
        net: &mut Exchanges,
        server: SocketAddr,
        asker: SocketId,
        now: Time,
    ) -> Time {
        loop {
            let (state, next) = match &mut self.state {
                State::Asking(exchange) => match exchange.poll(net, now) {
                    Standing::Waiting(until) => return until,
                    Standing::Answered { mapped, .. } => {
                        (State::Silent { since: now, mapped }, now)
                    }
                    Standing::Failed(_) => (State::Over(Err(Reason::NoAnswer)), now),
                },
                State::Silent { since, mapped } => {
                    let until = *since + self.silence;
                    if now < until {
                        return until;
                    }
                    let knock = Knock { port: mapped.port(), next: now, sent: Vec::new() };
                    (State::Waking(knock), now)
                }
                State::Waking(knock) => match knock.poll(net, server, (asker, self.socket), now) {
                    Ok(result) => (State::Over(result), now),
                    Err(until) => return until,
                },
                State::Over(_) => return Time::MAX,
            };
            self.state = state;
            if matches!(self.state, State::Over(_)) {
                return next;
            }
        }
    }
}

impl Knock {
    /// Whether the silent socket heard something, or until when to wait.
    fn poll(
        &mut self,
        net: &mut Exchanges,
        server: SocketAddr,
        (asker, silent): (SocketId, SocketId),
        now: Time,
    ) -> Result<Result<bool, Reason>, Time> {
        for (id, _) in &self.sent {
            for heard in net.heard(*id) {
                match heard.what {
                    What::Success { .. } if (heard.on, heard.from) == (silent, server) => {
                        return Ok(Ok(true));
                    }
                    // It was answered, but to where it came from.
                    What::Success { .. } if heard.on == asker => {
                        return Ok(Err(Reason::ResponsePortIgnored));
                    }
                    What::Refused { code } => return Ok(Err(Reason::Refused { code })),
                    _ => {}
                }
            }
        }
        if now < self.next {
            return Err(self.next);
        }
        if self.sent.len() < KNOCKS {
            let ask = Ask { response_port: Some(self.port), ..Ask::PLAIN };
            let knock = net.send(now, asker, server, ask);
            let control = net.send(now, asker, server, Ask::PLAIN);
            self.sent.push((knock, control));
            let last = self.sent.len() == KNOCKS;
            self.next = now + if last { Duration::from_secs(1) } else { GAP };
            return Err(self.next);
        }
        let answered =
            self.sent.iter().filter(|(_, control)| net.answer(*control).is_some()).count();
        if answered >= CONTROLS {
            Ok(Ok(false))
        } else {
            Ok(Err(Reason::Loss { sent: KNOCKS as u32, answered: answered as u32 }))
        }
    }
}

impl Discovery for Lifetime {
    fn transmit(&mut self, now: Time) -> Option<Transmit> {
        if let Some(transmit) = self.net.pop() {
            return Some(transmit);
        }
        // What is nobody's answer has no effect at all, not even on when things are looked at.
        if now >= self.wake {
            self.advance(now);
        }
        self.net.pop()
    }

    fn receive(&mut self, now: Time, socket: SocketId, from: SocketAddr, datagram: &[u8]) {
        if self.verdict.is_none() {
            self.now = self.now.max(now);
            if self.net.receive(self.now, socket, from, datagram) {
                self.wake = self.now;
            }
        }
    }

    fn wake(&self) -> Time {
        self.wake
    }

    fn is_done(&self) -> bool {
        self.verdict.is_some()
    }
}
