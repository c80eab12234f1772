//! A network that loses all that is sent on it, when it is told to: a worker's own.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Result, ensure};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

pub(super) struct Hole {
    /// Of the worker's network, and of its cable on this side; the other one is called like it with an `x`.
    name: String,
    /// Where the database is from within.
    pub(super) address: String,
}

impl Hole {
    /// Makes such a network, from which `server` is reached; where that is allowed.
    pub(super) fn dig(runtime: &Runtime, server: String) -> Result<Self> {
        let number = std::process::id();
        let name = format!("bi{number}");
        // One network of four addresses for each process.
        let base = u32::from(Ipv4Addr::new(10, 213, 0, 0)) + number % 0x4000 * 4;
        let (outside, inside) = (Ipv4Addr::from(base + 1), Ipv4Addr::from(base + 2));
        ip(&format!("netns add {name}"))?;
        let mut hole = Self {
            name,
            address: String::new(),
        };
        let name = &hole.name;
        for step in [
            format!("link add {name} type veth peer name {name}x netns {name}"),
            format!("addr add {outside}/30 dev {name}"),
            format!("link set {name} up"),
            format!("-n {name} addr add {inside}/30 dev {name}x"),
            format!("-n {name} link set {name}x up"),
            format!("-n {name} link set lo up"),
        ] {
            ip(&step)?;
        }
        let listener = runtime.block_on(TcpListener::bind((outside, 0)))?;
        hole.address = listener.local_addr()?.to_string();
        runtime.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(server).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Ok(hole)
    }

    /// A program that runs within.
    pub(super) fn command(&self, program: Command) -> Command {
        let mut command = Command::new("ip");
        (command.args(["netns", "exec", &self.name])).arg(program.get_program());
        command
    }

    /// Loses all that is sent from now on, or no more.
    pub(super) fn lose(&self, all: bool) -> Result<()> {
        // At the end outside: within, nothing is known of it.
        let state = if all { "down" } else { "up" };
        ip(&format!("link set {} {state}", self.name))
    }
}

impl Drop for Hole {
    fn drop(&mut self) {
        let _ = ip(&format!("link delete {}", self.name));
        let _ = ip(&format!("netns delete {}", self.name));
    }
}

fn ip(arguments: &str) -> Result<()> {
    let output = Command::new("ip").args(arguments.split(' ')).output()?;
    ensure!(output.status.success(), "`ip {arguments}` is not allowed");
    Ok(())
}
