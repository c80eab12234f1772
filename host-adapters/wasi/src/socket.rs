//! A TCP connection by `wasi:sockets`, as tokio's traits want it.

use std::future::poll_fn;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wasi::io::streams::{InputStream, OutputStream, StreamError};
use wasi::sockets::instance_network::instance_network;
use wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use wasi::sockets::tcp::TcpSocket;
use wasi::sockets::tcp_create_socket::create_tcp_socket;

use crate::wait::wake_by;

/// The most bytes that are read or written at once.
const MAX_CHUNK: usize = 64 * 1024;

/// A connection. What was made of the socket goes before it.
pub(crate) struct Socket {
    input: InputStream,
    output: OutputStream,
    _socket: TcpSocket,
}

impl Socket {
    /// Connects to the first address of the host that answers.
    pub(crate) async fn connect(host: &str, port: u16) -> Result<Self, String> {
        let mut failure = format!("the host {host} has no address");
        for address in resolve(host).await? {
            match Self::connect_to(address, port).await {
                Ok(socket) => return Ok(socket),
                Err(code) => failure = format!("{host}:{port} cannot be reached: {code:?}"),
            }
        }
        Err(failure)
    }

    async fn connect_to(address: IpAddress, port: u16) -> Result<Self, ErrorCode> {
        let (family, address) = match address {
            IpAddress::Ipv4(address) => (
                IpAddressFamily::Ipv4,
                IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }),
            ),
            IpAddress::Ipv6(address) => (
                IpAddressFamily::Ipv6,
                IpSocketAddress::Ipv6(Ipv6SocketAddress {
                    port,
                    address,
                    flow_info: 0,
                    scope_id: 0,
                }),
            ),
        };
        let socket = create_tcp_socket(family)?;
        socket.start_connect(&instance_network(), address)?;
        let (input, output) = poll_fn(|_| match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => {
                wake_by(socket.subscribe());
                Poll::Pending
            }
            finished => Poll::Ready(finished),
        })
        .await?;
        Ok(Self {
            input,
            output,
            _socket: socket,
        })
    }
}

/// The addresses of a host.
async fn resolve(host: &str) -> Result<Vec<IpAddress>, String> {
    let fail = |code| match code {
        ErrorCode::AccessDenied => format!(
            "the host of this component does not let it look {host} up (`wasmtime serve` does with \
             -S inherit-network -S allow-ip-name-lookup)"
        ),
        code => format!("the host {host} cannot be found: {code:?}"),
    };
    let addresses = resolve_addresses(&instance_network(), host).map_err(fail)?;
    let mut found = Vec::new();
    loop {
        let next = poll_fn(|_| match addresses.resolve_next_address() {
            Err(ErrorCode::WouldBlock) => {
                wake_by(addresses.subscribe());
                Poll::Pending
            }
            next => Poll::Ready(next),
        });
        match next.await.map_err(fail)? {
            Some(address) => found.push(address),
            None => return Ok(found),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        let most = buffer.remaining().min(MAX_CHUNK);
        match self.input.read(most as u64) {
            Ok(bytes) if bytes.is_empty() && most > 0 => {
                wake_by(self.input.subscribe());
                Poll::Pending
            }
            Ok(bytes) => {
                buffer.put_slice(&bytes);
                Poll::Ready(Ok(()))
            }
            // The end.
            Err(StreamError::Closed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(broken(&error))),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        let room = match self.output.check_write() {
            Ok(0) => {
                wake_by(self.output.subscribe());
                return Poll::Pending;
            }
            Ok(room) => usize::try_from(room).unwrap_or(usize::MAX),
            Err(error) => return Poll::Ready(Err(broken(&error))),
        };
        let taken = bytes.len().min(room).min(MAX_CHUNK);
        let (now, _) = bytes.split_at(taken);
        match self.output.write(now) {
            Ok(()) => Poll::Ready(Ok(taken)),
            Err(error) => Poll::Ready(Err(broken(&error))),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // A socket sends what it is given.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }
}

fn broken(error: &StreamError) -> Error {
    match error {
        StreamError::Closed => ErrorKind::BrokenPipe.into(),
        StreamError::LastOperationFailed(error) => Error::other(error.to_debug_string()),
    }
}
