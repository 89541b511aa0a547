//! What a file is besides its bytes (BEP 47).

/// A file's attributes (BEP 47). Letters that are not known are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Attributes(u8);

impl Attributes {
    const PAD: u8 = 1;
    const EXECUTABLE: u8 = 2;
    const HIDDEN: u8 = 4;
    const SYMLINK: u8 = 8;

    /// No attribute.
    pub const NONE: Self = Self(0);

    /// From the letters of an `attr` key.
    pub fn parse(letters: &[u8]) -> Self {
        Self(letters.iter().fold(0, |bits, letter| {
            bits | match letter {
                b'p' => Self::PAD,
                b'x' => Self::EXECUTABLE,
                b'h' => Self::HIDDEN,
                b'l' => Self::SYMLINK,
                _ => 0,
            }
        }))
    }

    pub(crate) fn with_pad(self) -> Self {
        Self(self.0 | Self::PAD)
    }

    /// It stands for zeros that align the next file, and is not to be stored.
    pub const fn is_pad(self) -> bool {
        self.0 & Self::PAD != 0
    }

    /// It can be run.
    pub const fn is_executable(self) -> bool {
        self.0 & Self::EXECUTABLE != 0
    }

    /// It is hidden.
    pub const fn is_hidden(self) -> bool {
        self.0 & Self::HIDDEN != 0
    }

    /// It is a symbolic link, without content: see [`File::symlink_target`](crate::File::symlink_target).
    pub const fn is_symlink(self) -> bool {
        self.0 & Self::SYMLINK != 0
    }
}
