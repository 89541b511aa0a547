//! Which words of a file name the index knows it by.

/// The words of a text: its runs of alphanumeric characters in lower case, sorted, each once.
///
/// Bytes that are not UTF-8 are taken as Latin-1, which most names of the time were.
///
/// ```
/// let words = overlay_napster::keywords(b"Artist_One - Some Song (Live).mp3");
/// assert_eq!(words, ["artist", "live", "mp3", "one", "some", "song"]);
/// ```
pub fn keywords(text: &[u8]) -> Vec<String> {
    sorted(words(text))
}

/// How many words of a file's name the index knows it by. Of a longer name these are the last ones:
/// names are paths, which end with the most telling part.
pub const MAX_WORDS: usize = 32;

/// The words the index knows a file of this name by, sorted, each once.
pub(crate) fn indexed_words(name: &[u8]) -> Vec<String> {
    let mut words = words(name);
    words.drain(..words.len().saturating_sub(MAX_WORDS));
    sorted(words)
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort_unstable();
    words.dedup();
    words
}

/// The words in their order.
fn words(text: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for chunk in text.utf8_chunks() {
        let latin = chunk.invalid().iter().map(|byte| char::from(*byte));
        for character in chunk.valid().chars().chain(latin) {
            if character.is_alphanumeric() {
                word.extend(character.to_lowercase());
            } else if !word.is_empty() {
                words.push(core::mem::take(&mut word));
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
