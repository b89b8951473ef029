//! Connections of the API: how many, and how long they may take.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::{Counts, Shared, routes};

/// Most connections at one time; further ones are closed at once.
pub(crate) const CONNECTIONS_MAX: usize = 128;
/// Most WebSockets at one time, which are no connections of this kind any more.
pub(crate) const SOCKETS_MAX: usize = 64;
/// Most bytes of the head of a request.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Serves whoever connects, until it is stopped and everybody has had the last answer.
pub(crate) async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let router = routes::router(&shared);
    let patience = shared.patience;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        let Ok((stream, _)) = accepted else {
            // Too many open files, or a client that went away at once: the next one may do better.
            tokio::time::sleep(Duration::from_millis(20)).await;
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
            .serve_connection(TokioIo::new(stream), service)
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
    for (places, all) in [
        (places, CONNECTIONS_MAX),
        (Arc::clone(&shared.sockets), SOCKETS_MAX),
    ] {
        let all = u32::try_from(all).expect("they are few");
        let everybody_left = places.acquire_many_owned(all).await;
        drop(everybody_left.expect("nobody closes it"));
    }
}
