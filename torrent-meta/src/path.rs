//! From the names in a torrent to a path that stays where it is put.

use alloc::string::String;

use thiserror::Error;

/// Why a torrent's file has no safe path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// A component goes up a directory: `..`, also with spaces behind it, which Windows drops.
    #[error("component {component} of the path goes up a directory")]
    Traversal {
        /// Which one, from zero.
        component: usize,
    },
    /// Nothing is left: every component is empty or `.`.
    #[error("the path has no component that names a file")]
    Empty,
}

/// Joins path components with `/` into a relative path that names something below the directory it
/// is put in, on any system.
///
/// - `..` is refused; empty components and `.` are left out.
/// - Inside a component, what would lead elsewhere becomes `_`: separators of any system (`/`, `\`),
///   the colon of a drive or stream, and control characters, NUL among them.
/// - Bytes that are no UTF-8 become U+FFFD.
///
/// All other names stay as they are, however odd (`foo... bar`). Different names can become equal.
///
/// # Errors
/// See [`PathError`].
pub fn safe_path<'c>(components: impl IntoIterator<Item = &'c [u8]>) -> Result<String, PathError> {
    let mut path = String::new();
    push_components(&mut path, components, 0)?;
    Ok(path)
}

/// Adds components to a path that is safe already; at least one must name something. Errors count
/// components from `first`.
pub(crate) fn push_components<'c>(
    path: &mut String,
    components: impl IntoIterator<Item = &'c [u8]>,
    first: usize,
) -> Result<(), PathError> {
    let mut empty = true;
    for (component, bytes) in components.into_iter().enumerate() {
        match bytes.trim_ascii_end() {
            b"" | b"." => continue,
            b".." => return Err(PathError::Traversal { component: first + component }),
            _ => empty = false,
        }
        if !path.is_empty() {
            path.push('/');
        }
        push_component(path, bytes);
    }
    if empty { Err(PathError::Empty) } else { Ok(()) }
}

fn push_component(path: &mut String, bytes: &[u8]) {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'/' | b'\\' | b':');
    let text = String::from_utf8_lossy(bytes);
    // Nearly all names are like this.
    if bytes.iter().all(is_plain) {
        path.push_str(&text);
        return;
    }
    path.extend(text.chars().map(|char| match char {
        '/' | '\\' | ':' => '_',
        char if char.is_control() => '_',
        char => char,
    }));
}
