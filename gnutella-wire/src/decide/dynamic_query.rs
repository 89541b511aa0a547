//! Dynamic querying: an ultrapeer asks one neighbour after another, as far as needed ("Gnutella
//! Dynamic Query Protocol 0.1", Fisk 2003).

/// How many ultrapeers a query with this TTL reaches through a neighbour of this degree: the sum of
/// (degree − 1)^i for i from 0 to ttl − 1 (section 2.5.2.2). At most `u64::MAX`.
///
/// The draft's own examples, 23,436 for degree 6 and TTL 7 and 1,024 for degree 32 and TTL 3, are not
/// what this formula says, which is 19,531 and 993.
pub const fn horizon(degree: u16, ttl: u8) -> u64 {
    let (mut sum, mut term, mut i) = (0_u64, 1_u64, 0);
    while i < ttl {
        sum = sum.saturating_add(term);
        term = term.saturating_mul(degree.saturating_sub(1) as u64);
        i += 1;
    }
    sum
}

/// What is known of a query that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DynamicQuery {
    /// How many results are wanted: [`FOR_LEAF`](Self::FOR_LEAF) or [`FOR_SELF`](Self::FOR_SELF).
    pub wanted: u32,
    /// How many came, or how many the leaf says it kept.
    pub results: u32,
    /// How many ultrapeers were reached in theory: the sum of [`horizon`] so far.
    pub reached: u64,
    /// How many neighbours were not asked yet.
    pub left: u32,
    /// How many were asked.
    pub asked: u32,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DynamicStep {
    /// Ask the next neighbour.
    Ask {
        /// With this TTL.
        ttl: u8,
        /// And wait so many milliseconds for results before the next step; nothing between the
        /// neighbours of the probe.
        wait: u64,
    },
    /// The query is over: there are enough results, no neighbours left, or it went far enough.
    Done,
}

impl DynamicQuery {
    /// Results wanted for a leaf, which has other ultrapeers too.
    pub const FOR_LEAF: u32 = 50;
    /// Results wanted for oneself.
    pub const FOR_SELF: u32 = 150;
    /// How many neighbours the probe goes to, with a TTL of 2, before results are waited for.
    pub const PROBE: u32 = 3;
    /// The most ultrapeers a query may reach in theory (section 2.4).
    pub const MAX_HORIZON: u64 = 200_000;
    /// How long to wait for results, in milliseconds for each hop.
    pub const WAIT_PER_HOP: u64 = 2_400;

    /// The next step, if the next neighbour has this degree and accepts fresh queries of at most
    /// `max_ttl` (`X-Max-TTL`). Every step that asks must be added with [`asked`](Self::asked).
    ///
    /// The TTL is the least that reaches as many ultrapeers as are needed, if the rest are as likely to
    /// have results as those so far, shared among the neighbours left (section 2.5.2.1).
    pub fn next(&self, degree: u16, max_ttl: u8) -> DynamicStep {
        if self.results >= self.wanted || self.left == 0 || self.reached >= Self::MAX_HORIZON {
            return DynamicStep::Done;
        }
        let max_ttl = max_ttl.max(1);
        if self.asked < Self::PROBE {
            let ttl = max_ttl.min(2);
            let last = self.asked + 1 == Self::PROBE || self.left == 1;
            let wait = if last { Self::WAIT_PER_HOP * u64::from(ttl) } else { 0 };
            return DynamicStep::Ask { ttl, wait };
        }
        let missing = u64::from(self.wanted - self.results);
        // Without any result so far, it can not be far enough.
        let needed = missing.saturating_mul(self.reached).checked_div(self.results.into());
        let share = needed.map(|needed| needed.div_ceil(self.left.into()));
        let ttl = (1..max_ttl).find(|ttl| share.is_some_and(|it| horizon(degree, *ttl) >= it));
        let ttl = ttl.unwrap_or(max_ttl);
        DynamicStep::Ask { ttl, wait: Self::WAIT_PER_HOP * u64::from(ttl) }
    }

    /// The same after a neighbour of this degree was asked with this TTL.
    #[must_use]
    pub fn asked(self, degree: u16, ttl: u8) -> Self {
        Self {
            reached: self.reached.saturating_add(horizon(degree, ttl)),
            left: self.left.saturating_sub(1),
            asked: self.asked.saturating_add(1),
            ..self
        }
    }
}
