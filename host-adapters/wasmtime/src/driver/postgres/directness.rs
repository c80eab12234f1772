//! Whether a connection certainly leads to one session of the server, with nothing between that could lead it to
//! another one.

use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

/// The two ends of a connection.
///
/// Where the server sees the very same ones, they are one connection: there are no two with the same ends. The
/// client's end alone would not tell: a pooler on the client's machine may have the same port by chance, for another
/// server's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    client: (IpAddr, u16),
    server: (IpAddr, u16),
}

impl Ends {
    /// Those of a socket of ours; none where the system does not tell.
    pub(super) fn of(socket: &TcpStream) -> Option<Self> {
        let (client, server) = (socket.local_addr().ok()?, socket.peer_addr().ok()?);
        Some(Self {
            client: end(client),
            server: end(server),
        })
    }

    /// Whether they are those that the server sees. What is no answer, as of something that only resembles
    /// PostgreSQL, says no.
    pub(super) async fn are_seen_by(self, client: &Client) -> bool {
        const QUESTION: &str = "SELECT pg_catalog.host(pg_catalog.inet_client_addr()), \
            pg_catalog.inet_client_port(), pg_catalog.host(pg_catalog.inet_server_addr()), \
            pg_catalog.inet_server_port()";
        let Ok(answer) = client.simple_query(QUESTION).await else {
            return false;
        };
        let seen = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Self::read(row),
            _ => None,
        });
        seen == Some(self)
    }

    fn read(row: &SimpleQueryRow) -> Option<Self> {
        let text = |column| row.try_get(column).ok().flatten();
        let end = |address, port| -> Option<(IpAddr, u16)> {
            let address: IpAddr = text(address)?.parse().ok()?;
            Some((address.to_canonical(), text(port)?.parse().ok()?))
        };
        Some(Self {
            client: end(0, 1)?,
            server: end(2, 3)?,
        })
    }
}

fn end(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip().to_canonical(), address.port())
}
