//! One timer for all of a client's deadlines.

use overlay_peer::{Time, Timer};

use super::Cx;

/// When the client is to be woken next. Timers can not be cancelled: a wake that comes before the
/// time that is armed now is an old one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alarm {
    armed: Time,
}

const ALARM: Timer = Timer(0);

impl Default for Alarm {
    fn default() -> Self {
        Self { armed: Time::MAX }
    }
}

impl Alarm {
    /// Makes sure of a wake at or before `deadline`.
    pub(super) fn arm(&mut self, deadline: Time, cx: &mut Cx<'_>) {
        if deadline < self.armed {
            self.armed = deadline;
            cx.wake_after(deadline.since(cx.now()), ALARM);
        }
    }

    /// Whether a wake is the one that is armed. It then is no longer.
    pub(super) fn rings(&mut self, now: Time) -> bool {
        let rings = now >= self.armed;
        if rings {
            self.armed = Time::MAX;
        }
        rings
    }
}
