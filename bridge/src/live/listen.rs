//! Real sockets of this machine, behind each of which a simulated controller answers.
//!
//! [`Doors`] accept clients of each controller on a runtime of their own and turn what happens at them into
//! [`FromClient`]. One piece of at most 2,048 bytes of each client is on its way at a time, so that a client
//! that writes without end costs no memory.

use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use super::Event;
use super::gateway::{FromClient, ToClient};

/// Most bytes that are read from a client at once.
const READ_BYTES: usize = 2048;
/// Pieces of a controller's answers that wait for a client that does not read.
const WAITING_MAX: usize = 16;

/// Listening sockets, and the tasks that serve them; dropping it closes all.
pub struct Doors {
    runtime: Runtime,
    events: Sender<Event>,
    next_id: Arc<AtomicU64>,
}

impl Doors {
    /// Starts the runtime.
    ///
    /// # Arguments
    ///
    /// * `events` — takes what happens at the clients. Its receiver may go away; clients are closed then.
    ///
    /// # Errors
    ///
    /// If the machine gives no thread.
    pub fn new(events: Sender<Event>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        Ok(Self {
            runtime,
            events,
            next_id: Arc::default(),
        })
    }

    /// Listens at an address for clients of a controller. Returns the address, whose port is a free one where port 0
    /// was asked for.
    ///
    /// # Arguments
    ///
    /// * `server` — the controller's address inside the simulation.
    ///
    /// # Errors
    ///
    /// If this machine does not let anybody listen there.
    pub fn open(&self, address: SocketAddr, server: SocketAddrV4) -> io::Result<SocketAddr> {
        let listener = self.runtime.block_on(TcpListener::bind(address))?;
        let bound = listener.local_addr()?;
        let (events, next_id) = (self.events.clone(), Arc::clone(&self.next_id));
        self.runtime.spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let id = next_id.fetch_add(1, Ordering::Relaxed);
                        tokio::spawn(serve(stream, id, server, events.clone()));
                    }
                    // Too many open files, or a client that went away at once: the next one may do better.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                }
            }
        });
        Ok(bound)
    }
}

async fn serve(stream: TcpStream, id: u64, server: SocketAddrV4, events: Sender<Event>) {
    // Without it small answers wait for each other; a socket that refuses is about to fail anyway.
    let _ = stream.set_nodelay(true);
    let (client, answers) = mpsc::channel(WAITING_MAX);
    let (reads, writes) = stream.into_split();
    let opened = FromClient::Opened { id, server, client };
    if events.send(Event::Client(opened)).is_err() {
        return;
    }
    let reading = tokio::spawn(read(reads, id, events.clone()));
    write(writes, answers).await;
    reading.abort();
    let _ = events.send(Event::Client(FromClient::Gone(id)));
}

async fn read(mut reads: OwnedReadHalf, id: u64, events: Sender<Event>) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let event = match reads.read(&mut buffer).await {
            Ok(0) => FromClient::Finished(id),
            Err(_) => FromClient::Gone(id),
            Ok(len) => {
                let (taken, all_taken) = oneshot::channel();
                let bytes = buffer[..len].to_vec();
                let told = events.send(Event::Client(FromClient::Bytes { id, bytes, taken }));
                if told.is_ok() && all_taken.await.is_ok() {
                    continue;
                }
                FromClient::Gone(id)
            }
        };
        let _ = events.send(Event::Client(event));
        return;
    }
}

/// Writes what the controller says, until one of the two is gone.
async fn write(mut writes: OwnedWriteHalf, mut answers: mpsc::Receiver<ToClient>) {
    loop {
        match answers.recv().await {
            Some(ToClient::Bytes(bytes)) => {
                if writes.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Some(ToClient::Finished) => {
                let _ = writes.shutdown().await;
                return;
            }
            Some(ToClient::Reset) | None => {
                // Closing with a linger time of zero sends a reset, as the controller did.
                let _ = writes.as_ref().set_zero_linger();
                return;
            }
        }
    }
}
