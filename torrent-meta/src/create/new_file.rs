//! A file of a torrent to be.

use alloc::string::String;
use alloc::vec::Vec;

use super::CreateError;
use crate::path::safe_path;

/// A file to put into a torrent, with its attributes (BEP 47), or a symbolic link.
///
/// ```
/// use torrent_meta::{Creator, NewFile};
///
/// let mut creation = Creator::directory("tools")
///     .push(NewFile::new(["bin", "tool"], 5).executable())
///     .push(NewFile::symlink(["tool"], ["bin", "tool"]))
///     .start()?;
/// creation.update(b"tool!")?;
/// assert_eq!(creation.finish()?.info().file_count(), 2);
/// # Ok::<(), torrent_meta::CreateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    pub(super) path: Vec<String>,
    pub(super) length: u64,
    executable: bool,
    hidden: bool,
    pub(super) target: Option<Vec<String>>,
}

impl NewFile {
    /// A file of so many bytes, by the components of its path below the torrent's directory.
    pub fn new<S: Into<String>>(path: impl IntoIterator<Item = S>, length: u64) -> Self {
        let path = path.into_iter().map(Into::into).collect();
        Self { path, length, executable: false, hidden: false, target: None }
    }

    /// A symbolic link. Its target is a path below the torrent's directory, not one that starts where
    /// the link is, and should be there.
    pub fn symlink<S: Into<String>, T: Into<String>>(
        path: impl IntoIterator<Item = S>,
        target: impl IntoIterator<Item = T>,
    ) -> Self {
        let target = target.into_iter().map(Into::into).collect();
        Self { target: Some(target), ..Self::new(path, 0) }
    }

    /// Marks it as executable.
    #[must_use]
    pub fn executable(self) -> Self {
        Self { executable: true, ..self }
    }

    /// Marks it as hidden.
    #[must_use]
    pub fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// The value of `attr`; empty if there is nothing to say.
    pub(super) fn attributes(&self) -> String {
        let flags = [('h', self.hidden), ('x', self.executable), ('l', self.target.is_some())];
        flags.into_iter().filter_map(|(letter, set)| set.then_some(letter)).collect()
    }

    pub(super) fn check(&self) -> Result<(), CreateError> {
        check_path(&self.path)?;
        self.target.as_deref().map_or(Ok(()), check_path)
    }
}

fn check_path(path: &[String]) -> Result<(), CreateError> {
    if path.is_empty() {
        return Err(CreateError::BadComponent { component: String::new() });
    }
    path.iter().try_for_each(|component| check_component(component))
}

pub(super) fn check_component(component: &str) -> Result<(), CreateError> {
    // What has no safe path could not be put anywhere, by this crate at least.
    let names_something = safe_path([component.as_bytes()]).is_ok();
    if names_something && !component.contains(['/', '\0']) {
        Ok(())
    } else {
        Err(CreateError::BadComponent { component: component.into() })
    }
}
