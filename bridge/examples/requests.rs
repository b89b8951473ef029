//! How many Modbus requests a server answers in a second, and how long one takes.
//!
//! ```text
//! cargo run --release -p twinrange-bridge --example requests -- [NAME=ADDRESS…]
//! ```
//!
//! For each server, one connection and then four ask for ten holding registers, each as soon as it has its answer. The
//! first server is one of `tokio-modbus` in this process, so that there is something to compare with in the same run;
//! others are named, such as `plant=127.0.0.1:40001` for a controller of `twinrange live`.

use std::future;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::{Server, accept_tcp_connection};
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

/// How long each measurement takes.
const SPAN: Duration = Duration::from_secs(3);

/// A thousand registers that are all zero.
#[derive(Clone)]
struct Zeros;

impl Service for Zeros {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = future::Ready<Result<Response, ExceptionCode>>;

    fn call(&self, asked: Self::Request) -> Self::Future {
        future::ready(match asked.request {
            Request::ReadHoldingRegisters(_, quantity) => Ok(Response::ReadHoldingRegisters(vec![
                    0;
                    usize::from(quantity)
                ])),
            _ => Err(ExceptionCode::IllegalFunction),
        })
    }
}

/// Starts a server of `tokio-modbus`, and gives its address.
fn tokio_modbus() -> io::Result<SocketAddr> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        runtime.block_on(async {
            let server = Server::new(listener);
            let serve = |stream, from| async move {
                accept_tcp_connection(stream, from, |_| Ok(Some(Zeros)))
            };
            server.serve(&serve, |error| eprintln!("{error}")).await
        })
    });
    Ok(address)
}

/// Asks one server over one connection, and gives how long each request took.
fn ask(address: SocketAddr) -> io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut took = Vec::new();
    let began = Instant::now();
    let mut answer = [0; 29];
    let mut transaction = 0_u16;
    while began.elapsed() <= SPAN {
        transaction = transaction.wrapping_add(1);
        let [high, low] = transaction.to_be_bytes();
        let asked = Instant::now();
        stream.write_all(&[high, low, 0, 0, 0, 6, 1, 3, 4, 0, 0, 10])?;
        stream.read_exact(&mut answer)?;
        took.push(asked.elapsed());
        assert_eq!(answer[7], 3, "it is an exception: {answer:?}");
    }
    Ok(took)
}

fn measure(name: &str, address: SocketAddr, connections: usize) -> io::Result<()> {
    let threads: Vec<_> = (0..connections)
        .map(|_| thread::spawn(move || ask(address)))
        .collect();
    let mut took = Vec::new();
    for thread in threads {
        took.extend(thread.join().expect("the answers are right")?);
    }
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1e6;
    println!(
        "{name:16} {connections} connections  {:>8.0} requests/s  p50 {:>7.0} us  p99 {:>7.0} us",
        took.len() as f64 / SPAN.as_secs_f64(),
        at(50),
        at(99)
    );
    Ok(())
}

fn main() -> io::Result<()> {
    let mut servers = vec![("tokio-modbus".to_owned(), tokio_modbus()?)];
    for argument in std::env::args().skip(1) {
        let named = argument.split_once('=').and_then(|(name, address)| {
            let address = address.parse().ok()?;
            Some((name.to_owned(), address))
        });
        let wrong = || io::Error::other(format!("`{argument}` is not NAME=ADDRESS:PORT"));
        servers.push(named.ok_or_else(wrong)?);
    }
    for connections in [1, 4] {
        for (name, address) in &servers {
            measure(name, *address, connections)?;
        }
    }
    Ok(())
}
