//! Real and malformed .torrent files from the test suites of other implementations, with what each
//! of them is. They are not part of this repository: the test looks for `corpus/torrent/corpus.tsv`
//! in the directories beside it, or in the directory that `TORRENT_CORPUS` names.

use std::path::{Path, PathBuf};

use overlay_bencode::{Deviation, DeviationKind, ErrorKind, decode, decode_lenient};

fn corpus() -> Option<PathBuf> {
    if let Some(directory) = std::env::var_os("TORRENT_CORPUS") {
        return Some(directory.into());
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    let beside = std::fs::read_dir(repository).ok()?;
    let mut found = beside.filter_map(|entry| Some(entry.ok()?.path().join("corpus/torrent")));
    found.find(|directory| directory.join("corpus.tsv").is_file())
}

#[test]
fn forms_agree_with_the_corpus() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus/torrent/corpus.tsv beside the repository");
        return;
    };
    let table = std::fs::read_to_string(corpus.join("corpus.tsv")).unwrap();
    let mut lines = table.lines();
    let columns: Vec<_> = lines.next().unwrap().split('\t').collect();
    let form = columns.iter().position(|&column| column == "bencode_form").unwrap();
    let mut counts = std::collections::BTreeMap::new();
    for line in lines {
        let cells: Vec<_> = line.split('\t').collect();
        let (name, form) = (cells[0], cells[form]);
        let bytes = std::fs::read(corpus.join(name)).unwrap();
        let strict = decode(&bytes);
        let lenient = decode_lenient(&bytes);
        let deviations = match &lenient {
            Ok(document) => document.deviations(),
            Err(_) => &[],
        };
        match (deviations.first(), &strict) {
            (Some(&first), Err(error)) => assert_eq!(*error, first.into(), "{name}"),
            (Some(first), Ok(_)) => panic!("{name}: strict accepts {first}"),
            (None, strict) => {
                assert_eq!(strict.as_ref().err(), lenient.as_ref().err(), "{name}: both or none")
            }
        }
        let all = |is: fn(&Deviation) -> bool| !deviations.is_empty() && deviations.iter().all(is);
        let ours = if strict.is_ok() {
            "canonical"
        } else if all(|deviation| matches!(deviation.kind, DeviationKind::TrailingBytes { .. })) {
            "trailing"
        } else if all(|deviation| deviation.kind == DeviationKind::UnsortedKey) {
            "unsorted"
        } else if all(|deviation| deviation.kind == DeviationKind::LeadingZero) {
            "noncanon-int"
        } else {
            let error = lenient.as_ref().err().unwrap_or_else(|| panic!("{name}: {deviations:?}"));
            assert_eq!(error.kind, ErrorKind::TooDeep { max: 100 }, "{name}");
            assert!(error.offset < bytes.len());
            "malformed"
        };
        assert_eq!(ours, form.split(':').next().unwrap(), "{name}");
        if let Ok(document) = &strict {
            assert_eq!(document.to_value().unwrap().to_vec(), bytes, "{name}");
        }
        *counts.entry(ours).or_insert(0) += 1;
    }
    println!("{counts:?}");
    assert!(counts.values().sum::<i32>() > 0);
}
