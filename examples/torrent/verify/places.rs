//! Where the files of a torrent are on the disk.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use torrent_meta::{ContentLayout, File, Info};

use super::check::Place;
use crate::{Failure, about};

/// What is looked for, and where.
#[derive(Debug)]
pub struct Places {
    /// One for each file of the torrent.
    pub places: Vec<Place>,
    /// What is to be said of a file, in the same order.
    pub problems: Vec<Option<Problem>>,
}

/// What is wrong with a file, apart from its bytes.
#[derive(Clone, Debug)]
pub enum Problem {
    /// Nothing is at its place.
    Missing,
    /// It has another number of bytes than the torrent says.
    Size { found: u64 },
    /// It is not to be read, or can not be.
    Other(String),
}

/// Finds the files of a torrent at or below a path. Symbolic links are followed as long as they stay
/// below that path.
pub fn find(
    info: &Info<'_>,
    layout: &ContentLayout,
    path: &Path,
    is_content: bool,
) -> Result<Places, Failure> {
    let inside = fs::canonicalize(path).map_err(|error| about(path, error))?;
    let root = root(info, path, is_content);
    let mut places = Places { places: Vec::new(), problems: Vec::new() };
    for file in info.files() {
        let padding = layout.file(file.index()).is_some_and(|(_, padding)| padding);
        let (place, problem) =
            if padding { (Place::Padding, None) } else { place(&file, &root, &inside) };
        places.places.push(place);
        places.problems.push(problem);
    }
    Ok(places)
}

/// What stands for the torrent's name: the file, or the directory of files.
fn root(info: &Info<'_>, path: &Path, is_content: bool) -> PathBuf {
    // All files have the same first component.
    let name = info.files().find_map(|file| file.safe_path().ok());
    let name = name.as_deref().and_then(|path| path.split('/').next()).unwrap_or_default();
    let below = path.join(name);
    let is_itself = || {
        if info.is_single_file() {
            path.is_file()
        } else {
            fs::canonicalize(path).is_ok_and(|path| path.ends_with(name))
        }
    };
    if is_content || (!below.exists() && is_itself()) { path.to_owned() } else { below }
}

fn place(file: &File<'_>, root: &Path, inside: &Path) -> (Place, Option<Problem>) {
    let nowhere = |why: String| (Place::Nowhere, Some(Problem::Other(why)));
    let safe_path = match file.safe_path() {
        Ok(path) => path,
        Err(error) => return nowhere(error.to_string()),
    };
    let path = match safe_path.split_once('/') {
        Some((_, below)) => root.join(below),
        None => root.to_owned(),
    };
    let real = match fs::canonicalize(&path) {
        Ok(real) => real,
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {
            return (Place::Nowhere, Some(Problem::Missing));
        }
        Err(error) => return nowhere(error.to_string()),
    };
    if !real.starts_with(inside) {
        return nowhere(format!("a symbolic link leads out of {}", inside.display()));
    }
    match fs::metadata(&real) {
        Ok(metadata) if metadata.is_file() => {
            let found = metadata.len();
            let problem = (found != file.length()).then_some(Problem::Size { found });
            (Place::At { path: real, size: found }, problem)
        }
        // A device or a pipe may never end.
        Ok(_) => nowhere("not a regular file".into()),
        Err(error) => nowhere(error.to_string()),
    }
}
