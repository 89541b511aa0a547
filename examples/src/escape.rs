//! Strangers' bytes, made fit for a terminal.

use std::fmt::Write;

/// Text that steers no terminal and says which bytes it stands for: control and format characters
/// (those that turn the direction of writing among them) and the backslash are escaped as in Rust,
/// bytes that are no UTF-8 are `\xNN`.
pub fn text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        // Quotes too are escaped, which nothing here needs. A quote's own backslash is the one right
        // before it.
        let escaped = chunk.valid().escape_debug().to_string();
        out.push_str(&escaped.replace("\\\"", "\"").replace("\\'", "'"));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// The same for a document of JSON. What is left to escape there is only inside of strings.
pub fn json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for char in document.chars() {
        if (' '..='~').contains(&char) || !is_escaped(char) {
            out.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// Behind another character, so that accents that belong to a letter count as printable.
fn is_escaped(char: char) -> bool {
    let mut text = String::from("a");
    text.push(char);
    text.escape_debug().count() > 2
}
