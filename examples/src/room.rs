//! Names for what is downloaded.

use overlay_net::{Directory, DirectoryError};
use overlay_peer::Object;

/// Files of one name that are kept beside each other.
const NAMES: u32 = 100;

/// Begins a download under this name, or another one (`a (2).txt`) if there is such a file. Returns the
/// name, and how many bytes of it are there from its start on.
///
/// # Errors
/// As [`Directory::download`]; of files that exist, when all names tried are taken.
pub fn room(
    directory: &Directory,
    into: Object,
    name: &str,
    size: Option<u64>,
) -> Result<(String, u64), DirectoryError> {
    let (stem, ending) = match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    };
    let mut number = 1;
    loop {
        let name = match number {
            1 => name.to_owned(),
            number => format!("{stem} ({number}){ending}"),
        };
        match directory.download(into, &name, size) {
            Err(DirectoryError::Exists { .. }) if number < NAMES => number += 1,
            result => return result.map(|from| (name, from)),
        }
    }
}
