//! Bodies of requests: taken in before an instance has a place for them, and only where they are wanted.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::Error as HttpError;

use crate::budget::{Exhausted, Share};

/// How long a body may take to come.
const MAX_TIME: Duration = Duration::from_secs(10);

/// How long is waited for a body before anybody has said that it is wanted: most come with their heads, or
/// just behind.
const BRIEFLY: Duration = Duration::from_millis(50);

/// How much of it is taken meanwhile.
const MAX_UNASKED_BYTES: usize = 64 * 1024;

/// How many bytes are taken in: more than any operation takes, so that the component is shown that it is too
/// long. The end of a batch may have 4 MiB.
const MAX_BYTES: usize = 4 * 1024 * 1024 + 1;

/// Why a body did not come whole.
#[derive(Debug)]
pub(crate) enum NotReceived {
    /// It took too long.
    TooSlow,
    /// There is no memory for it now.
    NoRoom,
    /// It ended before its end.
    Broken,
}

impl From<Exhausted> for NotReceived {
    fn from(_: Exhausted) -> Self {
        Self::NoRoom
    }
}

/// A body that comes in by and by.
pub(crate) struct Arriving<B> {
    body: B,
    bytes: Vec<u8>,
    share: Share,
    is_whole: bool,
    deadline: Instant,
}

impl<B> Arriving<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    pub(crate) fn new(body: B, share: Share) -> Self {
        Self {
            is_whole: body.is_end_stream(),
            body,
            bytes: Vec::new(),
            share,
            deadline: Instant::now() + MAX_TIME,
        }
    }

    /// Takes what comes at once. Gives back whether that is all of it.
    pub(crate) async fn briefly(&mut self) -> Result<bool, NotReceived> {
        let soon = Instant::now() + BRIEFLY;
        if let Ok(read) = timeout_at(soon, self.read(MAX_UNASKED_BYTES)).await {
            read?;
        }
        Ok(self.is_whole)
    }

    /// Takes all that will come, or more of it than anybody takes.
    pub(crate) async fn whole(mut self) -> Result<(Bytes, Share), NotReceived> {
        let deadline = self.deadline;
        match timeout_at(deadline, self.read(MAX_BYTES)).await {
            Ok(read) => read?,
            Err(_) => return Err(NotReceived::TooSlow),
        }
        Ok((self.bytes.into(), self.share))
    }

    /// Reads until its end, or until there are so many bytes. Nothing is lost where this is given up.
    async fn read(&mut self, limit: usize) -> Result<(), NotReceived> {
        while !self.is_whole && self.bytes.len() < limit {
            match self.body.frame().await {
                None => self.is_whole = true,
                Some(Err(_)) => return Err(NotReceived::Broken),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.share.grow(data.len())?;
                        self.bytes.extend_from_slice(&data);
                    }
                }
            }
        }
        Ok(())
    }
}

/// A body as an instance reads it.
pub(crate) enum RequestBody {
    /// All of it.
    Whole(Option<Bytes>),
    /// It has not come yet. Whoever reads it is told nothing, and its host is told that it is wanted.
    Awaited(Arc<Notify>),
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Awaited(wanted) => {
                wanted.notify_one();
                Poll::Pending
            }
        }
    }
}
