//! Writes a new file as a whole or not at all.
//!
//! On Linux the file has no name until its bytes are on the disk (`O_TMPFILE`), so that nothing is
//! left behind by a program that is killed. Where that can not be done, it has another name until
//! then. Nothing that exists is replaced, also not if it appears in the last moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::{Failure, about};

/// Fails early if [`write`] is going to fail, or [`replace::write`](crate::replace::write) if what is
/// there is to be replaced.
pub fn check(path: &Path, replace: bool) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => Err(about(path, "it is a directory")),
        Ok(_) if !replace => Err(exists(path)),
        _ => match directory(path).metadata() {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(about(directory(path), "it is not a directory")),
            Err(error) => Err(about(directory(path), error)),
        },
    }
}

/// Writes a whole file. When it is there under its name, its bytes are on the disk.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = match unnamed(path, bytes) {
        Ok(file) => name(&file, path),
        // Not every file system has files without names.
        Err(error) if is_full(&error) => Err(error),
        Err(_) => beside(path, bytes),
    };
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => about(path, error),
    })?;
    // So that the name is on the disk too. Not everything that is a directory can do that.
    let _ = File::open(directory(path)).and_then(|directory| directory.sync_all());
    Ok(())
}

fn exists(path: &Path) -> Failure {
    about(path, "it exists already; --force replaces it")
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn fill(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// Where a path's last component is.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A file that has another name in the same directory until it is whole.
fn beside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = directory(path).join(format!(".torrent-{}.part", std::process::id()));
    // What has our process's number was left by one that had it before.
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    // A second name fails if there is something of that name; a rename would replace it.
    let written = fill(&mut file, bytes).and_then(|()| fs::hard_link(&temporary, path));
    let _ = fs::remove_file(&temporary);
    written
}

/// A file without a name in the directory of `path`.
#[cfg(target_os = "linux")]
fn unnamed(path: &Path, bytes: &[u8]) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};

    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(open(directory(path), flags, Mode::from_raw_mode(0o666))?);
    fill(&mut file, bytes)?;
    Ok(file)
}

/// Gives it a name, which must be free.
#[cfg(target_os = "linux")]
fn name(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd;

    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, open, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path, _: &[u8]) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn name(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
