//! Requests that are refused, as `application/problem+json` (RFC 9457).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::access::Denied;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    status: StatusCode,
    detail: String,
    /// Place of the record at fault in a batch, from 0.
    index: Option<usize>,
    /// How many records before it have been taken.
    taken: Option<usize>,
}

impl Refusal {
    /// A refusal with a sentence that says why.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            index: None,
            taken: None,
        }
    }

    /// What is asked for is well formed and wrong.
    pub(crate) fn wrong(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// The session has ended, or will not answer any more.
    pub(crate) fn over() -> Self {
        Self::new(StatusCode::GONE, "the session is over")
    }

    /// The session has had as much of it as it takes.
    pub(crate) fn full(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, detail)
    }

    /// Names the record of a batch that is at fault.
    pub(crate) fn at(mut self, index: usize) -> Self {
        self.index = Some(index);
        self
    }

    /// Names no record, where whoever sent them counts others than we do.
    pub(crate) fn without_place(mut self) -> Self {
        self.index = None;
        self
    }

    /// Place of the record at fault in a batch, from 0.
    pub(crate) fn index(&self) -> Option<usize> {
        self.index
    }

    /// Counts the records before a batch in.
    pub(crate) fn moved(mut self, by: usize) -> Self {
        self.index = self.index.map(|index| index + by);
        self
    }

    /// Says how many records have been taken all the same.
    pub(crate) fn after(mut self, taken: usize) -> Self {
        self.taken = Some(taken);
        self
    }

    /// The body that goes with it.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "title": self.status.canonical_reason().unwrap_or("Refused"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(index) = self.index {
            body["index"] = json!(index);
        }
        if let Some(taken) = self.taken {
            body["taken"] = json!(taken);
        }
        body
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unknown => Self::new(
                StatusCode::UNAUTHORIZED,
                "this needs `Authorization: Bearer TOKEN` with a token of this session",
            ),
            Denied::Role(role) => Self::new(
                StatusCode::FORBIDDEN,
                format!("this token has not the role `{role}`"),
            ),
            Denied::TooOften => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too often: wait a second")
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body().to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let of = HeaderValue::from_static;
        headers.insert(header::CONTENT_TYPE, of("application/problem+json"));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, of("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, of("1"));
            }
            _ => {}
        }
        response
    }
}
