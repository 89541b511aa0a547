//! How long the body of a response is, and whether that is what was asked for.

use gnutella_wire::{Head, Response};

use crate::FetchFailure;

/// How long the body of a response is, if the response is to our request for all from `from` on.
pub(crate) fn body_length(
    size: Option<u64>,
    from: u64,
    head: Head<'_>,
) -> Result<u64, FetchFailure> {
    let (announced, _) = announced_length(from, head)?;
    match size.map(|size| size.saturating_sub(from)) {
        Some(expected) if expected != announced => {
            Err(FetchFailure::WrongLength { announced, expected })
        }
        _ => Ok(announced),
    }
}

/// The same for a part: exactly that must come, of a file of the size that was promised.
pub(crate) fn share_length(
    size: Option<u64>,
    from: u64,
    end: u64,
    head: Head<'_>,
) -> Result<u64, FetchFailure> {
    let (announced, of) = announced_length(from, head)?;
    if let (Some(expected), Some(of)) = (size, of)
        && of != expected
    {
        return Err(FetchFailure::WrongLength { announced: of, expected });
    }
    let expected = end.saturating_sub(from);
    if announced == expected {
        Ok(announced)
    } else {
        Err(FetchFailure::WrongLength { announced, expected })
    }
}

/// How many bytes a response says it brings from `from` on, and of a file of what size.
fn announced_length(from: u64, head: Head<'_>) -> Result<(u64, Option<u64>), FetchFailure> {
    let response = Response::parse(head).map_err(|_| FetchFailure::BadResponse)?;
    match response.code {
        200 | 206 => {}
        404 => return Err(FetchFailure::NotFound),
        503 => return Err(FetchFailure::Busy),
        code => return Err(FetchFailure::Refused { code }),
    }
    let bad = |_| FetchFailure::BadResponse;
    let announced = response.content_length().map_err(bad)?.ok_or(FetchFailure::BadResponse)?;
    let content = response.content_range().map_err(bad)?;
    let starts = match content {
        Some(content) => content.range.map(|(first, _)| first),
        None => (response.code == 200).then_some(0),
    };
    if starts.unwrap_or(from) != from {
        return Err(FetchFailure::BadResponse);
    }
    Ok((announced, content.and_then(|content| content.size)))
}
