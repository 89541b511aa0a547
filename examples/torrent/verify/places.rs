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
    /// The names of the files, in the same order: as the torrent has them, unless they were found
    /// under others.
    pub paths: Vec<String>,
    /// Where the content was expected, if nothing is there at all.
    pub hint: Option<String>,
}

/// What is wrong with a file, apart from its bytes.
#[derive(Clone, Debug)]
pub enum Problem {
    /// Nothing is at its place.
    Missing,
    /// It has another number of bytes than the torrent says.
    Size { found: u64 },
    /// It is not the symbolic link that the torrent says.
    Link(String),
    /// It is not to be read, or can not be.
    Other(String),
}

/// Finds the files of a torrent at or below a path. Symbolic links are followed as long as they stay
/// below that path.
///
/// Names that not every system can store (`a:b?`, `x...`) are looked for as they are, where this system
/// can have them, and then as [`safe_path`](File::safe_path) has them.
pub fn find(
    info: &Info<'_>,
    layout: &ContentLayout,
    path: &Path,
    is_content: bool,
) -> Result<Places, Failure> {
    let inside = fs::canonicalize(path).map_err(|error| about(path, error))?;
    let root = root(info, path, is_content);
    let mut places =
        Places { places: Vec::new(), problems: Vec::new(), paths: Vec::new(), hint: None };
    if let Some(root) = root.as_ref().filter(|root| !root.exists()) {
        let root = root.display();
        places.hint =
            Some(format!("there is no {root}; --content takes DIR for the content itself"));
    }
    for file in info.files() {
        let names = Names::of(info, &file);
        let padding = layout.file(file.index()).is_some_and(|(_, padding)| padding);
        let (place, problem, safe) = if padding {
            (Place::Padding, None, false)
        } else {
            place(&file, &names, root.as_deref(), &inside)
        };
        places.places.push(place);
        places.problems.push(problem);
        places.paths.push(names.shown(info, &file, safe));
    }
    Ok(places)
}

/// What stands for the torrent's name: the file, or the directory of files. `None` if nothing can.
fn root(info: &Info<'_>, path: &Path, is_content: bool) -> Option<PathBuf> {
    if is_content {
        return Some(path.to_owned());
    }
    // All files have the same first component.
    let safe = info.files().find_map(|file| file.safe_path().ok());
    let safe = safe.as_deref().and_then(|path| path.split('/').next()).map(PathBuf::from);
    let names: Vec<PathBuf> = as_it_is([info.name()]).into_iter().chain(safe).collect();
    if let Some(below) = names.iter().map(|name| path.join(name)).find(|below| below.exists()) {
        return Some(below);
    }
    let is_itself = if info.is_single_file() {
        path.is_file()
    } else {
        fs::canonicalize(path).is_ok_and(|path| names.iter().any(|name| path.ends_with(name)))
    };
    if is_itself { Some(path.to_owned()) } else { names.first().map(|name| path.join(name)) }
}

/// Where a file can be below what stands for the torrent's name; of a single file, that is it.
#[derive(Debug)]
struct Names {
    as_it_is: Option<PathBuf>,
    safe: Result<PathBuf, String>,
}

impl Names {
    fn of(info: &Info<'_>, file: &File<'_>) -> Self {
        let safe = file.safe_path().map_err(|error| error.to_string());
        if info.is_single_file() {
            let as_it_is = as_it_is(file.path()).map(|_| PathBuf::new());
            return Self { as_it_is, safe: safe.map(|_| PathBuf::new()) };
        }
        let below = |path: String| path.split_once('/').map(|(_, below)| below.into());
        let safe = safe.map(|path| below(path).unwrap_or_default());
        Self { as_it_is: as_it_is(file.path()), safe }
    }

    /// Each once, the better first.
    fn below(&self, root: &Path) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            self.as_it_is.iter().chain(&self.safe).map(|name| join(root, name)).collect();
        paths.dedup();
        paths
    }

    /// For people.
    fn shown(&self, info: &Info<'_>, file: &File<'_>, safe: bool) -> String {
        if (safe || self.as_it_is.is_none())
            && let Ok(safe) = file.safe_path()
        {
            return safe;
        }
        let mut components: Vec<&[u8]> = file.path().collect();
        if !info.is_single_file() {
            components.insert(0, info.name());
        }
        String::from_utf8_lossy(&components.join(&b'/')).into()
    }
}

/// A path as the torrent has it, if it can not lead elsewhere.
#[cfg(unix)]
fn as_it_is<'c>(components: impl IntoIterator<Item = &'c [u8]>) -> Option<PathBuf> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let mut path = PathBuf::new();
    for component in components {
        let is_name = !matches!(component, b"" | b"." | b"..") && component.len() <= 255;
        if !is_name || component.iter().any(|byte| matches!(byte, b'/' | 0)) {
            return None;
        }
        path.push(OsStr::from_bytes(component));
    }
    (!path.as_os_str().is_empty()).then_some(path)
}

/// Elsewhere a name can be a device, a drive or a stream: the safe path is the only one.
#[cfg(not(unix))]
fn as_it_is<'c>(_: impl IntoIterator<Item = &'c [u8]>) -> Option<PathBuf> {
    None
}

/// Without the slash at the end that a file can not have.
fn join(root: &Path, name: &Path) -> PathBuf {
    if name.as_os_str().is_empty() { root.to_owned() } else { root.join(name) }
}

/// Where a file is, what is wrong with it, and whether it was found under its safe name alone.
fn place(
    file: &File<'_>,
    names: &Names,
    root: Option<&Path>,
    inside: &Path,
) -> (Place, Option<Problem>, bool) {
    let paths = root.map_or(Vec::new(), |root| names.below(root));
    let mut problem = Problem::Missing;
    match &names.safe {
        Err(error) if paths.is_empty() => problem = Problem::Other(error.clone()),
        _ => {}
    }
    for (index, path) in paths.iter().enumerate() {
        let found = match (file.symlink_target(), root) {
            (Some(target), Some(root)) => {
                let targets = Names { as_it_is: as_it_is(target), safe: safe_target(file) };
                link(path, &targets.below(root), inside).map(|()| None)
            }
            _ => regular_file(path, inside).map(Some),
        };
        let safe = index > 0;
        match found {
            Ok(None) => return (Place::Nowhere, None, safe),
            Ok(Some((path, size))) => {
                let problem = (size != file.length()).then_some(Problem::Size { found: size });
                return (Place::At { path, size }, problem, safe);
            }
            Err(Problem::Missing) => {}
            Err(other) => problem = other,
        }
    }
    (Place::Nowhere, Some(problem), false)
}

/// Where a file really is, and its length.
fn regular_file(path: &Path, inside: &Path) -> Result<(PathBuf, u64), Problem> {
    let real = fs::canonicalize(path).map_err(Problem::of)?;
    stays(&real, inside)?;
    let metadata = fs::metadata(&real).map_err(Problem::of)?;
    // A device or a pipe may never end.
    if !metadata.is_file() {
        return Err(Problem::Other("not a regular file".into()));
    }
    Ok((real, metadata.len()))
}

/// Looks whether a symbolic link leads to one of these.
fn link(path: &Path, targets: &[PathBuf], inside: &Path) -> Result<(), Problem> {
    if !fs::symlink_metadata(path).map_err(Problem::of)?.is_symlink() {
        return Err(Problem::Link("not a symbolic link".into()));
    }
    let leads_to = fs::read_link(path).map_err(Problem::of)?;
    let real = fs::canonicalize(path).map_err(|error| {
        Problem::Link(format!("the symbolic link to {}: {error}", leads_to.display()))
    })?;
    stays(&real, inside)?;
    let is_target = |target: &PathBuf| fs::canonicalize(target).is_ok_and(|target| target == real);
    if targets.iter().any(is_target) {
        return Ok(());
    }
    let wanted = targets.first().map(|target| format!(", not to {}", target.display()));
    let leads_to = leads_to.display();
    Err(Problem::Link(format!("a symbolic link to {leads_to}{}", wanted.unwrap_or_default())))
}

fn safe_target(file: &File<'_>) -> Result<PathBuf, String> {
    let path = file.safe_symlink_target().unwrap_or_else(|| Ok(String::new()));
    let path = path.map_err(|error| error.to_string())?;
    Ok(path.split_once('/').map(|(_, below)| below.into()).unwrap_or_default())
}

fn stays(real: &Path, inside: &Path) -> Result<(), Problem> {
    if real.starts_with(inside) {
        return Ok(());
    }
    Err(Problem::Other(format!("a symbolic link leads out of {}", inside.display())))
}

impl Problem {
    fn of(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Other(error.to_string()),
        }
    }
}
