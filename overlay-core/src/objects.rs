//! What the toolkit's objects are: one numbering for every store.

use overlay_peer::Object;

use crate::FileId;

/// What a store is asked for under an [`Object`] number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stored {
    /// The bytes of a file of the [`Library`](crate::Library).
    Content(FileId),
    /// The bytes of its info dict.
    Info(FileId),
    /// What a fetch of this number writes.
    Download(u32),
}

const KIND: u32 = 32;

impl Stored {
    /// What an object is; `None` for a number that no `Stored` has.
    pub fn of(object: Object) -> Option<Self> {
        let number = object.0 as u32;
        match object.0 >> KIND {
            0 => Some(Self::Content(FileId(number))),
            1 => Some(Self::Info(FileId(number))),
            2 => Some(Self::Download(number)),
            _ => None,
        }
    }
}

impl From<Stored> for Object {
    fn from(stored: Stored) -> Self {
        let (kind, number) = match stored {
            Stored::Content(FileId(file)) => (0, file),
            Stored::Info(FileId(file)) => (1, file),
            Stored::Download(fetch) => (2, fetch),
        };
        Self(kind << KIND | u64::from(number))
    }
}
