//! What is too long is refused before it is kept, and what is made always fits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use napster_wire::{
    Comparison, Criterion, DecodeErrorKind, Decoded, Extra, FieldError, Frame, Limits,
    MAX_CRITERIA, MAX_FIELD, MAX_REQUEST, Message, Quoted, Search, Text, TransferRequest, Word,
};

#[test]
fn a_frame_is_refused_by_its_first_two_bytes() {
    let limits = Limits { max_data: 100 };
    assert!(matches!(
        Frame::decode_prefix(&[100, 0], &limits),
        Ok(Decoded::Partial { needed: 102 })
    ));
    let error = Frame::decode_prefix(&[101, 0], &limits).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::FrameTooLong { len: 101, max: 100 });
    assert_eq!(error.offset, 0);
    assert_eq!(Limits::default().max_data, 2048);
}

#[test]
fn partial_says_how_much_is_needed() {
    let limits = Limits::default();
    for (bytes, needed) in
        [(&b""[..], 4), (b"\x05", 3), (b"\x05\0", 7), (b"\x05\0\x94", 6), (b"\x05\0\x94\x01ab", 3)]
    {
        assert_eq!(Message::decode_prefix(bytes, &limits), Ok(Decoded::Partial { needed }));
    }
}

#[test]
fn a_whole_message_is_neither_cut_nor_followed() {
    let bytes = b"\x02\0\x94\x01ab";
    assert!(Message::decode(bytes).is_ok());
    let error = Message::decode(&bytes[..5]).unwrap_err();
    assert_eq!((error.offset, error.kind), (5, DecodeErrorKind::Truncated { needed: 1 }));
    let error = Message::decode(b"\x02\0\x94\x01abc").unwrap_err();
    assert_eq!((error.offset, error.kind), (6, DecodeErrorKind::Trailing { extra: 1 }));
}

#[test]
fn fields_hold_what_can_be_written_only() {
    assert_eq!(Word::try_from("").unwrap_err(), FieldError::Empty);
    assert_eq!(Word::try_from("a b").unwrap_err(), FieldError::Space { offset: 1 });
    assert_eq!(Word::try_from("a\"").unwrap_err(), FieldError::Quote { offset: 1 });
    assert_eq!(
        Quoted::try_from("the \"best\" song.mp3").unwrap_err(),
        FieldError::Quote { offset: 4 }
    );
    assert!(Quoted::try_from("").is_ok());
    let long = vec![b'x'; MAX_FIELD + 1];
    let too_long = FieldError::TooLong { len: MAX_FIELD + 1, max: MAX_FIELD };
    assert_eq!(Quoted::new(&long[..]).unwrap_err(), too_long);
    assert_eq!(Word::new(&long[..]).unwrap_err(), too_long);
    assert_eq!(Extra::try_from("5").unwrap_err(), FieldError::NoSpace);
    assert_eq!(Extra::try_from(" 5").unwrap().first(), Some(&b"5"[..]));
    assert!(Text::new(vec![0; 65_535]).is_ok());
    assert!(Text::new(vec![0; 65_536]).is_err());
    assert!(Frame::new(1, &vec![0; 65_536]).is_none());
    assert!(Message::from_parts(1, &vec![0; 65_536]).is_none());
}

#[test]
fn the_longest_search_fits_a_frame() {
    let text = Quoted::new(vec![b'x'; MAX_FIELD]).unwrap();
    let mut search = Search::new();
    for _ in 0..MAX_CRITERIA {
        search = search.with(Criterion::FilenameContains(text.clone())).unwrap();
    }
    let full = search.clone().with(Criterion::WmaFile).unwrap_err();
    assert_eq!(full, FieldError::TooManyCriteria { max: MAX_CRITERIA });
    let message = Message::Search(search);
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(Message::decode(&bytes), Ok(message));
}

#[test]
fn a_search_has_so_many_criteria_and_no_more() {
    let data = ["WMA-FILE"; MAX_CRITERIA + 1].join(" ");
    let frame = Frame::new(200, data.as_bytes()).unwrap();
    let error = Message::from_frame(frame).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::TooManyCriteria { max: MAX_CRITERIA });
}

#[test]
fn nothing_follows_an_unknown_criterion() {
    let frame = Frame::new(200, b"SIZE \"AT LEAST\" \"5\"").unwrap();
    let Ok(Message::Search(search)) = Message::from_frame(frame) else { panic!("no search") };
    let more = Criterion::Bitrate(Comparison::AtLeast, 5);
    assert_eq!(search.with(more).unwrap_err(), FieldError::AfterUnknown);
}

#[test]
fn a_transfer_request_that_does_not_end_is_refused() {
    let name = [&b"GETlefty \""[..], &vec![b'x'; MAX_REQUEST]].concat();
    assert!(matches!(
        TransferRequest::decode_prefix(&name[..MAX_REQUEST - 1]),
        Ok(Decoded::Partial { .. })
    ));
    let error = TransferRequest::decode_prefix(&name[..MAX_REQUEST]).unwrap_err();
    assert!(matches!(error.kind, DecodeErrorKind::FieldTooLong { max: MAX_REQUEST, .. }));
    let nick = [&b"GET"[..], &vec![b'x'; MAX_FIELD + 1]].concat();
    assert!(TransferRequest::decode_prefix(&nick).is_err());
}
