//! Which sockets can go on: each has a waker of its own, so that with thousands of links only those
//! that something happened on are looked at.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The numbers of the sockets that woke up, shared with their wakers.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tokens: Vec<u32>,
    /// The node's.
    waker: Option<Waker>,
}

impl Ready {
    fn push(&self, token: u32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tokens.push(token);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Moves the numbers to `tokens`, which has to be empty; `waker` is called at the next.
    pub fn take(&self, tokens: &mut Vec<u32>, waker: &Waker) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.tokens, tokens);
        if !state.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
    }
}

/// One socket's.
#[derive(Debug)]
pub(crate) struct Bell {
    token: u32,
    /// Its number is in the list already.
    rung: AtomicBool,
    ready: Arc<Ready>,
}

impl Bell {
    pub fn new(token: u32, ready: &Arc<Ready>) -> Arc<Self> {
        Arc::new(Self { token, rung: AtomicBool::new(false), ready: ready.clone() })
    }

    /// From now on it rings again.
    pub fn reset(&self) {
        self.rung.store(false, Ordering::Release);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.ready.push(self.token);
        }
    }
}
