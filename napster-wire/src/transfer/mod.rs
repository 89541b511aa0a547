//! The bytes between two clients. Nothing here has a length or a terminator.

pub(crate) mod answer;
pub(crate) mod greeting;
pub(crate) mod request;
