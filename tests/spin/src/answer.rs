//! What of an answer is there when its head is set.
//!
//! Spin sends a head as soon as it is set. A body that comes later is a segment of its own, which now
//! and then waits 40 ms for the client to acknowledge the head. No clock is needed to see that: the
//! body, or as much of it as a stream takes at once, must be there by then.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use batchintory_server::Instance;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use hyper::header::CONTENT_LENGTH;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, HostResponseOutparam as _};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostOutgoingResponse, HostResponseOutparam};
use wasmtime_wasi_http::{Error, WasiHttpView as _};

use crate::host::{Imports, refuse};

/// How much a stream takes before its reader is there, in bytes.
const AT_ONCE: usize = 1024 * 1024;

/// Looks at every answer.
pub(crate) fn look_at_all(linker: &mut Linker<Instance<Imports>>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker
        .instance("wasi:http/types@0.2.12")?
        .func_wrap("[static]response-outparam.set", set)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Where an answer is put, and the answer.
type Answered = (
    Resource<HostResponseOutparam>,
    Result<Resource<HostOutgoingResponse>, ErrorCode>,
);

fn set(
    mut store: StoreContextMut<'_, Instance<Imports>>,
    (place, answer): Answered,
) -> wasmtime::Result<()> {
    let mut http = store.data_mut().http();
    if let Ok(answer) = &answer {
        look(http.table.get_mut(answer)?)?;
    }
    http.set(place, answer)
}

fn look(answer: &mut HostOutgoingResponse) -> wasmtime::Result<()> {
    let length = answer.headers.get(CONTENT_LENGTH);
    let length = length.map_or(Ok(0), |length| {
        length
            .to_str()?
            .parse::<usize>()
            .map_err(wasmtime::Error::from)
    })?;
    let Some(mut body) = answer.body.take() else {
        return Ok(());
    };
    let mut context = Context::from_waker(Waker::noop());
    let first = match Pin::new(&mut body).poll_frame(&mut context) {
        Poll::Ready(Some(Ok(frame))) => Some(frame),
        _ => None,
    };
    let there = (first.as_ref().and_then(Frame::data_ref)).map_or(0, Bytes::len);
    let expected = length.min(AT_ONCE);
    if there != expected {
        return Err(refuse(format!(
            "{there} of {expected} bytes were written when the head was set"
        )));
    }
    answer.body = Some(LookedAt { first, rest: body }.boxed_unsync());
    Ok(())
}

/// A body whose first frame was looked at.
struct LookedAt {
    first: Option<Frame<Bytes>>,
    rest: HyperOutgoingBody,
}

impl Body for LookedAt {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }
}
