//! When to send a request again, and when to give up.

use core::time::Duration;

use overlay_peer::Time;

/// How often a request is sent, and how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// From the first to the second time; doubles after each further one.
    pub first: Duration,
    /// The longest it doubles to.
    pub longest: Duration,
    /// How often in all, at least once.
    pub sends: u8,
    /// From the last time until it has failed.
    pub last: Duration,
}

impl Schedule {
    /// RFC 8489, section 6.2.1, with its RTO of 500 ms: sent at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s,
    /// given up at 39.5 s.
    pub const RFC8489: Self = Self::with_rto(Duration::from_millis(500));

    /// RFC 3489, section 9.3: sent at 0, 0.1, 0.3, 0.7, 1.5, 3.1, 4.7, 6.3 and 7.9 s, given up at 9.5 s.
    pub const RFC3489: Self = Self {
        first: Duration::from_millis(100),
        longest: Duration::from_millis(1_600),
        sends: 9,
        last: Duration::from_millis(1_600),
    };

    /// RFC 8489 with another RTO: seven times (Rc), given up sixteen RTOs (Rm) after the last.
    pub const fn with_rto(rto: Duration) -> Self {
        Self { first: rto, longest: Duration::MAX, sends: 7, last: rto.saturating_mul(16) }
    }

    /// From the first time until it has failed.
    pub fn total(&self) -> Duration {
        (1..self.sends).map(|sent| self.gap(sent)).fold(self.last, Duration::saturating_add)
    }

    /// How long to wait once it was sent so many times.
    fn gap(&self, sent: u8) -> Duration {
        if sent >= self.sends {
            return self.last;
        }
        let doubled = 1u32.checked_shl(u32::from(sent.saturating_sub(1))).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

/// One request that waits for its answer.
///
/// ```
/// use natsim::stun::{Due, Retransmission, Schedule};
/// use overlay_peer::Time;
///
/// let mut request = Retransmission::new(Schedule::RFC8489, Time::ZERO);
/// assert_eq!(request.poll(Time::ZERO), Due::Send);
/// assert_eq!(request.poll(Time::ZERO), Due::Wait(Time::from_millis(500)));
/// assert_eq!(request.poll(Time::from_millis(500)), Due::Send);
/// assert_eq!(request.poll(Time::from_millis(501)), Due::Wait(Time::from_millis(1_500)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retransmission {
    schedule: Schedule,
    sent: u8,
    next: Time,
}

impl Retransmission {
    /// A request to be sent first at `start`.
    pub const fn new(schedule: Schedule, start: Time) -> Self {
        Self { schedule, sent: 0, next: start }
    }

    /// What to do now. After [`Due::Send`] ask again, for the time to wait.
    ///
    /// Who asks late sends late, and not several times at once.
    pub fn poll(&mut self, now: Time) -> Due {
        if now < self.next {
            return Due::Wait(self.next);
        }
        if self.sent >= self.schedule.sends.max(1) {
            return Due::Failed;
        }
        self.sent += 1;
        self.next = now + self.schedule.gap(self.sent);
        Due::Send
    }

    /// How often it was sent.
    pub const fn sent(&self) -> u8 {
        self.sent
    }
}

/// What to do about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send it, now.
    Send,
    /// Nothing before that time, unless the answer comes.
    Wait(Time),
    /// There will be no answer.
    Failed,
}
