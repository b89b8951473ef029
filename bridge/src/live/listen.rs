//! Real sockets of this machine, behind each of which a simulated controller answers.
//!
//! [`Doors`] accept clients of each controller on a runtime of their own and turn what happens at them into
//! [`FromClient`]. One piece of at most 2,048 bytes of each client is on its way at a time, so that a client
//! that writes without end costs no memory. A door speaks plain Modbus, or Modbus inside TLS ([`super::tls`]); behind
//! the handshake both are served by the same code.
//!
//! **Invariant:** a client whose handshake fails or does not end is counted, and the plant never hears of it.

use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;

use super::Event;
use super::gateway::{CLIENTS_MAX, FromClient, ToClient};
use super::tls::Tls;

/// Most bytes that are read from a client at once.
const READ_BYTES: usize = 2048;
/// Pieces of a controller's answers that wait for a client that does not read.
const WAITING_MAX: usize = 16;
/// How often it is looked whether a client's connection inside the plant is still there.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a client may take for the last answers once it is not.
const FAREWELL: Duration = Duration::from_secs(30);

/// Listening sockets, and the tasks that serve them; dropping it closes all.
pub struct Doors {
    runtime: Runtime,
    desk: Reception,
    /// Places for handshakes.
    handshakes: Arc<Semaphore>,
    refused: Arc<Mutex<Refused>>,
}

/// What every client needs that is let in.
#[derive(Clone)]
struct Reception {
    events: Sender<Event>,
    next_id: Arc<AtomicU64>,
}

/// Clients that were not let in, because no handshake came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// Why the last one was not.
    pub last: String,
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
            desk: Reception {
                events,
                next_id: Arc::default(),
            },
            handshakes: Arc::new(Semaphore::new(CLIENTS_MAX)),
            refused: Arc::default(),
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
        let desk = self.desk.clone();
        self.listen(address, move |stream| {
            tokio::spawn(desk.clone().serve(stream, server));
        })
    }

    /// Listens as [`Doors::open`] does for clients that speak Modbus inside TLS.
    ///
    /// # Errors
    ///
    /// If this machine does not let anybody listen there.
    pub fn open_tls(
        &self,
        address: SocketAddr,
        server: SocketAddrV4,
        tls: &Tls,
    ) -> io::Result<SocketAddr> {
        let (desk, tls) = (self.desk.clone(), tls.clone());
        let (handshakes, refused) = (Arc::clone(&self.handshakes), Arc::clone(&self.refused));
        self.listen(address, move |stream| {
            let (desk, tls, refused) = (desk.clone(), tls.clone(), Arc::clone(&refused));
            let Ok(place) = Arc::clone(&handshakes).try_acquire_owned() else {
                refuse(&refused, "too many were at their handshakes".to_owned());
                return;
            };
            tokio::spawn(async move {
                let greeted = tls.greet(stream).await;
                drop(place);
                match greeted {
                    Ok(stream) => desk.serve(stream, server).await,
                    Err(why) => refuse(&refused, why),
                }
            });
        })
    }

    /// Accepts whoever comes to an address.
    fn listen(
        &self,
        address: SocketAddr,
        meet: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> io::Result<SocketAddr> {
        let listener = self.runtime.block_on(TcpListener::bind(address))?;
        let bound = listener.local_addr()?;
        self.runtime.spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        // Without it small answers wait for each other; a socket that refuses is about to fail anyway.
                        let _ = stream.set_nodelay(true);
                        meet(stream);
                    }
                    // Too many open files, or a client that went away at once: the next one may do better.
                    Err(_) => sleep(Duration::from_millis(20)).await,
                }
            }
        });
        Ok(bound)
    }

    /// Closes all doors and says who was not let in.
    #[must_use]
    pub fn close(self) -> Refused {
        drop(self.runtime);
        let refused = self.refused.lock().expect("nobody panics with it");
        refused.clone()
    }
}

fn refuse(refused: &Mutex<Refused>, why: String) {
    let mut refused = refused.lock().expect("nobody panics with it");
    refused.count += 1;
    refused.last = why;
}

/// A client's stream, plain or not, with a socket at its bottom.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// The socket.
    fn socket(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// How a controller has ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By closing it, or the client was gone before.
    Orderly,
    /// By a reset.
    Reset,
}

impl Reception {
    /// Serves a client until it or its controller is gone.
    async fn serve<S: Stream>(self, stream: S, server: SocketAddrV4) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (client, answers) = mpsc::channel(WAITING_MAX);
        let plant = client.downgrade();
        let opened = FromClient::Opened { id, server, client };
        if self.events.send(Event::Client(opened)).is_err() {
            return;
        }
        let (mut reads, mut writes) = tokio::io::split(stream);
        let end = {
            let mut reading = pin!(read(&mut reads, id, &self.events));
            let mut writing = pin!(write(&mut writes, answers));
            let served = async {
                tokio::select! {
                    end = &mut writing => end,
                    // A client that sends no more may still wait for answers.
                    () = &mut reading => writing.await,
                }
            };
            tokio::select! {
                end = served => end,
                () = forgotten(plant) => End::Reset,
            }
        };
        if end == End::Reset {
            // Closing with a linger time of zero sends a reset, as the controller did.
            let _ = reads.unsplit(writes).socket().set_zero_linger();
        }
        let _ = self.events.send(Event::Client(FromClient::Gone(id)));
    }
}

/// Comes back some time after the plant's side of a connection has ended: a client that does not read would never hear
/// of it, and keep its place on this machine for ever.
async fn forgotten(plant: mpsc::WeakSender<ToClient>) {
    while plant.strong_count() > 0 {
        sleep(LOOK_EVERY).await;
    }
    sleep(FAREWELL).await;
}

/// Reads what a client says, until it says no more.
async fn read<S: Stream>(reads: &mut ReadHalf<S>, id: u64, events: &Sender<Event>) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let event = match reads.read(&mut buffer).await {
            Ok(0) => FromClient::Finished(id),
            // The TCP connection was closed and the TLS session was not, as many clients do it. Modbus tells the length
            // of each frame, so that nothing can be cut off unseen.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => FromClient::Finished(id),
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
async fn write<S: Stream>(writes: &mut WriteHalf<S>, mut answers: mpsc::Receiver<ToClient>) -> End {
    loop {
        match answers.recv().await {
            Some(ToClient::Bytes(bytes)) => {
                if writes.write_all(&bytes).await.is_err() || writes.flush().await.is_err() {
                    return End::Orderly;
                }
            }
            Some(ToClient::Finished) => {
                let _ = writes.shutdown().await;
                return End::Orderly;
            }
            Some(ToClient::Reset) | None => return End::Reset,
        }
    }
}
