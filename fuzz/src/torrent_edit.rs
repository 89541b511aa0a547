//! Edits of any file that is a torrent.

use torrent_meta::{Editor, InfoHash};

/// Checks one input: the edits a few bytes ask for, of the file behind them.
pub fn check(data: &[u8]) {
    let Some((steps, file)) = data.split_at_checked(4) else { return };
    let Ok(mut editor) = Editor::new(file) else { return };
    let info = editor.metainfo().info().raw().to_vec();
    let hash = InfoHash::of(&info);
    for step in steps {
        let text = ["", "a", "http://b/announce", "\u{fc}"][usize::from(step >> 6)];
        let before = editor.as_bytes().to_vec();
        let changed = apply(&mut editor, *step, text);
        assert_eq!(changed, before != editor.as_bytes());
        assert!(!apply(&mut editor, *step, text), "{step} is not idempotent");
        let metainfo = editor.metainfo();
        assert_eq!(metainfo.info().raw(), info);
        assert_eq!(InfoHash::of(metainfo.info().raw()), hash);
        let has = |urls: &[Vec<&str>]| urls.iter().flatten().any(|url| *url == text);
        match step & 15 {
            0 => assert!(has(&metainfo.tiers())),
            3 => assert!(!has(&metainfo.tiers())),
            8 => assert_eq!(metainfo.comment(), Some(text.as_bytes())),
            9 => assert_eq!((metainfo.comment(), metainfo.created_by()), (None, None)),
            10 => assert_eq!(metainfo.creation_date(), Some(i64::from(*step))),
            _ => {}
        }
    }
}

fn apply(editor: &mut Editor, step: u8, text: &str) -> bool {
    let changed = match step & 15 {
        0 => editor.add_tracker(text),
        1 => editor.add_to_tier(usize::from(step >> 4), text),
        2 => editor.add_tier([text, "c", "a"]),
        3 => editor.remove_tracker(text),
        4 => editor.set_tiers([[text, "x"], ["y", "z"]]),
        5 => editor.add_web_seed(text),
        6 => editor.remove_web_seed(text),
        7 => editor.set_web_seeds([text]),
        8 => editor.set_comment(Some(text)),
        9 => {
            let comment = editor.set_comment(None);
            let program = editor.set_created_by(None);
            comment.and_then(|changed| Ok(changed | program?))
        }
        10 => editor.set_creation_date(Some(step.into())),
        11 => editor.add_node(text, 80),
        12 => editor.remove_node(text, 80),
        13 => editor.set_nodes([(text, 80), ("b", 1)]),
        14 => editor.set_tiers::<[&str; 0], _>([]),
        _ => editor.set_created_by(Some(text)),
    };
    changed.expect("a few bytes more are within the limits")
}
