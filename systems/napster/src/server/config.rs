//! How much a server takes on.

use core::time::Duration;

/// How much a server takes on. Everything it keeps is bounded by these, and by what one message can
/// say: a name has at most [`MAX_NAME`](crate::MAX_NAME) bytes, and the index knows a file by the last
/// [`MAX_WORDS`](crate::MAX_WORDS) words of its name only.
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
    /// The work for one search. Looking at a file of its rarest word costs one, plus one for each
    /// other word and each criterion of the search. When it is used up, the results found until then
    /// are the answer; the same search, asked again, begins at another place.
    pub search_budget: usize,
    /// Messages of one link whose data do not fit their type, before the link is closed. Types that
    /// the server does not serve are passed over, however many.
    pub unreadable: u32,
    /// How long a new link has to log in.
    pub login_timeout: Duration,
}

/// 2^20 links and accounts, 2^27 files, 5,000 a user, 100 results (the limit of the original
/// servers), 2^16 steps for a search, 16 unreadable messages, 30 s to log in.
impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            links: 1 << 20,
            accounts: 1 << 20,
            files: 1 << 27,
            files_per_user: 5_000,
            results: 100,
            search_budget: 1 << 16,
            unreadable: 16,
            login_timeout: Duration::from_secs(30),
        }
    }
}
