//! Which files take part, and taking them in.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use overlay_core::{IntakeError, Library};

/// How much of a file is read at a time.
const CHUNK: usize = 256 << 10;

/// A file to take in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in the systems: its path below the directory that was named.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// The regular files at and below `paths`: of a directory everything below it in the order of the
/// relative paths, but hidden directories and directories called `target`. Symbolic links inside a
/// directory are left out, and so are empty files.
///
/// # Errors
/// A path is missing or can not be read, or there is no file with content at all.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, FilesError> {
    let mut sources = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|error| FilesError::new(path, error))?;
        if metadata.is_dir() {
            let mut found = Vec::new();
            walk(path, "", &mut found)?;
            found.sort_by(|a, b| a.name.cmp(&b.name));
            sources.extend(found);
        } else if metadata.is_file() {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            sources.push(Source { path: path.clone(), name, size: metadata.len() });
        } else {
            return Err(FilesError::NotAFile { path: path.clone() });
        }
    }
    sources.retain(|source| source.size > 0);
    if sources.is_empty() {
        return Err(FilesError::NoFiles { paths: paths.to_vec() });
    }
    name_apart(&mut sources);
    Ok(sources)
}

fn walk(directory: &Path, below: &str, found: &mut Vec<Source>) -> Result<(), FilesError> {
    let entries = fs::read_dir(directory).map_err(|error| FilesError::new(directory, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| FilesError::new(directory, error))?;
        let path = entry.path();
        let file_name = entry.file_name().to_string_lossy().into_owned();
        let name =
            if below.is_empty() { file_name.clone() } else { format!("{below}/{file_name}") };
        let kind = entry.file_type().map_err(|error| FilesError::new(&path, error))?;
        if kind.is_dir() && !file_name.starts_with('.') && file_name != "target" {
            walk(&path, &name, found)?;
        } else if kind.is_file() {
            let metadata = entry.metadata().map_err(|error| FilesError::new(&path, error))?;
            found.push(Source { path, name, size: metadata.len() });
        }
    }
    Ok(())
}

/// Two paths that were named may hold files of one name: later ones get a number.
fn name_apart(sources: &mut [Source]) {
    let mut taken = BTreeSet::new();
    for source in sources {
        let plain = source.name.clone();
        let mut number = 1;
        while !taken.insert(source.name.clone()) {
            number += 1;
            source.name = format!("{plain} ({number})");
        }
    }
}

/// Reads every file in chunks and makes its metainfo. `progress` is told the bytes read.
///
/// # Errors
/// A file can not be read, or is not what it was when its size was taken.
pub fn read_library(
    sources: &[Source],
    mut progress: impl FnMut(u64),
) -> Result<Library, FilesError> {
    let mut library = Library::new();
    let mut chunk = vec![0; CHUNK];
    for source in sources {
        let fail = |error| FilesError::new(&source.path, error);
        let intake = |error| FilesError::Intake { path: source.path.clone(), error };
        let mut file = File::open(&source.path).map_err(fail)?;
        let mut file_intake = Library::begin(&source.name, source.size).map_err(intake)?;
        loop {
            let read = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(fail(error)),
            };
            file_intake.update(&chunk[..read]).map_err(intake)?;
            progress(read as u64);
        }
        library.add(file_intake).map_err(intake)?;
    }
    Ok(library)
}

/// Why the files can not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The operating system says no.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A path names a device, a pipe or the like.
    #[error("{path}: neither a file nor a directory", path = path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Nothing to share.
    #[error("no files with content in {paths}", paths = list(paths))]
    NoFiles {
        /// Where there are none.
        paths: Vec<PathBuf>,
    },
    /// A file does not make metainfo, or changed while it was read.
    #[error("{path}: {error}", path = path.display())]
    Intake {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: IntakeError,
    },
}

impl FilesError {
    fn new(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_owned(), error }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
