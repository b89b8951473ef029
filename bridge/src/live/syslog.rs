//! The plant's log lines to a syslog receiver outside, as they are written.
//!
//! Over UDP one line is one datagram (RFC 5426); over TCP lines are framed by octet counting (RFC 6587, 3.4.1). The lines
//! are those of `evidence/syslog.log` (RFC 5424) with the plant's time.
//!
//! **Invariant:** a receiver that is slow, deaf or gone costs lines, which are counted, and a few seconds at the end of the
//! session at most.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver as Waiting, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::wait_while_taken;

/// Lines that wait for a receiver.
const WAITING_MAX: usize = 10_000;
/// How long a receiver may take to accept a connection, or bytes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time between two tries to reach a receiver that has gone away.
const RETRY: Duration = Duration::from_millis(500);

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// A datagram per line.
    Udp(SocketAddr),
    /// A stream of counted lines.
    Tcp(SocketAddr),
}

impl std::str::FromStr for Receiver {
    type Err = String;

    /// Reads `udp://127.0.0.1:514` or `tcp://127.0.0.1:601`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no receiver: write udp://ADDRESS:PORT or tcp://ADDRESS:PORT");
        let (protocol, address) = text.split_once("://").ok_or_else(wrong)?;
        let address = address.parse().map_err(|_| wrong())?;
        match protocol {
            "udp" => Ok(Self::Udp(address)),
            "tcp" => Ok(Self::Tcp(address)),
            _ => Err(wrong()),
        }
    }
}

/// Sends one line.
type Wire = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

fn connect(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A TCP connection to a receiver that may go away and come again.
struct Link {
    address: SocketAddr,
    stream: Option<TcpStream>,
    /// When it was last tried to connect.
    tried: Instant,
    /// Where the session's end finds the connection of the moment.
    current: Arc<Mutex<Option<TcpStream>>>,
}

impl Link {
    /// Sends a line, over a new connection if the old one is broken and enough time has passed.
    fn send(&mut self, line: &str) -> io::Result<()> {
        if self.stream.as_ref().is_some_and(has_left) {
            self.breaks();
        }
        if self.stream.is_none() && self.tried.elapsed() >= RETRY {
            self.tried = Instant::now();
            self.stream = connect(self.address, RETRY).ok();
            self.show();
            if self.stream.is_some() {
                eprintln!(
                    "note: the syslog receiver at {} is there again",
                    self.address
                );
            }
        }
        let open = self.stream.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let sent = open.write_all(format!("{} {line}", line.len()).as_bytes());
        if sent.is_err() {
            // Behind a line of which only a part went out, counts would mean nothing any more.
            self.breaks();
        }
        sent
    }

    fn breaks(&mut self) {
        self.stream = None;
        self.show();
        eprintln!(
            "note: the syslog receiver at {} has gone; lines are lost until it is there again",
            self.address
        );
    }

    fn show(&self) {
        let shown = self
            .stream
            .as_ref()
            .and_then(|stream| stream.try_clone().ok());
        *self.current.lock().expect("nobody panics with it") = shown;
    }
}

/// Whether the receiver has closed its side: what is sent then is taken by the kernel, and by nobody else.
fn has_left(stream: &TcpStream) -> bool {
    let waits = stream.set_nonblocking(true);
    let left = match stream.peek(&mut [0]) {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    };
    waits.is_err() || stream.set_nonblocking(false).is_err() || left
}

/// Log lines on their way to a receiver.
#[derive(Debug)]
pub struct SyslogOut {
    lines: SyncSender<String>,
    given: u64,
    /// Lines that went out.
    sent: Arc<AtomicU64>,
    /// The connection of the moment, if there is one.
    connection: Arc<Mutex<Option<TcpStream>>>,
    /// Ends with the thread.
    done: Waiting<()>,
    thread: JoinHandle<()>,
}

impl SyslogOut {
    /// Begins to send.
    ///
    /// # Errors
    ///
    /// If nobody accepts a connection, or this machine has no socket.
    pub fn to(receiver: Receiver) -> io::Result<Self> {
        let connection = Arc::<Mutex<Option<TcpStream>>>::default();
        let mut wire: Wire = match receiver {
            Receiver::Udp(address) => {
                let any: SocketAddr = match address {
                    SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
                    SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
                };
                let socket = UdpSocket::bind(any)?;
                socket.connect(address)?;
                Box::new(move |line| socket.send(line.as_bytes()).map(|_| ()))
            }
            Receiver::Tcp(address) => {
                let mut link = Link {
                    address,
                    stream: Some(connect(address, PATIENCE)?),
                    tried: Instant::now(),
                    current: Arc::clone(&connection),
                };
                link.show();
                Box::new(move |line| link.send(line))
            }
        };
        let (lines, waiting) = sync_channel::<String>(WAITING_MAX);
        let (ends, done) = channel();
        let sent = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&sent);
        let thread = thread::spawn(move || {
            let _ends: std::sync::mpsc::Sender<()> = ends;
            for line in waiting {
                if wire(&line).is_ok() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self {
            lines,
            given: 0,
            sent,
            connection,
            done,
            thread,
        })
    }

    /// Hands over a line, without a line end.
    pub fn send(&mut self, line: String) {
        self.given += 1;
        // One for which there is no room is never sent, and that is how the lost ones are counted.
        let _ = self.lines.try_send(line);
    }

    /// Waits until the last line is sent, as long as the receiver takes some, and gives the number of those that were
    /// lost.
    #[must_use]
    pub fn finish(self) -> u64 {
        self.finish_with(PATIENCE)
    }

    fn finish_with(self, patience: Duration) -> u64 {
        drop(self.lines);
        let sent = || self.sent.load(Ordering::Relaxed);
        wait_while_taken(sent, || {
            self.done.recv_timeout(patience) != Err(RecvTimeoutError::Timeout)
        });
        let connection = self
            .connection
            .lock()
            .expect("nobody panics with it")
            .take();
        if let Some(stream) = connection {
            // What waits for a receiver that is too slow fails at once. To one that has everything it says nothing new.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // A panic of the thread is reported where it happens; its lines were not sent and so are counted.
        let _ = self.thread.join();
        self.given - sent()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    /// Lines on their way to a receiver over TCP.
    fn to_receiver() -> (TcpListener, SyslogOut) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("it is bound");
        let out = SyslogOut::to(Receiver::Tcp(address)).expect("somebody listens");
        (listener, out)
    }

    #[test]
    fn receivers_when_written_right_then_are_read() {
        assert_eq!(
            "udp://127.0.0.1:514".parse(),
            Ok(Receiver::Udp(([127, 0, 0, 1], 514).into()))
        );
        assert_eq!(
            "tcp://[::1]:601".parse(),
            Ok(Receiver::Tcp("[::1]:601".parse().expect("an address")))
        );
        for wrong in ["127.0.0.1:514", "udp://host", "http://127.0.0.1:1", ""] {
            let error = wrong.parse::<Receiver>().expect_err(wrong);
            assert!(error.contains("udp://"), "{error}");
        }
    }

    #[test]
    fn lines_when_sent_over_tcp_then_are_counted_octets() {
        let (listener, mut out) = to_receiver();
        out.send("<134>1 one".to_owned());
        out.send("<134>1 zwölf".to_owned());
        let (mut stream, _) = listener.accept().expect("it has connected");
        assert_eq!(out.finish(), 0);
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it is text");
        assert_eq!(text, "10 <134>1 one13 <134>1 zwölf");
    }

    #[test]
    fn lines_when_sent_over_udp_then_are_datagrams() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let address = socket.local_addr().expect("it is bound");
        let mut out = SyslogOut::to(Receiver::Udp(address)).expect("there is a socket");
        out.send("<134>1 one".to_owned());
        let mut buffer = [0; 64];
        let len = socket.recv(&mut buffer).expect("it comes");
        assert_eq!(&buffer[..len], b"<134>1 one");
        assert_eq!(out.finish(), 0);
    }

    #[test]
    fn lines_when_the_receiver_goes_away_then_the_rest_is_lost_and_counted() {
        let (listener, mut out) = to_receiver();
        drop(listener.accept().expect("it has connected"));
        drop(listener);
        // More than fits into the buffers of a socket that nobody reads.
        for _ in 0..5_000 {
            out.send("x".repeat(4_096));
        }
        assert!(out.finish() > 0);
    }

    #[test]
    fn lines_when_the_receiver_takes_one_now_and_then_then_the_end_does_not_wait_for_all() {
        let (listener, mut out) = to_receiver();
        let (mut stream, _) = listener.accept().expect("it has connected");
        for _ in 0..WAITING_MAX {
            out.send("x".repeat(4_096));
        }
        let reader = thread::spawn(move || {
            let mut some = vec![0; 65_536];
            // Ends with the connection.
            while stream.read(&mut some).is_ok_and(|bytes| bytes > 0) {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let lost = out.finish_with(Duration::from_millis(50));
        assert!(lost > 0 && lost < 10_000, "{lost}");
        reader.join().expect("it only reads");
    }

    #[test]
    fn lines_when_the_receiver_comes_back_then_it_gets_those_from_then_on() {
        let (listener, mut out) = to_receiver();
        drop(listener.accept().expect("it has connected"));
        listener.set_nonblocking(true).expect("it is a socket");
        let mut given = 0;
        let (mut stream, _) = loop {
            out.send(format!("{given}"));
            given += 1;
            match listener.accept() {
                Ok(accepted) => break accepted,
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        };
        out.send("last".to_owned());
        let lost = out.finish();
        stream.set_nonblocking(false).expect("it is a socket");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it is text");
        assert!(text.ends_with("4 last"), "{text}");
        let got = u64::try_from(text.matches(' ').count()).expect("a count");
        // What the old connection took in its last moment is in neither.
        assert!(got >= 1 && got + lost <= given + 1, "{got} {lost}: {text}");
    }

    #[test]
    fn lines_when_nobody_listens_then_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        assert!(SyslogOut::to(Receiver::Tcp(address)).is_err());
    }
}
