//! The query routing protocol: tables of which keywords a neighbour may have.

mod update;

pub use update::{OwnedQrp, Qrp, QrpPatch};
