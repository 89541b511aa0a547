//! One description of a message's bytes serves both to count and to write them.

use bytes::BufMut;

use crate::{Extra, Quoted, Text, Word, number};

/// Where a message's data go: into a buffer, or only into a count.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);

    fn space(&mut self) {
        self.put(b" ");
    }

    fn word(&mut self, word: &Word<'_>) {
        self.put(word.as_bytes());
    }

    fn quoted(&mut self, quoted: &Quoted<'_>) {
        self.put(b"\"");
        self.put(quoted.as_bytes());
        self.put(b"\"");
    }

    fn text(&mut self, text: &Text<'_>) {
        self.put(text.as_bytes());
    }

    fn extra(&mut self, extra: &Extra<'_>) {
        self.put(extra.as_bytes());
    }

    fn number(&mut self, value: impl Into<u64>) {
        let mut digits = [0; number::MAX_DIGITS];
        self.put(number::format(value.into(), &mut digits));
    }
}

/// Counts.
pub(crate) struct Count(pub(crate) usize);

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

/// Writes.
pub(crate) struct Out<'a, B: BufMut>(pub(crate) &'a mut B);

impl<B: BufMut> Sink for Out<'_, B> {
    fn put(&mut self, bytes: &[u8]) {
        self.0.put_slice(bytes);
    }
}
