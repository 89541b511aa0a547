//! Replaces a file as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::{Failure, about};

/// Writes a file beside its place, makes sure that it is on the disk, and then moves it there: whoever
/// looks, and whenever the power goes, sees the old file or the new one. A symbolic link stays one. The
/// permissions of the old file stay, its other names (hard links) keep the old bytes.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |error| about(path, error);
    let old = match fs::canonicalize(path) {
        Ok(target) => Some(target),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(fail(error)),
    };
    let target = old.as_deref().unwrap_or(path);
    let (directory, name) = match (target.parent(), target.file_name()) {
        (Some(directory), Some(name)) => (directory, name),
        _ => return Err(about(path, "is no name of a file")),
    };
    let directory = if directory == Path::new("") { Path::new(".") } else { directory };
    let (temporary, mut file) = beside(directory, name.as_ref()).map_err(fail)?;
    let written = (|| {
        file.write_all(bytes)?;
        if let Some(old) = &old {
            let metadata = fs::metadata(old)?;
            if !metadata.is_file() {
                return Err(std::io::Error::other("is no regular file"));
            }
            fs::set_permissions(&temporary, metadata.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&temporary, target)
    })();
    if let Err(error) = written {
        // Whatever went wrong, this is all there is to clean up.
        let _ = fs::remove_file(&temporary);
        return Err(fail(error));
    }
    // The move itself is on the disk once the directory is. Not every system can do that.
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
    Ok(())
}

/// A new file in a directory, with a name that is free.
fn beside(directory: &Path, name: &Path) -> std::io::Result<(PathBuf, File)> {
    let process = std::process::id();
    for attempt in 0..100 {
        let mut temporary = std::ffi::OsString::from(".");
        // A long name could become too long.
        if name.as_os_str().len() < 200 {
            temporary.push(name);
        }
        temporary.push(format!(".{process}-{attempt}.tmp"));
        let temporary = directory.join(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}
