//! The names of the systems, the same on every command line, and what they stand for.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use crate::adapters::{Chord, Gnutella04, Gnutella06, Napster};
use crate::{Library, System};

/// A system of the toolkit that speaks the four primitives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SystemName {
    /// `napster`: a central index.
    Napster,
    /// `gnutella-0.4`: flooding.
    Gnutella04,
    /// `gnutella-0.6`: ultrapeers and leaves.
    Gnutella06,
    /// `chord`: a distributed hash table, keyword → files, file → pieces.
    Chord,
}

impl SystemName {
    /// Every system there is, oldest first.
    pub const ALL: [Self; 4] = [Self::Napster, Self::Gnutella04, Self::Gnutella06, Self::Chord];

    /// The name as it is written on a command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Napster => "napster",
            Self::Gnutella04 => "gnutella-0.4",
            Self::Gnutella06 => "gnutella-0.6",
            Self::Chord => "chord",
        }
    }

    /// Builds the system over these files and hands it to `visitor`: systems are of different types.
    pub fn visit<V: Visitor>(self, library: &Arc<Library>, visitor: V) -> V::Output {
        match self {
            Self::Napster => visitor.visit(Napster::new(library)),
            Self::Gnutella04 => visitor.visit(Gnutella04::new(Arc::clone(library))),
            Self::Gnutella06 => visitor.visit(Gnutella06::new(Arc::clone(library))),
            Self::Chord => visitor.visit(Chord::new(Arc::clone(library))),
        }
    }
}

/// Something to do with a system, whichever it is.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<S: System>(self, system: S) -> Self::Output;
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SystemName {
    type Err = UnknownSystem;

    fn from_str(text: &str) -> Result<Self, UnknownSystem> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or(UnknownSystem)
    }
}

/// No system has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown system: expected one of napster, gnutella-0.4, gnutella-0.6, chord")]
pub struct UnknownSystem;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back_and_the_error_lists_them_all() {
        for name in SystemName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
            assert!(UnknownSystem.to_string().contains(name.as_str()));
        }
        assert_eq!("kazaa".parse::<SystemName>(), Err(UnknownSystem));
    }
}
