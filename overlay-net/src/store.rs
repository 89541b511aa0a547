//! Where reads and writes go: a store, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;

use bytes::Bytes;
use overlay_peer::{Object, StoreError, Ticket};
use tokio::sync::mpsc;

/// The storage behind a peer's read and write effects. It may block: a node calls it on a thread of
/// its own, one call after another in the order the peer asked for them. A call that panics counts as
/// [`StoreError::Failed`].
pub trait Store: Send + Sync + 'static {
    /// `len` bytes of an object from `offset` on.
    ///
    /// # Errors
    /// The object is not there, or ends before, or can not be read.
    fn read(&self, object: Object, offset: u64, len: u32) -> Result<Bytes, StoreError>;

    /// Takes bytes into an object.
    ///
    /// # Errors
    /// There is no room for them, or they can not be written. What was written before stays.
    fn write(&self, object: Object, offset: u64, bytes: &Bytes) -> Result<(), StoreError>;

    /// The same as [`read`](Self::read) if it can be told without waiting: a node asks here first, on
    /// its own thread. `None` if it can not.
    fn read_now(&self, object: Object, offset: u64, len: u32) -> Option<Result<Bytes, StoreError>> {
        let _ = (object, offset, len);
        None
    }
}

/// A store for systems that store nothing: every read and write fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

impl Store for NoStore {
    fn read(&self, _: Object, _: u64, _: u32) -> Result<Bytes, StoreError> {
        Err(StoreError::NotFound)
    }

    fn write(&self, _: Object, _: u64, _: &Bytes) -> Result<(), StoreError> {
        Err(StoreError::Full)
    }
}

pub(crate) type Outcome = Result<Bytes, StoreError>;

/// A job that has ended.
pub(crate) struct Done {
    pub ticket: Ticket,
    pub outcome: Outcome,
    pub was_read: bool,
}

enum Job {
    Read { ticket: Ticket, object: Object, offset: u64, len: u32 },
    Write { ticket: Ticket, object: Object, offset: u64, bytes: Bytes },
}

/// A store and the thread that calls it, which starts with the first job and ends with the node.
pub(crate) struct Worker {
    store: Arc<dyn Store>,
    jobs: Option<std_mpsc::Sender<Job>>,
    done: mpsc::UnboundedSender<Done>,
    pub outcomes: mpsc::UnboundedReceiver<Done>,
    /// Jobs whose outcome was not handed over, and how many of these read.
    pub waiting: usize,
    pub reading: usize,
    most: usize,
    next: u32,
}

impl Worker {
    pub fn new(store: Arc<dyn Store>, most: usize) -> Self {
        let (done, outcomes) = mpsc::unbounded_channel();
        Self { store, jobs: None, done, outcomes, waiting: 0, reading: 0, most, next: 0 }
    }

    fn ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.next);
        self.next = self.next.wrapping_add(1);
        self.waiting += 1;
        ticket
    }

    pub fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket {
        let ticket = self.ticket();
        self.reading += 1;
        // Only while nothing else is under way: a read follows the writes before it.
        if self.waiting == 1
            && let Some(outcome) = self.store.read_now(object, offset, len)
        {
            self.finish(ticket, outcome, true);
            return ticket;
        }
        self.start(ticket, Job::Read { ticket, object, offset, len });
        ticket
    }

    pub fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket {
        let ticket = self.ticket();
        self.start(ticket, Job::Write { ticket, object, offset, bytes });
        ticket
    }

    fn finish(&self, ticket: Ticket, outcome: Outcome, was_read: bool) {
        // The receiver lives as long as this.
        let _ = self.done.send(Done { ticket, outcome, was_read });
    }

    fn start(&mut self, ticket: Ticket, job: Job) {
        let reads = matches!(job, Job::Read { .. });
        if self.waiting > self.most {
            return self.finish(ticket, Err(StoreError::Failed), reads);
        }
        if self.jobs.is_none() {
            self.jobs = self.spawn();
        }
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if !sent {
            // There is no thread.
            self.finish(ticket, Err(StoreError::Failed), reads);
        }
    }

    fn spawn(&self) -> Option<std_mpsc::Sender<Job>> {
        let (jobs, queue) = std_mpsc::channel();
        let (store, done) = (self.store.clone(), self.done.clone());
        let run = move || {
            for job in queue {
                let (ticket, outcome, was_read) = match job {
                    Job::Read { ticket, object, offset, len } => {
                        (ticket, guarded(|| store.read(object, offset, len)), true)
                    }
                    Job::Write { ticket, object, offset, bytes } => {
                        let write = || store.write(object, offset, &bytes).map(|()| Bytes::new());
                        (ticket, guarded(write), false)
                    }
                };
                if done.send(Done { ticket, outcome, was_read }).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("overlay-store".to_owned()).spawn(run);
        thread.inspect_err(|error| tracing::error!(%error, "no thread for the store")).ok()?;
        Some(jobs)
    }
}

/// A store that panics fails: each ticket is answered, and the thread goes on.
fn guarded(call: impl FnOnce() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        tracing::error!("the store panicked");
        Err(StoreError::Failed)
    })
}
