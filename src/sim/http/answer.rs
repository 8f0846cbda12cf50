//! Building responses.

use std::convert::Infallible;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::Value;

use crate::sim::refusal::Refusal;

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;
pub(crate) type Answer = Response<Body>;

/// A JSON answer.
pub(crate) fn json(code: u16, value: &Value) -> Answer {
    bytes(code, "application/json", value.to_string())
}

/// An answer whose bytes are already there.
pub(crate) fn bytes(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    with_body(code, content_type, Full::new(body.into()).boxed_unsync())
}

/// An answer that goes on: JSON documents, one per line.
pub(crate) fn stream(lines: impl futures::Stream<Item = Bytes> + Send + 'static) -> Answer {
    stream_of("application/json", lines)
}

/// An answer that goes on: text.
pub(crate) fn text_stream(chunks: impl futures::Stream<Item = Bytes> + Send + 'static) -> Answer {
    stream_of("text/plain", chunks)
}

fn stream_of(content_type: &'static str, chunks: impl futures::Stream<Item = Bytes> + Send + 'static) -> Answer {
    use futures::StreamExt as _;
    let frames = chunks.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)));
    with_body(200, content_type, StreamBody::new(frames).boxed_unsync())
}

/// The `Status` of a refusal.
pub(crate) fn refusal(refusal: &Refusal) -> Answer {
    json(refusal.code, &refusal.status())
}

fn with_body(code: u16, content_type: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    answer
}
