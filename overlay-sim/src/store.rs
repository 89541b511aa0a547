//! Where peers' reads and writes go: the caller's.

use bytes::Bytes;
use overlay_peer::{Object, StoreError};

use crate::PeerIndex;

/// The storage behind the peers' read and write effects. What an [`Object`] is, is a matter between
/// whoever commands the peers and the store.
pub trait Store {
    /// `len` bytes of an object from `offset` on.
    ///
    /// # Errors
    /// The object is not there, or ends before.
    fn read(
        &mut self,
        peer: PeerIndex,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError>;

    /// Takes bytes into an object.
    ///
    /// # Errors
    /// There is no room for them.
    fn write(
        &mut self,
        peer: PeerIndex,
        object: Object,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), StoreError>;
}

/// A store for systems that store nothing: every read and write fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

impl Store for NoStore {
    fn read(&mut self, _: PeerIndex, _: Object, _: u64, _: u32) -> Result<Bytes, StoreError> {
        Err(StoreError::NotFound)
    }

    fn write(&mut self, _: PeerIndex, _: Object, _: u64, _: &Bytes) -> Result<(), StoreError> {
        Err(StoreError::Full)
    }
}
