//! From the names in a torrent to a path that stays where it is put.

use alloc::borrow::Cow;
use alloc::string::String;

use thiserror::Error;

/// The most bytes a component of a path may have: what the usual file systems take.
const MAX_COMPONENT: usize = 255;

/// The most bytes a path may have: what Linux takes, with a byte behind it.
pub(crate) const MAX_PATH: usize = 4095;

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
    /// A component is longer than file systems take.
    #[error("component {component} of the path is longer than {max} bytes")]
    TooLong {
        /// Which one, from zero.
        component: usize,
        /// How many bytes of UTF-8 it may have.
        max: usize,
    },
    /// The whole path is longer than systems take.
    #[error("the path is longer than {max} bytes")]
    PathTooLong {
        /// How many bytes of UTF-8 it may have.
        max: usize,
    },
    /// Nothing is left: every component is empty or `.`.
    #[error("the path has no component that names a file")]
    Empty,
}

/// Joins path components with `/` into a relative path that names something below the directory it
/// is put in, on Unix and on Windows.
///
/// - `..` is refused; empty components and `.` are left out. So are these with spaces behind them.
/// - Inside a component, what would lead elsewhere or what Windows can not store becomes `_`:
///   control characters, NUL among them, `/` and `\`, the colon of a drive or stream, and `<>"|?*`.
/// - A dot or space at a component's end, which Windows drops, becomes `_`: `...` is `.._`.
/// - A component that Windows takes for a device, with any extension, gets `_` in front: `_NUL`,
///   `_con.txt`. Devices are `CON`, `PRN`, `AUX`, `NUL`, `CONIN$`, `CONOUT$`, and `COM` and `LPT`
///   with a digit (also superscript 1, 2 and 3).
/// - Bytes that are no UTF-8 become U+FFFD.
/// - A component that is longer than 255 bytes after all this is refused, and a path that is longer
///   than 4095 bytes.
///
/// All other names stay as they are, however odd (`foo... bar`). Different names can become equal:
/// that is not looked at here.
///
/// # Errors
/// See [`PathError`].
pub fn safe_path<'c>(components: impl IntoIterator<Item = &'c [u8]>) -> Result<String, PathError> {
    let mut path = String::new();
    push_components(&mut path, components, 0)?;
    check_whole(&path, 0)?;
    Ok(path)
}

/// Refuses a path that is too long as a whole, from a place in a text on.
pub(crate) fn check_whole(text: &str, start: usize) -> Result<(), PathError> {
    if text.len() - start > MAX_PATH {
        return Err(PathError::PathTooLong { max: MAX_PATH });
    }
    Ok(())
}

/// Appends components with `/` between them; at least one must name something. Errors count
/// components from `first`. Stops soon after the path is too long: see [`check_whole`].
pub(crate) fn push_components<'c>(
    path: &mut String,
    components: impl IntoIterator<Item = &'c [u8]>,
    first: usize,
) -> Result<(), PathError> {
    let mut empty = true;
    let whole = path.len();
    for (component, bytes) in components.into_iter().enumerate() {
        let component = first + component;
        let too_long = PathError::TooLong { component, max: MAX_COMPONENT };
        // Nothing becomes shorter than half: the shortest that shrinks is a control character of two
        // bytes. What is longer is not looked at, nor copied, for each file of a torrent again.
        if bytes.len() > 2 * MAX_COMPONENT {
            return Err(too_long);
        }
        match bytes.trim_ascii_end() {
            b"" | b"." => continue,
            b".." => return Err(PathError::Traversal { component }),
            _ if path.len() - whole > MAX_PATH => {
                return Err(PathError::PathTooLong { max: MAX_PATH });
            }
            _ if empty => empty = false,
            _ => path.push('/'),
        }
        let start = path.len();
        push_component(path, bytes);
        if path.len() - start > MAX_COMPONENT {
            return Err(too_long);
        }
    }
    if empty { Err(PathError::Empty) } else { Ok(()) }
}

/// One component as [`push_components`] appends it; `None` if that leaves it out.
pub(crate) fn safe_component(bytes: &[u8]) -> Result<Option<Cow<'_, str>>, PathError> {
    if is_plain(bytes)
        && let Ok(plain) = core::str::from_utf8(bytes)
    {
        return Ok(Some(Cow::Borrowed(plain)));
    }
    let mut text = String::new();
    match push_components(&mut text, [bytes], 0) {
        Ok(()) => Ok(Some(Cow::Owned(text))),
        Err(PathError::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

fn push_component(path: &mut String, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if is_plain(bytes) {
        path.push_str(&text);
        return;
    }
    if is_device(&text) {
        path.push('_');
    }
    path.extend(text.chars().map(|char| if is_special(char) { '_' } else { char }));
    if path.ends_with(['.', ' ']) {
        path.pop();
        path.push('_');
    }
}

/// Whether a component is ASCII and safe as it stands, and no device, as nearly all are. `false` if it
/// takes a closer look.
pub(crate) fn is_plain(component: &[u8]) -> bool {
    let kinds = component.iter().fold(0, |kinds, &byte| kinds | KINDS[usize::from(byte)]);
    kinds == 0 && has_plain_ends(component)
}

/// The part of [`is_plain`] that many components can not be asked at once: how long each is, and how
/// it starts and ends. Without branches, as random names would mislead them.
#[inline]
pub(crate) fn has_plain_ends(component: &[u8]) -> bool {
    let Some(last) = component.last() else { return false };
    let device = component.first_chunk().is_some_and(starts_like_device);
    (component.len() <= MAX_COMPONENT) & (*last != b'.') & (*last != b' ') & !device
}

/// Whether some byte is no ASCII or can not be in a component, `/` not counted; and how many `/` there
/// are. For long texts: the compiler makes vector instructions of it.
pub(crate) fn count_special(bytes: &[u8]) -> (bool, usize) {
    let (chunks, rest) = bytes.as_chunks::<32>();
    let (mut special, mut slashes) = (0u8, 0);
    for chunk in chunks {
        special |= chunk.iter().fold(0, |found, &byte| found | u8::from(is_special_byte(byte)));
        slashes += usize::from(chunk.iter().fold(0, |n: u8, &byte| n + u8::from(byte == b'/')));
    }
    for &byte in rest {
        special |= u8::from(is_special_byte(byte));
        slashes += usize::from(byte == b'/');
    }
    (special != 0, slashes)
}

/// What [`is_special`] tells of, and what is no ASCII; but not `/`.
const fn is_special_byte(byte: u8) -> bool {
    (byte < b' ')
        | (byte > b'~')
        | (byte == b'\\')
        | (byte == b':')
        | (byte == b'<')
        | (byte == b'>')
        | (byte == b'"')
        | (byte == b'|')
        | (byte == b'?')
        | (byte == b'*')
}

/// Not zero for each byte that is not plain.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = (is_special_byte(byte as u8) | (byte as u8 == b'/')) as u8;
        byte += 1;
    }
    kinds
};

/// As the devices that [`is_device`] knows.
#[inline]
fn starts_like_device(&[a, b, c]: &[u8; 3]) -> bool {
    const fn word(a: u8, b: u8, c: u8) -> u32 {
        u32::from_le_bytes([a, b, c, 0]) | 0x20_20_20
    }
    let start = word(a, b, c);
    (start == word(b'c', b'o', b'n'))
        | (start == word(b'p', b'r', b'n'))
        | (start == word(b'a', b'u', b'x'))
        | (start == word(b'n', b'u', b'l'))
        | (start == word(b'c', b'o', b'm'))
        | (start == word(b'l', b'p', b't'))
}

fn is_special(char: char) -> bool {
    matches!(char, '/' | '\\' | ':' | '<' | '>' | '"' | '|' | '?' | '*') || char.is_control()
}

/// Whether Windows takes a name for a device. It looks at what is before the first dot, without the
/// spaces at its end.
fn is_device(name: &str) -> bool {
    if !name.starts_with(['C', 'c', 'P', 'p', 'A', 'a', 'N', 'n', 'L', 'l']) {
        return false;
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let is = |device: &str| stem.eq_ignore_ascii_case(device);
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].into_iter().any(is) {
        return true;
    }
    let Some((kind, number)) = stem.split_at_checked(3) else {
        return false;
    };
    let mut number = number.chars();
    let is_port = kind.eq_ignore_ascii_case("COM") || kind.eq_ignore_ascii_case("LPT");
    is_port
        && matches!(number.next(), Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'))
        && number.next().is_none()
}
