//! The server that nginx's mail module asks, for each session, where to send it: always to the sink.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The server on a thread of its own, until dropped.
pub(super) struct AuthHttp {
    pub(super) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl AuthHttp {
    /// Starts on a free port.
    pub(super) fn start(sink: SocketAddr) -> Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("auth_http".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => (),
                    // Without it nginx refuses all sessions, and the run fails.
                    _fault = accept(listener, sink) => (),
                }
            });
        })?;
        Ok(Self { address, _stop: stop })
    }
}

async fn accept(listener: std::net::TcpListener, sink: SocketAddr) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream, sink));
    }
}

async fn answer(mut stream: TcpStream, sink: SocketAddr) -> Result<()> {
    let mut request = Vec::new();
    while memchr::memmem::find(&request, b"\r\n\r\n").is_none() {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let (ip, port) = (sink.ip(), sink.port());
    let reply =
        format!("HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: {ip}\r\nAuth-Port: {port}\r\n\r\n");
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}
