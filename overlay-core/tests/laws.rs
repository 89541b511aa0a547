//! Laws of the library and the numbering of objects.

use overlay_core::{FileId, IntakeError, Library, Stored};
use overlay_peer::Object;
use proptest::prelude::*;
use torrent_meta::{InfoHash, PieceChecker, Verifier};

fn take_in(name: &str, content: &[u8], chunk: usize) -> Result<Library, IntakeError> {
    let mut library = Library::new();
    let mut intake = Library::begin(name, content.len() as u64)?;
    content.chunks(chunk).try_for_each(|chunk| intake.update(chunk))?;
    library.add(intake)?;
    Ok(library)
}

proptest! {
    #[test]
    fn chunk_split_equality(
        content in proptest::collection::vec(any::<u8>(), 1..100_000),
        chunk in 1usize..70_000,
    ) {
        let whole = take_in("a/b", &content, content.len()).expect("a file");
        let split = take_in("a/b", &content, chunk).expect("a file");
        let (whole, split) = (whole.file(FileId(0)), split.file(FileId(0)));
        prop_assert_eq!(whole.info_hash(), split.info_hash());
        prop_assert_eq!(whole.md5(), split.md5());
        prop_assert_eq!(whole.info_bytes(), split.info_bytes());
    }

    #[test]
    fn the_metainfo_is_of_the_content(content in proptest::collection::vec(any::<u8>(), 1..100_000)) {
        let library = take_in("name.txt", &content, 4_096).expect("a file");
        let file = library.file(FileId(0));
        prop_assert_eq!(file.size(), content.len() as u64);
        prop_assert_eq!(InfoHash::of(file.info_bytes()), file.info_hash());
        prop_assert_eq!(library.hashed(file.info_hash()), Some(FileId(0)));
        let mut verifier = Verifier::new(PieceChecker::of_info(file.info()).expect("it is v1"));
        verifier.write_at(0, &content).expect("within the file");
        prop_assert!(verifier.is_complete());
    }

    #[test]
    fn a_file_matches_its_own_keywords_and_no_others(name in "[a-z0-9 _./-]{1,40}", other in "[a-z]{1,8}") {
        let Ok(library) = take_in(&name, b"x", 1) else { return Ok(()) };
        let file = library.file(FileId(0));
        let words: Vec<&str> = file.keywords().iter().map(String::as_str).collect();
        prop_assert_eq!(library.matching(&words).count(), usize::from(!words.is_empty()));
        let has = file.keywords().contains(&other);
        prop_assert_eq!(library.matching(&[&other]).count(), usize::from(has));
    }

    #[test]
    fn objects_round_trip(number: u32, raw: u64) {
        for stored in
            [Stored::Content(FileId(number)), Stored::Info(FileId(number)), Stored::Download(number)]
        {
            prop_assert_eq!(Stored::of(stored.into()), Some(stored));
        }
        if let Some(stored) = Stored::of(Object(raw)) {
            prop_assert_eq!(Object::from(stored), Object(raw));
        }
    }
}

#[test]
fn content_of_another_size_is_refused() {
    let mut library = Library::new();
    let mut short = Library::begin("a", 3).expect("a file");
    short.update(b"ab").expect("in size");
    assert!(matches!(library.add(short), Err(IntakeError::Metainfo(_))));
    let mut long = Library::begin("a", 3).expect("a file");
    assert!(matches!(long.update(b"abcd"), Err(IntakeError::Metainfo(_))));
    assert!(matches!(Library::begin("a", 0), Err(IntakeError::Empty)));
}

#[test]
fn two_files_of_one_name_are_refused_and_the_first_stays() {
    let mut library = take_in("a", b"first", 5).expect("a file");
    let mut second = Library::begin("a", 6).expect("a file");
    second.update(b"second").expect("in size");
    assert_eq!(library.add(second), Err(IntakeError::SameName { name: "a".into() }));
    assert_eq!(library.len(), 1);
    assert_eq!(library.file(FileId(0)).size(), 5);
}
