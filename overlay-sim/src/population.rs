//! Peers are not equal: how fast, able, generous and steady each one is.

use overlay_peer::{Pcg32, input_seed};

use crate::distribution::{Distribution, unit};

/// What one peer has and gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Bytes a second it can send, at least 1.
    pub upload: u64,
    /// Bytes a second it can receive, at least 1.
    pub download: u64,
    /// Processing power, as a multiple of an ordinary peer's.
    pub cpu: f64,
    /// Bytes it has room for.
    pub storage: u64,
    /// Whether it shares anything; a free rider does not.
    pub shares: bool,
    /// The share of the time it is up, 0 to 1.
    pub availability: f64,
}

/// How a kind of Internet access is spread, and how fast it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// Of all peers, in proportion to the other kinds' weights.
    pub weight: f64,
    /// Bytes a second up.
    pub upload: Distribution,
    /// Bytes a second down.
    pub download: Distribution,
}

/// What the peers of a network are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    /// The kinds of access there are, so that a peer's two directions fit each other.
    pub access: Vec<Access>,
    /// Processing power, as a multiple of an ordinary peer's.
    pub cpu: Distribution,
    /// Bytes of room.
    pub storage: Distribution,
    /// The share of peers that share nothing.
    pub free_riders: f64,
    /// The share of the time that a peer is up; draws above 1 count as 1.
    pub availability: Distribution,
}

impl Population {
    /// Everyone has 1 MB a second both ways, 10 GB, shares, and stays.
    pub fn equal() -> Self {
        let speed = Distribution::Constant(1e6);
        Self {
            access: vec![Access { weight: 1.0, upload: speed.clone(), download: speed }],
            cpu: Distribution::Constant(1.0),
            storage: Distribution::Constant(1e10),
            free_riders: 0.0,
            availability: Distribution::Constant(1.0),
        }
    }

    /// File sharers of 2001, after Saroiu, Gummadi and Gribble ("A measurement study of peer-to-peer
    /// file sharing systems", MMCN 2002), for Gnutella: 26 % of the peers share nothing; 22 % send at
    /// 100 kb/s or less and 8 % at 10 Mb/s or more (section 3.1); the steadiest fifth is up for 45 %
    /// of the time or more (section 3.2).
    ///
    /// Only the share of free riders was checked; the other figures are quoted from memory. The kinds
    /// of access between them (modem, cable, DSL, campus), processing power and storage are choices
    /// of ours.
    pub fn file_sharers_2001() -> Self {
        let kilobits =
            |low: f64, high: f64| Distribution::Uniform { low: low * 125.0, high: high * 125.0 };
        let access = |weight, upload, download| Access { weight, upload, download };
        Self {
            access: vec![
                access(0.22, kilobits(28.0, 100.0), kilobits(33.0, 128.0)),
                access(0.40, kilobits(100.0, 384.0), kilobits(512.0, 1_500.0)),
                access(0.30, kilobits(384.0, 3_000.0), kilobits(1_500.0, 3_000.0)),
                access(0.08, kilobits(10_000.0, 45_000.0), kilobits(10_000.0, 45_000.0)),
            ],
            cpu: Distribution::LogNormal { mu: 0.0, sigma: 0.7 },
            storage: Distribution::BoundedPareto { shape: 1.0, low: 1e8, high: 1e11 },
            free_riders: 0.26,
            availability: Distribution::Curve(
                [(0.0, 0.01), (0.5, 0.1), (0.8, 0.45), (1.0, 1.0)].into(),
            ),
        }
    }

    /// The profile of one peer. It follows from the seed and the number alone: profiles need not be
    /// kept, and a peer's does not change with the number of others.
    pub fn profile(&self, seed: u64, peer: u32) -> Profile {
        let stream = input_seed(seed, peer, 0x706f_7075);
        let rng = &mut Pcg32::new(stream, stream.rotate_left(32));
        let weights: f64 = self.access.iter().map(|access| access.weight).sum();
        let mut left = unit(rng) * weights;
        let chosen = self.access.iter().find(|access| {
            left -= access.weight;
            left < 0.0
        });
        let speed = |distribution: Option<&Distribution>, rng: &mut Pcg32| {
            // A cast saturates, and takes what is no number to 0.
            distribution.map_or(1_000_000.0, |speed| speed.sample(rng)).max(1.0) as u64
        };
        let chosen = chosen.or(self.access.last());
        Profile {
            upload: speed(chosen.map(|access| &access.upload), rng),
            download: speed(chosen.map(|access| &access.download), rng),
            cpu: self.cpu.sample(rng),
            storage: self.storage.sample(rng) as u64,
            shares: unit(rng) >= self.free_riders,
            availability: self.availability.sample(rng).clamp(0.0, 1.0),
        }
    }
}
