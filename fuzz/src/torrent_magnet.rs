//! Magnet links.

use torrent_meta::Magnet;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let strict = Magnet::parse(text);
    let Ok((magnet, ignored)) = Magnet::parse_lenient(text) else {
        assert!(strict.is_err());
        return;
    };
    match strict {
        Ok(strict) => assert!(strict == magnet && ignored.is_empty()),
        Err(error) => assert_eq!(Some(&error), ignored.first()),
    }
    assert!(ignored.iter().all(|error| error.offset <= text.len()));

    let written = magnet.to_string();
    let (again, _) = Magnet::parse_lenient(&written).expect("it was written here");
    assert_eq!(again, magnet);
    assert_eq!(again.to_string(), written);
    if ignored.is_empty() {
        assert_eq!(Magnet::parse(&written), Ok(magnet.clone()));
    }

    // What is kept is in proportion to the text: an escape is three bytes for one at most.
    assert!(written.len() <= 3 * text.len() + 100);
    if let Some(files) = &magnet.select_only {
        assert!(files.ranges().len() <= text.len());
        for range in files.ranges() {
            assert!(files.contains(*range.start() as usize));
            assert!(files.contains(*range.end() as usize));
        }
    }
}
