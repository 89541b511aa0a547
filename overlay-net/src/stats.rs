//! What a node counted.

/// What a [`Node`](crate::Node) has counted since it was made, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// TCP connections now, those included that are being opened or drained.
    pub links: usize,
    /// Bytes queued on all links now.
    pub queued: usize,
    /// Bytes received that are no whole message yet, on all links now.
    pub unread: usize,
    /// Inputs the peer had.
    pub inputs: u64,
    /// Messages received, datagrams included.
    pub received: u64,
    /// Messages sent, datagrams included.
    pub sent: u64,
    /// Bytes received, as they travelled.
    pub bytes_received: u64,
    /// Bytes sent, as they travelled.
    pub bytes_sent: u64,
    /// Connections that were not let in: too many in all, or from one address.
    pub turned_away: u64,
    /// Connects and datagrams that were not sent because of where they would go.
    pub forbidden: u64,
    /// Links closed because of bytes that are no message, and datagrams dropped for the same reason.
    pub malformed: u64,
    /// Links closed because the other side read too slowly.
    pub slow: u64,
    /// Messages and datagrams dropped: their link was not open, or the socket took no more.
    pub dropped: u64,
}
