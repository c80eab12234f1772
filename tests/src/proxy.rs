//! A TCP proxy that can cut its connections.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes connections on to a server until it is told to cut them.
pub struct Proxy {
    /// Where to connect to.
    pub address: SocketAddr,
    cut: watch::Sender<bool>,
}

impl Proxy {
    /// Before this server.
    pub async fn before(server: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (cut, cutting) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if *cutting.borrow() {
                    continue;
                }
                let server = server.clone();
                let mut cutting = cutting.clone();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(&server).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = cutting.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Ok(Self { address, cut })
    }

    /// Cuts all connections and takes no new ones.
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Takes connections again.
    pub fn heal(&self) {
        self.cut.send_replace(false);
    }
}
