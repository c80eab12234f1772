//! Waiting for work: batches of a job as they come.

use std::future::pending;
use std::time::Duration;

use batchintory::{AcquireRequest, Nothing, Outcome, wait_for_work};
use tokio::time::sleep;

use crate::batch::{Acquired, Batch, Following};
use crate::database::{Databases, Notifications};
use crate::error::Error;
use crate::inventory::Inventory;

/// How long is waited at most before a job is asked for anew, unless something else is said.
const DEFAULT_POLL: Duration = Duration::from_secs(10);

impl Inventory {
    /// Follows a job: batches as they come, those that wait for their rest or for the end of a lease as well
    /// as new ones. See [`Follow::next`].
    pub fn follow(&self, request: &AcquireRequest) -> Follow {
        Follow {
            inventory: self.clone(),
            request: request.clone(),
            poll: DEFAULT_POLL,
            has_reached: false,
            channel: None,
            alarm: Alarm::default(),
        }
    }
}

/// A job that is followed, made by [`Inventory::follow`].
#[derive(Debug)]
pub struct Follow {
    inventory: Inventory,
    request: AcquireRequest,
    poll: Duration,
    /// Whether a claim was answered.
    has_reached: bool,
    /// The channel on which the meta table's database tells of new rows, once it was asked for: none where it has no
    /// such thing.
    channel: Option<Option<String>>,
    alarm: Alarm,
}

/// What wakes whoever waits for rows of a meta table, where its database tells of them over a channel.
#[derive(Debug, Clone, Default)]
pub struct Alarm {
    /// What came over it since the wait before: also while the job was asked for.
    notifications: Option<Notifications>,
}

impl Alarm {
    /// Waits until rows have come since the wait before. The first wait is over as soon as the database listens, since
    /// rows may have come before. Never over where it has no notifications. May be dropped at any time.
    pub async fn rings(&mut self, databases: &Databases, channel: &str) {
        let Some(now) = databases.listen(channel).await else {
            return pending().await;
        };
        let before = self.notifications.as_mut();
        match before.filter(|before| before.since == now.since) {
            Some(before) => {
                if before.notified.changed().await.is_err() {
                    pending().await
                }
            }
            None => self.notifications = Some(now),
        }
    }
}

impl Follow {
    /// How long is waited at most before the job is asked for anew: by chance, half as long or longer. By
    /// default 10 seconds.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// The next batch, once there is one. Never ends by itself, not even where the request has an upper bound:
    /// what was handed out may come back. Databases that were reached before are waited for when they are away, see
    /// [`patience`](crate::patience). Must be called within a tokio runtime.
    ///
    /// ```no_run
    /// # async fn example(inventory: batchintory_wasmtime::Inventory, stopped: impl Future<Output = ()>)
    /// # -> Result<(), batchintory_wasmtime::Error> {
    /// # use std::pin::pin;
    /// let request = batchintory_wasmtime::AcquireRequest::new("files", "thumbnails");
    /// let mut follow = inventory.follow(&request);
    /// let mut stopped = pin!(stopped);
    /// loop {
    ///     let batch = loop {
    ///         let nothing = match inventory.acquire(&request).await? {
    ///             batchintory_wasmtime::Acquired::Batch(batch) => break batch,
    ///             batchintory_wasmtime::Acquired::Nothing(nothing) => nothing,
    ///         };
    ///         tokio::select! {
    ///             () = follow.wait(&nothing) => {}
    ///             () = &mut stopped => return Ok(()),
    ///         }
    ///     };
    ///     batch.succeed().await?;
    /// }
    /// # }
    /// ```
    ///
    /// That is a loop which ends between two batches; to drop the future of `next` may lose a batch that it has
    /// just claimed, until its lease is over.
    pub async fn next(&mut self) -> Result<Batch, Error> {
        self.next_or(Following::NotAsked).await
    }

    /// Ends a batch as [`Batch::end`] does, and gives the next, once there is one: with the end, if one is there and
    /// the batch has succeeded. It has ended before it is waited for the next.
    ///
    /// # Errors
    ///
    /// Those of the end and of the claim. After one that is no [loss](Error::is_loss) the call may be repeated: to end a
    /// batch again in the same way is fine.
    pub async fn next_after(&mut self, done: &Batch, outcome: Outcome) -> Result<Batch, Error> {
        let following = done.end_before(Some(&self.request), outcome).await?;
        self.next_or(following).await
    }

    async fn next_or(&mut self, mut following: Following) -> Result<Batch, Error> {
        loop {
            let acquired =
                following.or_acquire_in_loop(&self.inventory, &self.request, &mut self.has_reached);
            match acquired.await? {
                Acquired::Batch(batch) => return Ok(batch),
                Acquired::Nothing(nothing) => self.wait(&nothing).await,
            }
            following = Following::NotAsked;
        }
    }

    /// Waits until it is worth asking again after this answer. May be dropped at any time.
    ///
    /// Where the meta table notifies its channel (see [`Inventory::notifications`]), that is as soon as rows have
    /// come. The first wait only begins to listen: rows may have come before.
    pub async fn wait(&mut self, nothing: &Nothing) {
        let pause = pause_before_next(self.poll, nothing);
        let told = async {
            match self.channel().await {
                Some(channel) => {
                    let databases = self.inventory.databases();
                    self.alarm.rings(&databases, &channel).await;
                }
                None => pending().await,
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = told => {}
        }
    }

    /// The channel of the meta table, if its database has any.
    async fn channel(&mut self) -> Option<String> {
        if self.channel.is_none() {
            let channel = self
                .inventory
                .notifications(&self.request.meta_table)
                .await
                .ok()?;
            self.channel = Some(channel.map(|channel| channel.name));
        }
        self.channel.clone()?
    }
}

/// How long whoever was told that there is nothing waits before the next claim: at most so long, by chance;
/// see [`wait_for_work`].
pub fn pause_before_next(poll: Duration, nothing: &Nothing) -> Duration {
    // Without randomness it is the longest pause.
    let chance = getrandom::u32().map_or(1.0, |number| f64::from(number) / f64::from(u32::MAX));
    wait_for_work(poll, nothing.due_in_seconds, chance)
}
