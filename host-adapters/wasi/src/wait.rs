//! Waiting for sockets: runs futures on the host's `wasi:io/poll`.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use wasi::clocks::monotonic_clock;
use wasi::io::poll::{Pollable, poll};

thread_local! {
    /// What a future that is not ready waits for.
    static AWAITED: RefCell<Vec<Pollable>> = RefCell::default();
}

/// The future that is being polled is to be polled again once this is ready.
pub(crate) fn wake_by(pollable: Pollable) {
    AWAITED.with_borrow_mut(|awaited| awaited.push(pollable));
}

/// One part of a future has something for another one.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a future to its end, or for so long. Nothing comes too where it waits for what will never be.
pub(crate) fn block_on<F: Future>(future: F, nanoseconds: Option<u64>) -> Option<F::Output> {
    let mut future = pin!(future);
    let timer = nanoseconds.map(monotonic_clock::subscribe_duration);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    loop {
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let awaited = AWAITED.take();
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        if woken.0.swap(false, Ordering::Relaxed) {
            continue;
        }
        if awaited.is_empty() {
            return None;
        }
        poll(&awaited.iter().chain(&timer).collect::<Vec<_>>());
        if timer.as_ref().is_some_and(Pollable::ready) {
            return None;
        }
    }
}

/// Waits so long.
pub(crate) fn pause(milliseconds: u64) {
    const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;
    let nanoseconds = milliseconds.saturating_mul(NANOSECONDS_PER_MILLISECOND);
    monotonic_clock::subscribe_duration(nanoseconds).block();
}
