//! A connection that listens to channels. It is none of the pool's: what a session listens to goes with its connection.

use std::collections::BTreeSet;

use deadpool::managed::Manager as _;

use super::connection::Connection;
use super::connections::{Connections, Failure};

/// A connection with the channels that it listens to.
#[derive(Default)]
pub(super) struct Listening {
    client: Option<Connection>,
    channels: BTreeSet<String>,
    /// How many such connections were made.
    made: u64,
}

impl Listening {
    /// Listens to a channel, over a new connection where the one before was closed. Gives back its number: what was
    /// told between two of them is lost.
    pub(super) async fn to(
        &mut self,
        channel: &str,
        connections: &Connections,
    ) -> Result<u64, Failure> {
        if self.client.as_ref().is_none_or(|client| client.is_closed()) {
            self.channels.clear();
            self.client = Some(connections.create().await?);
            self.made = self.made.wrapping_add(1);
        }
        if let Some(client) = &self.client
            && !self.channels.contains(channel)
        {
            let listen = format!("LISTEN \"{}\"", channel.replace('"', "\"\""));
            (client.batch_execute(&listen).await).map_err(Failure::of_statement)?;
            self.channels.insert(channel.to_owned());
        }
        Ok(self.made)
    }
}
