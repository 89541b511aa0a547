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
    words.sort_unstable();
    words.dedup();
    words
}
