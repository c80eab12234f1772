//! Ctrl-C and, on Unix, SIGTERM and SIGHUP.

use crate::error::Failure;

/// Takes signals from its making on, so that none ends the program in between.
pub struct Signals {
    #[cfg(unix)]
    taken: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Begins to take signals.
    #[cfg(unix)]
    pub fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};

        let mut taken = vec![
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ];
        // Whoever starts a program by nohup wants it to go on without its terminal.
        if !is_ignored(SignalKind::hangup()) {
            taken.push(signal(SignalKind::hangup())?);
        }
        Ok(Self { taken })
    }

    /// Begins to take signals, but leaves SIGHUP to [`Hangups`].
    #[cfg(all(unix, feature = "serve"))]
    pub fn listen_but_to_hangups() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};

        let taken = vec![
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ];
        Ok(Self { taken })
    }

    /// Begins to take signals.
    #[cfg(not(unix))]
    pub fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        std::future::poll_fn(|context| {
            let is_any =
                |signal: &mut tokio::signal::unix::Signal| signal.poll_recv(context).is_ready();
            match self.taken.iter_mut().any(is_any) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// SIGHUP, which has settings read again.
#[cfg(all(unix, feature = "serve"))]
pub struct Hangups(tokio::signal::unix::Signal);

#[cfg(all(unix, feature = "serve"))]
impl Hangups {
    /// Begins to take them.
    pub fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Whether this program was started with a signal ignored. Only Linux tells without more ado.
#[cfg(unix)]
fn is_ignored(signal: tokio::signal::unix::SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = (status.lines())
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    // The lowest bit is signal 1.
    ignored >> (signal.as_raw_value() - 1) & 1 == 1
}
