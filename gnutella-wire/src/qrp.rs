//! The query routing protocol: tables of which keywords a neighbour may have.

mod entry;
mod hash;
mod packed;
mod receive;
mod send;
mod table;
mod update;

pub use hash::{qrp_hash, with_prefixes};
pub use packed::{PackedTable, RoutedQuery};
pub use receive::{QrpError, QrpProgress, QrpReceiver};
pub use send::QrpSending;
pub use table::{QueryRouteTable, scaled_slot};
pub use update::{OwnedQrp, Qrp, QrpPatch};
