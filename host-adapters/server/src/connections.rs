//! How many connections there may be, and which of them go first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// All connections there are. Where there are as many as there may be, the one goes that has waited longest
/// for a request of its client, so that those who only keep connections open keep nobody out.
pub(crate) struct Connections {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: u64,
    connections: HashMap<u64, State>,
}

struct State {
    /// Since when its client has asked for nothing.
    idle_since: Option<Instant>,
    is_to_end: Arc<Notify>,
}

/// How many connections there are, and have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) open: usize,
    pub(crate) ever: u64,
}

/// A connection among them, until it is dropped.
pub(crate) struct Connection {
    number: u64,
    all: Arc<Connections>,
    is_to_end: Arc<Notify>,
}

/// A request of a connection is under way, until this is dropped.
pub(crate) struct UnderWay {
    number: u64,
    all: Arc<Connections>,
}

impl Connections {
    pub(crate) fn at_most(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            open: Mutex::default(),
        })
    }

    /// Takes in one more. Gives nothing where all of those that there may be have requests under way.
    pub(crate) fn take_in(self: &Arc<Self>) -> Option<Connection> {
        let mut open = self.open();
        if open.connections.len() >= self.most {
            let idle = (open.connections.iter())
                .filter_map(|(number, state)| Some((state.idle_since?, *number)))
                .min();
            let (_, number) = idle?;
            let state = open.connections.remove(&number)?;
            state.is_to_end.notify_one();
        }
        open.last += 1;
        let number = open.last;
        let is_to_end = Arc::new(Notify::new());
        let state = State {
            idle_since: Some(Instant::now()),
            is_to_end: is_to_end.clone(),
        };
        open.connections.insert(number, state);
        Some(Connection {
            number,
            all: self.clone(),
            is_to_end,
        })
    }

    pub(crate) fn counts(&self) -> Counts {
        let open = self.open();
        Counts {
            open: open.connections.len(),
            ever: open.last,
        }
    }

    fn set_idle_since(&self, number: u64, since: Option<Instant>) {
        if let Some(state) = self.open().connections.get_mut(&number) {
            state.idle_since = since;
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Serves it, until that is done or another takes its place.
    pub(crate) async fn serve(&self, serving: impl Future<Output = ()>) {
        tokio::select! {
            () = serving => {}
            () = self.is_to_end.notified() => tracing::debug!("an idle connection gave way"),
        }
    }

    /// What marks its requests.
    pub(crate) fn requests(&self) -> impl Fn() -> UnderWay + Clone + use<> {
        let (number, all) = (self.number, self.all.clone());
        move || {
            all.set_idle_since(number, None);
            UnderWay {
                number,
                all: all.clone(),
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open().connections.remove(&self.number);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all.set_idle_since(self.number, Some(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Whether it was told to end.
    async fn gives_way(connection: &Connection) -> bool {
        let told = connection.is_to_end.notified();
        tokio::time::timeout(Duration::ZERO, told).await.is_ok()
    }

    #[tokio::test]
    async fn who_is_idle_longest_gives_way() {
        let connections = Connections::at_most(2);
        let first = connections.take_in().unwrap();
        let second = connections.take_in().unwrap();
        let request = first.requests()();
        let third = connections.take_in().unwrap();
        assert_eq!(connections.open().connections.len(), 2);
        assert!(gives_way(&second).await);
        assert!(!gives_way(&first).await);
        let other = third.requests()();
        assert!(connections.take_in().is_none());
        drop(request);
        let fourth = connections.take_in().unwrap();
        assert!(gives_way(&first).await);
        drop((first, second, third, fourth, other));
        assert!(connections.open().connections.is_empty());
    }
}
