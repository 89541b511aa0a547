//! What a servent's user asks it to do.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use overlay_peer::{Address, Object};

use crate::{Catalogue, Hit, HostList, SearchPlan};

/// What a servent's user asks it to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Connect to these hosts, and keep looking for neighbours from then on. It can be repeated.
    Join {
        /// Where to connect to. All are tried, up to the most links allowed.
        hosts: Vec<Address>,
    },
    /// Join by the hosts that an earlier run knew: [`Servent::host_list`](crate::Servent::host_list),
    /// kept as text. They go into the cache; as many are connected to as neighbours are wanted.
    JoinSaved {
        /// The hosts, the best first.
        hosts: HostList,
    },
    /// Fetch a list of hosts from a web server, and join by them. Ends with
    /// [`Event::WebCache`](crate::Event::WebCache) or
    /// [`Event::WebCacheFailed`](crate::Event::WebCacheFailed). A server is asked once in a while only
    /// ([`Settings::web_cache_interval`](crate::Settings::web_cache_interval)), and eight at a time.
    AskWebCache {
        /// Where the server is: a servent does not look up names.
        server: Address,
        /// What the server is called, for its `Host` field; empty for its address.
        name: String,
        /// The path and query, such as `/gwc.php?hostfile=1&client=OVLY&version=0.1`.
        path: String,
    },
    /// Ask the network who has files whose names contain all keywords of the text. Answers come as
    /// [`Event::Hit`](crate::Event::Hit).
    Search {
        /// The user's number for the search; it comes back with each hit.
        search: u32,
        /// The text, or in 0.6 a urn (`urn:sha1:…`); see [`gnutella_wire::keywords`] for how it is split.
        text: String,
    },
    /// The same in another way: expanding ring, random walks, another TTL; and patiently. Ends with
    /// [`Event::SearchEnded`](crate::Event::SearchEnded); hits that come later are told too.
    SearchBy {
        /// The user's number for the search; it comes back with each hit. Of two searches under way
        /// with the same number, the hits count for the older.
        search: u32,
        /// The text, as in [`Search`](Self::Search).
        text: String,
        /// How to search.
        plan: SearchPlan,
    },
    /// Download what a hit offers. Ends with [`Event::Fetched`](crate::Event::Fetched) or
    /// [`Event::FetchFailed`](crate::Event::FetchFailed).
    Fetch {
        /// The user's number for the fetch; it comes back with the outcome. No two fetches under way
        /// can have the same.
        fetch: u32,
        /// What to download, from whom.
        hit: Hit,
        /// Where to write it to.
        into: Object,
        /// Start at this byte of the file (and of `into`): 0, or where an earlier fetch ended.
        from: u64,
    },
    /// Download a file from several servents at once: parts are shared out among them, taken over from
    /// those that are slow or go away, and compared where they meet. Ends as a
    /// [`Fetch`](Self::Fetch); [`Event::SourceLost`](crate::Event::SourceLost) tells who is given up.
    Swarm {
        /// The user's number for the fetch, as in [`Fetch`](Self::Fetch).
        fetch: u32,
        /// The file's sources, the most trusted first. All must have the size of the first: others are
        /// left out.
        hits: Vec<Hit>,
        /// Where to write it to.
        into: Object,
        /// Start at this byte of the file.
        from: u64,
    },
    /// One more source for a [`Swarm`](Self::Swarm) under way: a hit that came later. Nothing happens if
    /// there is no such swarm, the size is another one, it has this source, or as many as it may have.
    AddSource {
        /// The swarm's number.
        fetch: u32,
        /// The source.
        hit: Hit,
    },
    /// Search for a file, wait, choose the best of the hits, and download it from all who have it; if
    /// that fails, the next best. [`Event::Chosen`](crate::Event::Chosen) tells what is fetched. Ends
    /// as a [`Fetch`](Self::Fetch).
    Obtain {
        /// The user's number for the fetch, as in [`Fetch`](Self::Fetch).
        fetch: u32,
        /// The text, as in [`Search`](Self::Search).
        text: String,
        /// How to search. It waits as long as that says for hits to choose from, however many are
        /// enough, and no longer than for [`Settings::candidates`](crate::Settings::candidates).
        plan: SearchPlan,
        /// Where to write the file to.
        into: Object,
    },
    /// Share other files from now on. Neighbours of 0.6 are told after
    /// [`Settings06::table_interval`](crate::Settings06::table_interval); uploads under way go on.
    Share {
        /// Files to share, by their numbers in the [`Catalogue`](crate::Catalogue); those it does not
        /// have are left out.
        add: Vec<u32>,
        /// Files not to share any more. What is in both lists is shared.
        remove: Vec<u32>,
    },
    /// Share these files of another catalogue from now on. What was shared must have the same numbers
    /// there, if it is in it at all: others know it by these. Neighbours are told as after
    /// [`Share`](Self::Share).
    Publish {
        /// The other catalogue.
        catalogue: Arc<Catalogue>,
        /// All files to share, by their numbers in it.
        shares: Vec<u32>,
    },
    /// Close all links and stay away until the next `Join`. Fetches under way fail.
    Leave,
}
