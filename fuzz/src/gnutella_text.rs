//! Text heads: what a connection is for, handshakes, HTTP, GIV. Heads are kept byte for byte and end
//! at the same place however they are cut; what the views say survives being built and read again.

use gnutella_wire::{
    ByteRange, Connect, ContentRange, DecodeError, Decoded, Giv, Head, Limits, Opening, OwnedHead,
    Reply, Request, Response, Target, unfold,
};

use crate::cuts::cuts;
use crate::gnutella_handshake::fields;

/// Checks one input: the first bytes on a connection, or the value of a field.
pub fn check(data: &[u8]) {
    let limits = Limits { head_bytes: 512, head_lines: 12, ..Limits::DEFAULT };
    let whole = cut(data, &limits, &[data.len()]);
    let cuts = cuts(data);
    assert_eq!(cut(data, &limits, &cuts), whole, "cut at {cuts:?}");
    if let Ok(Some(head)) = &whole {
        let head = head.borrow();
        let mut again = Vec::new();
        head.encode(&mut again);
        assert_eq!(again, &data[..head.encoded_len()]);
        views(head);
        fields(head);
    }
    opening(data);
    if let Ok(range) = ByteRange::parse(data) {
        assert_eq!(ByteRange::parse(range.to_string().as_bytes()), Ok(range));
        if let Some(bytes) = range.resolve(1_000) {
            assert!(bytes.start < bytes.end && bytes.end <= 1_000);
        }
    }
    if let Ok(range) = ContentRange::parse(data) {
        assert_eq!(ContentRange::parse(range.to_string().as_bytes()), Ok(range));
    }
}

fn cut(data: &[u8], limits: &Limits, cuts: &[usize]) -> Result<Option<OwnedHead>, DecodeError> {
    for end in cuts {
        match Head::decode_prefix(&data[..*end], limits)? {
            Decoded::Complete { value, consumed } => {
                assert_eq!(value.encoded_len(), consumed);
                return Ok(Some(value.to_owned()));
            }
            Decoded::Partial { needed } => assert!(needed >= 1),
        }
    }
    Ok(None)
}

/// More bytes do not change what is known already.
fn opening(data: &[u8]) {
    let whole = Opening::detect(data);
    for end in 0..data.len().min(20) {
        match Opening::detect(&data[..end]) {
            Ok(Decoded::Partial { needed }) => assert!(needed >= 1),
            known => assert_eq!(known, whole),
        }
    }
}

fn views(head: Head<'_>) {
    let end = head.as_bytes().len();
    let _ = (Reply::parse(head), head.field("range"));
    for (name, value) in head.fields() {
        assert!(!name.contains(&b'\n') && !unfold(value).contains(&b'\n'));
    }
    if let Err(error) = Connect::parse(head) {
        assert!(error.offset <= end);
    }
    match Giv::parse(head) {
        Ok(giv) => {
            let built = Giv::build(giv.index, giv.servent, giv.name);
            let again = Giv::parse(built.borrow()).expect("a GIV that was built");
            assert_eq!((again.index, again.servent), (giv.index, giv.servent));
        }
        Err(error) => assert!(error.offset <= end),
    }
    match Request::parse(head) {
        Ok(request) => {
            let range = request.range().unwrap_or_else(|error| {
                assert!(error.offset <= end);
                None
            });
            if let Target::File { index, .. } = request.target {
                let name = request.target.decoded_name().expect("a file's name");
                let host = core::net::SocketAddr::from(([192, 0, 2, 1], 6346));
                let built = Request::build(index, &name, host, range).finish();
                let again = Request::parse(built.borrow()).expect("a request that was built");
                assert_eq!(again.range(), Ok(range));
                let same =
                    matches!(again.target, Target::File { index: other, .. } if other == index);
                assert!(same);
            }
        }
        Err(error) => assert!(error.offset <= end),
    }
    match Response::parse(head) {
        Ok(response) => {
            for error in [response.content_length().err(), response.content_range().err()]
                .into_iter()
                .flatten()
            {
                assert!(error.offset <= end);
            }
        }
        Err(error) => assert!(error.offset <= end),
    }
}
