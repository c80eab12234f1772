//! Answers, taken whole before they are written: an instance does not wait for whoever reads slowly.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::WasiBody;

use crate::budget::Share;

/// Takes all of an answer.
pub(crate) async fn collect(
    response: Response<WasiBody>,
    mut share: Share,
) -> wasmtime::Result<Response<WasiBody>> {
    let (parts, mut body) = response.into_parts();
    let mut pieces = VecDeque::new();
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame?.into_data() {
            share.grow(piece.len())?;
            pieces.push_back(piece);
        }
    }
    let body = Collected {
        pieces,
        share: Arc::new(share),
    };
    let body = body.map_err(|never| match never {}).boxed_unsync();
    Ok(Response::from_parts(parts, body))
}

/// A whole body, in the pieces in which it came: put together, they would need as much memory again.
struct Collected {
    pieces: VecDeque<Bytes>,
    share: Arc<Share>,
}

/// A piece with the share of the memory of all of them: that is given back when the last is written.
struct Counted {
    piece: Bytes,
    _share: Arc<Share>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

impl Body for Collected {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front().map(|piece| {
            let counted = Counted {
                piece,
                _share: self.share.clone(),
            };
            Ok(Frame::data(Bytes::from_owner(counted)))
        });
        Poll::Ready(piece)
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let bytes: usize = self.pieces.iter().map(Bytes::len).sum();
        SizeHint::with_exact(bytes as u64)
    }
}
