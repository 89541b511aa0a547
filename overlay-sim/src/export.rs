//! Words in JSON and CSV.

use core::fmt::{self, Write};

/// A string in quotes (RFC 8259, section 7).
pub(crate) fn json_string(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' | '\\' => write!(out, "\\{char}")?,
            control if control < ' ' => write!(out, "\\u{:04x}", u32::from(control))?,
            _ => out.write_char(char)?,
        }
    }
    out.write_char('"')
}

/// A field, in quotes if it has to be (RFC 4180, section 2).
pub(crate) fn csv_field(out: &mut impl Write, text: &str) -> fmt::Result {
    if !text.contains([',', '"', '\n', '\r']) {
        return out.write_str(text);
    }
    write!(out, "\"{}\"", text.replace('"', "\"\""))
}
