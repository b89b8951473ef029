//! Connections of the API: how many, and how long they may take.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep};

use super::{Counts, Shared, routes};

/// Most connections at one time; further ones are closed at once.
pub(crate) const CONNECTIONS_MAX: usize = 128;
/// Most streams at one time: events, a session to be followed, lines of alerts. Short requests always find one of the
/// other connections.
pub(crate) const STREAMS_MAX: usize = 64;
/// Most WebSockets at one time, which are no connections of this kind any more.
pub(crate) const SOCKETS_MAX: usize = 64;
/// Most bytes of the head of a request.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How much longer than a body a client may take to accept what is written.
const STALL_FACTOR: u32 = 3;

/// Serves whoever connects, until it is stopped and everybody has had the last answer.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let router = routes::router(&shared);
    let patience = shared.patience;
    let mut stopped = shared.stopped.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        let Ok((stream, _)) = accepted else {
            // Too many open files, or a client that went away at once: the next one may do better.
            sleep(Duration::from_millis(20)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            Counts::add(&shared.counts.connections_refused, 1);
            continue;
        };
        Counts::add(&shared.counts.connections, 1);
        // Without it small events wait for each other; a socket that refuses is about to fail anyway.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone().into_service::<Incoming>());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(
                TokioIo::new(Impatient::new(stream, patience * STALL_FACTOR)),
                service,
            )
            .with_upgrades();
        let mut stopped = stopped.clone();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            // What a client did wrong has been answered where it could be.
            tokio::select! {
                _ = connection.as_mut() => {}
                _ = stopped.changed() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
            drop(place);
        });
    }
    // Who comes now is told at once that nobody is here.
    drop(listener);
    for (places, all) in [
        (places, CONNECTIONS_MAX),
        (Arc::clone(&shared.sockets), SOCKETS_MAX),
    ] {
        let all = u32::try_from(all).expect("they are few");
        let everybody_left = places.acquire_many_owned(all).await;
        drop(everybody_left.expect("nobody closes it"));
    }
}

/// A connection that fails where its other end takes nothing for too long.
struct Impatient {
    stream: TcpStream,
    patience: Duration,
    /// Until when something has to be taken, while something waits to be.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    fn new(stream: TcpStream, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            stalled: None,
        }
    }

    /// What has become of a write, in time or not.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.in_time(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
