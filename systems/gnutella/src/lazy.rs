//! What most servents have nothing of.

use alloc::boxed::Box;
use core::ops::{Deref, DerefMut};

/// A value that takes 8 bytes until it is changed for the first time; before that it is the empty one.
#[derive(Clone, Debug)]
pub(crate) struct Lazy<T>(Option<Box<T>>);

/// A value that can be there without memory.
pub(crate) trait Empty: Clone + 'static {
    /// The value nobody has changed.
    const EMPTY: &'static Self;
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Empty> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::EMPTY)
    }
}

impl<T: Empty> DerefMut for Lazy<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| Box::new(T::EMPTY.clone()))
    }
}
