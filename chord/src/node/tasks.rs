//! What a node does by the clock. Timers are not cancelled: a wake that comes before its task is due
//! is ignored, as another is on its way.

use core::time::Duration;

use overlay_peer::{Time, Timer};
use rand_core::Rng;

use super::joining::Standing;
use super::{Cx, Node};

/// A thing to do at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Repeat or give up requests.
    Requests,
    /// Stabilize; or try again to join, or be gone.
    Stabilize,
    /// Look up a finger.
    Fingers,
    /// Compare replicas with the successors.
    Sync,
    /// Begin a new round of [`Task::Sync`], and look for keys that are nobody's business here.
    Refresh,
    /// Close links where nothing moves.
    Links,
}

const TASKS: [Task; 6] =
    [Task::Requests, Task::Stabilize, Task::Fingers, Task::Sync, Task::Refresh, Task::Links];

/// When each task is due next; never, if `Time::MAX`.
#[derive(Clone, Debug)]
pub(super) struct Tasks {
    due: [Time; TASKS.len()],
}

impl Default for Tasks {
    fn default() -> Self {
        Self { due: [Time::MAX; TASKS.len()] }
    }
}

impl Tasks {
    /// Makes a task due after `delay`, unless it is due before that anyway.
    pub fn within(&mut self, task: Task, delay: Duration, cx: &mut Cx<'_>) {
        let due = cx.now() + delay;
        if due < self.due[task as usize] {
            self.due[task as usize] = due;
            cx.wake_after(delay, Timer(task as u32));
        }
    }

    /// Forgets when a task is due.
    pub fn cancel(&mut self, task: Task) {
        self.due[task as usize] = Time::MAX;
    }
}

/// Uniform in [mean / 2, mean · 3 / 2], so that nodes that started together do not stay in step.
pub(super) fn about(mean: Duration, cx: &mut Cx<'_>) -> Duration {
    let micros = u64::try_from(mean.as_micros()).unwrap_or(u64::MAX).min(1 << 40);
    Duration::from_micros(micros / 2 + cx.rng().next_u64() % (micros + 1))
}

impl Node {
    /// A timer went off.
    pub(super) fn run_task(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Some(task) = TASKS.into_iter().find(|task| *task as u32 == timer.0) else { return };
        if self.tasks.due[task as usize] > cx.now() {
            return;
        }
        self.tasks.cancel(task);
        match task {
            Task::Requests => self.sweep_requests(cx),
            Task::Links => self.sweep_links(cx),
            Task::Stabilize if let Standing::Farewell { handed_over } = self.standing => {
                self.farewell_over(handed_over, cx);
            }
            Task::Stabilize if matches!(self.standing, Standing::Joining(_)) => self.try_join(cx),
            _ if self.member.is_none() => {}
            Task::Stabilize => {
                // A query under way comes back to the next one itself; this is for when it does not.
                let delay = about(self.config.stabilize_every, cx);
                self.tasks.within(Task::Stabilize, delay, cx);
                self.stabilize(cx);
            }
            Task::Fingers => {
                let delay = about(self.config.fix_fingers_every, cx);
                self.tasks.within(Task::Fingers, delay, cx);
                self.fix_finger(cx);
            }
            Task::Sync => self.sync_now(cx),
            Task::Refresh => {
                let delay = about(self.config.refresh_every, cx);
                self.tasks.within(Task::Refresh, delay, cx);
                self.refresh(cx);
            }
        }
    }
}
