//! The plant's log lines to a syslog receiver outside, as they are written.
//!
//! Over UDP one line is one datagram (RFC 5426); over TCP lines are framed by octet counting (RFC 6587, 3.4.1). The lines
//! are those of `evidence/syslog.log` (RFC 5424) with the plant's time.
//!
//! **Invariant:** a receiver that is slow, deaf or gone costs lines, which are counted, and a few seconds at the end of the
//! session at most.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Lines that wait for a receiver.
const WAITING_MAX: usize = 10_000;
/// How long a receiver may take to accept a connection, or bytes.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// Log lines on their way to a receiver.
#[derive(Debug)]
pub struct SyslogOut {
    lines: SyncSender<String>,
    lost: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl SyslogOut {
    /// Begins to send.
    ///
    /// # Errors
    ///
    /// If nobody accepts a connection, or this machine has no socket.
    pub fn to(receiver: Receiver) -> io::Result<Self> {
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
                let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                let mut stream = Some(stream);
                Box::new(move |line| {
                    // Behind a line of which only a part went out, counts would mean nothing any more.
                    let open = stream.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
                    let sent = open.write_all(format!("{} {line}", line.len()).as_bytes());
                    if sent.is_err() {
                        stream = None;
                    }
                    sent
                })
            }
        };
        let (lines, waiting) = sync_channel::<String>(WAITING_MAX);
        let lost = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&lost);
        let thread = thread::spawn(move || {
            for line in waiting {
                if wire(&line).is_err() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self {
            lines,
            lost,
            thread,
        })
    }

    /// Hands over a line, without a line end.
    pub fn send(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until the last line is sent, and gives the number of those that were lost.
    #[must_use]
    pub fn finish(self) -> u64 {
        drop(self.lines);
        // A panic of the thread is reported where it happens; its lines are lost and so it is counted already.
        let _ = self.thread.join();
        self.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

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
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("it is bound");
        let out = SyslogOut::to(Receiver::Tcp(address)).expect("somebody listens");
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
        let out = SyslogOut::to(Receiver::Udp(address)).expect("there is a socket");
        out.send("<134>1 one".to_owned());
        let mut buffer = [0; 64];
        let len = socket.recv(&mut buffer).expect("it comes");
        assert_eq!(&buffer[..len], b"<134>1 one");
        assert_eq!(out.finish(), 0);
    }

    #[test]
    fn lines_when_the_receiver_goes_away_then_the_rest_is_lost_and_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("it is bound");
        let out = SyslogOut::to(Receiver::Tcp(address)).expect("somebody listens");
        drop(listener.accept().expect("it has connected"));
        drop(listener);
        // More than fits into the buffers of a socket that nobody reads.
        for _ in 0..5_000 {
            out.send("x".repeat(4_096));
        }
        assert!(out.finish() > 0);
    }

    #[test]
    fn lines_when_nobody_listens_then_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        assert!(SyslogOut::to(Receiver::Tcp(address)).is_err());
    }
}
