//! How much a server takes on.

use core::time::Duration;

/// How much a server takes on. Everything it keeps is bounded by these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Links, those not logged in yet included.
    pub links: usize,
    /// Users with a registered nick. Who comes later is served without registration.
    pub accounts: usize,
    /// Files in the index.
    pub files: usize,
    /// Files of one user.
    pub files_per_user: usize,
    /// Results of one search.
    pub results: u32,
    /// Messages of one link that can not be read before the link is closed.
    pub unreadable: u32,
    /// How long a new link has to log in.
    pub login_timeout: Duration,
}

/// 2^20 links and accounts, 2^27 files, 5,000 a user, 100 results (the limit of the original
/// servers), 16 unreadable messages, 30 s to log in.
impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            links: 1 << 20,
            accounts: 1 << 20,
            files: 1 << 27,
            files_per_user: 5_000,
            results: 100,
            unreadable: 16,
            login_timeout: Duration::from_secs(30),
        }
    }
}
