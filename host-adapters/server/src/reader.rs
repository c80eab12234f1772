//! A connection whose client must read: one that does not is left.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a client may leave an answer unread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// How long it may take nothing at all.
    pub(crate) stall: Duration,
    /// How long it may take for all of it, whoever takes some of it now and then.
    pub(crate) whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(10),
            whole: Duration::from_secs(60),
        }
    }
}

/// A stream that fails when what is written to it is not taken.
pub(crate) struct MustRead<S> {
    stream: S,
    patience: Patience,
    /// When what is being written has to be taken.
    deadline: Option<Instant>,
    /// Runs while nothing is taken.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> MustRead<S> {
    pub(crate) fn new(stream: S, patience: Patience) -> Self {
        Self {
            stream,
            patience,
            deadline: None,
            stall: None,
        }
    }

    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let now = Instant::now();
        let deadline = *self.deadline.get_or_insert(now + self.patience.whole);
        if polled.is_ready() {
            self.stall = None;
            if now < deadline {
                return polled;
            }
        } else {
            let end = deadline.min(now + self.patience.stall);
            let stall = (self.stall).get_or_insert_with(|| Box::pin(sleep_until(end)));
            if stall.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client does not read",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MustRead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MustRead<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.judge(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        let flushed = self.judge(context, polled);
        if flushed.is_ready() {
            // All was taken: what is written next has its own time.
            self.deadline = None;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, polled)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn who_takes_nothing_is_left() {
        let (stream, _client) = duplex(10);
        let patience = Patience {
            stall: SHORT,
            whole: LONG,
        };
        let mut stream = MustRead::new(stream, patience);
        assert!(stream.write_all(b"0123456789").await.is_ok());
        let error = stream.write_all(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_takes_little_at_a_time_is_left_later() {
        let (stream, mut client) = duplex(10);
        let patience = Patience {
            stall: LONG,
            whole: SHORT,
        };
        let mut stream = MustRead::new(stream, patience);
        tokio::spawn(async move { while client.read_u8().await.is_ok() {} });
        let error = loop {
            if let Err(error) = stream.write_all(b"0123456789").await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn an_answer_that_was_taken_has_used_no_time_of_the_next() {
        let (stream, mut client) = duplex(10);
        let patience = Patience {
            stall: LONG,
            whole: LONG,
        };
        let mut stream = MustRead::new(stream, patience);
        assert!(stream.write_all(b"0123").await.is_ok());
        assert!(stream.deadline.is_some());
        assert!(stream.flush().await.is_ok());
        assert!(stream.deadline.is_none());
        assert!(client.read_u32().await.is_ok());
    }
}
