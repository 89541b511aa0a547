//! What is below a path: files, and symbolic links that stay inside.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{Failure, about};

/// What a torrent is made of.
#[derive(Debug)]
pub struct Content {
    pub name: String,
    /// The path is a file, not a directory.
    pub single: bool,
    /// Sorted by their components, as v2 has them.
    pub found: Vec<Found>,
    /// What can not be in a torrent, and why.
    pub left_out: Vec<(PathBuf, &'static str)>,
}

#[derive(Debug)]
pub struct Found {
    pub path: PathBuf,
    /// Below the directory; of a single file, its name.
    pub components: Vec<String>,
    pub kind: Kind,
    /// In bytes.
    pub length: u64,
    modified: Option<SystemTime>,
}

#[derive(Debug)]
pub enum Kind {
    File {
        executable: bool,
    },
    /// A symbolic link, and the components of its target below the directory.
    Link(Vec<String>),
}

impl Found {
    fn file(path: PathBuf, components: Vec<String>, metadata: &Metadata) -> Self {
        let kind = Kind::File { executable: is_executable(metadata) };
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        Self { path, components, kind, length, modified }
    }

    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File { .. })
    }

    /// Fails if the file is not any more what it was.
    pub fn check(&self, metadata: &Metadata) -> Result<(), Failure> {
        if metadata.len() != self.length {
            let (was, is) = (self.length, metadata.len());
            let text = format!("it changed meanwhile: it had {was} bytes, and has {is} now");
            return Err(about(&self.path, text));
        }
        if !metadata.is_file() || metadata.modified().ok() != self.modified {
            return Err(about(&self.path, "it changed meanwhile"));
        }
        Ok(())
    }
}

/// All that is at or below a path. A link at its end is followed, those below are kept.
pub fn walk(path: &Path) -> Result<Content, Failure> {
    let root = path.canonicalize().map_err(|error| about(path, error))?;
    let metadata = root.metadata().map_err(|error| about(path, error))?;
    let name = path.file_name().or_else(|| root.file_name());
    let name = name.ok_or_else(|| about(path, "it has no name to give to a torrent"))?;
    let name = name.to_str().ok_or_else(|| about(path, NOT_UTF8))?.to_owned();

    let single = metadata.is_file();
    let mut content = Content { name, single, found: Vec::new(), left_out: Vec::new() };
    if single {
        let components = vec![content.name.clone()];
        content.found.push(Found::file(path.to_owned(), components, &metadata));
    } else if metadata.is_dir() {
        content.add_directory(path, &root)?;
        if content.found.is_empty() {
            return Err(about(path, "there is no file in it"));
        }
    } else {
        return Err(about(path, "it is neither a file nor a directory"));
    }
    Ok(content)
}

const NOT_UTF8: &str = "its name is not UTF-8";

impl Content {
    fn add_directory(&mut self, path: &Path, root: &Path) -> Result<(), Failure> {
        let mut directories = vec![(path.to_owned(), Vec::new())];
        while let Some((directory, above)) = directories.pop() {
            for entry in fs::read_dir(&directory).map_err(|error| about(&directory, error))? {
                let path = entry.map_err(|error| about(&directory, error))?.path();
                let name = path.file_name().unwrap_or_default();
                let name = name.to_str().ok_or_else(|| about(&path, NOT_UTF8))?;
                let components = [&above[..], &[name.to_owned()]].concat();
                let metadata = path.symlink_metadata().map_err(|error| about(&path, error))?;
                if metadata.is_dir() {
                    directories.push((path, components));
                } else if metadata.is_file() {
                    self.found.push(Found::file(path, components, &metadata));
                } else if metadata.is_symlink() {
                    match target(&path, root) {
                        Ok(target) => self.found.push(Found {
                            path,
                            components,
                            kind: Kind::Link(target),
                            length: 0,
                            modified: None,
                        }),
                        Err(reason) => self.left_out.push((path, reason)),
                    }
                } else {
                    self.left_out.push((path, "it is neither a file nor a directory"));
                }
            }
        }
        self.found.sort_by(|a, b| a.components.cmp(&b.components));
        self.left_out.sort();
        Ok(())
    }
}

/// Where a link leads, below the root. Where a torrent is downloaded, nothing else will be there.
fn target(link: &Path, root: &Path) -> Result<Vec<String>, &'static str> {
    let target = link.canonicalize().map_err(|_| "the link leads nowhere")?;
    let target = target.strip_prefix(root).map_err(|_| "the link leads out of the directory")?;
    let components = target.iter().map(|component| component.to_str().map(str::to_owned));
    let components: Vec<String> = components.collect::<Option<_>>().ok_or(NOT_UTF8)?;
    if components.is_empty() {
        Err("the link leads to the directory itself")
    } else {
        Ok(components)
    }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}
