//! Message 214: how large the network is.

use crate::cursor::Cursor;
use crate::sink::Sink;
use crate::{DecodeError, Extra};

/// Message 214, from a server. A client asks for it with the same type and no data.
///
/// `<users> <files> <gigabytes>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats<'a> {
    /// Users who are logged in.
    pub users: u64,
    /// Files they share.
    pub files: u64,
    /// About how many gigabytes these are.
    pub gigabytes: u64,
    /// Whatever follows.
    pub extra: Extra<'a>,
}

impl<'a> Stats<'a> {
    pub(crate) fn read(mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let users = cursor.u64("number of users")?;
        cursor.space("number of files")?;
        let files = cursor.u64("number of files")?;
        cursor.space("number of gigabytes")?;
        let gigabytes = cursor.u64("number of gigabytes")?;
        let extra = cursor.extra()?;
        Ok(Self { users, files, gigabytes, extra })
    }

    pub(crate) fn write(&self, out: &mut impl Sink) {
        out.number(self.users);
        out.space();
        out.number(self.files);
        out.space();
        out.number(self.gigabytes);
        out.extra(&self.extra);
    }

    /// The same message with its own bytes.
    pub fn into_owned(self) -> Stats<'static> {
        Stats {
            users: self.users,
            files: self.files,
            gigabytes: self.gigabytes,
            extra: self.extra.into_owned(),
        }
    }
}
