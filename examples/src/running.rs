//! Programs that run until they are told to end.

use std::io;

use tokio::runtime::Runtime;
use tokio::signal;

use crate::{Failure, Lines};

/// A runtime for one node, on this thread.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Runs a node that tells what happens in lines. What fails is the last of them, as JSON; a reader of ours
/// that has enough (`| head`) is no failure.
///
/// # Errors
/// What `work` fails with.
pub fn run_node(
    json: bool,
    work: impl AsyncFnOnce(&mut Lines) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut lines = Lines::new(json);
    match runtime()?.block_on(work(&mut lines)) {
        Err(error) if is_broken_pipe(error.as_ref()) => Ok(()),
        Err(error) => {
            let _ = lines.error_event(&error.to_string());
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Ends with Ctrl-C, or when the system tells the program to end.
///
/// # Errors
/// The system does not tell.
pub fn leave_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let (mut interrupt, mut terminate) = {
        use signal::unix::{SignalKind, signal};
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = signal::ctrl_c().await;
    })
}
